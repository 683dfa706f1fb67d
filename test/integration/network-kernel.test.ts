import { beforeEach, expect, it } from 'vitest';
import { describeInLab, flap, laptopNetwork } from '../support/laptop-network.ts';
import type { NetworkLab } from '../support/netns.ts';
import type { NetworkWatch } from '../support/network-watch.ts';

describeInLab()('the network monitor on rtnetlink, in a laboratory', { timeout: 180_000 }, () => {
  const net = laptopNetwork();
  let lab: NetworkLab;
  let watch: NetworkWatch;
  beforeEach(async () => {
    ({ lab } = net);
    watch = await net.monitor();
  });

  const online =
    (address: string) =>
    ({ state }: { state: { online: boolean; links: readonly { addresses: readonly string[] }[] } }) =>
      state.online && state.links.some(({ addresses }) => addresses.includes(address));
  const offline = ({ state }: { state: { online: boolean } }) => !state.online;
  const { a, b } = { a: '198.51.100.77', b: '203.0.113.88' };

  it('tells a plugged-in link soon and a pulled one at once', async () => {
    const plugged = Date.now();
    await lab.plug('a');
    const up = await watch.next('provider a', online(a));
    expect(up).toMatchObject({
      change: true,
      state: {
        kind: 'ethernet',
        name: null,
        portal: false,
        metered: null,
        id: expect.stringMatching(/^[0-9a-f]{32}$/) as unknown,
      },
    });
    console.log(`plugged in to told: ${up.at - plugged} ms`);

    const pulled = Date.now();
    await lab.plug(null);
    const down = await watch.next('the loss', offline, { from: watch.told.indexOf(up) + 1 });
    expect(down).toMatchObject({ change: false, state: { online: false, id: null, kind: null, links: [] } });
    console.log(`pulled to told: ${down.at - pulled} ms`);
  });

  it('gives two providers two identities, and each the same one whenever it is back', async () => {
    const ids: (string | null)[] = [];
    for (const isp of ['a', 'b', 'a', 'b'] as const) {
      const from = watch.told.length;
      await lab.plug(isp);
      ids.push((await watch.next(`provider ${isp}`, online(isp === 'a' ? a : b), { from })).state.id);
    }
    expect(ids[0]).not.toBe(ids[1]);
    expect(ids.slice(2)).toEqual(ids.slice(0, 2));
    expect(watch.told.filter(({ change }) => change)).toHaveLength(4);
  });

  it('tells a default route that moves to another provider without any loss of link', async () => {
    await lab.switchRoute('a');
    const first = await watch.next('provider a', online(a));
    await lab.switchRoute('b');
    const second = await watch.next('provider b', ({ change }) => change, { from: watch.told.indexOf(first) + 1 });
    expect(second.state.id).not.toBe(first.state.id);
    // From the first provider on: before it there is none, which is told with what changes are heard by.
    expect(watch.told.slice(watch.told.indexOf(first)).every(({ state }) => state.online)).toBe(true);
  });

  it('is offline when only the address is gone', async () => {
    await lab.plug('a');
    const up = await watch.next('provider a', online(a));
    await lab.ip(lab.laptop, 'addr flush dev eth0');
    await watch.next('the loss', offline, { from: watch.told.indexOf(up) + 1 });
  });

  it('tells a flapping link (20 changes in 10 s) as one loss and, once it holds, one arrival', async () => {
    await lab.plug('a');
    await watch.next('provider a', online(a));
    const from = watch.told.length;
    const held = await flap(lab);
    await watch.next('provider a again', online(a), { from });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const told = watch.told.slice(from).map(({ state, change }) => [state.online, change]);
    if (held > 0) expect(told.length).toBeLessThanOrEqual(2 + 2 * held);
    else
      expect(told).toEqual([
        [false, false],
        [true, true],
      ]);
  });

  it('settles on each of ten random switches', async () => {
    const took: number[] = [];
    let plugged: 'a' | 'b' | null = null;
    for (let round = 0; round < 10; round += 1) {
      const next: 'a' | 'b' = plugged === null || Math.random() < 0.7 ? (plugged === 'a' ? 'b' : 'a') : plugged;
      if (next === plugged) {
        // Pulled and plugged in within milliseconds nothing is lost, and nothing is told.
        const before = watch.told.length;
        await lab.plug(null);
        await watch.next('the loss', offline, { from: before });
      }
      const from = watch.told.length;
      const began = Date.now();
      await lab.plug(next);
      plugged = next;
      const told = await watch.next(
        `provider ${next}`,
        (state) => state.change && online(next === 'a' ? a : b)(state),
        { from },
      );
      took.push(told.at - began);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 1500));
    }
    took.sort((x, y) => x - y);
    console.log(`link-up to told: median ${took[5]} ms, worst ${took[9]} ms`);
    // The goal is 1 s and 3 s on a computer that is not busy with other tests.
    expect(took[5]).toBeLessThan(15_000);
  }, 300_000);

  it('without iproute2 it looks for itself, every five seconds', async () => {
    const blind = await net.monitor({ PATH: '/nonexistent' });
    await expect
      .poll(() => blind.notes.map(({ event }) => event), { timeout: 30_000 })
      .toContain('network helper missing');
    await lab.plug('a');
    const up = await blind.next('provider a', online(a));
    await lab.plug(null);
    await blind.next('the loss', offline, { from: blind.told.indexOf(up) + 1 });
  });

  it('knows a network of IPv6 alone, gateway included', async () => {
    const { laptop, ip } = lab;
    await lab.allowIpv6();
    await lab.wire('a');
    await ip(
      laptop,
      'link set eth0 up',
      'addr add 2001:db8:a::77/64 dev eth0 nodad',
      'route add default via 2001:db8:a::1 dev eth0',
    );
    const up = await watch.next('the IPv6 network', online('2001:db8:a::77'));
    expect(up.state).toMatchObject({ online: true, kind: 'ethernet' });
    const from = watch.told.length;
    await ip(laptop, 'link set eth0 down');
    await watch.next('the loss', offline, { from });
  });

  it('knows a dial-up link by its kind, and that it was hung up', async () => {
    const link = await lab.dial();
    const up = await watch.next('ppp0', ({ state }) => state.online);
    expect(up).toMatchObject({
      change: true,
      state: { kind: 'ppp', links: [{ device: 'ppp0', kind: 'ppp', addresses: ['192.0.2.2'] }] },
    });
    await link.hangUp();
    await watch.next('the hang-up', offline, { from: watch.told.indexOf(up) + 1 });
  });

  it('goes over to the dial-up link when the plug is pulled, and back', async () => {
    await lab.plug('a');
    const cable = await watch.next('provider a', online(a));
    await lab.plug(null);
    const link = await lab.dial();
    const dialled = await watch.next('ppp0', ({ state }) => state.online && state.kind === 'ppp', {
      from: watch.told.indexOf(cable) + 1,
    });
    await link.hangUp();
    await lab.plug('a');
    const again = await watch.next('provider a again', online(a), { from: watch.told.indexOf(dialled) + 1 });
    expect(again.state.id).toBe(cable.state.id);
  });
});
