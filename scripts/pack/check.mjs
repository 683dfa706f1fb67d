// npm run pack -- --check: the packages hold what they should and nothing else, and the program starts from the unpacked
// folder and as the deb installs it. For Linux.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT, elapsed, onPath, runCommand, say } from '../lib/process.mjs';
import { systemOf, wrongNativeCode } from './native-code.mjs';
import { nativeModulesIn } from './open-package.mjs';

/** Throws an Error that says what is wrong. `dist` is where electron-builder put the packages. */
export async function checkPackages(dist) {
  await checkNativeCode(dist);
  if (process.platform !== 'linux') return say('The rest of the check is written for Linux only: not run.');
  const unpacked = path.join(dist, readdirSync(dist).find((name) => name.endsWith('-unpacked')) ?? '');
  await checkArchive(unpacked);
  checkUnpackedFiles(unpacked);
  checkLicences(unpacked);
  await checkFuses(path.join(unpacked, 'postcast-server'));
  await withDisplay(async (display) => {
    await checkProgram('The unpacked program', display, (name, args) => [path.join(unpacked, name), ...args]);
    for (const name of readdirSync(dist)) {
      if (name.endsWith('.deb')) await checkDeb(path.join(dist, name), display);
      if (name.endsWith('.tar.gz')) await checkTar(path.join(dist, name));
    }
  });
}

/** All that may be in the archive: what the build makes, pictures, and the one library that is not bundled. */
const INSIDE = [
  /^\/(package\.json|LICENSE)$/,
  /^\/out\/(main|preload)(\/chunks)?\/[\w.-]+\.[cm]?js$/,
  /^\/out\/main\/package\.json$/,
  /^\/out\/renderer\/(index\.html|assets\/[\w.-]+\.(js|css|woff2?|svg|png))$/,
  /^\/assets\/(icon\.png|tray\/[\w@-]+\.(png|ico))$/,
  /^\/node_modules\/(@photostructure\/sqlite|node-gyp-build)\//,
];

async function checkArchive(unpacked) {
  const { listPackage, statFile } = await import('@electron/asar');
  const archive = path.join(unpacked, 'resources/app.asar');
  const files = listPackage(archive, { isPack: false }).filter(
    (name) => !('files' in statFile(archive, name.slice(1))),
  );
  const inside = new Set(files);
  const wanted = ['/package.json', '/assets/icon.png', '/assets/tray/idle.png', '/out/renderer/index.html'];
  for (const name of readdirSync(path.join(ROOT, 'out'), { recursive: true })) {
    if (/\.[cm]?js$/.test(name)) wanted.push(`/out/${name}`);
  }
  const missing = wanted.filter((name) => !inside.has(name));
  if (missing.length > 0) throw new Error(`app.asar lacks ${missing.join(', ')}.`);
  const foreign = files.filter((name) => !INSIDE.some((pattern) => pattern.test(name)));
  if (foreign.length > 0) throw new Error(`app.asar holds what should not be in a package: ${foreign.join(', ')}.`);
  const unsealed = files.filter((name) => {
    const { unpacked: outside, integrity } = statFile(archive, name.slice(1));
    return outside !== true && integrity === undefined;
  });
  if (unsealed.length > 0) throw new Error(`app.asar has no digest for ${unsealed.join(', ')}.`);
  say(`✔ app.asar holds the program and its pictures, ${files.length} files with their digests, and nothing else.`);
}

/** Every package that was made, whichever system it is for, is opened: its native code is that system's and no other's. */
async function checkNativeCode(dist) {
  for (const name of readdirSync(dist).sort()) {
    const system = systemOf(name);
    if (system === null) continue;
    const { modules, unopened } = await nativeModulesIn(path.join(dist, name));
    if (unopened !== null) {
      say(`  ${name} was not looked into: ${unopened}.`);
      continue;
    }
    const wrong = wrongNativeCode(system, modules);
    if (wrong !== '') throw new Error(`${name}: ${wrong}`);
    say(`✔ ${name} holds native code for ${system} and for nothing else.`);
  }
}

/** Of what lies beside app.asar, nothing is anything else than native code. */
function checkUnpackedFiles(unpacked) {
  const folder = path.join(unpacked, 'resources/app.asar.unpacked');
  const foreign = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.node'))
    .map(({ name }) => name);
  if (foreign.length > 0) throw new Error(`Outside of app.asar lie ${foreign.join(', ')}.`);
}

function checkLicences(unpacked) {
  const beside = ['LICENSE.electron.txt', 'LICENSES.chromium.html', 'resources/LICENSE'];
  const missing = beside.filter((name) => !existsSync(path.join(unpacked, name)));
  if (missing.length > 0) throw new Error(`The package lacks ${missing.join(', ')}.`);
  const libraries = readFileSync(path.join(unpacked, 'resources/LICENSES.libraries.md'), 'utf8');
  for (const name of ['react', 'smtp-server', 'nodemailer', '@photostructure/sqlite', 'zod']) {
    if (!libraries.includes(`\n## ${name} - `)) throw new Error(`LICENSES.libraries.md lacks ${name}.`);
  }
  say(`✔ The licences of Electron, Chromium and ${libraries.match(/^## /gm)?.length} libraries are in the package.`);
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
    EnableEmbeddedAsarIntegrityValidation: true,
    OnlyLoadAppFromAsar: true,
    LoadBrowserProcessSpecificV8Snapshot: false,
  };
  const wrong = Object.entries(wanted).filter(([name, set]) => wire[FuseV1Options[name]] !== (set ? on : off));
  if (wrong.length > 0) throw new Error(`Fuses are not as they should be: ${wrong.map(([name]) => name).join(', ')}.`);
  say('✔ The fuses are set.');
}

async function checkTar(file) {
  const { code, output } = await runCommand('tar', ['-tzf', file]);
  if (code !== 0 || !/\/postcast$/m.test(output) || !/\/resources\/app\.asar$/m.test(output)) {
    throw new Error(`${path.basename(file)} is not whole.`);
  }
  say(`✔ ${path.basename(file)} holds program and command line.`);
}

async function checkDeb(file, display) {
  const name = path.basename(file);
  const contents = await runCommand('dpkg-deb', ['--contents', file]);
  const info = await runCommand('dpkg-deb', ['--info', file]);
  const wanted = [
    '/postcast\n',
    '/postcast-server\n',
    '/resources/app.asar\n',
    '/usr/share/applications/postcast-server.desktop\n',
    '/apps/postcast-server.png\n',
    '/usr/share/doc/postcast-server/copyright\n',
  ];
  const missing = wanted.filter((one) => !contents.output.includes(one)).map((one) => one.trim());
  if (
    contents.code !== 0 ||
    info.code !== 0 ||
    missing.length > 0 ||
    !/^ Package: postcast-server$/m.test(info.output)
  ) {
    throw new Error(`${name} is not whole:\n${info.output}\nMissing: ${missing.join(' ') || 'nothing'}`);
  }
  say(`✔ ${name} holds program, command line, desktop entry, icon and copyright.`);
  if (process.getuid?.() !== 0) return say(`  ${name} was not installed: that wants root.`);
  await withThrowAwaySystem(async (inside) => {
    // Only the package itself is tried: what it depends on may be missing on a machine that builds it.
    const install = await inside(['dpkg', '--force-depends', '--install', file]);
    if (install.code !== 0) throw new Error(`${name} cannot be installed:\n${install.output}`);
    await checkProgram('The installed program', display, (program, args) => [...inside.prefix, program, ...args]);
    const entry = await inside(['cat', '/usr/share/applications/postcast-server.desktop']);
    const executable = /^Exec="([^"]+)"/m.exec(entry.output)?.[1] ?? 'no program';
    if ((await inside(['test', '-x', executable])).code !== 0)
      throw new Error(`The desktop entry names ${executable}.`);
    const remove = await inside(['dpkg', '--purge', 'postcast-server']);
    const left = await inside([
      'sh',
      '-c',
      'ls -d "/opt/PostCast Server" /usr/bin/postcast* /usr/share/applications/postcast* /etc/apparmor.d/postcast* 2>/dev/null',
    ]);
    if (remove.code !== 0 || left.output !== '') throw new Error(`dpkg --purge left ${left.output}\n${remove.output}`);
    say(`✔ ${name} was installed in a throw-away copy of this system, and removed without a trace.`);
  });
}

/**
 * Lends a copy of this system: whatever is written in it, but for /tmp, goes into memory and is gone afterwards.
 * `inside(command)` runs something there, `inside.prefix` is what to put in front of a command.
 */
async function withThrowAwaySystem(use) {
  const base = mkdtempSync(path.join(tmpdir(), 'postcast-system-'));
  const root = path.join(base, 'root');
  const holder = spawn(
    'unshare',
    [
      '--mount',
      'sh',
      '-c',
      `set -e
mount -t tmpfs none "$1"
mkdir "$1/written" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/written,workdir=$1/work" "$1/root"
for name in proc sys dev tmp; do mount --rbind "/$name" "$1/root/$name"; done
echo ready
exec sleep infinity`,
      'sh',
      base,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = new Promise((resolve) => holder.once('exit', resolve));
  const giveBack = () => {
    // With its last process the namespace goes, and all that is mounted in it.
    holder.kill('SIGKILL');
  };
  process.once('exit', giveBack);
  let complaints = '';
  holder.stderr.setEncoding('utf8').on('data', (text) => (complaints += text));
  try {
    const ready = await Promise.race([
      new Promise((resolve) => holder.stdout.once('data', () => resolve(true))),
      ended,
    ]);
    if (ready !== true)
      return say(`  The deb was not installed: no copy of this system can be made (${complaints.trim()}).`);
    const prefix = ['nsenter', '--mount', '--target', String(holder.pid), 'chroot', root];
    const inside = ([command, ...args]) => runCommand(prefix[0], [...prefix.slice(1), command, ...args]);
    inside.prefix = prefix;
    await use(inside);
  } finally {
    giveBack();
    await ended;
    rmSync(base, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Starts it, and sees that it listens, answers the command line, puts itself into the session's start, and ends. */
async function checkProgram(what, display, command) {
  const profile = mkdtempSync(path.join(tmpdir(), 'postcast-packed-'));
  const port = await freePort();
  mkdirSync(path.join(profile, 'home'));
  writeFileSync(path.join(profile, 'settings.json'), JSON.stringify({ server: { host: ['127.0.0.1'], port } }));
  const since = performance.now();
  const [executable, ...args] = command('postcast-server', [
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    '--disable-gpu',
    '--password-store=basic',
    '--profile',
    profile,
    '--hidden',
  ]);
  const env = { ...process.env, DISPLAY: display, HOME: path.join(profile, 'home') };
  delete env['XDG_CONFIG_HOME'];
  const program = spawn(executable, args, { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true });
  const cleanUp = () => {
    endGroup(program.pid);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  // Should this script be ended, the program must not be left behind, nor its profile.
  process.once('exit', cleanUp);
  let output = '';
  for (const stream of [program.stdout, program.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  let over = false;
  const ended = new Promise((resolve) => {
    program.once('error', (error) => resolve(error.message));
    program.once('exit', (code, signal) => resolve(signal ?? code));
  }).finally(() => (over = true));
  const ask = (words) => {
    const [cli, ...rest] = command('postcast', [...words, '--profile', profile]);
    return runCommand(cli, rest, { env, timeoutSeconds: 60 });
  };
  const postcast = async (...words) => {
    const said = await ask(words);
    if (said.code !== 0)
      throw new Error(`postcast ${words.join(' ')} ended with ${said.code}:\n${said.output}${output}`);
    return said.output;
  };
  try {
    const greeting = await waitForGreeting(port, 60_000, () => over);
    if (greeting === undefined) throw new Error(`${what} does not listen on port ${port}.\n${output}`);
    say(`✔ ${what} listens (${elapsed(since)}): ${greeting}`);
    // Clients are greeted before the rest of the program stands.
    await within(60_000, async () => over || (await ask(['status'])).code === 0);
    const status = JSON.parse(await postcast('status', '--json'));
    if (status.listener?.port !== port) throw new Error(`postcast status says ${JSON.stringify(status)}.`);
    await postcast('settings', 'set', 'general.launchAtLogin', 'true');
    const autostart = path.join(profile, 'home/.config/autostart/postcast-server.desktop');
    if (!(await within(30_000, () => existsSync(autostart)))) throw new Error(`${what} makes no autostart entry.`);
    const entry = readFileSync(autostart, 'utf8');
    if (!/^Exec="[^"]*postcast-server" .*"--hidden"/m.test(entry)) throw new Error(`The autostart entry is:\n${entry}`);
    await postcast('quit');
    const how = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 60_000, 'still running'))]);
    if (how !== 0) throw new Error(`After postcast quit, the program: ${how}.\n${output}`);
    say(`✔ ${what} answers postcast status, makes its autostart entry, and ends on postcast quit.`);
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
async function withDisplay(use) {
  if (onPath('Xvfb') === undefined) {
    const name = process.env['DISPLAY'];
    if (!name) throw new Error('Xvfb is missing (Debian and Ubuntu: apt-get install xvfb).');
    return use(name);
  }
  const xvfb = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  process.once('exit', () => xvfb.kill());
  const number = await new Promise((resolve) => {
    xvfb.stdio[3].once('data', (data) => resolve(String(data).trim()));
    xvfb.once('exit', () => resolve(undefined));
  });
  if (number === undefined) throw new Error('Xvfb ended before it was ready.');
  try {
    return await use(`:${number}`);
  } finally {
    xvfb.kill();
  }
}

async function within(ms, ready) {
  const until = performance.now() + ms;
  while (!(await ready())) {
    if (performance.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return true;
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
