import { expect, it } from 'vitest';
import { coalesce, type CoalesceTimes } from '../../../main/runtime/coalesce.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

async function runsOf(times: CoalesceTimes, requestsAt: readonly number[], closeAt = Infinity): Promise<number[]> {
  const clock = new VirtualClock();
  const began = clock.monotonic();
  const runs: number[] = [];
  const it = coalesce(clock, times, () => runs.push(clock.monotonic() - began));
  for (const at of requestsAt) clock.after(at, it.request);
  if (closeAt !== Infinity) clock.after(closeAt, it.close);
  await clock.advance(10_000);
  return runs;
}

it.each<[string, CoalesceTimes, readonly number[], readonly number[]]>([
  [
    'the first at once, then one for all that came in between',
    { gatherMs: 0, everyMs: 250 },
    [0, 10, 20, 240],
    [0, 250],
  ],
  ['one in a while comes at once each time', { gatherMs: 0, everyMs: 250 }, [0, 300, 1_000], [0, 300, 1_000]],
  ['gathers first, and keeps its pace', { gatherMs: 100, everyMs: 250 }, [0, 50, 110, 300], [100, 350]],
  ['never more often than said', { gatherMs: 0, everyMs: 250 }, [0, 100, 200, 300, 400, 500, 600], [0, 250, 500, 750]],
])('%s', async (_name, times, requestsAt, expected) => {
  expect(await runsOf(times, requestsAt)).toEqual(expected);
});

it('runs no more once it is closed', async () => {
  expect(await runsOf({ gatherMs: 0, everyMs: 250 }, [0, 100, 400], 200)).toEqual([0]);
});
