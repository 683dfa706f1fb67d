// Type-checks every folder that has a tsconfig.json, each with just its own lib and types, two at a time.
// Build information is kept under node_modules/.cache, so that a second run only looks at what changed.
import { mkdir, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ROOT, runCommand } from './lib/process.mjs';

const FOLDERS = ['.', 'shared', 'main/policy', 'main', 'app', 'renderer', 'test', 'test/e2e', 'test/renderer'];
const AT_ONCE = 2;
const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
const cache = path.join(ROOT, 'node_modules/.cache/types', path.basename(ROOT));

/** tsc answers an empty folder with an error; a folder without sources of its own has nothing to check. */
async function hasSources(folder) {
  if (folder === '.') return true;
  const entries = await readdir(path.join(ROOT, folder), { recursive: true }).catch(() => []);
  const inner = FOLDERS.filter((other) => other.startsWith(`${folder}/`)).map((other) => path.relative(folder, other));
  return entries.some((name) => /\.tsx?$/.test(name) && !inner.some((part) => name.startsWith(part + path.sep)));
}

async function check(folder) {
  if (!(await hasSources(folder))) return true;
  await mkdir(cache, { recursive: true });
  const info = path.join(cache, `${folder.replaceAll(/[./]+/g, '-')}.tsbuildinfo`);
  const { code, output } = await runCommand(
    process.execPath,
    [tsc, '--project', path.join(ROOT, folder), '--incremental', '--tsBuildInfoFile', info, '--pretty', 'false'],
    { cwd: ROOT },
  );
  if (code !== 0) process.stdout.write(output === '' ? `${folder}: tsc ended with ${code}\n` : output);
  return code === 0;
}

const waiting = [...FOLDERS];
let good = true;
async function worker() {
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
    if (!(await check(folder))) good = false;
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, worker));
if (!good) process.exitCode = 1;
