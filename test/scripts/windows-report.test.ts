import { describe, expect, it } from 'vitest';
import { judgeReport } from '../../scripts/lib/windows/judge-report.mjs';
import { fromWindows, toWindows } from '../../scripts/lib/windows/wine.mjs';

const file = (name: string, status: string, ...tests: readonly (readonly [string, string])[]) => ({
  name,
  status,
  assertionResults: tests.map(([fullName, state]) => ({ fullName, status: state, failureMessages: ['no'] })),
});
const report = (...testResults: readonly ReturnType<typeof file>[]) => ({ testResults });
const failures = [{ file: 'a.test.ts', test: /two listen/, why: 'two listen on one pipe' }];

describe('the report of the run under Wine', () => {
  it('counts a failure of Wine’s as skipped, with its reason', () => {
    const judged = judgeReport(report(file('a.test.ts', 'failed', ['two listen', 'failed'], ['x', 'passed'])), {
      skipped: [],
      failures,
    });
    expect(judged.report?.testResults[0]).toMatchObject({
      status: 'passed',
      assertionResults: [{ status: 'skipped' }, { status: 'passed' }],
    });
    expect([...judged.reasons]).toEqual([['Wine: two listen on one pipe', 1]]);
    expect([judged.forgiven, judged.left]).toEqual([1, 0]);
  });

  it('leaves any other failure one, in the same file too, and that of a file that cannot be loaded', () => {
    const judged = judgeReport(
      report(
        file('a.test.ts', 'failed', ['two listen', 'failed'], ['x', 'failed']),
        file('b.test.ts', 'failed', ['two listen', 'failed']),
        file('c.test.ts', 'failed'),
      ),
      { skipped: [], failures },
    );
    expect(judged.report?.testResults).toMatchObject([
      { status: 'failed' },
      { status: 'failed' },
      { status: 'failed' },
    ]);
    expect([judged.forgiven, judged.left]).toEqual([1, 3]);
  });

  it('names what was skipped without a reason, and what need not be on Wine’s list any more', () => {
    const judged = judgeReport(
      report(file('a.test.ts', 'passed', ['two listen', 'passed'], ['y', 'skipped'], ['z', 'pending'])),
      { skipped: [{ file: 'a.test.ts', test: /z/, why: 'mode bits' }], failures },
    );
    expect([...judged.reasons]).toEqual([
      ['no reason given (a.test.ts)', 1],
      ['mode bits', 1],
    ]);
    expect(judged.notes).toEqual(['passes under Wine now, and can leave its list: a.test.ts: two listen']);
  });

  it('is none if vitest left none', () => {
    expect(judgeReport(undefined, { skipped: [], failures }).report).toBeUndefined();
  });
});

it.skipIf(process.platform === 'win32')('a path and its name under Wine lead to each other', () => {
  expect(toWindows('/tmp/a b')).toBe('Z:\\tmp\\a b');
  expect(fromWindows('Z:\\tmp\\a b')).toBe('/tmp/a b');
  expect(fromWindows('/tmp/a')).toBe('/tmp/a');
});
