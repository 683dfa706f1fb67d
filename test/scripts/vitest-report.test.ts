import { describe, expect, it } from 'vitest';
import { runTwiceIfNeeded, sumUp, tellSecondRuns } from '../../scripts/lib/vitest-report.mjs';

type Status = 'passed' | 'failed' | 'skipped';
const file = (name: string, ...tests: readonly Status[]) => ({
  name,
  status: tests.includes('failed') ? 'failed' : 'passed',
  assertionResults: tests.map((status, n) => ({
    status,
    fullName: `${name} does ${n + 1}`,
    failureMessages: status === 'failed' ? [`Error: ${name} ${n + 1} broke\n    at ${name}.test.ts:1:2`] : [],
  })),
});
/** How a second run is told of: the file, the test that failed first in it, and how the second run ended. */
const needed = (name: string, test: number, passed: boolean) => ({
  file: name,
  test: `${name} does ${test}`,
  error: [`Error: ${name} ${test} broke`, `    at ${name}.test.ts:1:2`],
  passed,
});
const report = (...files: readonly ReturnType<typeof file>[]) => ({ testResults: files });

describe('what a run came to', () => {
  it('counts tests, and a file that could not be loaded as one that failed', () => {
    const unloaded = { name: 'c', status: 'failed', assertionResults: [] };
    const sum = sumUp(
      report(file('a', 'passed', 'skipped'), file('b', 'failed', 'failed', 'passed'), unloaded),
      1,
      'so',
    );
    expect(sum).toMatchObject({ passed: 2, failed: 3, skipped: 1, problem: '' });
    expect(sum.output).toContain('so');
  });

  it('a file whose set-up failed has failed though its tests were skipped', () => {
    const sum = sumUp(report({ ...file('a', 'skipped', 'skipped'), status: 'failed' }), 1, '');
    expect(sum).toMatchObject({ passed: 0, failed: 1, skipped: 2 });
  });

  it.each([
    ['nothing ran', report(), 0, 'ran nothing'],
    ['no report', undefined, 137, 'left no report'],
    ['an error outside of all tests', report(file('a', 'passed')), 1, 'although no test failed'],
  ])('%s: failed', (_, said, code, words) => {
    const sum = sumUp(said, code, '');
    expect(sum.failed).toBe(1);
    expect(sum.output).toContain(words);
  });

  it('one that passed has no words', () => {
    expect(sumUp(report(file('a', 'passed')), 0, 'long talk').output).toBe('');
  });
});

describe('a second run', () => {
  /** Plays a list of runs; `asked` are the files that each was told. */
  const script = (...runs: readonly ReturnType<typeof sumUp>[]) => {
    const asked: (string | undefined)[] = [];
    const run = (name?: string) => {
      asked.push(name);
      const next = runs[asked.length - 1];
      if (next === undefined) throw new Error('one run too many');
      return Promise.resolve(next);
    };
    return { asked, run };
  };

  it('is not made when all passed', async () => {
    const { run, asked } = script(sumUp(report(file('a', 'passed')), 0, ''));
    expect(await runTwiceIfNeeded(run)).toMatchObject({ passed: 1, failed: 0, secondRuns: [] });
    expect(asked).toEqual([undefined]);
  });

  it('makes a failed file pass, named and with its first failure kept', async () => {
    const { run, asked } = script(
      sumUp(report(file('a', 'passed'), file('b', 'failed', 'passed', 'skipped')), 1, 'port taken'),
      sumUp(report(file('b', 'passed', 'passed', 'passed')), 0, ''),
    );
    const result = await runTwiceIfNeeded(run);
    expect(asked).toEqual([undefined, 'b']);
    expect(result).toMatchObject({ passed: 4, failed: 0, skipped: 0, secondRuns: [needed('b', 1, true)] });
    expect(result.output).toContain('port taken');
  });

  it('a file that fails twice fails the run, with both failures told; each file has its own', async () => {
    const { run, asked } = script(
      sumUp(report(file('a', 'failed'), file('b', 'failed', 'passed')), 1, 'first words'),
      sumUp(report(file('a', 'passed')), 0, ''),
      sumUp(report(file('b', 'failed', 'failed')), 1, 'second words'),
    );
    const result = await runTwiceIfNeeded(run);
    expect(asked).toEqual([undefined, 'a', 'b']);
    const secondRuns = [needed('a', 1, true), needed('b', 1, false)];
    expect(result).toMatchObject({ passed: 1, failed: 2, secondRuns });
    expect(result.output).toMatch(/first words[\s\S]*once more: b[\s\S]*second words/);
  });

  it('a second run that comes to nothing has failed', async () => {
    const { run } = script(sumUp(report(file('a', 'failed')), 1, ''), sumUp(undefined, 137, ''));
    expect(await runTwiceIfNeeded(run)).toMatchObject({
      passed: 0,
      failed: 1,
      secondRuns: [needed('a', 1, false)],
    });
  });

  it('is not made for trouble of the whole run', async () => {
    const { run, asked } = script(sumUp(undefined, 137, 'killed'));
    expect(await runTwiceIfNeeded(run)).toMatchObject({ failed: 1, secondRuns: [] });
    expect(asked).toHaveLength(1);
  });
});

describe('what is said of second runs at the end', () => {
  it('nothing if there were none', () => {
    expect(tellSecondRuns([])).toBe('');
  });

  it('each file with its first failure, whether it passed then or not', async () => {
    const loud =
      '\u001b[31mError: red\u001b[39m\n\n    at Object.<anonymous> (/x/node_modules/v/i.js:1:1)\n    at /r/c.test.ts:3:4';
    const unloaded = { name: '/r/c.test.ts', status: 'failed', assertionResults: [], message: loud };
    const long = file('/r/b', 'passed', 'failed', 'failed');
    const runs = [
      sumUp(report(file('/r/a', 'passed'), long, unloaded), 1, ''),
      sumUp(report(file('/r/b', 'passed', 'passed', 'passed')), 0, ''),
      sumUp({ testResults: [unloaded] }, 1, ''),
    ];
    const { secondRuns } = await runTwiceIfNeeded(() => Promise.resolve(runs.shift()));
    expect(tellSecondRuns(secondRuns, (name: string) => name.replace('/r/', ''))).toBe(
      [
        'Run twice. The cause of each first failure has to be found and named:',
        '  b: passed at its second run; at its first:',
        '    ✘ /r/b does 2',
        '      Error: /r/b 2 broke',
        '          at /r/b.test.ts:1:2',
        '  c.test.ts: failed again at its second run; at its first:',
        '    ✘ (the file itself)',
        '      Error: red',
        '          at /r/c.test.ts:3:4',
      ].join('\n'),
    );
  });

  it('the first lines of a long error only, and none of a report that has no words', () => {
    const lines = Array.from({ length: 40 }, (_, n) => `line ${n}`).join('\n');
    const talkative = {
      ...file('a', 'failed'),
      assertionResults: [{ status: 'failed', title: 't', failureMessages: [lines] }],
    };
    const silent = { name: 'b', status: 'failed', assertionResults: [{ status: 'failed' }] };
    const { files } = sumUp({ testResults: [talkative, silent] }, 1, '');
    expect(files.get('a').first).toEqual({
      test: 't',
      error: ['line 0', 'line 1', 'line 2', 'line 3', 'line 4', 'line 5'],
    });
    expect(files.get('b').first.error).toEqual([]);
  });
});
