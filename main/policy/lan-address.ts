/** Which recipient domains are LAN addresses, and where their mail goes on the LAN (spec §4.2). */
import type { Settings } from '../../shared/settings.ts';
import { canonicalDomain, matchesDomain } from './domain-match.ts';
import { addressScope, literalAddress } from './ip-address.ts';

/** The LAN host to try after the Internet. `host` is a name for the system's resolver, or an address without brackets. */
export interface LanHost {
  readonly host: string;
  readonly port: number;
}

const LAN_SUFFIXES = ['.local', '.lan', '.home.arpa', '.internal'] as const;

/**
 * The LAN host for a domain, null if the domain is no LAN address. The user's table decides first (an exact entry before
 * a `*.` one); else a single label, a name under a suffix that never exists on the Internet (RFC 6762, 8375, ICANN's
 * `.internal`) or a private address literal, on the direct port. A loopback literal is no LAN address.
 */
export function lanHostFor(domain: string, connection: Settings['connection']): LanHost | null {
  const name = canonicalDomain(domain);
  if (name === '') return null;
  const literal = literalAddress(name);
  const fits = connection.lanHosts.filter((entry) => matchesDomain(name, entry.domain));
  const listed = fits.find((entry) => !entry.domain.startsWith('*.')) ?? fits[0];
  if (listed !== undefined) return { host: listed.host, port: listed.port };
  if (literal !== null)
    return addressScope(literal) === 'private' ? { host: literal, port: connection.directPort } : null;
  if (name.startsWith('[')) return null;
  return isLanName(name) ? { host: name, port: connection.directPort } : null;
}

/** A single label, or a name under a suffix that never exists on the Internet. @param name in canonical spelling */
export function isLanName(name: string): boolean {
  return !name.includes('.') || LAN_SUFFIXES.some((suffix) => name.endsWith(suffix) || name === suffix.slice(1));
}
