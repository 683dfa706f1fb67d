// npm run pack: packages in dist/, made by electron-builder from electron-builder.yml. docs/development.md tells more.
//   --dir      only the unpacked program
//   --check    afterwards see that the packages are whole and that the unpacked program starts, listens and ends
//   --release  all kinds of package for this platform, although that needs downloads from GitHub
import { readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build, checkNodeVersion, installPackages } from './lib/install.mjs';
import { writeLibraryLicences } from './lib/licences.mjs';
import { ROOT, elapsed, onPath, runCommand, say } from './lib/process.mjs';

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
writeLibraryLicences();
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
  const { checkPackages } = await import('./pack/check.mjs');
  await checkPackages(dist).catch((error) => fail(`✘ ${error.message}`));
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
