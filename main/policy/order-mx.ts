/** From MX and address answers to the hosts to try, in order (spec §4.1, RFC 5321 §5.1, RFC 7505). */
import { isIp } from '../../shared/syntax.ts';
import type { DnsFailure } from './classify-dns.ts';
import { canonicalDomain } from './domain-match.ts';
import { addressScope, canonicalAddress, literalAddress } from './ip-address.ts';

/** A DNS answer as policy sees it (the port's union, without its time to live). */
export type Answer<T> =
  | { readonly kind: 'found'; readonly records: readonly T[] }
  | { readonly kind: 'no-such-domain' | 'no-data' | 'bad-name' }
  | { readonly kind: 'try-later'; readonly why: 'timeout' | 'servfail' | 'no-server' | 'refused' };

export interface MxRecord {
  readonly exchange: string;
  readonly preference: number;
}

/** A host whose addresses are to be looked up; a literal has its address already. */
export interface MxCandidate extends MxRecord {
  readonly literal: boolean;
}

export type MxCandidates =
  | { readonly kind: 'candidates'; readonly implicit: boolean; readonly hosts: readonly MxCandidate[] }
  | { readonly kind: 'failed'; readonly failure: DnsFailure };

/** One host to try, with its addresses in the order that the resolver gave them. */
export interface MxHost {
  readonly host: string;
  readonly preference: number;
  readonly addresses: readonly string[];
}

export type MxOrder =
  | { readonly kind: 'hosts'; readonly hosts: readonly MxHost[] }
  | { readonly kind: 'failed'; readonly failure: DnsFailure };

/**
 * Which hosts take the domain's mail. No MX: the domain itself (implicit MX). A null MX beside others is ignored, as are
 * exchanges that are IP addresses (standards 33); a host that is listed twice counts with its better preference.
 * @param domain recipient domain, A-labels, or a domain literal in brackets (then `answer` is not looked at)
 */
export function mxCandidates(domain: string, answer: Answer<MxRecord>): MxCandidates {
  const literal = literalAddress(domain);
  if (literal !== null) return candidates(false, [{ exchange: literal, preference: 0, literal: true }]);
  if (domain === '' || domain.startsWith('[')) return { kind: 'failed', failure: 'bad-name' };
  switch (answer.kind) {
    case 'no-such-domain':
    case 'bad-name':
      return { kind: 'failed', failure: answer.kind };
    case 'try-later':
      return { kind: 'failed', failure: answer.why };
    case 'no-data':
      return candidates(true, [{ exchange: canonicalDomain(domain), preference: 0, literal: false }]);
    case 'found': {
      const named = answer.records.map((r) => ({ exchange: canonicalDomain(r.exchange), preference: r.preference }));
      const real = named.filter((r) => r.exchange !== '' && !isIp(r.exchange));
      if (real.length === 0) {
        if (named.some((r) => r.exchange === '')) return { kind: 'failed', failure: 'null-mx' };
        return named.length === 0
          ? candidates(true, [{ exchange: canonicalDomain(domain), preference: 0, literal: false }])
          : { kind: 'failed', failure: 'no-address' };
      }
      const best = new Map<string, number>();
      for (const { exchange, preference } of real)
        best.set(exchange, Math.min(preference, best.get(exchange) ?? Infinity));
      return candidates(
        false,
        [...best].map(([exchange, preference]) => ({ exchange, preference, literal: false })),
      );
    }
  }
}

function candidates(implicit: boolean, hosts: readonly MxCandidate[]): MxCandidates {
  return { kind: 'candidates', implicit, hosts };
}

export interface OrderMxInput {
  readonly found: Extract<MxCandidates, { kind: 'candidates' }>;
  /** Address answers by exchange; literals need none. A host without an entry was not looked up: it counts as unknown. */
  readonly addresses: ReadonlyMap<string, Answer<string>>;
  readonly ownNames: readonly string[];
  readonly ownAddresses: readonly string[];
  /** `connection.trustLoopbackMx`: test laboratories. Loopback is then an address as any other. */
  readonly trustLoopbackMx: boolean;
  /** Called for numbers 0 <= x < 1 to shuffle hosts of equal preference. */
  readonly random: () => number;
}

/**
 * The hosts to try: by preference, equal ones shuffled. A host that is this computer, on loopback or on an unspecified
 * address is dropped with all of equal or worse preference (RFC 5321 §5.1). Hosts without an address are left out.
 */
export function orderMx(input: OrderMxInput): MxOrder {
  const { found, addresses, random } = input;
  const resolved = found.hosts.map((host) => ({
    ...host,
    answer: host.literal ? known(host.exchange) : addresses.get(host.exchange),
  }));
  const own = new Set(input.ownAddresses.map(canonicalAddress));
  const names = new Set(input.ownNames.map(canonicalDomain));
  const isSelf = (host: (typeof resolved)[number]): boolean =>
    names.has(host.exchange) ||
    (host.answer?.kind === 'found' &&
      host.answer.records.some((address) => isThisComputer(address, own, input.trustLoopbackMx)));
  const limit = Math.min(Infinity, ...resolved.filter(isSelf).map((h) => h.preference));
  const left = resolved.filter((h) => h.preference < limit);
  const hosts: MxHost[] = [];
  for (const preference of [...new Set(left.map((h) => h.preference))].sort((a, b) => a - b)) {
    const equal = left.filter((h) => h.preference === preference);
    for (const { exchange, answer } of shuffled(equal, random)) {
      if (answer?.kind === 'found' && answer.records.length > 0) {
        hosts.push({ host: exchange, preference, addresses: answer.records });
      }
    }
  }
  if (hosts.length > 0) return { kind: 'hosts', hosts };
  return { kind: 'failed', failure: whyNone(left, found.implicit, limit < Infinity) };
}

function known(address: string): Answer<string> {
  return { kind: 'found', records: [address] };
}

function isThisComputer(address: string, own: ReadonlySet<string>, trustLoopback: boolean): boolean {
  const scope = addressScope(address);
  if (scope === 'loopback') return !trustLoopback;
  return scope === 'unspecified' || own.has(canonicalAddress(address));
}

/** Fisher-Yates on a copy. */
function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const pick = Math.min(last, Math.floor(random() * (last + 1)));
    const a = result[last] as T;
    result[last] = result[pick] as T;
    result[pick] = a;
  }
  return result;
}

/** One answer that may change speaks for the whole domain. */
function whyNone(
  left: readonly { readonly answer: Answer<string> | undefined }[],
  implicit: boolean,
  selfDropped: boolean,
): DnsFailure {
  for (const { answer } of left) if (answer?.kind === 'try-later') return answer.why;
  if (selfDropped) return 'loops-back';
  if (!implicit || left.some((h) => h.answer === undefined)) return 'no-address';
  return left.some((h) => h.answer?.kind === 'no-such-domain') ? 'no-such-domain' : 'no-data';
}
