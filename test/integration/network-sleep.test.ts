import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describeInLab, laptopNetwork } from '../support/laptop-network.ts';
import type { ProgramInLab } from '../support/laptop.ts';
import type { Isp } from '../support/netns.ts';

const HOUR = 3_600_000;

describeInLab()('the whole program in a laptop that sleeps', { timeout: 180_000 }, () => {
  const net = laptopNetwork();
  const start = (...isps: readonly Isp[]): Promise<ProgramInLab> =>
    net.program({ gateways: net.through(...isps) }, { QUICK_SLEEP_WATCH: '1' });

  it('falls asleep at one provider and wakes up at the other: mail goes on at once', async () => {
    const { lab } = net;
    const laptop = await start('a', 'b');
    const [a, b] = [await net.gateway('a'), await net.gateway('b')];
    await lab.plug('a');
    await laptop.submit('before');
    await a.takes('before');
    laptop.signal('SIGSTOP');
    await lab.plug(null);
    await lab.plug('b');
    await pause(1500);
    laptop.signal('SIGCONT');
    const woke = Date.now();
    await laptop.wake(8 * HOUR);
    await laptop.resume();
    await laptop.submit('after');
    const { at } = await b.takes('after');
    console.log(`woken to first arrival: ${Math.round(at - woke)} ms`);
    await expect.poll(() => laptop.log().match(/woke-up/g)?.length, { timeout: 30_000 }).toBe(1);
    // The shell told of this sleep: the clocks need not tell of it again. They tell of the next one only.
    await laptop.jump(HOUR);
    await expect.poll(() => laptop.log().match(/slept/g)?.length, { timeout: 30_000 }).toBe(1);
  });

  it('notices by the clock alone that it slept, and starts what waits', async () => {
    const laptop = await start('a');
    await net.lab.plug('a');
    await laptop.statusUntil('the network', ({ network }) => network.online);
    await laptop.submit('waits');
    await pause(500);
    const a = await net.gateway('a');
    await pause(3000);
    expect(a.times('waits')).toBe(0);
    await laptop.jump(8 * HOUR);
    await a.takes('waits');
    await expect.poll(() => laptop.log(), { timeout: 30_000 }).toContain('slept');
  });
});
