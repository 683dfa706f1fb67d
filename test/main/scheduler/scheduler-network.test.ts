import { afterEach, describe, expect, it } from 'vitest';
import type { Settings } from '../../../shared/settings.ts';
import type { NetworkState } from '../../../shared/status.ts';
import { accepted, silent, type Script } from '../../fakes/scripted-delivery.ts';
import { createEngineLab, gateways, HOME, HOUR, NO_NETWORK, type EngineLab } from '../../support/engine-lab.ts';

let lab: EngineLab | undefined;
afterEach(async () => {
  await lab?.close();
  lab = undefined;
});
async function start(script: Script, first?: (settings: Settings) => unknown): Promise<EngineLab> {
  lab = await createEngineLab(script, first);
  return lab;
}
const starts = (l: EngineLab): number =>
  l.log.lines.filter((line) => line.startsWith('note "start delivering"')).length;
const HOTEL: NetworkState = { ...HOME, id: 'hotel', name: 'Hotel' };
const CALL: NetworkState = {
  ...HOME,
  id: 'call',
  name: 'Train',
  kind: 'ppp',
  links: [{ device: 'ppp0', kind: 'ppp', name: 'Train', addresses: ['192.0.2.99'] }],
};

describe('a change of network', () => {
  it('is one start of delivery, whoever tells of it first and however often', async () => {
    const l = await start(() => silent);
    const before = starts(l);
    await l.network(HOTEL);
    await l.network(HOTEL);
    await l.dialUp({});
    expect(starts(l)).toBe(before + 1);
    await l.network(NO_NETWORK);
    await l.network(NO_NETWORK);
    expect(starts(l)).toBe(before + 1);
    await l.network(HOTEL);
    expect(starts(l)).toBe(before + 2);
  });

  it('to a dial-up link is one start too, though dial-up and network both tell of it', async () => {
    const l = await start(() => silent);
    await l.network(NO_NETWORK);
    const before = starts(l);
    await l.dialUp({ active: ['Train'] }, CALL);
    expect(starts(l)).toBe(before + 1);
  });

  it('that is none, only a better name or another link, starts nothing and drops nothing', async () => {
    const l = await start(() => silent);
    const before = starts(l);
    await l.network({ ...HOME, id: 'home-refined', since: HOME.since });
    const moved = starts(l) - before;
    await l.network({
      ...HOME,
      id: 'home-refined',
      links: [...HOME.links, { device: 'eth0', kind: 'ethernet', name: null, addresses: ['192.0.2.8'] }],
    });
    expect(starts(l) - before).toBe(moved);
    expect(l.delivery.dropped).toEqual([]);
  });

  it('that takes an address away drops what is bound to it, and blames nobody for what that breaks', async () => {
    const two = [...HOME.links, { device: 'eth0', kind: 'ethernet', name: null, addresses: ['192.0.2.8'] }] as const;
    let vanish = async (): Promise<void> => Promise.resolve();
    let gone: Promise<unknown> = Promise.resolve();
    const l = await start(async () => {
      await vanish();
      return silent;
    });
    await l.network({ ...HOME, links: two });
    vanish = async () => {
      vanish = async () => Promise.resolve();
      gone = l.network(HOME);
      l.delivery.become(() => accepted);
      return Promise.resolve();
    };
    const id = await l.accept(['bob@a.test']);
    await gone;
    expect(l.delivery.dropped).toEqual([['192.0.2.7']]);
    expect((await l.store().details(id))?.recipients[0]).toMatchObject({ state: 'delivered', attempts: 1 });
  });

  it('that cuts an attempt off lets it begin anew at once, on the new network', async () => {
    let cut = async (): Promise<void> => Promise.resolve();
    const l = await start(async () => {
      await cut();
      return accepted;
    });
    cut = async () => {
      cut = async () => Promise.resolve();
      void l.network(HOTEL);
      return Promise.reject(new Error('network changed'));
    };
    const id = await l.accept(['bob@a.test']);
    expect((await l.store().details(id))?.recipients[0]).toMatchObject({ state: 'delivered', attempts: 1 });
    expect(l.log.lines.filter((line) => line.startsWith('problem'))).toEqual([]);
  });

  it('remembers the name that the system gave, not the one that the user gave', async () => {
    const l = await start(
      () => accepted,
      (s) => ({ ...s, security: { ...s.security, networkNames: { hotel: 'The good hotel' } } }),
    );
    await l.network({ ...HOTEL, name: 'The good hotel' });
    const known = await l.store().knownNetworks();
    expect(new Map(known.map(({ id, systemName }) => [id, systemName]))).toEqual(
      new Map([
        ['hotel', null],
        ['home', 'Home'],
      ]),
    );
  });
});

describe('a gateway that is limited to networks', () => {
  const limitedTo = (name: string) => (s: Settings) => ({
    ...s,
    gateways: { ...s.gateways, mode: 'always', list: gateways('office').map((g) => ({ ...g, networks: [name] })) },
    security: { ...s.security, networkNames: { hotel: 'The good hotel' } },
  });
  const links = [
    { device: 'wlan0', kind: 'wifi', name: 'HOTEL-WLAN', addresses: ['192.0.2.7'] },
    { device: 'tun0', kind: 'vpn', name: 'Head office', addresses: ['192.0.2.200'] },
  ] as const;
  it.each(['hotel', 'the good hotel', 'HOTEL-WLAN', 'head office'])(
    'is used where the network is "%s"',
    async (name) => {
      const l = await start(() => accepted, limitedTo(name));
      const id = await l.accept(['bob@a.test']);
      expect(await l.states(id)).toEqual({ 'bob@a.test': 'deferred' });
      await l.network({ ...HOTEL, name: 'The good hotel', links });
      expect(await l.states(id)).toEqual({ 'bob@a.test': 'relayed' });
    },
  );
});

describe('dial-up', () => {
  it('that must not send on connect lets only what is due go', async () => {
    const l = await start(
      () => silent,
      (s) => ({ ...s, dialUp: { ...s.dialUp, sendOnConnect: false } }),
    );
    const waiting = await l.accept(['bob@a.test']);
    await l.network(NO_NETWORK);
    l.delivery.become(() => accepted);
    await l.dialUp({ active: ['Train'] }, CALL);
    expect(await l.states(waiting)).toEqual({ 'bob@a.test': 'deferred' });
    await l.advance(2 * 60_000);
    expect(await l.states(waiting)).toEqual({ 'bob@a.test': 'delivered' });
  });
});

describe('a resume from sleep', () => {
  it('starts every waiting recipient, probes, and forgets which gateways failed', async () => {
    const l = await start(
      () => silent,
      (s) => ({ ...s, gateways: { ...s.gateways, mode: 'always', list: gateways('office') } }),
    );
    const id = await l.accept(['bob@a.test']);
    const { probes, forgotten } = l.delivery;
    l.clock.jump(8 * HOUR);
    l.delivery.become(() => accepted);
    await l.engine().wokeUp();
    await l.settle();
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'relayed' });
    expect([l.delivery.probes - probes, l.delivery.forgotten - forgotten]).toEqual([1, 1]);
  });
});

describe('a captive portal', () => {
  it('holds the queue, unblamed, until it is gone', async () => {
    const l = await start(() => accepted);
    await l.network({ ...HOTEL, portal: true });
    const id = await l.accept(['bob@a.test']);
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'queued' });
    expect(await l.engine().sendNow()).toEqual({ count: 0, phrase: { id: 'hold.captive-portal' } });
    const { forgotten } = l.delivery;
    await l.network(HOTEL);
    // Names led to its page until now.
    expect(l.delivery.forgotten).toBe(forgotten + 1);
    expect((await l.store().details(id))?.recipients[0]).toMatchObject({ state: 'delivered', attempts: 1 });
  });
});
