import { describe, expect, it } from 'vitest';
import { networkId, normalMac, overlayWord, subnetOf, type IdentityParts } from '../../../main/network/identity.ts';

const office: IdentityParts = {
  kind: 'ethernet',
  subnet: '192.0.2.0/24',
  gatewayMac: '02:00:5e:10:00:01',
  dnsSuffix: 'corp.test',
  connection: null,
  overlays: [],
};

describe('networkId', () => {
  it('is the same value in every release: what is remembered under it must be found again', () => {
    expect(networkId(office)).toBe('d9971ae5731f38079f89fd2a376bdd41');
  });

  it.each<[string, Partial<IdentityParts>]>([
    ['another gateway', { gatewayMac: '02:00:5e:10:00:02' }],
    ['a gateway not known yet', { gatewayMac: null }],
    ['another suffix', { dnsSuffix: 'guest.test' }],
    ['no suffix', { dnsSuffix: null }],
    ['another kind', { kind: 'wifi' }],
    ['another subnet', { subnet: '198.51.100.0/24' }],
    ['a VPN over it', { overlays: ['tun|10.8.0.0/24'] }],
    ['another dialled connection', { connection: 'Train' }],
    ['parts that only join alike', { subnet: '192.0.2.0/24\0', gatewayMac: null }],
  ])('differs for %s', (_what, change) => {
    expect(networkId({ ...office, ...change })).not.toBe(networkId(office));
  });

  it.each<[string, Partial<IdentityParts>]>([
    ['the hardware address as Windows writes it', { gatewayMac: '02-00-5E-10-00-01' }],
    ['the hardware address as macOS writes it', { gatewayMac: '2:0:5e:10:0:1' }],
    ['the suffix with a dot and in capitals', { dnsSuffix: 'CORP.test.' }],
  ])('is the same for %s', (_what, change) => {
    expect(networkId({ ...office, ...change })).toBe(networkId(office));
  });

  it('does not depend on the order of VPNs', () => {
    const id = (overlays: readonly string[]) => networkId({ ...office, overlays });
    expect(id(['tun|a', 'wg|b'])).toBe(id(['wg|b', 'tun|a']));
  });
});

describe('normalMac', () => {
  it.each([
    ['00:00:00:00:00:00', null],
    ['ff:ff:ff:ff:ff:ff', null],
    ['(incomplete)', null],
    ['02:00:5e:10:00', null],
    ['02:00:5e:10:00:zz', null],
    ['', null],
    ['02:00:5E:10:00:01', '02:00:5e:10:00:01'],
  ])('%j -> %j', (mac, expected) => {
    expect(normalMac(mac)).toBe(expected);
  });
});

describe('subnetOf', () => {
  it.each<[string, number, string | null]>([
    ['192.0.2.77', 24, '192.0.2.0/24'],
    ['192.0.2.77', 26, '192.0.2.64/26'],
    ['192.0.2.77', 32, '192.0.2.77/32'],
    ['10.1.2.3', 0, '0.0.0.0/0'],
    ['10.1.2.3', 9, '10.0.0.0/9'],
    ['2001:db8:1:2:3:4:5:6', 64, '2001:db8:1:2:0:0:0:0/64'],
    ['2001:db8:1:2::9', 128, '2001:db8:1:2:0:0:0:0/64'],
    ['2001:DB8:1:2::', 48, '2001:db8:1:0:0:0:0:0/48'],
    ['fe80::1%eth0', 64, 'fe80:0:0:0:0:0:0:0/64'],
    ['::ffff:192.0.2.1', 64, '0:0:0:0:0:0:0:0/64'],
    ['256.0.2.1', 24, null],
    ['192.0.2', 24, null],
    ['2001:db8:::1', 64, null],
    ['1:2:3:4:5:6:7:8:9', 64, null],
    ['::1::', 64, null],
    ['mail.test', 24, null],
    ['192.0.2.1', -1, null],
  ])('%s/%d -> %s', (address, prefix, expected) => {
    expect(subnetOf(address, prefix)).toBe(expected);
  });
});

it('a VPN is called the same whichever number its interface got', () => {
  expect(overlayWord({ device: 'tun3', subnet: '10.8.0.0/24' })).toBe(
    overlayWord({ device: 'tun0', subnet: '10.8.0.0/24' }),
  );
});
