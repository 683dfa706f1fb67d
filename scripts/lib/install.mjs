// Brings node_modules and out/ up to date. Node's own modules only: this is what installs the others.
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, elapsed, runCommand, say } from './process.mjs';

const OLDEST_NODE = [20, 19];

/** Ends the script with a plain word if this Node.js is too old to run it. */
export function checkNodeVersion() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  say(`Node.js ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.versions.node} (https://nodejs.org).`);
  process.exit(1);
}

/** npm as this process should start it: the one that runs us if any, else the one on the PATH. */
export function npmCommand(args) {
  const npm = process.env['npm_execpath'];
  return npm !== undefined && npm.endsWith('.js')
    ? { command: process.execPath, args: [npm, ...args] }
    : { command: process.platform === 'win32' ? 'npm.cmd' : 'npm', args };
}

/**
 * Runs `npm ci` if node_modules is missing or was made from another package-lock.json.
 * A node_modules that is a symbolic link belongs to another work tree and is left alone.
 */
export async function installPackages() {
  const modules = path.join(ROOT, 'node_modules');
  const present = lstatSync(modules, { throwIfNoEntry: false });
  if (present?.isSymbolicLink() === true) return;
  const lockFile = path.join(ROOT, 'package-lock.json');
  const stamp = path.join(modules, '.cache/postcast-lock');
  const wanted = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (present !== undefined && installedFrom(stamp, wanted, lockFile)) return;

  const start = performance.now();
  say(present === undefined ? 'Installing packages (npm ci) …' : 'Packages changed: installing them again (npm ci) …');
  const npm = npmCommand(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  const ticker = setInterval(() => say(`  still installing, ${elapsed(start)}`), 15_000);
  const { code, output } = await runCommand(npm.command, npm.args);
  clearInterval(ticker);
  if (code !== 0) {
    process.stdout.write(output);
    say('npm ci failed; see above.');
    process.exit(1);
  }
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
  say(`Packages installed in ${elapsed(start)}.`);
}

function installedFrom(stamp, wanted, lockFile) {
  if (existsSync(stamp)) return readFileSync(stamp, 'utf8') === wanted;
  // Installed by hand: npm writes its own record last, so it is newer than the lock file that it came from.
  const record = path.join(ROOT, 'node_modules/.package-lock.json');
  return existsSync(record) && statSync(record).mtimeMs >= statSync(lockFile).mtimeMs;
}

const BUILD_INPUTS = [
  'app',
  'assets',
  'main',
  'renderer',
  'shared',
  'electron.vite.config.ts',
  'package.json',
  'package-lock.json',
];
const BUILD_STAMP = path.join(ROOT, 'out/.built-from');

/** A digest over name, size and time of change of everything that the build reads. */
function buildDigest() {
  const hash = createHash('sha256');
  const add = (relative) => {
    const stat = statSync(path.join(ROOT, relative), { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(path.join(ROOT, relative)).sort()) add(path.join(relative, name));
    } else hash.update(`${relative}\0${stat.size}\0${stat.mtimeMs}\n`);
  };
  BUILD_INPUTS.forEach(add);
  return hash.digest('hex');
}

/** Whether out/ holds the program that the sources say. */
export function isBuilt() {
  return existsSync(BUILD_STAMP) && readFileSync(BUILD_STAMP, 'utf8') === buildDigest();
}

/** Builds out/ unless it is up to date. Returns the result of the build, code 0 if there was nothing to do. */
export async function build() {
  if (isBuilt()) return { code: 0, output: '' };
  const digest = buildDigest();
  const result = await runCommand(process.execPath, [
    path.join(ROOT, 'node_modules/electron-vite/bin/electron-vite.js'),
    'build',
  ]);
  if (result.code === 0) writeFileSync(BUILD_STAMP, digest);
  return result;
}
