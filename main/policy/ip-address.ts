/** What an IP address says about where it lies (RFC 6890 and its kin). Pure. */
import ipaddr from 'ipaddr.js';

export type AddressScope = 'public' | 'private' | 'loopback' | 'unspecified' | 'other';

/** The scope of an address in text form (no brackets, zone id allowed); null if it is none. IPv4 inside IPv6 counts as IPv4. */
export function addressScope(text: string): AddressScope | null {
  const bare = text.replace(/%.*$/, '');
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !ipaddr.IPv6.isValid(bare)) return null;
  switch (ipaddr.process(bare).range()) {
    case 'loopback':
      return 'loopback';
    case 'unspecified':
      return 'unspecified';
    case 'private':
    case 'linkLocal':
    case 'uniqueLocal':
    case 'carrierGradeNat':
      return 'private';
    case 'unicast':
      return 'public';
    default:
      return 'other';
  }
}

/** One spelling for equal addresses: compressed lower case, IPv4 inside IPv6 as IPv4, no zone. What is no address passes unchanged. */
export function canonicalAddress(text: string): string {
  const bare = text.replace(/%.*$/, '');
  return ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare).toString() : text;
}

/** The address in a domain literal (RFC 5321 §4.1.3): `[192.0.2.1]`, `[IPv6:2001:db8::1]`; null for anything else. */
export function literalAddress(domain: string): string | null {
  const inside = /^\[(.*)\]$/.exec(domain.trim())?.[1];
  if (inside === undefined) return null;
  const address = inside.replace(/^IPv6:/i, '');
  if (address.includes('%') || addressScope(address) === null) return null;
  return address.includes(':') === /^IPv6:/i.test(inside) ? address : null;
}
