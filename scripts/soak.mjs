// node scripts/soak.mjs [--seed N] [--virtual-hours H | --minutes M] [--diary FILE]: bundles and runs test/soak; see docs/development.md.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { bundleForNode } from './lib/bundle.mjs';
import { ROOT } from './lib/process.mjs';

mkdirSync(path.join(ROOT, 'test-output'), { recursive: true });
// Inside the work tree, so that what is not bundled is found.
const out = mkdtempSync(path.join(ROOT, 'test-output', 'soak-'));
process.on('exit', () => rmSync(out, { recursive: true, force: true }));
await bundleForNode({
  entries: { soak: path.join(ROOT, 'test/soak/main.ts') },
  into: out,
  external: ['electron', 'vite'],
});
const child = spawn(process.execPath, [path.join(out, 'soak.mjs'), ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
  env: { ...process.env, POSTCAST_TEST_ROOT: ROOT },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
