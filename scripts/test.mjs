// npm test: installs what is missing and runs every check, two at a time. Ends with the line `N passed, N failed, N skipped`,
// the sum over all runners; a runner that ran nothing has failed. `npm test -- --only unit,lint` runs some of them.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build, checkNodeVersion, installPackages, npmCommand } from './lib/install.mjs';
import { ROOT, elapsed, runCommand, say } from './lib/process.mjs';
import { runTwiceIfNeeded, sumUp, tellSecondRuns } from './lib/vitest-report.mjs';

checkNodeVersion();
const { options, filters } = readArguments();
const start = performance.now();
await installPackages();
// Imported only now: they need the packages.
const { electronRuntime, newerNode } = await import('./runtime.mjs');
const { ensureSystemPackages } = await import('./lib/system-packages.mjs');
const { runWindowsTests } = await import('./lib/windows/run-tests.mjs');
const { whyNoWine } = await import('./lib/windows/wine.mjs');

const reports = mkdtempSync(path.join(tmpdir(), 'postcast-test-'));
const script = (name, ...args) => runCommand(process.execPath, [path.join(ROOT, 'scripts', name), ...args]);
const tool = (file, ...args) => runCommand(process.execPath, [path.join(ROOT, 'node_modules', file), ...args]);

/** A check that passes or fails as a whole. */
const check = (name, run, extra = {}) => ({
  name,
  ...extra,
  run: async () => {
    const { code, output } = await run();
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0, output: code === 0 ? '' : output };
  },
});

/**
 * Some projects of vitest.config.ts, each test counted. `node`: another Node.js to run them with. `secondRun`: a file that
 * failed is run once more by itself, for tests with real servers and windows on a machine that they do not have to
 * themselves; see docs/development.md.
 */
const vitest = (name, args, { node = async () => process.execPath, secondRun = false, ...extra } = {}) => {
  const run = async (file) => {
    const report = path.join(reports, `${name}.json`);
    rmSync(report, { force: true });
    const { code, output } = await runCommand(
      await node(),
      [
        path.join(ROOT, 'node_modules/vitest/vitest.mjs'),
        'run',
        ...args,
        ...(file === undefined ? [] : [path.relative(ROOT, file)]),
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
      ],
      { env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined }, timeoutSeconds: 1800 },
    );
    return sumUp(readReport(report), code, output);
  };
  return { name, ...extra, run: secondRun ? () => runTwiceIfNeeded(run) : () => run() };
};

/** Anything but `--only NAMES` and, after `--`, paths of tests, is a slip: it must not start the whole run. */
function readArguments() {
  const given = process.argv.slice(2);
  const end = given.includes('--') ? given.indexOf('--') : given.length;
  try {
    const { values } = parseArgs({ args: given.slice(0, end), options: { only: { type: 'string' } } });
    return { options: values, filters: given.slice(end + 1) };
  } catch (error) {
    say(`${error.message}. Usage: npm test -- [--only NAME,NAME] [-- PATH …]`);
    process.exit(2);
  }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

let electron;
/** `after` is waited for, and must have passed; `alone`: nothing else runs meanwhile. In the order of their start. */
const ALL = [
  check('build', build),
  // Keeps a core busy for longest.
  check('lint', () => tool('eslint/bin/eslint.js', '.', '--cache', '--cache-location', 'node_modules/.cache/eslint/')),
  // Waits for servers and clocks most of the time: the rest goes on beside it.
  vitest('integration', ['--project', 'integration'], { after: 'build', secondRun: true }),
  check('types', () => script('types.mjs')),
  vitest('unit', ['--project', 'unit', '--project', 'unit-renderer']),
  check('imports', () => script('imports.mjs')),
  // Files, exports and packages that nothing uses.
  check('unused', async () => {
    const npm = npmCommand(['run', '--silent', 'unused']);
    return runCommand(npm.command, npm.args);
  }),
  check('format', () => tool('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.')),
  // The engine once more on the line of Node.js that the shipped Electron has, with its own node:sqlite.
  vitest('unit on newer Node.js', ['--project', 'unit', 'test/main/', 'test/support/'], {
    node: async () => (await newerNode()).path,
  }),
  // The same tests with Windows' own Node.js. Where there is no Wine, and it may not be installed unasked, it is skipped.
  {
    name: 'windows',
    after: 'build',
    optional: process.env['CI'] !== 'true',
    run: () => runWindowsTests(reports, filters),
  },
  vitest('e2e', ['--project', 'e2e'], { after: 'build', alone: true, secondRun: true }),
];

const only = options.only?.split(',');
const unknown = only?.filter((name) => !ALL.some((runner) => runner.name === name)) ?? [];
if (unknown.length > 0) {
  say(`Unknown: ${unknown.join(', ')}. There are: ${ALL.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}
const wantsBuild = only?.some((name) => ALL.some((runner) => runner.name === name && runner.after === 'build'));
const runners = ALL.filter(({ name }) => only === undefined || only.includes(name) || (name === 'build' && wantsBuild));

const wantsElectron = runners.some(({ name }) => name === 'integration' || name === 'e2e');
let unable = new Map();
if (wantsElectron) {
  electron = await electronRuntime().catch((error) => {
    say(error.message);
    return undefined;
  });
}
if (wantsElectron || runners.some(({ name }) => name === 'windows')) {
  unable = await ensureSystemPackages(
    runners.map(({ name }) => name).filter((name) => name !== 'windows' || whyNoWine() === null),
    electron?.path,
  );
  if (wantsElectron && electron === undefined) unable.set('e2e', 'an Electron runtime');
}

say(`Running ${runners.map(({ name }) => name).join(', ')}.`);
const results = new Map();
const running = new Map();
const waiting = [...runners];
const AT_ONCE = 2;

const ticker = setInterval(() => {
  for (const [name, since] of running) say(`  … ${name}, ${elapsed(since)}`);
}, 20_000);

async function runOne(runner) {
  const since = performance.now();
  running.set(runner.name, since);
  const result = unable.has(runner.name)
    ? runner.optional === true
      ? {
          passed: 0,
          failed: 0,
          skipped: 1,
          output: '',
          notes: [`not run: ${unable.get(runner.name)} missing; see above`],
        }
      : { passed: 0, failed: 1, skipped: 0, output: `Not run: ${unable.get(runner.name)} missing; see above.\n` }
    : runner.after !== undefined && results.get(runner.after)?.failed !== 0
      ? { passed: 0, failed: 1, skipped: 0, output: `Not run, since ${runner.after} failed.\n` }
      : await runner
          .run()
          .catch((error) => ({ passed: 0, failed: 1, skipped: 0, output: `${error.stack ?? error}\n` }));
  running.delete(runner.name);
  results.set(runner.name, result);
  if (result.output !== '') process.stdout.write(`\n── ${runner.name} ──\n${result.output}\n`);
  const again = result.secondRuns?.length ? `, ${result.secondRuns.length} of its files run twice` : '';
  const skipped = `${again}${result.skipped > 0 ? `, ${result.skipped} skipped` : ''}`;
  say(
    `${result.failed === 0 ? '✔' : '✘'} ${runner.name}: ${result.passed} ok, ${result.failed} not ok${skipped} (${elapsed(since)})`,
  );
}

/** The next runner that may start now, taken from those that wait. */
function takeNext() {
  const next = waiting.findIndex(
    ({ after, alone }) =>
      (after === undefined || results.has(after) || !runners.some(({ name }) => name === after)) &&
      (!alone || (running.size === 0 && waiting.length === 1)),
  );
  return next === -1 ? undefined : waiting.splice(next, 1)[0];
}

await new Promise((resolve) => {
  const startMore = () => {
    if (running.size === 0 && waiting.length === 0) resolve(undefined);
    while (running.size < AT_ONCE) {
      const runner = takeNext();
      if (runner === undefined) return;
      void runOne(runner).then(startMore);
      if (runner.alone) return;
    }
  };
  startMore();
});
clearInterval(ticker);
rmSync(reports, { recursive: true, force: true });

const total = { passed: 0, failed: 0, skipped: 0 };
for (const result of results.values()) for (const key of Object.keys(total)) total[key] += result[key];
say(`All done in ${elapsed(start)}.`);
const secondRuns = [...results.values()].flatMap((result) => result.secondRuns ?? []);
const told = tellSecondRuns(secondRuns, (file) => path.relative(ROOT, file));
if (told !== '') say(told);
for (const [name, { notes = [] }] of results) {
  if (notes.length > 0) say(`Left out of "${name}":\n${notes.map((note) => `  ${note}`).join('\n')}`);
}
say(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
