// Pure: what the lists of left-out.mjs make of a report of vitest.

const matches = (entry, file, title) => file === entry.file && (entry.test === undefined || entry.test.test(title));

/**
 * Counts what was skipped by reason, and turns failures that are Wine's into skipped tests.
 * @param report vitest's JSON report, paths relative to the work tree; undefined if there is none
 * @param lists `skipped` and `failures`, entries of `{ file, test?, why }`; `test` matches a test's full name
 * @returns `report` with Wine's failures as skipped, `reasons` (count by reason), `forgiven` and `left` (failures that were
 * Wine's, and others), `notes` for the end: entries that fit nothing any more
 */
export function judgeReport(report, { skipped, failures }) {
  if (report === undefined) return { report, reasons: new Map(), forgiven: 0, left: 0, notes: [] };
  const reasons = new Map();
  const count = (why) => reasons.set(why, (reasons.get(why) ?? 0) + 1);
  const notes = [];
  let forgiven = 0;
  let left = 0;
  const testResults = report.testResults.map((file) => {
    const assertionResults = file.assertionResults.map((test) => {
      const title = test.fullName ?? test.title;
      const wine = failures.find((entry) => matches(entry, file.name, title));
      if (test.status === 'failed') {
        if (wine === undefined) left += 1;
        else {
          forgiven += 1;
          count(`Wine: ${wine.why}`);
          return { ...test, status: 'skipped', failureMessages: [] };
        }
      } else if (test.status === 'passed') {
        if (wine !== undefined) notes.push(`passes under Wine now, and can leave its list: ${file.name}: ${title}`);
      } else {
        count(skipped.find((entry) => matches(entry, file.name, title))?.why ?? `no reason given (${file.name})`);
      }
      return test;
    });
    const failed = assertionResults.some(({ status }) => status === 'failed');
    // A file that could not be loaded has no test that failed.
    const loaded = file.assertionResults.length > 0;
    if (file.status === 'failed' && !loaded) left += 1;
    return {
      ...file,
      assertionResults,
      status: file.status === 'failed' && loaded && !failed ? 'passed' : file.status,
    };
  });
  return { report: { ...report, testResults }, reasons, forgiven, left, notes };
}
