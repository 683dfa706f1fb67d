import { describe, expect, it } from 'vitest';
import { NO_FACTS, type LinkFact, type NetworkFacts, type RouteFact } from '../../../main/network/facts.ts';
import { interpret, isNetworkChange } from '../../../main/network/interpret-facts.ts';
import type { NetworkState } from '../../../shared/status.ts';

function link(
  device: string,
  kind: LinkFact['kind'],
  addresses: readonly string[],
  more: Partial<LinkFact> = {},
): LinkFact {
  return {
    device,
    kind,
    toldKind: null,
    name: null,
    addresses: addresses.map((text) => ({ address: text.split('/')[0]!, prefix: Number(text.split('/')[1]) })),
    ...more,
  };
}
const via = (device: string, gateway: string | null, metric = 100): RouteFact => ({
  family: gateway?.includes(':') === true ? 6 : 4,
  device,
  gateway,
  metric,
});
const facts = (some: Partial<NetworkFacts>): NetworkFacts => ({ ...NO_FACTS, ...some });

const eth = link('eth0', 'ethernet', ['192.0.2.17/24']);
const home = facts({
  links: [eth],
  routes: [via('eth0', '192.0.2.1')],
  neighbours: [{ device: 'eth0', address: '192.0.2.1', mac: '02:00:5e:10:00:01' }],
  dnsSuffix: 'home.test',
});
const idOf = (some: NetworkFacts): string | null => interpret(some).id;

describe('online or not', () => {
  it.each<[string, NetworkFacts, boolean]>([
    ['nothing at all', NO_FACTS, false],
    ['address, gateway known', home, true],
    ['gateway not resolved yet', { ...home, neighbours: [] }, true],
    [
      'only an address of one’s own making',
      facts({ links: [link('eth0', 'ethernet', ['169.254.7.7/16', 'fe80::5/64'])], routes: [via('eth0', null)] }),
      false,
    ],
    [
      'route, but the address is gone',
      facts({ links: [link('eth0', 'ethernet', ['fe80::5/64'])], routes: [via('eth0', '192.0.2.1')] }),
      false,
    ],
    [
      'route of another family than the address',
      facts({ links: [link('eth0', 'ethernet', [])], routes: [via('eth0', 'fe80::1')] }),
      false,
    ],
    [
      'IPv6 alone',
      facts({ links: [link('eth0', 'ethernet', ['2001:db8::5/64', 'fe80::5/64'])], routes: [via('eth0', 'fe80::1')] }),
      true,
    ],
    ['a local network without a way out', facts({ links: [eth] }), true],
    ['a bridge to virtual machines alone', facts({ links: [link('docker0', 'other', ['172.17.0.1/16'])] }), false],
    [
      'a bridge that has the default route',
      facts({ links: [link('br0', 'other', ['192.0.2.9/24'])], routes: [via('br0', '192.0.2.1')] }),
      true,
    ],
    ['a VPN over nothing', facts({ links: [link('tailscale0', 'vpn', ['100.64.0.9/32'])] }), false],
    ['a dial-up link', facts({ links: [link('ppp0', 'ppp', ['192.0.2.2/32'])], routes: [via('ppp0', null)] }), true],
  ])('%s', (_what, some, online) => {
    const view = interpret(some);
    expect(view.online).toBe(online);
    expect(view.id === null).toBe(!online);
    expect(view.kind === null).toBe(!online);
  });
});

describe('which link carries', () => {
  const wifi = link('wlan0', 'wifi', ['198.51.100.9/24'], { name: 'Cafe' });
  const both = facts({
    links: [wifi, eth],
    routes: [via('wlan0', '198.51.100.1', 600), via('eth0', '192.0.2.1', 100)],
  });
  it('is the one with the lower metric, and the name is its own', () => {
    expect(interpret(both)).toMatchObject({ kind: 'ethernet', systemName: null });
    expect(
      interpret({ ...both, routes: [via('wlan0', '198.51.100.1', 50), via('eth0', '192.0.2.1', 100)] }),
    ).toMatchObject({ kind: 'wifi', systemName: 'Cafe' });
  });
  it('tells the kind that a service told rather than the kernel’s', () => {
    const modem = facts({
      links: [link('ppp0', 'ppp', ['192.0.2.2/32'], { toldKind: 'mobile', name: 'Train' })],
      routes: [via('ppp0', null)],
    });
    expect(interpret(modem)).toMatchObject({
      kind: 'mobile',
      systemName: 'Train',
      links: [{ kind: 'mobile', name: 'Train' }],
    });
  });
  it('is the VPN where that has the default route, and the network beneath gives the name', () => {
    const under = facts({
      ...both,
      links: [wifi, link('tun0', 'vpn', ['10.8.0.6/24'])],
      routes: [via('wlan0', '198.51.100.1', 600), via('tun0', '10.8.0.1', -1)],
    });
    expect(interpret(under)).toMatchObject({ online: true, kind: 'vpn', systemName: 'Cafe' });
  });
});

describe('identity', () => {
  it.each<[string, NetworkFacts]>([
    [
      'another address in the same subnet (renewed)',
      { ...home, links: [link('eth0', 'ethernet', ['192.0.2.201/24'])] },
    ],
    [
      'an IPv6 address more',
      {
        ...home,
        links: [link('eth0', 'ethernet', ['192.0.2.17/24', '2001:db8::17/64'])],
        routes: [via('eth0', 'fe80::1', 1), ...home.routes],
      },
    ],
    [
      'another interface of the same kind',
      {
        ...home,
        links: [{ ...eth, device: 'eth1' }],
        routes: [via('eth1', '192.0.2.1')],
        neighbours: [{ device: 'eth1', address: '192.0.2.1', mac: '02:00:5E:10:00:01' }],
      },
    ],
    ['another name', { ...home, links: [{ ...eth, name: 'Wired connection 1', toldKind: 'ethernet' }] }],
    ['a bridge beside it', { ...home, links: [eth, link('docker0', 'other', ['172.17.0.1/16'])] }],
    ['another metric', { ...home, routes: [via('eth0', '192.0.2.1', 7)] }],
  ])('stays with %s', (_what, some) => {
    expect(idOf(some)).toBe(idOf(home));
  });

  it.each<[string, NetworkFacts]>([
    [
      'another gateway under the same number',
      { ...home, neighbours: [{ device: 'eth0', address: '192.0.2.1', mac: '02:00:5e:10:00:02' }] },
    ],
    ['a VPN that came up', { ...home, links: [eth, link('tun0', 'vpn', ['10.8.0.6/24'])] }],
    ['another suffix', { ...home, dnsSuffix: 'guest.test' }],
    ['the same by radio', { ...home, links: [{ ...eth, kind: 'wifi' }] }],
  ])('changes with %s', (_what, some) => {
    expect(idOf(some)).not.toBe(idOf(home));
  });

  it('does not hold the ever-changing address of a dial-up link', () => {
    const call = (address: string, name: string | null) =>
      facts({ links: [link('ppp0', 'ppp', [address], { name })], routes: [via('ppp0', null)] });
    expect(idOf(call('192.0.2.2/32', 'Train'))).toBe(idOf(call('203.0.113.9/32', 'Train')));
    expect(idOf(call('192.0.2.2/32', 'Train'))).not.toBe(idOf(call('192.0.2.2/32', 'Office')));
  });

  it('asks for the gateway’s hardware address where there must be one, and only there', () => {
    expect(interpret(home).unresolved).toBeNull();
    expect(interpret({ ...home, neighbours: [] }).unresolved).toEqual(home.routes[0]);
    expect(
      interpret(facts({ links: [link('ppp0', 'ppp', ['192.0.2.2/32'])], routes: [via('ppp0', '192.0.2.1')] }))
        .unresolved,
    ).toBeNull();
    expect(interpret(facts({ links: [eth] })).unresolved).toBeNull();
  });
});

describe('isNetworkChange', () => {
  const on: NetworkState = {
    online: true,
    id: 'a',
    name: null,
    kind: 'ethernet',
    links: [],
    portal: false,
    metered: null,
    since: 1,
  };
  const off: NetworkState = { ...on, online: false, id: null, kind: null, since: 2 };
  it.each<[string, NetworkState, NetworkState, boolean]>([
    ['came up', off, on, true],
    ['went down', on, off, false],
    ['another network', on, { ...on, id: 'b', since: 5 }, true],
    ['the same network after a gap that nobody was told of', on, { ...on, since: 5 }, true],
    ['better known', on, { ...on, id: 'b' }, false],
    [
      'another link beside it',
      on,
      { ...on, links: [{ device: 'wlan0', kind: 'wifi', name: null, addresses: [] }] },
      false,
    ],
    ['a portal appeared', on, { ...on, portal: true }, false],
    ['the portal was passed', { ...on, portal: true }, on, true],
  ])('%s', (_what, before, after, change) => {
    expect(isNetworkChange(before, after)).toBe(change);
  });
});
