import { expect, it } from 'vitest';
import type { Log } from '../../../main/log/log-port.ts';
import type { PickedUp } from '../../../main/maildrop/maildrop.ts';
import { createPickup } from '../../../main/maildrop/pickup.ts';
import { createProblems } from '../../../main/program/problems.ts';
import { say } from '../../../shared/phrases.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

const NOTHING: PickedUp = { taken: 0, setAside: 0, whyAside: '', inBad: 0, refused: null, waiting: [], why: '' };

function setUp() {
  const clock = new VirtualClock();
  const problems = createProblems(clock);
  const seen = { looks: 0, taken: 0, noRoom: 0, logged: [] as string[] };
  let next: PickedUp | Error = NOTHING;
  const pickup = createPickup({
    maildrop: {
      pickup: async () => {
        seen.looks += 1;
        return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
      },
    },
    directory: '/profile/maildrop',
    clock,
    log: { problem: (event: string) => seen.logged.push(event) } as unknown as Log,
    problems,
    taken: () => (seen.taken += 1),
    noRoom: () => (seen.noRoom += 1),
  });
  return {
    pickup,
    clock,
    seen,
    problems,
    words: () => problems.list().map(({ phrase }) => say(phrase)),
    finds: (found: Partial<PickedUp> | Error) => {
      next = found instanceof Error ? found : { ...NOTHING, ...found };
    },
  };
}

it('looks every few minutes, whatever happens, until it is closed', async () => {
  const { pickup, clock, seen, finds } = setUp();
  finds(new Error('no such folder'));
  await clock.advance(11 * 60_000, async () => Promise.resolve());
  expect([seen.looks, seen.logged]).toEqual([2, ['pickup', 'pickup']]);
  finds({ taken: 3 });
  await clock.advance(5 * 60_000, async () => Promise.resolve());
  expect([seen.looks, seen.taken]).toEqual([3, 1]);
  pickup.close();
  await clock.advance(60 * 60_000, async () => Promise.resolve());
  expect(seen.looks).toBe(3);
});

it('has the disk looked at when there is no room, and says nothing of its own then', async () => {
  const { pickup, seen, words, finds } = setUp();
  finds({ refused: 'full' });
  expect(await pickup.now()).toBe(0);
  expect([seen.noRoom, words()]).toEqual([1, []]);
});

it('tells of what cannot be queued, with the way to it: at the start, and when there is more', async () => {
  const { pickup, problems, words, finds } = setUp();
  finds({ inBad: 2 });
  await pickup.now();
  expect(words()).toEqual([expect.stringContaining('2 messages')]);
  expect(words()[0]).toMatch(/[\\/]profile[\\/]maildrop[\\/]bad/);
  problems.clear('drops-set-aside');
  await pickup.now();
  expect(words()).toEqual([]);
  finds({ inBad: 3, setAside: 1, whyAside: 'it goes in circles' });
  await pickup.now();
  expect(words()).toEqual([expect.stringMatching(/3 messages .*it goes in circles.*[\\/]bad/)]);
  finds({});
  await pickup.now();
  expect(words()).toEqual([]);
});

it('tells of what waits for a reason of its own, once for each, until it went', async () => {
  const { pickup, problems, words, finds } = setUp();
  finds({ waiting: ['a'], why: 'EACCES' });
  await pickup.now();
  expect(words()).toEqual([expect.stringMatching(/1 message .*EACCES.* [\\/]profile[\\/]maildrop[\\/]new /)]);
  problems.clear('drops-wait');
  await pickup.now();
  expect(words()).toEqual([]);
  finds({ waiting: ['a', 'b'], why: 'EACCES' });
  await pickup.now();
  expect(words()).toHaveLength(1);
  finds({});
  await pickup.now();
  expect(words()).toEqual([]);
});
