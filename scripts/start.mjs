// npm start: installs what is missing, builds if needed and opens the program. Arguments after `--` go to the program.
import { spawn } from 'node:child_process';
import { build, checkNodeVersion, installPackages, isBuilt } from './lib/install.mjs';
import { ROOT, elapsed, say } from './lib/process.mjs';

checkNodeVersion();
await installPackages();

if (!isBuilt()) {
  const start = performance.now();
  say('Building …');
  const { code, output } = await build();
  if (code !== 0) {
    process.stdout.write(output);
    say('The build failed; see above.');
    process.exit(1);
  }
  say(`Built in ${elapsed(start)}.`);
}

// Imported only now: it needs the packages.
const { electronRuntime } = await import('./runtime.mjs');
const { libraryInstallCommand } = await import('./lib/system-packages.mjs');
const runtime = await electronRuntime().catch((error) => {
  say(error.message);
  process.exit(1);
});

if (process.platform === 'linux') {
  const lacking = await libraryInstallCommand(runtime.path);
  if (lacking !== undefined) {
    say(`Electron needs libraries that this system lacks (${lacking.missing.join(', ')}). On Debian or Ubuntu:`);
    say(`  ${lacking.command}`);
    process.exit(1);
  }
  if (!process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']) {
    say('There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set. Start it from a desktop session, or under');
    say('a virtual one: xvfb-run -a npm start (Debian and Ubuntu: apt-get install xvfb).');
    process.exit(1);
  }
}

// Chromium refuses to run its sandbox as root.
const flags = process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : [];
const program = spawn(runtime.path, [...flags, ROOT, ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => program.kill(signal));
program.on('error', (error) => {
  say(`The program could not be started: ${error.message}`);
  process.exit(1);
});
program.on('exit', (code, signal) => {
  if (signal !== null) say(`The program was ended by ${signal}.`);
  process.exit(code ?? 1);
});
