import { describe, expect, test } from 'vitest';
import { highest, pointsOf, scaleTop, totalsOf } from '../../renderer/activity/series.ts';
import type { Activity, ActivityPoint } from '../../shared/ipc-contract.ts';

const HOUR = 3_600_000;
const point = (at: number, accepted = 0, delivered = 0, deferred = 0): ActivityPoint => ({
  ...{ at, accepted, delivered, deferred },
});
const activity = (points: readonly ActivityPoint[], bucketMs = HOUR): Activity => ({
  ...{ bucketMs, points, networkChanges: [] },
});
/** Midnight of this time zone, `days` after the 10th of March 2026. */
const midnight = (days: number) => new Date(2026, 2, 10 + days).getTime();

describe('what is drawn of a span', () => {
  const hours = [point(0, 1), point(HOUR, 2), point(2 * HOUR, 3)];
  test.each(['hour', 'day'] as const)('%s: the points as they come, those of the future left out', (span) => {
    expect(pointsOf(activity(hours), span, HOUR)).toEqual(hours.slice(0, 2));
    expect(pointsOf(activity(hours), span, HOUR - 1)).toEqual(hours.slice(0, 1));
    expect(pointsOf(activity(hours), span, 9 * HOUR)).toEqual(hours);
    expect(pointsOf(activity([]), span, 0)).toEqual([]);
  });

  test('month: the hours of a day of this time zone are put together', () => {
    const points = [
      point(midnight(0) + 22 * HOUR, 1, 1, 0),
      point(midnight(0) + 23 * HOUR, 2, 1, 1),
      point(midnight(1), 4, 2, 2),
      point(midnight(1) + 12 * HOUR, 8, 4, 4),
    ];
    expect(pointsOf(activity(points), 'month', midnight(2))).toEqual([
      point(midnight(0), 3, 2, 1),
      point(midnight(1), 12, 6, 6),
    ]);
  });
  test('month: a day of which only the evening is known begins at its midnight all the same', () =>
    expect(pointsOf(activity([point(midnight(3) + 20 * HOUR, 1)]), 'month', midnight(4))).toEqual([
      point(midnight(3), 1),
    ]));
  test('month: hours of the future are left out, quiet days are not', () => {
    const points = [point(midnight(0)), point(midnight(1), 5), point(midnight(1) + HOUR, 7)];
    expect(pointsOf(activity(points), 'month', midnight(1))).toEqual([point(midnight(0)), point(midnight(1), 5)]);
  });
  test('month: no message is lost or counted twice, whatever the clock is put to in between', () => {
    // A whole year of hours holds both days on which clocks are changed, wherever this runs.
    const points = Array.from({ length: 366 * 24 }, (_, i) => point(midnight(0) + i * HOUR, 1, 2, 3));
    const days = pointsOf(activity(points), 'month', Infinity);
    expect(totalsOf(days)).toEqual(totalsOf(points));
    expect(days.map(({ at }) => at)).toEqual([...new Set(days.map(({ at }) => at))].sort((a, b) => a - b));
    expect(days.every(({ at }) => new Date(at).getHours() === 0)).toBe(true);
  });
});

test.each([
  [0, 4],
  [4, 4],
  [5, 5],
  [6, 10],
  [11, 20],
  [21, 50],
  [51, 100],
  [100, 100],
  [101, 200],
  [99_999, 100_000],
])('the scale for %i ends at %i', (most, top) => expect(scaleTop(most)).toBe(top));

test('the highest is a line or a bar of delivered and deferred', () => {
  expect(highest([])).toBe(0);
  expect(highest([point(0, 3, 1, 1), point(1, 1, 2, 4)])).toBe(6);
  expect(highest([point(0, 9, 1, 1), point(1, 1, 2, 4)])).toBe(9);
});
