/** Identity of a network (spec §2): which network this is, told from what does not change while one stays in it. Pure. */
import { createHash } from 'node:crypto';
import type { LinkKind } from '../../shared/status.ts';

/** What goes into the identity. */
export interface IdentityParts {
  readonly kind: LinkKind;
  /** "192.0.2.0/24"; null on a point-to-point link, whose own address changes at every call. */
  readonly subnet: string | null;
  /** Hardware address of the default gateway; null if there is none or it is not known. */
  readonly gatewayMac: string | null;
  readonly dnsSuffix: string | null;
  /** Name of a dial-up connection: the only thing that tells one provider's link from another's. */
  readonly connection: string | null;
  /** VPNs that lie over it, as `overlayWord` names them: with one, other gateways are in reach. */
  readonly overlays: readonly string[];
}

/**
 * The identity: 32 hexadecimal digits of a SHA-256, equal for equal networks across renewals of addresses and restarts.
 * Parts are kept apart by a zero octet, so that no two sets of parts read alike.
 */
export function networkId(parts: IdentityParts): string {
  const words = [
    'network 1',
    parts.kind,
    parts.subnet ?? '',
    normalMac(parts.gatewayMac) ?? '',
    (parts.dnsSuffix ?? '').toLowerCase().replace(/\.$/, ''),
    parts.connection ?? '',
    ...[...parts.overlays].sort(),
  ];
  return createHash('sha256').update(words.join('\0')).digest('hex').slice(0, 32);
}

/** "0-1B-2c-…", "0:1b:2c:…" -> "00:1b:2c:…"; null for what is no hardware address (all zero or all one included). */
export function normalMac(mac: string | null): string | null {
  if (mac === null) return null;
  const octets = mac
    .trim()
    .toLowerCase()
    .split(/[:-]/)
    .map((octet) => octet.padStart(2, '0'));
  if (octets.length !== 6 || !octets.every((octet) => /^[0-9a-f]{2}$/.test(octet))) return null;
  if (octets.every((octet) => octet === '00') || octets.every((octet) => octet === 'ff')) return null;
  return octets.join(':');
}

/**
 * The network that an address lies in: ("192.0.2.17", 24) -> "192.0.2.0/24". IPv6 prefixes longer than 64 bits count as 64
 * (a /128 from DHCPv6 says nothing of the network). Null for anything that is no address.
 */
export function subnetOf(address: string, prefix: number): string | null {
  const bits = addressBits(address);
  if (bits === null || prefix < 0) return null;
  const width = bits.length * 8;
  const kept = Math.min(prefix, width === 128 ? 64 : width);
  const network = bits.map((octet, index) => {
    const left = Math.max(0, Math.min(8, kept - index * 8));
    return octet & ((0xff << (8 - left)) & 0xff);
  });
  if (width === 32) return `${network.join('.')}/${kept}`;
  const groups: string[] = [];
  for (let index = 0; index < 16; index += 2)
    groups.push((((network[index] ?? 0) << 8) | (network[index + 1] ?? 0)).toString(16));
  return `${groups.join(':')}/${kept}`;
}

/** Whether a gateway lies in the subnet of an address. */
export function sameSubnet(address: string, prefix: number, other: string): boolean {
  const subnet = subnetOf(address, prefix);
  return subnet !== null && subnet === subnetOf(other, prefix);
}

/** Octets of an IPv4 (4) or IPv6 (16) address; null for anything else. */
export function addressBits(address: string): readonly number[] | null {
  const bare = address.replace(/%.*$/, '');
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(bare);
  if (v4 !== null) {
    const octets = v4.slice(1).map(Number);
    return octets.every((octet) => octet <= 255) ? octets : null;
  }
  if (!bare.includes(':')) return null;
  const halves = bare.split('::');
  if (halves.length > 2) return null;
  const head = groupsOf(halves[0] ?? '');
  const tail = groupsOf(halves[1] ?? '');
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  return [...head, ...Array<number>(missing).fill(0), ...tail].flatMap((group) => [group >> 8, group & 0xff]);
}

function groupsOf(text: string): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const words = text.split(':');
  for (const [index, word] of words.entries()) {
    if (word.includes('.') && index === words.length - 1) {
      const octets = addressBits(word);
      if (octets?.length !== 4) return null;
      groups.push(((octets[0] ?? 0) << 8) | (octets[1] ?? 0), ((octets[2] ?? 0) << 8) | (octets[3] ?? 0));
    } else if (/^[0-9a-f]{1,4}$/i.test(word)) groups.push(Number.parseInt(word, 16));
    else return null;
  }
  return groups;
}

/** How a VPN is called in the identity: its interface without the number (a connection's name can come late), and its subnet. */
export function overlayWord(overlay: { readonly device: string; readonly subnet: string | null }): string {
  return `${overlay.device.replace(/\d+$/, '')}|${overlay.subnet ?? ''}`;
}
