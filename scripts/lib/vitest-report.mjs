// What a run of vitest came to, and the second run of files that failed.

/** Lines of an error that are worth reading first. */
const ERROR_LINES = 6;

/** The first test of a file that failed, with the first lines of its error; of a file that could not be loaded, that alone. */
function firstFailure({ assertionResults, message = '' }) {
  const failed = assertionResults.find(({ status }) => status === 'failed');
  const words = failed?.failureMessages?.[0] ?? message;
  const lines = words
    // eslint-disable-next-line no-control-regex -- colours
    .replace(/\u001b\[[\d;]*m/g, '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !/^\s+at .*(node_modules|node:)/.test(line));
  return { test: failed?.fullName ?? failed?.title ?? '(the file itself)', error: lines.slice(0, ERROR_LINES) };
}

/** Tests that passed, failed and were skipped in one file of vitest's JSON report, and the first failure. */
function countFile(file) {
  const { status, assertionResults } = file;
  const count = (...states) => assertionResults.filter((test) => states.includes(test.status)).length;
  const failed = count('failed');
  return {
    passed: count('passed'),
    // A file that could not even be loaded, or set up, may have no test that failed.
    failed: status === 'failed' ? Math.max(1, failed) : failed,
    skipped: count('pending', 'skipped', 'todo', 'disabled'),
    first: firstFailure(file),
  };
}

/**
 * Sums up one run. `report` is vitest's JSON report, undefined if it left none; `code` and `output` are the process's.
 * `files` has the counts of each test file, `problem` what is wrong with the run as a whole. A run that ran nothing has
 * failed.
 */
export function sumUp(report, code, output) {
  if (report === undefined) {
    const problem = `The runner left no report (it ended with ${code}).\n`;
    return { passed: 0, failed: 1, skipped: 0, files: new Map(), problem, output: `${output}\n${problem}` };
  }
  const files = new Map(report.testResults.map((file) => [file.name, countFile(file)]));
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of files.values()) for (const key of Object.keys(total)) total[key] += counts[key];
  let problem = '';
  if (total.passed + total.failed === 0) problem = 'The runner ran nothing.\n';
  else if (code !== 0 && total.failed === 0) problem = `The runner ended with ${code}, although no test failed.\n`;
  if (problem !== '') total.failed += 1;
  return { ...total, files, problem, output: total.failed > 0 ? `${output}\n${problem}` : '' };
}

/**
 * Runs everything with `run()`, and then each file that failed once more by itself with `run(file)`; both resolve to what
 * sumUp() returns. A file that passes now has passed. `secondRuns` names each file that needed it, what failed first in it
 * and whether it passed then; the first failure stays in the output.
 */
export async function runTwiceIfNeeded(run) {
  const first = await run();
  // Trouble with the run as a whole belongs to no file.
  if (first.problem !== '') return { ...first, secondRuns: [] };
  const { passed, skipped, files } = first;
  const total = { passed, failed: 0, skipped, output: first.output, secondRuns: [] };
  for (const [file, before] of files) {
    if (before.failed === 0) continue;
    const again = await run(file);
    total.passed += again.passed - before.passed;
    total.failed += again.failed;
    total.skipped += again.skipped - before.skipped;
    total.secondRuns.push({ file, ...before.first, passed: again.failed === 0 });
    if (again.failed > 0) total.output += `\n── once more: ${file} ──\n${again.output}`;
  }
  return total;
}

/**
 * What is said of second runs at the very end, '' if there were none: each file with its first failure, so that a fault
 * that shows now and then is not covered by the run that passed. `nameOf` shortens a file's path.
 */
export function tellSecondRuns(secondRuns, nameOf = (file) => file) {
  if (secondRuns.length === 0) return '';
  const entries = secondRuns.map(({ file, test, error, passed }) =>
    [
      `  ${nameOf(file)}: ${passed ? 'passed' : 'failed again'} at its second run; at its first:`,
      `    ✘ ${test}`,
      ...error.map((line) => `      ${line}`),
    ].join('\n'),
  );
  return ['Run twice. The cause of each first failure has to be found and named:', ...entries].join('\n');
}
