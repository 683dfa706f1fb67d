// The tests of the engine and the shell with Windows' Node.js under Wine. Counted like any other run; what was left out is
// told with its reason.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../process.mjs';
import { runTwiceIfNeeded, sumUp } from '../vitest-report.mjs';
import { FILES, SKIPPED, WINE_FAILURES } from './left-out.mjs';
import { judgeReport } from './judge-report.mjs';
import { fromWindows, toWindows, whyNoWine, windowsNode } from './wine.mjs';

/**
 * The two runs of vitest. Unit tests share what they have loaded: under Wine, starting a process and loading the program's
 * modules anew for each file takes longer than the tests.
 */
const RUNS = [
  { project: 'unit', args: ['--pool', 'threads', '--no-isolate'] },
  { project: 'integration', args: [] },
];
const NOTHING_ASKED = { passed: 0, failed: 0, skipped: 0, files: new Map(), problem: '', output: '' };
/** Far beyond what it takes: on a machine that has the time for it, both together are over in some minutes. */
const LIMIT_SECONDS = 2_400;

/**
 * Runs them all. `notes` are lines for the end: what was left out, how many and why.
 * @param {string} reports a folder for reports
 * @param {string[]} filters parts of paths of test files; none: all
 */
export async function runWindowsTests(reports, filters = []) {
  const impossible = whyNoWine();
  if (impossible !== null) return { passed: 0, failed: 0, skipped: 1, output: '', notes: [`not run: ${impossible}`] };
  const total = { passed: 0, failed: 0, skipped: 0, output: '', notes: [], secondRuns: [] };
  const reasons = new Map();
  const node = await windowsNode();
  try {
    const failures = await provenFailures(node);
    for (const { project, args } of RUNS) {
      // Wine is slow, and the machine may be busy: what failed is run once more by itself, and told at the end.
      const sum = await runTwiceIfNeeded(async (file) => {
        const report = path.join(reports, `windows-${project}.json`);
        rmSync(report, { force: true });
        const { code, output } = await node.run(
          commandLine(project, args, report, file === undefined ? filters : [file]),
          { timeoutSeconds: LIMIT_SECONDS },
        );
        const read = readReport(report);
        // None of those that were asked for belongs to this project.
        if (filters.length > 0 && read?.numTotalTests === 0 && code === 0) return NOTHING_ASKED;
        const judged = judgeReport(read, { skipped: SKIPPED, failures });
        if (file === undefined) {
          for (const [why, count] of judged.reasons) reasons.set(why, (reasons.get(why) ?? 0) + count);
          total.notes.push(...judged.notes);
        }
        return sumUp(judged.report, judged.forgiven > 0 && judged.left === 0 ? 0 : code, output);
      });
      for (const key of ['passed', 'failed', 'skipped', 'output']) total[key] += sum[key];
      total.secondRuns.push(...sum.secondRuns);
    }
  } finally {
    await node.close();
  }
  total.notes.unshift(
    ...[...reasons].map(([why, count]) => `${count} skipped: ${why}`),
    ...[...byReason(FILES)].map(([why, count]) => `${count} ${count === 1 ? 'file' : 'files'} not run: ${why}`),
  );
  return total;
}

/** What is forgiven: only failures for faults that this Wine shows by itself. */
async function provenFailures(node) {
  const { code, output } = await node.run(['scripts/lib/windows/wine-faults.cjs'], { timeoutSeconds: 60 });
  if (code !== 0)
    throw new Error(`Node.js for Windows does not run under Wine here (it ended with ${code}):\n${output}`);
  const faults = JSON.parse(output);
  return WINE_FAILURES.filter(({ proof }) => faults[proof] === true);
}

function byReason(files) {
  const counts = new Map();
  for (const { why } of files) counts.set(why, (counts.get(why) ?? 0) + 1);
  return counts;
}

function commandLine(project, args, report, filters) {
  return [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    project,
    ...args,
    // Beside a run on Linux in the same folder.
    '--no-cache',
    '--passWithNoTests',
    ...FILES.flatMap(({ file }) => ['--exclude', file]),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${toWindows(report)}`,
    ...filters,
  ];
}

/** vitest's report with the paths of Linux; undefined if it left none. */
function readReport(file) {
  let report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
  for (const one of report.testResults) one.name = path.relative(ROOT, fromWindows(one.name.replaceAll('/', '\\')));
  return report;
}
