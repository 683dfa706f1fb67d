import { setTimeout as pause } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import { describeInLab, flap, laptopNetwork } from '../support/laptop-network.ts';
import type { Arrival, Gateway, ProgramInLab } from '../support/laptop.ts';
import type { Isp, NetworkLab } from '../support/netns.ts';

/** 50 make the whole proof; fewer keep the tests quick. */
const SWITCHES = Number(process.env['NETWORK_SWITCHES'] ?? 10);
const MAIL_EVERY_MS = 150;

describeInLab()('the whole program in a laptop that moves between two providers', () => {
  const net = laptopNetwork();
  let lab: NetworkLab;
  let program: ProgramInLab;
  let gateways: Readonly<Record<Isp, Gateway>>;

  beforeEach(async () => {
    ({ lab } = net);
    await lab.peer();
    gateways = { a: await net.gateway('a'), b: await net.gateway('b') };
    program = await net.program({ gateways: net.through('a', 'b') });
  });

  const arrivals = (): readonly (Arrival & { readonly isp: Isp })[] =>
    (['a', 'b'] as const).flatMap((isp) =>
      gateways[isp].all.filter((line) => line.id !== undefined).map((line) => ({ ...line, isp })),
    );

  it('starts delivery once for a link that flaps 20 times in 10 s', async () => {
    await lab.plug('a');
    await program.submit('first');
    await gateways.a.takes('first');
    // Lines reach the file a moment after they were written.
    await expect.poll(() => program.starts(), { timeout: 30_000 }).toBeGreaterThan(0);
    const before = program.starts();
    const held = await flap(lab, async (change) => {
      if (change % 5 === 0) await program.submit(`flap${change}`);
    });
    await gateways.a.takes('flap15');
    await program.emptied();
    await pause(1000);
    expect(program.starts() - before).toBeGreaterThan(0);
    expect(program.starts() - before).toBeLessThanOrEqual(1 + held);
    expect(new Set(arrivals().map(({ id }) => id)).size).toBe(5);
  }, 180_000);

  it(
    `gets every message out once, by the provider of the moment, over ${SWITCHES} random switches`,
    async () => {
      const state = { going: true };
      let sent = 0;
      const mail = (async () => {
        while (state.going) {
          const reply = await program.submit(`m${sent}`);
          if (!reply.startsWith('250')) throw new Error(reply);
          sent += 1;
          await pause(MAIL_EVERY_MS);
        }
      })();
      const stays: { readonly isp: Isp; readonly from: number; until: number }[] = [];
      const took: number[] = [];
      const silent: number[] = [];
      let plugged: Isp | null = null;
      for (let round = 0; round < SWITCHES; round += 1) {
        const last = stays.at(-1);
        // Now and then the plug is out for a while; mostly the laptop is simply somewhere else.
        if (plugged !== null && Math.random() < 0.3) {
          await lab.plug(null);
          if (last) last.until = Date.now();
          plugged = null;
          await pause(Math.random() * 1500);
        }
        const next: Isp = plugged === null ? (Math.random() < 0.5 ? 'a' : 'b') : plugged === 'a' ? 'b' : 'a';
        // The other provider's gateway refuses us, or in some places cannot even be reached from here.
        const swallowed = Math.random() < 0.4;
        await lab.swallow(next, swallowed);
        const from = await lab.plug(next);
        if (last?.until === Infinity) last.until = from;
        plugged = next;
        stays.push({ isp: next, from, until: Infinity });
        const first = await gateways[next].until(
          `mail at provider ${next}`,
          (line) => line.id !== undefined && line.at >= from,
          90_000,
        );
        took.push(first.at - from);
        if (swallowed && next === 'b') silent.push(first.at - from);
        await pause(300 + Math.random() * 1500);
      }
      state.going = false;
      await mail;
      const status = await program.emptied(120_000);

      const all = arrivals();
      const times = new Map<string, number>();
      for (const { id = '' } of all) times.set(id, (times.get(id) ?? 0) + 1);
      expect([...times.keys()]).toHaveLength(sent);
      expect(all.length - sent).toBeLessThanOrEqual(program.unsure());
      for (const { isp, at, client } of all) {
        expect(client).toBe(lab.isps[isp].laptop);
        // Nothing comes in through a plug that is pulled; what had come was on its way through the gateway's own process.
        expect(stays.some((stay) => stay.isp === isp && stay.from <= at && at <= stay.until + 10_000)).toBe(true);
      }
      expect(status.counts).toMatchObject({ bad: 0, bounced: 0 });

      took.sort((x, y) => x - y);
      const median = took[Math.floor(took.length / 2)] ?? 0;
      const worst = took.at(-1) ?? 0;
      console.log(
        `${SWITCHES} switches, ${sent} messages, ${all.length - sent} sent twice; link-up to first arrival: median ${Math.round(median)} ms, worst ${Math.round(worst)} ms; ${silent.length} of them with the preferred gateway silent (2 s head start)`,
      );
      // The goal, 1 s and 3 s, is for a computer that is not busy with other tests; these bounds tell a wait for time-outs.
      expect(median).toBeLessThan(4_000);
      expect(worst).toBeLessThan(15_000);
      // One start per settled network; on a busy machine address and route may come so far apart that both settle.
      expect(program.starts()).toBeLessThanOrEqual(SWITCHES * 1.2 + 2);
    },
    180_000 + SWITCHES * 15_000,
  );
});
