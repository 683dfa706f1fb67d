/**
 * Not recorded on macOS: made after the formats in the manual pages netstat(1), arp(8), ndp(8), route(8), networksetup(8) and
 * scutil(8), and in published examples of their output, with reserved addresses. See docs/platforms.md.
 */
import { describe, expect, it } from 'vitest';
import {
  isRouteNews,
  kindOfPort,
  parseArpList,
  parseConnections,
  parseHardwarePorts,
  parseNdpList,
  parseNetstat,
  parseScutilDns,
} from '../../../main/network/macos/command-text.ts';

const connections = `Available network connection services in the current set (*=enabled):
* (Disconnected)   6A0F7D54-2B7E-4C11-9F0B-0A1B2C3D4E5F PPP --> Modem (usbmodem1)  "Train"                          [PPP:Modem]
* (Connected)      0E1D2C3B-4A59-4687-9A8B-7C6D5E4F3A2B VPN (com.example.client)    "Head \\"office\\""               [VPN:com.example.client]
  (Invalid)        FFFFFFFF-4A59-4687-9A8B-7C6D5E4F3A2B IPSec                       "Old"                            [IPSec]
`;

describe('what macOS prints', () => {
  it('netstat with the columns of today: the system’s order, scoped routes after the others', () => {
    const text = `Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            198.51.100.1       UGScIg                en1
default            192.0.2.1          UGScg                 en0
default            link#22            UCSIg             bridge100      !
0/1                10.8.0.1           UGSc                utun4
127                127.0.0.1          UCS                   lo0
192.0.2            link#11            UCS                   en0      !
`;
    const routes = [...parseNetstat(text, 4)].sort((a, b) => a.metric - b.metric);
    expect(routes.map(({ device, gateway }) => [device, gateway])).toEqual([
      ['utun4', '10.8.0.1'],
      ['en0', '192.0.2.1'],
      ['en1', '198.51.100.1'],
      ['bridge100', null],
    ]);
  });

  it('netstat with the columns of older systems, and IPv6', () => {
    expect(
      parseNetstat('Destination Gateway Flags Refs Use Netif Expire\ndefault 192.0.2.1 UGSc 20 16 en0\n', 4),
    ).toEqual([{ family: 4, device: 'en0', gateway: '192.0.2.1', metric: 1 }]);
    const six =
      'Destination Gateway Flags Netif Expire\ndefault fe80::1%en0 UGcg en0\ndefault fe80::%utun0 UGcIg utun0\n::1 ::1 UHL lo0\n';
    expect(parseNetstat(six, 6).map(({ device, gateway }) => [device, gateway])).toEqual([
      ['en0', 'fe80::1'],
      ['utun0', 'fe80::'],
    ]);
  });

  it('arp and ndp: known hardware addresses only', () => {
    expect(
      parseArpList(
        '? (192.0.2.1) at 0:0:5e:0:53:1 on en0 ifscope [ethernet]\n? (192.0.2.9) at (incomplete) on en0 ifscope [ethernet]\n',
      ),
    ).toEqual([{ device: 'en0', address: '192.0.2.1', mac: '0:0:5e:0:53:1' }]);
    expect(
      parseNdpList(
        'Neighbor                Linklayer Address  Netif Expire    St Flgs Prbs\nfe80::1%en0             0:0:5e:0:53:1      en0 23h59m58s  R  R\nfe80::2%en0             (incomplete)       en0 expired    N\n',
      ),
    ).toEqual([{ device: 'en0', address: 'fe80::1', mac: '0:0:5e:0:53:1' }]);
  });

  it('networksetup: ports by device, and their kinds', () => {
    const ports = parseHardwarePorts(
      '\nHardware Port: Wi-Fi\nDevice: en0\nEthernet Address: 02:00:5e:10:00:07\n\nHardware Port: iPhone USB\nDevice: en7\nEthernet Address: N/A\n\nVLAN Configurations\n===================\n',
    );
    expect([...ports]).toEqual([
      ['en0', 'Wi-Fi'],
      ['en7', 'iPhone USB'],
    ]);
    expect([...ports].map(([device, port]) => kindOfPort(device, port))).toEqual(['wifi', 'mobile']);
  });

  it.each([
    ['ppp0', undefined, 'ppp'],
    ['utun3', undefined, 'vpn'],
    ['ipsec0', undefined, 'vpn'],
    ['en5', 'USB 10/100/1000 LAN', 'ethernet'],
    ['bridge100', undefined, 'other'],
    ['awdl0', undefined, 'other'],
  ])('%s (%s) is %s', (device, port, kind) => {
    expect(kindOfPort(device, port)).toBe(kind);
  });

  it('scutil --dns: the domain of the default resolver', () => {
    expect(
      parseScutilDns(
        'DNS configuration\n\nresolver #1\n  search domain[0] : Home.test\n  nameserver[0] : 192.0.2.1\n\nresolver #2\n  domain   : local\n',
      ),
    ).toBe('home.test');
    expect(
      parseScutilDns(
        'DNS configuration\n\nresolver #1\n  nameserver[0] : 192.0.2.1\n\nresolver #2\n  domain   : local\n',
      ),
    ).toBeNull();
    expect(parseScutilDns('No DNS configuration available\n')).toBeNull();
  });

  it('scutil --nc list: names, states and types', () => {
    expect(parseConnections(connections).map(({ name, connected, type }) => [name, connected, type])).toEqual([
      ['Train', false, 'PPP'],
      ['Head \\"office\\"', true, 'VPN'],
      ['Old', false, 'IPSec'],
    ]);
  });

  it.each([
    ['RTM_NEWADDR: address being added to iface: len 116, metric 0, flags:<UP>', true],
    ['RTM_IFINFO: iface status change: len 112, if# 5, flags:<UP,BROADCAST,RUNNING>', true],
    ['RTM_DELETE: Delete Route: len 132, pid: 90, seq 1, errno 0, flags:<GATEWAY,DONE,STATIC>', true],
    ['RTM_ADD: Add Route: len 132, pid: 0, seq 0, errno 0, flags:<UP,HOST,DONE,LLINFO,WASCLONED,IFSCOPE>', false],
    ['RTM_MISS: Lookup failed on this address: len 124', false],
    ['got message of size 132 on Tue May 12 12:19:43 2020', false],
    ['', false],
  ])('%j is news: %s', (line, news) => {
    expect(isRouteNews(line)).toBe(news);
  });
});
