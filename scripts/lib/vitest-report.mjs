// What a run of vitest came to, and the second run of files that failed.

/** Tests that passed, failed and were skipped in one file of vitest's JSON report. */
function countFile({ status, assertionResults }) {
  const count = (...states) => assertionResults.filter((test) => states.includes(test.status)).length;
  const failed = count('failed');
  return {
    passed: count('passed'),
    // A file that could not even be loaded, or set up, may have no test that failed.
    failed: status === 'failed' ? Math.max(1, failed) : failed,
    skipped: count('pending', 'skipped', 'todo', 'disabled'),
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
 * sumUp() returns. A file that passes now has passed, and is named in `secondRuns`; the first failure stays in the output.
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
    if (again.failed === 0) total.secondRuns.push(file);
    else total.output += `\n── once more: ${file} ──\n${again.output}`;
  }
  return total;
}
