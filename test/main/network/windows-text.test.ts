/**
 * Not recorded on Windows: made after the documented properties of .NET's NetworkInterface (NetworkInterfaceType,
 * UnicastAddresses, GatewayAddresses), Get-NetNeighbor and ConnectionCost, with reserved addresses. See docs/platforms.md.
 */
import { describe, expect, it } from 'vitest';
import { interpret } from '../../../main/network/interpret-facts.ts';
import { encodedScript, parseSnapshot, SNAPSHOT_SCRIPT } from '../../../main/network/windows/snapshot.ts';
import { parsePhonebook } from '../../../main/network/dial-up/windows.ts';

const wifi = {
  device: 'Wi-Fi',
  description: 'Intel(R) Wi-Fi 6 AX201 160MHz',
  type: 71,
  suffix: 'home.test',
  profile: 'Café Net',
  onlink: null,
  gateways: { address: '192.0.2.1', mac: '02-00-5E-10-00-01', metric: 35 },
  addresses: [
    { address: 'fe80::1c2%12', prefix: 64 },
    { address: '192.0.2.17', prefix: 24 },
  ],
};
const vpn = {
  device: 'Office VPN',
  description: 'Office VPN',
  type: 23,
  suffix: '',
  profile: null,
  onlink: 26,
  gateways: [],
  addresses: [{ address: '10.8.0.6', prefix: 32 }],
};
const hyperV = {
  device: 'vEthernet (Default Switch)',
  description: 'Hyper-V Virtual Ethernet Adapter',
  type: 6,
  suffix: '',
  gateways: null,
  addresses: [{ address: '172.19.0.1', prefix: 20 }],
};

describe('a snapshot of the Windows script', () => {
  it('is read, single values that PowerShell took out of their arrays included', () => {
    const facts = parseSnapshot(JSON.stringify({ links: wifi, cost: 'Variable' }))!;
    expect(facts).toEqual({
      links: [
        {
          device: 'Wi-Fi',
          kind: 'wifi',
          toldKind: null,
          name: 'Café Net',
          addresses: [
            { address: 'fe80::1c2', prefix: 64 },
            { address: '192.0.2.17', prefix: 24 },
          ],
        },
      ],
      routes: [{ family: 4, device: 'Wi-Fi', gateway: '192.0.2.1', metric: 35 }],
      neighbours: [{ device: 'Wi-Fi', address: '192.0.2.1', mac: '02-00-5E-10-00-01' }],
      dnsSuffix: 'home.test',
      portal: null,
      metered: true,
    });
    expect(interpret(facts)).toMatchObject({ online: true, kind: 'wifi', systemName: 'Café Net', unresolved: null });
  });

  it('knows a RAS connection by its entry’s name, with the default route on the link itself', () => {
    const facts = parseSnapshot(JSON.stringify({ links: [wifi, vpn, hyperV], cost: 'Unrestricted' }))!;
    expect(facts.links.map(({ device, kind, name }) => [device, kind, name])).toEqual([
      ['Wi-Fi', 'wifi', 'Café Net'],
      ['Office VPN', 'vpn', 'Office VPN'],
      ['vEthernet (Default Switch)', 'other', null],
    ]);
    expect(facts.routes[1]).toEqual({ family: 4, device: 'Office VPN', gateway: null, metric: 26 });
    expect(facts.metered).toBe(false);
  });

  it.each([
    ['a modem', { ...vpn, device: 'Train', description: 'Train' }, 'ppp'],
    [
      'mobile broadband',
      { ...wifi, device: 'Cellular', description: 'Generic Mobile Broadband Adapter', type: 243 },
      'mobile',
    ],
    ['a cable', { ...wifi, device: 'Ethernet', description: 'Realtek PCIe GbE', type: 6 }, 'ethernet'],
    ['WireGuard', { ...wifi, device: 'wg-home', description: 'WireGuard Tunnel', type: 53 }, 'vpn'],
  ])('knows %s', (_what, link, kind) => {
    expect(parseSnapshot(JSON.stringify({ links: [link], cost: null }))?.links[0]?.kind).toBe(kind);
  });

  it.each(['', '   ', 'Windows PowerShell', '{"links":[{}]}', '[]', '{"links"'])('%j is none', (line) => {
    expect(parseSnapshot(line)).toBeNull();
  });

  it('of no network at all is offline', () => {
    expect(interpret(parseSnapshot('{"links":null,"cost":null}')!).online).toBe(false);
  });

  it('comes from a script that fits a command line', () => {
    expect(encodedScript('a').length).toBe(4);
    // CreateProcess takes 32,767 characters.
    expect(encodedScript(SNAPSHOT_SCRIPT).length).toBeLessThan(16_000);
    expect(Buffer.from(encodedScript(SNAPSHOT_SCRIPT), 'base64').toString('utf16le')).toBe(SNAPSHOT_SCRIPT);
  });
});

it('a phone book’s entries are its sections, but none that rasdial would take for an option', () => {
  expect(
    parsePhonebook(
      '[Train]\r\nEncoding=1\r\nPhoneNumber=*99#\r\n\r\n[Head office [2]]\r\nDEVICE=vpn\r\n[/disconnect]\r\n',
    ),
  ).toEqual(['Train', 'Head office [2]']);
});
