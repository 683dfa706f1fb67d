import { expect, it } from 'vitest';
import { planRestart } from '../../app/engine/restart-plan.ts';

const limits = { restarts: 3, restartSpanMs: 1000, restartFirstMs: 10 };

it.each<[what: string, ends: number[], waitMs: number, resting: boolean]>([
  ['the first end', [5000], 10, false],
  ['the third within the span', [4700, 4800, 5000], 40, false],
  ['one too many: once the span has room', [4500, 4700, 4800, 5000], 500, true],
  ['far too many', [4500, 4600, 4700, 4800, 5000], 600, true],
  ['those before the span count no more', [1000, 2000, 3000, 5000], 10, false],
])('%s', (_, ends, waitMs, resting) => {
  expect(planRestart(ends, limits)).toEqual({ waitMs, resting });
});
