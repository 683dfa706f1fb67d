/**
 * Who may do what at the listener (spec §8). Pure: facts in, a refusal's name or null out. Never an open relay: without
 * loopback, `server.allow` or sign-in nobody names a recipient.
 */
import ipaddr from 'ipaddr.js';
import { INTAKE } from '../../shared/limits.ts';
import { EVERYTHING } from '../../shared/setting-rules.ts';
import type { Settings } from '../../shared/settings.ts';
import { domainKey, splitAddress } from '../message/address-parser.ts';
import type { RefusalName } from './replies.ts';

type ServerSettings = Settings['server'];
type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Limits that no setting changes (standards 9, 10, 23; docs/refusals.md). Octets, milliseconds, counts. */
export const LIMITS = {
  recipients: 1000,
  commandLine: 16_384,
  textLine: 1_048_576,
  header: INTAKE.header,
  hops: INTAKE.hops,
  connections: 1000,
  /** Per address off loopback. */
  connectionsPerAddress: 50,
  errors: 50,
  authTries: 3,
  idleMs: 300_000,
  commandMs: 600_000,
  dataGraceMs: 300_000,
  dataOctetsPerSecond: 100,
  reserveBytes: INTAKE.reserveBytes,
} as const;

/** The settings in the form that decisions need; made once per settings object. */
export interface CompiledPolicy {
  readonly allow: readonly Range[];
  readonly deny: readonly Range[];
  readonly blockedAddresses: ReadonlySet<string>;
  readonly blockedDomains: ReadonlySet<string>;
  /** Suffixes with their leading dot, from `*.domain`. */
  readonly blockedSuffixes: ReadonlySet<string>;
  /** Nobody is written to at present: the block list cannot be read. */
  readonly blocksAll: boolean;
  readonly requireAuth: boolean;
  readonly hasUsers: boolean;
  readonly tlsEnabled: boolean;
  readonly allowInsecureAuth: boolean;
  readonly maxMessageBytes: number;
  readonly refuseSendersWithoutMx: boolean;
}

/** What is known of the client at the moment of a decision. */
export interface ClientFacts {
  readonly loopback: boolean;
  /** In `server.allow`. */
  readonly allowed: boolean;
  readonly secure: boolean;
  readonly signedIn: boolean;
}

/** Makes the lists of the settings quick to ask. Entries that cannot be read are left out (the schema refuses them). */
export function compilePolicy(server: ServerSettings): CompiledPolicy {
  const blockedAddresses = new Set<string>();
  const blockedDomains = new Set<string>();
  const blockedSuffixes = new Set<string>();
  for (const entry of server.blockedRecipients) {
    if (entry === EVERYTHING) continue;
    if (entry.startsWith('*.')) blockedSuffixes.add(domainKey(entry.slice(1)));
    else if (entry.startsWith('@')) blockedDomains.add(domainKey(entry.slice(1)));
    else if (entry.includes('@')) blockedAddresses.add(blockKey(entry));
    else blockedDomains.add(domainKey(entry));
  }
  return {
    allow: server.allow.flatMap(toRange),
    deny: server.deny.flatMap(toRange),
    blockedAddresses,
    blockedDomains,
    blockedSuffixes,
    blocksAll: server.blockedRecipients.includes(EVERYTHING),
    requireAuth: server.requireAuth,
    hasUsers: server.users.length > 0,
    tlsEnabled: server.tls.enabled,
    allowInsecureAuth: server.tls.allowInsecureAuth,
    maxMessageBytes: server.maxMessageBytes,
    refuseSendersWithoutMx: server.refuseSendersWithoutMx,
  };
}

/** Where a client stands by its address alone. Deny wins over everything, loopback included. */
export function placeClient(
  policy: CompiledPolicy,
  address: string,
): { readonly denied: boolean; readonly loopback: boolean; readonly allowed: boolean } {
  const loopback = address === '127.0.0.1' || address === '::1';
  if (loopback && policy.deny.length === 0) return { denied: false, loopback, allowed: false };
  const parsed = parseAddress(address);
  if (!parsed) return { denied: true, loopback: false, allowed: false };
  return {
    denied: inRanges(parsed, policy.deny),
    loopback: loopback || parsed.range() === 'loopback',
    allowed: inRanges(parsed, policy.allow),
  };
}

/** At connect. `total` and `fromAddress` count this connection too. */
export function decideConnection(facts: {
  readonly denied: boolean;
  readonly loopback: boolean;
  readonly total: number;
  readonly fromAddress: number;
}): RefusalName | null {
  if (facts.denied) return 'denied';
  if (facts.total > LIMITS.connections) return 'tooManyConnections';
  if (!facts.loopback && facts.fromAddress > LIMITS.connectionsPerAddress) return 'tooManyConnections';
  return null;
}

/** True if AUTH is announced and taken on this connection. */
export function offersAuth(policy: CompiledPolicy, client: ClientFacts): boolean {
  return policy.hasUsers && !client.signedIn && (client.secure || (client.loopback && policy.allowInsecureAuth));
}

/** The keywords of the reply to EHLO, in their order (RFC 5321 §4.1.1.1). */
export function ehloKeywords(policy: CompiledPolicy, client: ClientFacts): readonly string[] {
  const keywords = ['PIPELINING', `SIZE ${policy.maxMessageBytes}`, '8BITMIME', 'SMTPUTF8', 'DSN'];
  if (policy.tlsEnabled && !client.secure) keywords.push('STARTTLS');
  if (offersAuth(policy, client)) keywords.push('AUTH PLAIN LOGIN');
  keywords.push('ENHANCEDSTATUSCODES');
  return keywords;
}

/** At STARTTLS. `ready`: there is a certificate. */
export function decideStarttls(
  policy: CompiledPolicy,
  client: ClientFacts,
  ready: boolean,
  inTransaction: boolean,
): RefusalName | null {
  if (client.secure) return 'tlsAlready';
  if (!policy.tlsEnabled) return 'starttlsNotOffered';
  if (!ready) return 'starttlsUnavailable';
  return inTransaction ? 'nestedMail' : null;
}

/** At AUTH. */
export function decideAuth(
  policy: CompiledPolicy,
  client: ClientFacts,
  mechanism: string,
  inTransaction: boolean,
): RefusalName | null {
  if (!policy.hasUsers) return 'authNotOffered';
  if (client.signedIn) return 'authAlready';
  if (inTransaction) return 'nestedMail';
  if (!offersAuth(policy, client)) return 'authNeedsTls';
  return mechanism === 'PLAIN' || mechanism === 'LOGIN' ? null : 'authMechanism';
}

/** At MAIL: may this client begin a transaction at all? `available`: octets free on disk, null = not known. */
export function decideMail(
  policy: CompiledPolicy,
  client: ClientFacts,
  declaredSize: number | null,
  available: number | null,
): RefusalName | null {
  const known = client.loopback || client.allowed;
  if (!client.signedIn && (policy.requireAuth || (!known && policy.hasUsers))) return 'authRequired';
  if (available !== null && available - (declaredSize ?? 0) < LIMITS.reserveBytes) return 'diskNearlyFull';
  return null;
}

/** At RCPT. `count`: recipients accepted so far. */
export function decideRcpt(
  policy: CompiledPolicy,
  client: ClientFacts,
  rcptTo: string,
  count: number,
): RefusalName | null {
  if (!client.signedIn && (policy.requireAuth || !(client.loopback || client.allowed))) return 'relayDenied';
  if (isBlocked(policy, rcptTo)) return 'recipientBlocked';
  if (policy.blocksAll) return 'blockListUnreadable';
  if (count >= LIMITS.recipients) return 'tooManyRecipients';
  return null;
}

/** True if the address or its domain is on the block list. Case of the local part does not matter here: a block list is not dodged by a capital. */
export function isBlocked(policy: CompiledPolicy, rcptTo: string): boolean {
  const { blockedAddresses, blockedDomains, blockedSuffixes } = policy;
  if (blockedAddresses.size === 0 && blockedDomains.size === 0 && blockedSuffixes.size === 0) return false;
  if (blockedAddresses.has(blockKey(rcptTo))) return true;
  const domain = domainKey(splitAddress(rcptTo)?.domain ?? '');
  if (blockedDomains.has(domain)) return true;
  for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) {
    if (blockedSuffixes.has(domain.slice(dot))) return true;
  }
  return false;
}

/** What the end of DATA is answered with; first fault in this order. Null: the message is stored. */
export function decideMessage(facts: {
  readonly bareNewline: boolean;
  readonly oversize: boolean;
  readonly lineTooLong: boolean;
  readonly headerTooBig: boolean;
  readonly hops: number;
}): RefusalName | null {
  if (facts.oversize) return 'declaredTooBig';
  if (facts.bareNewline) return 'bareNewline';
  if (facts.headerTooBig) return 'headerTooBig';
  if (facts.lineTooLong) return 'textLineTooLong';
  if (facts.hops >= LIMITS.hops) return 'loop';
  return null;
}

function blockKey(address: string): string {
  const parts = splitAddress(address);
  if (!parts) return address.toLowerCase();
  // "bob"@x and bob@x are one mailbox (RFC 5321 §4.1.2).
  const local = parts.local.startsWith('"') ? parts.local.slice(1, -1).replace(/\\(.)/g, '$1') : parts.local;
  return `${local.toLowerCase()}@${domainKey(parts.domain)}`;
}

function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  const bare = text.split('%')[0] ?? '';
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : null;
}

function toRange(entry: string): Range[] {
  try {
    if (entry.includes('/')) {
      const [address, bits] = ipaddr.parseCIDR(entry);
      // Clients come as IPv4 however the range was written: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
      if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96)
        return [[address.toIPv4Address(), bits - 96]];
      return [[address, bits]];
    }
    const address = ipaddr.process(entry);
    return [[address, address.kind() === 'ipv4' ? 32 : 128]];
  } catch {
    return [];
  }
}

function inRanges(address: ipaddr.IPv4 | ipaddr.IPv6, ranges: readonly Range[]): boolean {
  return ranges.some(([network, bits]) => {
    if (address.kind() !== network.kind()) return false;
    return address.match(network, bits);
  });
}
