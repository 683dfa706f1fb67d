import { describe, expect, it } from 'vitest';
import { runTwiceIfNeeded, sumUp } from '../../scripts/lib/vitest-report.mjs';

type Status = 'passed' | 'failed' | 'skipped';
const file = (name: string, ...tests: readonly Status[]) => ({
  name,
  status: tests.includes('failed') ? 'failed' : 'passed',
  assertionResults: tests.map((status) => ({ status })),
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
    expect(result).toMatchObject({ passed: 4, failed: 0, skipped: 0, secondRuns: ['b'] });
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
    expect(result).toMatchObject({ passed: 1, failed: 2, secondRuns: ['a'] });
    expect(result.output).toMatch(/first words[\s\S]*once more: b[\s\S]*second words/);
  });

  it('a second run that comes to nothing has failed', async () => {
    const { run } = script(sumUp(report(file('a', 'failed')), 1, ''), sumUp(undefined, 137, ''));
    expect(await runTwiceIfNeeded(run)).toMatchObject({ passed: 0, failed: 1, secondRuns: [] });
  });

  it('is not made for trouble of the whole run', async () => {
    const { run, asked } = script(sumUp(undefined, 137, 'killed'));
    expect(await runTwiceIfNeeded(run)).toMatchObject({ failed: 1, secondRuns: [] });
    expect(asked).toHaveLength(1);
  });
});
