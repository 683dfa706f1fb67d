/**
 * Soaks, short: random actions of users, servers, resolvers and networks, and deaths, against a ledger of the test's own
 * (test/soak). `scripts/soak.mjs` runs longer ones. A seed that fails is run again with POSTCAST_SOAK_SEED.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { House } from '../soak/house.ts';
import { createRealHouse } from '../soak/real-house.ts';
import { runSoak, type SoakResult } from '../soak/soak.ts';
import { createVirtualHouse } from '../soak/virtual-house.ts';

const given = process.env['POSTCAST_SOAK_SEED'];
const seeds = given === undefined ? [1, 2, 3] : [Number(given)];
const MINUTE_MS = 60_000;

let house: House | undefined;
afterEach(async () => {
  await house?.close();
  house = undefined;
});

/** What was violated, with the seed and the last words before the first violation; null: nothing was. */
function broken({ seed, violations, diary }: SoakResult): string | null {
  const [first] = violations;
  if (first === undefined) return null;
  const at = diary.findIndex((line) => line.includes(`VIOLATION ${first.rule}: ${first.what}`));
  const told = violations.slice(0, 20).map(({ rule, what }) => `${rule}: ${what}`);
  return [`seed ${seed}`, ...told, '', ...diary.slice(Math.max(0, at - 30), at + 1)].join('\n');
}

describe('on the virtual clock', () => {
  it.each(seeds)('seed %i: ten minutes', async (seed) => {
    console.info(`soak on the virtual clock, seed ${seed}`);
    house = createVirtualHouse(seed);
    const result = await runSoak(house, { seed, ms: 10 * MINUTE_MS });
    expect(broken(result)).toBeNull();
    expect(result.letters).toBeGreaterThan(30);
    expect(result.arrivals).toBeGreaterThan(50);
  });

  it('the same seed gives the same run', async () => {
    const digests: string[] = [];
    for (let run = 0; run < 2; run += 1) {
      house = createVirtualHouse(4);
      digests.push((await runSoak(house, { seed: 4, ms: 3 * MINUTE_MS })).digest);
      await house.close();
      house = undefined;
    }
    expect(digests[1]).toBe(digests[0]);
  });
});

describe('in real time', () => {
  it('a quarter of a minute, with the program as a process of its own', async () => {
    const [seed = 1] = seeds;
    console.info(`soak in real time, seed ${seed}`);
    house = await createRealHouse(seed);
    const result = await runSoak(house, { seed, ms: 15_000 });
    expect(broken(result)).toBeNull();
    expect(result.letters).toBeGreaterThan(10);
    expect(result.arrivals).toBeGreaterThan(10);
  });
});
