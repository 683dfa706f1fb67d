// npm run pack: packages in dist/, made by electron-builder from electron-builder.yml. docs/development.md tells more.
//   --dir      only the unpacked program
//   --check    afterwards see that the packages are whole and that the unpacked program starts, listens and ends
//   --release  all kinds of package for this platform, although that needs downloads from GitHub
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build, checkNodeVersion, installPackages } from './lib/install.mjs';
import { ROOT, elapsed, runCommand, say } from './lib/process.mjs';

checkNodeVersion();
const start = performance.now();
const given = new Set(process.argv.slice(2));
const unknown = [...given].filter((argument) => !['--dir', '--check', '--release'].includes(argument));
if (unknown.length > 0) fail(`Unknown: ${unknown.join(' ')}. There are: --dir, --check, --release.`);

await installPackages();
const built = await build();
if (built.code !== 0) fail(`${built.output}\nThe build failed; see above.`);
const { electronRuntime } = await import('./runtime.mjs');
const runtime = await electronRuntime().catch((error) => fail(error.message));
const require = createRequire(import.meta.url);

await checkConfiguration();
const { targets, left } = chooseTargets();
const builder = await runBuilder(targets);
if (builder.code !== 0) fail(`${builder.output}\nelectron-builder ended with ${builder.code}; see above.`);
const dist = path.join(ROOT, 'dist');
for (const name of readdirSync(dist).sort()) {
  if (/\.(deb|rpm|AppImage|tar\.gz|exe|dmg)$/.test(name)) say(`  dist/${name}, ${megabytes(path.join(dist, name))} MB`);
  else if (/-unpacked$|^mac/.test(name)) say(`  dist/${name}/`);
}
if (left.length > 0) say(`Not made here: ${left.join(', ')} (tools that electron-builder downloads from GitHub).`);
say(`Packed in ${elapsed(start)}, with Electron ${runtime.version}.`);
if (runtime.source === 'fallback') say('This Electron is older than the one to be shipped: publish no such package.');
if (given.has('--check')) {
  const checking = performance.now();
  await checkPackages();
  say(`Checked in ${elapsed(checking)}.`);
}

function fail(reason) {
  say(reason);
  process.exit(1);
}

function megabytes(file) {
  return (statSync(file).size / 1e6).toFixed(1);
}

/** What electron-builder.yml says for every platform, held against electron-builder's own schema. */
async function checkConfiguration() {
  const fromBuilder = createRequire(require.resolve('electron-builder/package.json'));
  const { getConfig, validateConfiguration } = fromBuilder('app-builder-lib/out/util/config/config');
  const { DebugLogger } = fromBuilder('builder-util');
  const config = await getConfig(ROOT, 'electron-builder.yml', null);
  await validateConfiguration(config, new DebugLogger(false)).catch((error) => fail(error.message));
  say('electron-builder.yml fits the schema.');
}

function chooseTargets() {
  if (process.platform !== 'linux') return { targets: given.has('--dir') ? ['dir'] : [], left: [] };
  if (given.has('--dir')) return { targets: ['dir'], left: [] };
  // Where Electron itself had to come from npm, the tools for the other kinds cannot be had either, and each try costs
  // most of a minute.
  if (given.has('--release') || runtime.source === 'electron') {
    return { targets: ['AppImage', 'deb', 'rpm', 'tar.gz'], left: [] };
  }
  return { targets: ['dir', 'tar.gz', 'deb'].filter(possible), left: ['AppImage', 'rpm'] };
}

function possible(target) {
  const lacking =
    target === 'tar.gz' && onPath('7za') === undefined
      ? { program: '7za', package: 'p7zip-full' }
      : target === 'deb' && onPath('dpkg-deb') === undefined
        ? { program: 'dpkg-deb', package: 'dpkg' }
        : undefined;
  if (lacking === undefined) return true;
  say(`No ${target}: ${lacking.program} is missing (Debian and Ubuntu: apt-get install ${lacking.package}).`);
  return false;
}

function onPath(program) {
  return (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, program))
    .find((file) => existsSync(file));
}

async function runBuilder(targets) {
  const args = [require.resolve('electron-builder/cli.js'), '--publish', 'never', '--config', 'electron-builder.yml'];
  args.push({ linux: '--linux', win32: '--win', darwin: '--mac' }[process.platform] ?? '--linux', ...targets);
  args.push(`-c.electronVersion=${runtime.version}`, `-c.electronDist=${runtime.dist}`);
  const env = { ...process.env };
  if (process.platform === 'linux' && !given.has('--release')) {
    const sevenZip = onPath('7za');
    if (sevenZip !== undefined) env['ELECTRON_BUILDER_7ZIP_PATH'] ??= sevenZip;
    if (runtime.source === 'fallback') env['CUSTOM_FPM_PATH'] ??= path.join(ROOT, 'scripts/pack/fpm-deb.mjs');
    // Packages for trying out: quick to make rather than small.
    env['ELECTRON_BUILDER_COMPRESSION_LEVEL'] ??= '1';
  }
  if (runtime.source === 'fallback') args.push('-c.afterPack=scripts/pack/after-pack.cjs');
  rmSync(path.join(ROOT, 'dist'), { recursive: true, force: true });
  say(`Packing ${targets.join(', ') || 'for this platform'} …`);
  const packing = performance.now();
  const ticker = setInterval(() => say(`  still packing, ${elapsed(packing)}`), 15_000);
  const result = await runCommand(process.execPath, args, { env });
  clearInterval(ticker);
  return result;
}

/** The packages hold what they should, and the unpacked program starts, listens, answers its command line and ends. */
async function checkPackages() {
  if (process.platform !== 'linux') return say('The check of the packages is written for Linux only: not run.');
  const unpacked = path.join(dist, readdirSync(dist).find((name) => name.endsWith('-unpacked')) ?? '');
  await checkArchive(unpacked);
  checkNativeCode(unpacked);
  for (const name of readdirSync(dist)) {
    if (name.endsWith('.deb')) await checkDeb(path.join(dist, name));
    if (name.endsWith('.tar.gz')) await checkTar(path.join(dist, name));
  }
  await checkFuses(path.join(unpacked, 'postcast-server'));
  await checkProgram(unpacked);
}

async function checkArchive(unpacked) {
  const { listPackage } = await import('@electron/asar');
  const inside = new Set(listPackage(path.join(unpacked, 'resources/app.asar'), { isPack: false }));
  const wanted = ['/package.json', '/assets/icon.png', '/assets/tray/idle.png', '/out/renderer/index.html'];
  for (const name of readdirSync(path.join(ROOT, 'out'), { recursive: true })) {
    if (/\.c?js$/.test(name)) wanted.push(`/out/${name}`);
  }
  const missing = wanted.filter((name) => !inside.has(name));
  if (missing.length > 0) fail(`✘ app.asar lacks ${missing.join(', ')}.`);
  say('✔ app.asar holds the program and its pictures.');
}

/** Beside app.asar there is this platform's native code and nothing else. */
function checkNativeCode(unpacked) {
  const folder = path.join(unpacked, 'resources/app.asar.unpacked');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const wrong = files.filter(
    ({ name, parentPath }) => !name.endsWith('.node') || !parentPath.includes(`${process.platform}-${process.arch}`),
  );
  if (files.length === 0 || wrong.length > 0) {
    fail(`✘ Outside of app.asar lie ${files.map(({ name }) => name).join(', ') || 'no files'}.`);
  }
  say('✔ Of the native code, only that of this platform is in the package.');
}

async function checkDeb(file) {
  const contents = await runCommand('dpkg-deb', ['--contents', file]);
  const info = await runCommand('dpkg-deb', ['--info', file]);
  const wanted = ['/postcast\n', '/postcast-server\n', '/resources/app.asar\n', '/postcast-server.desktop\n'];
  const missing = wanted.filter((name) => !contents.output.includes(name));
  if (
    contents.code !== 0 ||
    info.code !== 0 ||
    missing.length > 0 ||
    !/^ Package: postcast-server$/m.test(info.output)
  ) {
    fail(`✘ ${path.basename(file)} is not whole:\n${info.output}\nMissing: ${missing.join(' ')}`);
  }
  say(`✔ ${path.basename(file)} holds program, command line and desktop entry.`);
}

async function checkTar(file) {
  const { code, output } = await runCommand('tar', ['-tzf', file]);
  if (code !== 0 || !/\/postcast$/m.test(output) || !/\/resources\/app\.asar$/m.test(output)) {
    fail(`✘ ${path.basename(file)} is not whole.`);
  }
  say(`✔ ${path.basename(file)} holds program and command line.`);
}

async function checkFuses(executable) {
  const { getCurrentFuseWire, FuseV1Options } = await import('@electron/fuses');
  const [off, on] = ['0'.charCodeAt(0), '1'.charCodeAt(0)];
  const wire = await getCurrentFuseWire(executable);
  const wanted = {
    RunAsNode: true,
    EnableCookieEncryption: true,
    EnableNodeOptionsEnvironmentVariable: false,
    EnableNodeCliInspectArguments: false,
    OnlyLoadAppFromAsar: true,
  };
  const wrong = Object.entries(wanted).filter(([name, set]) => wire[FuseV1Options[name]] !== (set ? on : off));
  if (wrong.length > 0) fail(`✘ Fuses are not as they should be: ${wrong.map(([name]) => name).join(', ')}.`);
  say('✔ The fuses are set.');
}

async function checkProgram(unpacked) {
  const profile = mkdtempSync(path.join(tmpdir(), 'postcast-packed-'));
  const port = await freePort();
  mkdirSync(profile, { recursive: true });
  writeFileSync(path.join(profile, 'settings.json'), JSON.stringify({ server: { host: ['127.0.0.1'], port } }));
  const display = await startDisplay();
  const since = performance.now();
  const program = spawn(
    path.join(unpacked, 'postcast-server'),
    [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--password-store=basic',
      '--profile',
      profile,
      '--hidden',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, DISPLAY: display.name }, detached: true },
  );
  // fail() ends the script at once: the program must not be left behind, nor its profile.
  const cleanUp = () => {
    endGroup(program.pid);
    display.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  process.once('exit', cleanUp);
  let output = '';
  for (const stream of [program.stdout, program.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  const ended = new Promise((resolve) => program.once('exit', (code, signal) => resolve(signal ?? code)));
  let over = false;
  void ended.then(() => (over = true));
  try {
    const greeting = await waitForGreeting(port, 30_000, () => over);
    if (greeting === undefined) fail(`✘ The packed program does not listen on port ${port}.\n${output}`);
    say(`✔ The packed program listens (${elapsed(since)}): ${greeting}`);
    const postcast = (...args) =>
      runCommand(path.join(unpacked, 'postcast'), ['--profile', profile, ...args], { timeoutSeconds: 20 });
    const status = await postcast('status', '--json');
    if (status.code !== 0) fail(`✘ postcast status ended with ${status.code}:\n${status.output}`);
    say('✔ postcast status answers.');
    const quit = await postcast('quit');
    const how = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 15_000, 'still running'))]);
    if (quit.code !== 0 || how !== 0)
      fail(`✘ postcast quit ended with ${quit.code}, the program: ${how}.\n${quit.output}${output}`);
    say('✔ postcast quit ends the program.');
  } finally {
    cleanUp();
  }
}

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** A virtual display, or the one that there is where Xvfb is not installed. */
async function startDisplay() {
  if (onPath('Xvfb') === undefined) {
    const name = process.env['DISPLAY'];
    if (!name) fail('Xvfb is missing (Debian and Ubuntu: apt-get install xvfb).');
    return { name, close: () => undefined };
  }
  const xvfb = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  process.once('exit', () => xvfb.kill());
  const number = await new Promise((resolve) => {
    xvfb.stdio[3].once('data', (data) => resolve(String(data).trim()));
    xvfb.once('exit', () => resolve(undefined));
  });
  if (number === undefined) fail('Xvfb ended before it was ready.');
  return { name: `:${number}`, close: () => xvfb.kill() };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** The first line of the listener's greeting; undefined if there is none in time or the program is over. */
async function waitForGreeting(port, timeoutMs, isOver) {
  const until = performance.now() + timeoutMs;
  while (performance.now() < until && !isOver()) {
    const line = await new Promise((resolve) => {
      const socket = net.connect({ host: '127.0.0.1', port });
      const finish = (value) => {
        socket.destroy();
        resolve(value);
      };
      socket.setTimeout(5000, () => finish(undefined));
      socket.once('error', () => finish(undefined));
      socket.once('data', (data) => finish(String(data).split('\r\n')[0]));
    });
    if (line?.startsWith('220 ')) return line;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return undefined;
}
