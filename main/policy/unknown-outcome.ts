/**
 * Unknown outcomes (spec §3.2, RFC 1047): the final dot was sent and no answer came, so that the server may have taken the
 * message. Sending it again may make two copies, not sending it may lose it. It is sent again, but by another hop if there
 * is one, and to each hop a few times at most.
 */
import type { HopRef, Verdict } from '../../shared/mail.ts';

/** So many unknown outcomes of one recipient at one hop on one network, and that hop is not used for it there any more. */
export const MAX_UNKNOWN_OUTCOMES = 3;

/** What is remembered of one recipient's unknown outcomes at one hop on one network. Plain data that survives JSON. */
export interface UnknownOutcome {
  /** `hopKey`; null: not known which, since the program ended in mid-attempt. */
  readonly hop: string | null;
  readonly network: string | null;
  /** Since the user last asked for another try of this message; 0 = none since then. */
  readonly count: number;
}

/** True if the message may have arrived although the hop did not say so: nothing else is tried in the same attempt then. */
export function mayHaveArrived(verdict: Verdict | undefined): boolean {
  return verdict?.kind === 'deferred' && (verdict.why === 'lost-after-dot' || verdict.why === 'crashed');
}

/** Delivered, or possibly delivered: no other hop may be tried, and the verdict must be recorded even if the step is cut off. */
export function mayBeDelivered(verdict: Verdict | undefined): boolean {
  return verdict?.kind === 'delivered' || mayHaveArrived(verdict);
}

/** Identifies a hop for unknown outcomes. A gateway that was moved to another server counts as another hop. */
export function hopKey(hop: Pick<HopRef, 'kind' | 'host' | 'port' | 'gatewayId'>): string {
  const host = hop.host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return hop.kind === 'gateway' ? `gateway:${hop.gatewayId ?? ''} ${host}:${hop.port}` : `${hop.kind}:${host}`;
}

/** Adds one unknown outcome. */
export function noteUnknown(
  known: readonly UnknownOutcome[],
  hop: string | null,
  network: string | null,
): readonly UnknownOutcome[] {
  const isSame = (u: UnknownOutcome): boolean => u.hop === hop && u.network === network;
  const before = known.find(isSame);
  return [...known.filter((u) => !isSame(u)), { hop, network, count: (before?.count ?? 0) + 1 }];
}

/**
 * After the user asked for another try: no hop is left out any more. It stays known that the message may have arrived, and
 * where, so that such a hop still comes last.
 */
export function resetUnknownCounts(known: readonly UnknownOutcome[]): readonly UnknownOutcome[] {
  return known.map((u) => ({ ...u, count: 0 }));
}

/** Doubts about hops on one network: `hopKey` and number of unknown outcomes. */
export type Doubts = Readonly<Record<string, number>>;

/** The doubts that count on this network, in the order of their keys, so that equal ones read the same. */
export function doubtsOn(known: readonly UnknownOutcome[], network: string | null): Doubts {
  const here = known.flatMap((u): readonly (readonly [string, number])[] =>
    u.network === network && u.hop !== null ? [[u.hop, u.count]] : [],
  );
  return Object.fromEntries([...here].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Hops in the order in which they may be used. */
export interface HopOrder<H> {
  /** Without doubt, in their usual order. */
  readonly sure: readonly H[];
  /** Used only if every hop without doubt failed to take the message in this attempt; fewest unknown outcomes first. */
  readonly doubtful: readonly H[];
  /** Not used on this network any more. */
  readonly leftOut: readonly H[];
}

/** @param hops in their usual order */
export function orderHops<H>(hops: readonly H[], keyOf: (hop: H) => string, doubts: Doubts): HopOrder<H> {
  const count = (hop: H): number | undefined => doubts[keyOf(hop)];
  const known = hops.filter((hop) => count(hop) !== undefined);
  return {
    sure: hops.filter((hop) => count(hop) === undefined),
    // sort is stable: equal numbers keep the usual order.
    doubtful: known
      .filter((h) => (count(h) ?? 0) < MAX_UNKNOWN_OUTCOMES)
      .sort((a, b) => (count(a) ?? 0) - (count(b) ?? 0)),
    leftOut: known.filter((hop) => (count(hop) ?? 0) >= MAX_UNKNOWN_OUTCOMES),
  };
}

/** At every usable hop the outcome was unknown too often: the recipient waits for another hop, another network or the user. */
export const NO_OTHER_HOP: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.2', why: 'unknown-outcomes' };

/** True if nothing was tried since no hop is left (`NO_OTHER_HOP`). */
export function isOutOfHops(verdict: Verdict): boolean {
  return verdict.kind === 'deferred' && verdict.why === 'unknown-outcomes';
}
