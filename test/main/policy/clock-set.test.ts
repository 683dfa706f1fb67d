import { describe, expect, it } from 'vitest';
import { clockSetBy } from '../../../main/policy/clock-set.ts';

describe('whether the clock was set', () => {
  it.each([
    ['not at all', 1000.25, 1000.25, 0],
    ['not: the two clocks are read one after the other', 1000.75, 1000.1, 0],
    ['not: it drifts', 1000, 1900, 0],
    ['back by an hour', 5_000_000.4, 1_400_000.1, -3_600_000],
    ['forward by a day', 0.2, 86_400_000.9, 86_400_001],
  ])('%s', (_what, before, after, by) => {
    expect(clockSetBy(before, after)).toBe(by);
  });
});
