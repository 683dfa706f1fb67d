// npm run bench: our program beside Postfix and beside an empty Electron tray program; see docs/bench.md.
//   --rounds N  --starts N  --quick (a short try, docs/bench.md is left alone)  --only postfix,program,tray
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { build, checkNodeVersion, installPackages } from './lib/install.mjs';
import { ROOT, say } from './lib/process.mjs';

checkNodeVersion();
if (process.platform !== 'linux' || process.getuid?.() !== 0) {
  say('The bench runs on Linux only, and as root, since Postfix does not start without.');
  process.exit(1);
}
await installPackages();
const built = await build();
if (built.code !== 0) {
  process.stdout.write(`${built.output}\nThe build failed; see above.\n`);
  process.exit(1);
}
const { electronRuntime } = await import('./runtime.mjs');
const { ensureSystemPackages } = await import('./lib/system-packages.mjs');
const runtime = await electronRuntime().catch((error) => {
  say(error.message);
  process.exit(1);
});
if ((await ensureSystemPackages(['bench'], runtime.path)).size > 0) process.exit(1);

const tsx = path.join(ROOT, 'node_modules/tsx/dist/cli.mjs');
if (!existsSync(tsx)) throw new Error('tsx is missing: run npm ci.');
const child = spawn(process.execPath, [tsx, path.join(ROOT, 'test/bench/bench.ts'), ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
  env: { ...process.env, POSTCAST_TEST_ELECTRON: runtime.path, POSTCAST_BENCH_ELECTRON_VERSION: runtime.version },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
