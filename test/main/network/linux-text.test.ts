import { describe, expect, it } from 'vitest';
import { NO_FACTS, type NetworkFacts } from '../../../main/network/facts.ts';
import {
  pppPeer,
  kindOfDevice,
  parseArp,
  parseDnsSuffix,
  parseNeighbours6,
  parseRoutes4,
  parseRoutes6,
} from '../../../main/network/linux/kernel-text.ts';
import { serviceFacts, withService, type ActiveConnection } from '../../../main/network/linux/network-manager-facts.ts';

describe('the kernel’s tables', () => {
  it('/proc/net/route: default routes only, halves of a VPN first, rejecting and downed ones not', () => {
    const text = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
wlan0\t00000000\t016433C6\t0003\t0\t0\t600\t00000000\t0\t0\t0
ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0
tun0\t00000080\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0
eth1\t00000000\t010200C0\t0002\t0\t0\t0\t00000000\t0\t0\t0
lo\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
`;
    expect(parseRoutes4(text)).toEqual([
      { family: 4, device: 'eth0', gateway: '192.0.2.1', metric: 100 },
      { family: 4, device: 'wlan0', gateway: '198.51.100.1', metric: 600 },
      { family: 4, device: 'ppp0', gateway: null, metric: 0 },
      { family: 4, device: 'tun0', gateway: '10.8.0.1', metric: -1 },
    ]);
  });

  it('/proc/net/ipv6_route: default routes only, addresses as the tools write them', () => {
    const zero = '0'.repeat(32);
    const text = [
      `${zero} 00 ${zero} 00 fe800000000000000000000000000001 00000400 00000004 00000000 00450003     eth0`,
      `${zero} 00 ${zero} 00 20010db8000000000001000000000001 00000064 00000004 00000000 00000003     eth1`,
      `${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo`,
      `${zero} 00 ${zero} 00 ${zero} 00000400 00000001 00000000 00000001     ppp0`,
      `20010db8000000000000000000000000 40 ${zero} 00 ${zero} 00000100 00000004 00000000 00000001     eth0`,
    ].join('\n');
    expect(parseRoutes6(text)).toEqual([
      { family: 6, device: 'eth0', gateway: 'fe80::1', metric: 1024 },
      { family: 6, device: 'eth1', gateway: '2001:db8::1:0:0:1', metric: 100 },
      { family: 6, device: 'ppp0', gateway: null, metric: 1024 },
    ]);
  });

  it('/proc/net/arp: complete entries only', () => {
    const text = `IP address       HW type     Flags       HW address            Mask     Device
192.0.2.1        0x1         0x2         02:00:5e:10:00:01     *        eth0
192.0.2.9        0x1         0x0         00:00:00:00:00:00     *        eth0
192.0.2.8        0x1         0x6         02:00:5e:10:00:08     *        eth0
`;
    expect(parseArp(text)).toEqual([
      { device: 'eth0', address: '192.0.2.1', mac: '02:00:5e:10:00:01' },
      { device: 'eth0', address: '192.0.2.8', mac: '02:00:5e:10:00:08' },
    ]);
  });

  it('ip -6 neigh: resolved ones only', () => {
    const text =
      'fe80::1 dev eth0 lladdr 02:00:5e:10:00:01 router REACHABLE\nfe80::2 dev eth0  FAILED\nfe80::3 dev eth0 lladdr 02:00:5e:10:00:03 FAILED\n';
    expect(parseNeighbours6(text)).toEqual([{ device: 'eth0', address: 'fe80::1', mac: '02:00:5e:10:00:01' }]);
  });

  it.each([
    ['search corp.test other.test\nnameserver 127.0.0.53\n', 'corp.test'],
    ['domain HOME.test.\n', 'home.test'],
    ['domain home.test\nsearch corp.test\n', 'corp.test'],
    ['# search corp.test\nnameserver 192.0.2.1\n', null],
    ['search .\n', null],
    ['', null],
  ])('resolv.conf %j -> %j', (text, suffix) => {
    expect(parseDnsSuffix(text)).toBe(suffix);
  });

  const none = { type: 1, devtype: null, wireless: false, tun: false };
  it.each([
    ['enp3s0', none, 'ethernet'],
    ['eth0', { ...none, type: null }, 'ethernet'],
    ['wlp2s0', { ...none, devtype: 'wlan' }, 'wifi'],
    ['radio7', { ...none, wireless: true }, 'wifi'],
    ['ppp0', { ...none, type: 65534, tun: true }, 'ppp'],
    ['modem', { ...none, type: 512 }, 'ppp'],
    ['wwan0', none, 'mobile'],
    ['usb9', { ...none, devtype: 'wwan' }, 'mobile'],
    ['bnep0', { ...none, devtype: 'bluetooth' }, 'mobile'],
    ['tun0', { ...none, type: 65534, tun: true }, 'vpn'],
    ['office', { ...none, type: 65534, devtype: 'wireguard' }, 'vpn'],
    ['tailscale0', { ...none, type: 65534 }, 'vpn'],
    ['docker0', { ...none, devtype: 'bridge' }, 'other'],
    ['br0', { ...none, devtype: 'bridge' }, 'other'],
    ['dummy0', { ...none, devtype: 'dummy' }, 'other'],
    ['bond0', { ...none, devtype: 'bond' }, 'ethernet'],
    ['eth0.7', { ...none, devtype: 'vlan' }, 'ethernet'],
    ['can0', { ...none, type: 280 }, 'other'],
  ] as const)('%s is %s', (device, files, kind) => {
    expect(kindOfDevice(device, files)).toBe(kind);
  });

  it('the peer that pppd was called with', () => {
    expect(pppPeer('/usr/sbin/pppd\0call\0provider\0')).toBe('provider');
    expect(pppPeer('/usr/sbin/pppd\0nodetach\0')).toBeNull();
    expect(pppPeer('/usr/sbin/pppd\0call\0')).toBeNull();
  });
});

describe('NetworkManager’s words', () => {
  const wire: ActiveConnection = {
    active: { Id: 'Office', Type: '802-3-ethernet', State: 2, Vpn: false },
    devices: [{ Interface: 'eth0', IpInterface: 'eth0' }],
    accessPoint: null,
  };

  it.each([
    [
      { Connectivity: 4, ConnectivityCheckEnabled: true, Metered: 4 },
      { portal: false, metered: false },
    ],
    [
      { Connectivity: 2, ConnectivityCheckEnabled: true, Metered: 1 },
      { portal: true, metered: true },
    ],
    [
      { Connectivity: 4, ConnectivityCheckEnabled: false, Metered: 3 },
      { portal: null, metered: true },
    ],
    [
      { Connectivity: 0, Metered: 0 },
      { portal: null, metered: null },
    ],
    [
      { Connectivity: 3, Metered: 2 },
      { portal: false, metered: false },
    ],
    [{}, { portal: null, metered: null }],
  ])('%j -> %j', (manager, expected) => {
    expect(serviceFacts(manager, [])).toEqual({ ...expected, connections: [] });
  });

  it.each<[string, ActiveConnection, unknown]>([
    ['a cable', wire, { name: 'Office', kind: 'ethernet', devices: ['eth0'], vpn: false, up: true }],
    [
      'a radio network goes by its SSID',
      {
        active: { Id: 'auto 3', Type: '802-11-wireless', State: 2 },
        devices: [{ Interface: 'wlan0' }],
        accessPoint: { Ssid: new TextEncoder().encode('Café') },
      },
      { name: 'Café', kind: 'wifi', devices: ['wlan0'], vpn: false, up: true },
    ],
    [
      'a modem’s traffic has an interface of its own',
      {
        active: { Id: 'Train', Type: 'gsm', State: 2 },
        devices: [{ Interface: 'ttyUSB0', IpInterface: 'ppp0' }],
        accessPoint: null,
      },
      { name: 'Train', kind: 'mobile', devices: ['ppp0'], vpn: false, up: true },
    ],
    [
      'a telephone by Bluetooth',
      { active: { Id: 'Phone', Type: 'bluetooth', State: 1 }, devices: [{ IpInterface: 'bnep0' }], accessPoint: null },
      { name: 'Phone', kind: 'mobile', devices: ['bnep0'], vpn: false, up: false },
    ],
    [
      'PPPoE',
      { active: { Id: 'DSL', Type: 'pppoe', State: 2 }, devices: [{ IpInterface: 'ppp1' }], accessPoint: null },
      { name: 'DSL', kind: 'ppp', devices: ['ppp1'], vpn: false, up: true },
    ],
    [
      'a VPN does not own the device it runs over',
      {
        active: { Id: 'Head office', Type: 'vpn', Vpn: true, State: 2 },
        devices: [{ IpInterface: 'eth0' }],
        accessPoint: null,
      },
      { name: 'Head office', kind: 'vpn', devices: [], vpn: true, up: true },
    ],
    [
      'WireGuard owns its device',
      {
        active: { Id: 'Home', Type: 'wireguard', Vpn: false, State: 2 },
        devices: [{ IpInterface: 'wg0' }],
        accessPoint: null,
      },
      { name: 'Home', kind: 'vpn', devices: ['wg0'], vpn: false, up: true },
    ],
  ])('%s', (_what, connection, expected) => {
    expect(serviceFacts({}, [connection]).connections).toEqual([expected]);
  });

  it.each<[string, ActiveConnection]>([
    ['going down', { ...wire, active: { ...wire.active, State: 3 } }],
    ['loopback', { ...wire, active: { ...wire.active, Type: 'loopback' } }],
    ['without a name', { ...wire, active: { State: 2, Type: '802-3-ethernet' } }],
    ['without any property', { active: {}, devices: [{}], accessPoint: null }],
  ])('a connection %s is left out', (_what, connection) => {
    expect(serviceFacts({}, [connection]).connections).toEqual([]);
  });

  const facts: NetworkFacts = {
    ...NO_FACTS,
    links: ['eth0', 'tun0'].map((device) => ({
      device,
      kind: device === 'eth0' ? ('ethernet' as const) : ('vpn' as const),
      toldKind: null,
      name: null,
      addresses: [],
    })),
  };
  const vpn: ActiveConnection = {
    active: { Id: 'Head office', Type: 'vpn', Vpn: true, State: 2 },
    devices: [],
    accessPoint: null,
  };

  it('lie over the facts of the kernel: names for the links, and the VPN’s for its tunnel', () => {
    const laid = withService(facts, serviceFacts({ Connectivity: 2 }, [wire, vpn]));
    expect(laid.links.map(({ device, name, toldKind }) => [device, name, toldKind])).toEqual([
      ['eth0', 'Office', 'ethernet'],
      ['tun0', 'Head office', 'vpn'],
    ]);
    expect(laid.portal).toBe(true);
  });

  it('make a link of a VPN that has none, once it is up', () => {
    const bare = { ...facts, links: facts.links.slice(0, 1) };
    expect(withService(bare, serviceFacts({}, [vpn])).links[1]).toEqual({
      device: 'Head office',
      kind: 'vpn',
      toldKind: 'vpn',
      name: 'Head office',
      addresses: [],
    });
    const coming = { ...vpn, active: { ...vpn.active, State: 1 } };
    expect(withService(bare, serviceFacts({}, [coming])).links).toHaveLength(1);
  });

  it('are no names where they only repeat the interface', () => {
    const taken = { ...wire, active: { ...wire.active, Id: 'eth0' } };
    expect(withService(facts, serviceFacts({}, [taken])).links[0]?.name).toBeNull();
  });

  it('change nothing when the service is not there', () => {
    expect(withService(facts, null)).toBe(facts);
  });
});
