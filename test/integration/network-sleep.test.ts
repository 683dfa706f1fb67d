import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepDuringTest, keepUntilEnd } from '../support/kept.ts';
import { createNetworkLab, labMissing, networkOf, type Isp, type NetworkLab } from '../support/netns.ts';
import {
  bundleProgram,
  startGateway,
  startProgramInLab,
  type Arrival,
  type Lines,
  type ProgramBundle,
  type ProgramInLab,
} from '../support/laptop.ts';

const missing = labMissing();
if (missing !== null) console.warn(`network laboratory skipped: ${missing}`);

const HOUR = 3_600_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(missing !== null)('the whole program in a laptop that sleeps', { timeout: 180_000 }, () => {
  let bundle: ProgramBundle;
  let lab: NetworkLab;
  let program: ProgramInLab;

  const keepBundle = keepUntilEnd();
  beforeAll(async () => {
    bundle = keepBundle(await bundleProgram());
  });
  const keep = keepDuringTest();
  beforeEach(async () => {
    lab = keep(await createNetworkLab());
    program = keep(
      await startProgramInLab(
        lab,
        bundle,
        {
          gateways: {
            mode: 'always',
            list: (['a', 'b'] as const).map((isp) => ({
              id: isp,
              name: `Provider ${isp}`,
              host: lab.isps[isp].gateway,
            })),
          },
        },
        { QUICK_SLEEP_WATCH: '1' },
      ),
    );
  });
  const gatewayOf = (isp: Isp): Promise<Lines<Arrival>> =>
    startGateway(lab, {
      namespace: lab.isps[isp].namespace,
      address: lab.isps[isp].gateway,
      customers: networkOf(lab.isps[isp]),
    });

  it('falls asleep at one provider and wakes up at the other: mail goes on at once', async () => {
    const laptop = program;
    const [a, b] = [await gatewayOf('a'), await gatewayOf('b')];
    await lab.plug('a');
    await laptop.submit('before');
    await a.until('mail before the sleep', (line) => line.id === 'before');
    laptop.signal('SIGSTOP');
    await lab.plug(null);
    await lab.plug('b');
    await pause(1500);
    laptop.signal('SIGCONT');
    const woke = Date.now();
    await laptop.jump(8 * HOUR);
    await laptop.resume();
    await laptop.resume();
    await laptop.submit('after');
    const { at } = await b.until('mail after the sleep', (line) => line.id === 'after');
    console.log(`woken to first arrival: ${Math.round(at - woke)} ms`);
    await expect.poll(() => laptop.log().match(/woke-up/g)?.length, { timeout: 30_000 }).toBe(1);
    // The shell told of this sleep: the clocks need not tell of it again. They tell of the next one only.
    await laptop.jump(HOUR);
    await expect.poll(() => laptop.log().match(/slept/g)?.length, { timeout: 30_000 }).toBe(1);
  });

  it('notices by the clock alone that it slept, and starts what waits', async () => {
    const laptop = program;
    const { gateway: host } = lab.isps.a;
    await laptop.settings({ gateways: { mode: 'always', list: [{ id: 'a', name: 'Provider a', host }] } });
    await lab.plug('a');
    await laptop.statusUntil('the network', ({ network }) => network.online);
    await laptop.submit('waits');
    await pause(500);
    const a = await gatewayOf('a');
    await pause(3000);
    expect(a.all.some((line) => line.id === 'waits')).toBe(false);
    await laptop.jump(8 * HOUR);
    await a.until('the message that waited', (line) => line.id === 'waits', 30_000);
    await expect.poll(() => laptop.log(), { timeout: 30_000 }).toContain('slept');
  });
});
