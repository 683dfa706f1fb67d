/**
 * Whether what the name server of this network says can be believed (spec §4.4). Some know no name at all (a Wi-Fi without a
 * way out, a router whose line is down), some give one address to every name (a log-in page): neither says anything about
 * a recipient's domain. ControlResult look-ups tell: of names that exist, and of one that cannot.
 */
import type { NamesTrouble } from '../../shared/status.ts';
import { isIp } from '../../shared/syntax.ts';
import type { DnsFailure } from './classify-dns.ts';
import { canonicalDomain } from './domain-match.ts';
import { addressScope, canonicalAddress } from './ip-address.ts';
import { isLanName } from './lan-address.ts';
import type { Answer, MxHost, MxRecord } from './order-mx.ts';

/** What the name server was found to be: it knows names; no name; only addresses that it invents; it did not say. */
export type ResolverCondition = 'sane' | 'no-names' | 'one-address' | 'undecided';

/** What it gave to a name that cannot exist: addresses in canonical spelling, and mail servers. */
export interface Invented {
  readonly addresses: readonly string[];
  readonly exchanges: readonly string[];
}

export const NOTHING_INVENTED: Invented = { addresses: [], exchanges: [] };

export function inventsNames(invented: Invented): boolean {
  return invented.addresses.length > 0 || invented.exchanges.length > 0;
}

/** What the control look-ups of a name that should exist came to. */
export interface ControlResult {
  readonly says: 'found' | 'none' | 'silent';
  /** Of the name, or of a host that it leads to. */
  readonly addresses: readonly string[];
}

/** The root of all names, which no domain of a recipient can be. */
export const ROOT = '.';

/**
 * Names to ask for besides the recipient's, most telling first: one that resolved here lately, the sender's domain, the root
 * (its NS). What may belong to the recipient's own domain proves nothing about it.
 * @param known names that resolved here lately
 */
export function controlNames(
  domain: string,
  sender: string | null,
  known: readonly string[],
): readonly [...string[], typeof ROOT] {
  const others = (names: readonly string[]): readonly string[] =>
    names.map(canonicalDomain).filter((name) => isPublicName(name) && !mayShareOwner(name, domain));
  const wanted = [...others(known).slice(0, 1), ...others(sender === null ? [] : [sender])];
  return [...new Set(wanted), ROOT];
}

/** A name of the Internet's: neither address literal nor a name that only a LAN knows. */
export function isPublicName(name: string): boolean {
  return name !== '' && !name.startsWith('[') && !isIp(name) && !isLanName(name);
}

/** The last two labels are never more than the registrable domain, so that different ones have different owners. */
function mayShareOwner(a: string, b: string): boolean {
  const owner = (name: string): string => canonicalDomain(name).split('.').slice(-2).join('.');
  return owner(a) === owner(b);
}

/**
 * What look-ups of one name say about the name server. A private address is no proof: routers know themselves whatever
 * their line does.
 * @param records whatever shows that it exists: MX records, or NS for the root
 * @param addresses null: not asked for
 * @param loopbackCounts `connection.trustLoopbackMx`: a test laboratory
 */
export function controlResult(
  records: Answer<unknown>,
  addresses: Answer<string> | null,
  loopbackCounts: boolean,
): ControlResult {
  const found = addresses?.kind === 'found' ? addresses.records.filter((a) => isPublic(a, loopbackCounts)) : [];
  if (records.kind === 'found' || found.length > 0) return { says: 'found', addresses: found };
  const silent = records.kind === 'try-later' || addresses?.kind === 'try-later';
  return { says: silent ? 'silent' : 'none', addresses: [] };
}

/** True if an address leads to the Internet. */
export function isPublic(address: string, loopbackCounts: boolean): boolean {
  const scope = addressScope(address);
  return scope === 'public' || scope === 'other' || (loopbackCounts && scope === 'loopback');
}

/** What a name that cannot exist was given. Mail servers count with the addresses that they were given in their turn. */
export function inventedBy(mx: Answer<MxRecord>, addresses: readonly Answer<string>[]): Invented {
  return {
    exchanges: mx.kind === 'found' ? mx.records.map((r) => canonicalDomain(r.exchange)) : [],
    addresses: addresses.flatMap((answer) => (answer.kind === 'found' ? answer.records.map(canonicalAddress) : [])),
  };
}

/** The resolver's condition, from all control look-ups. Where names are invented, only an address of its own proves that a name is known. */
export function resolverCondition(controls: readonly ControlResult[], invented: Invented): ResolverCondition {
  if (inventsNames(invented)) {
    const real = controls.some(({ addresses }) => ownAddresses(addresses, invented).length > 0);
    return real ? 'sane' : 'one-address';
  }
  if (controls.some(({ says }) => says === 'found')) return 'sane';
  return controls.some(({ says }) => says === 'none') ? 'no-names' : 'undecided';
}

/** Those addresses that a name which cannot exist does not have. */
export function ownAddresses(addresses: readonly string[], { addresses: invented }: Invented): readonly string[] {
  return addresses.filter((address) => !invented.includes(canonicalAddress(address)));
}

/** A look-up of a recipient's domain: hosts to try, or why there are none. */
export type LookupResult =
  | { readonly kind: 'hosts'; readonly hosts: readonly MxHost[] }
  | { readonly kind: 'failed'; readonly failure: DnsFailure };

/** True if the look-up can be believed only from a name server in good condition; else it is taken as it is. */
export function dependsOnCondition(looked: LookupResult, domain: string, invented: Invented): boolean {
  if (looked.kind === 'hosts') return inventsNames(invented);
  switch (looked.failure) {
    // Found out without any name server.
    case 'bad-name':
    case 'no-server':
      return false;
    // A record that is made on purpose (RFC 7505): it is true, unless the resolver gives it to every name.
    case 'null-mx':
      return invented.exchanges.length > 0;
    default:
      // The Internet never knows a name of the LAN; the LAN is asked next.
      return isPublicName(canonicalDomain(domain));
  }
}

/**
 * The result of a look-up that depends on the resolver's condition: unchanged if the resolver is sane, else the condition is
 * the failure, which says nothing about the domain. Invented addresses are removed in any case, since it is not the host that
 * answers there.
 */
export function judgeLookup(looked: LookupResult, condition: ResolverCondition, invented: Invented): LookupResult {
  if (condition !== 'sane') return { kind: 'failed', failure: condition };
  if (looked.kind === 'failed') return looked;
  const hosts = looked.hosts
    .map((host) => ({ ...host, addresses: ownAddresses(host.addresses, invented) }))
    .filter((host) => host.addresses.length > 0);
  return hosts.length > 0 ? { kind: 'hosts', hosts } : { kind: 'failed', failure: 'invented' };
}

/** Why mail waits for names after this look-up, which says nothing about its domain; null: it does not. */
export function namesTroubleAfter(looked: LookupResult): NamesTrouble['reason'] | null {
  if (looked.kind === 'hosts') return null;
  switch (looked.failure) {
    case 'no-names':
    case 'one-address':
    case 'undecided':
      return looked.failure;
    case 'no-server':
      return 'undecided';
    default:
      return null;
  }
}

/** While mail waits for names, the resolver is checked after 5 s, then less and less often, down to once a minute. */
export const FIRST_CHECK_MS = 5_000;
export const MAX_CHECK_DELAY_MS = 60_000;

/** How long (ms) until the next check, after one that waited for `before`; null = none before. */
export function nextCheckDelay(before: number | null): number {
  return before === null ? FIRST_CHECK_MS : Math.min(before * 2, MAX_CHECK_DELAY_MS);
}
