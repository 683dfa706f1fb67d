import { describe, expect, it } from 'vitest';
import { MAX_GATHER_MS, reportTime, sameReportUntil } from '../../../main/policy/report-due.ts';
import { JITTER, retryDelay, messageJitter } from '../../../main/policy/retry-schedule.ts';

const NOW = 1_000_000_000;
const MINUTE = 60_000;

describe('a sender is told', () => {
  it.each<[string, { since: number; inFlight: number; dueSoon: number }, ReturnType<typeof reportTime>]>([
    ['at once if nothing else of the message goes on', { since: NOW, inFlight: 0, dueSoon: 0 }, { kind: 'now' }],
    [
      'after recipients that are in an attempt',
      { since: NOW - MINUTE, inFlight: 1, dueSoon: 0 },
      { kind: 'gather', until: NOW - MINUTE + MAX_GATHER_MS },
    ],
    [
      'after recipients whose attempt is about to begin',
      { since: NOW, inFlight: 0, dueSoon: 3 },
      { kind: 'gather', until: NOW + MAX_GATHER_MS },
    ],
    [
      'not much later than the first of it came about',
      { since: NOW - MAX_GATHER_MS, inFlight: 7, dueSoon: 9 },
      { kind: 'now' },
    ],
    ['at once if the clock was set back', { since: NOW + 1, inFlight: 1, dueSoon: 0 }, { kind: 'now' }],
  ])('%s', (_name, pending, expected) => expect(reportTime(pending, NOW)).toEqual(expected));

  it.each<[string, readonly number[], number]>([
    ['half a minute', [1, 2, 5], 30_000],
    ['less where retries come sooner', [5, 0.1], 3_000],
  ])('of what falls due within a moment in one report: %s', (_name, minutes, ms) =>
    expect(sameReportUntil(NOW, minutes) - NOW).toBe(ms),
  );

  it('but never of a first retry, however it is spread', () =>
    expect(sameReportUntil(NOW, [1]) - NOW).toBeLessThan(retryDelay(0, [1], 0)));
});

describe('the jitter of retries', () => {
  const ids = Array.from({ length: 2000 }, (_, i) => `A1B2C3D4${i.toString(36).padStart(4, '0')}`);

  it('is the same for one message and even over many', () => {
    expect(messageJitter('A1')).toBe(messageJitter('A1'));
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const id of ids) tenths[Math.floor(messageJitter(id) * 10)]! += 1;
    for (const count of tenths) expect(count).toBeGreaterThan(120);
  });

  it('stays within the share that intervals may be stretched by', () => {
    for (const id of ids) {
      const wait = retryDelay(0, [1], messageJitter(id)) / MINUTE;
      expect(Math.abs(wait - 1)).toBeLessThanOrEqual(JITTER);
    }
  });
});
