/**
 * How slowly sign-ins that fail are checked at the listener (spec §8): later and later for the same name from the same
 * address, for an address whatever the names, and for a name whatever the addresses. An unknown name is slowed down like
 * a known one, so that the pace does not tell them apart. Times are monotonic milliseconds. Pure.
 */
import ipaddr from 'ipaddr.js';

/** One way of slowing down. */
export interface PaceRule {
  /** So many failures cost nothing. */
  readonly free: number;
  /** The failure after those puts the next check off by this; each further one by twice as much. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** One failure is forgotten in this time: with `longestMs` it decides how often somebody who goes on is checked. */
  readonly forgetMs: number;
}

/**
 * The same name from the same address is the guesser, or a program with an old password: one check a minute is left to it.
 * All programs of this computer share one address, and one of them must not keep the others out: loopback alone is only
 * kept from being a flood. A name alone is slowed down least, since whoever guesses it from everywhere would shut out its
 * owner.
 */
export const SIGN_IN_RULES = {
  pair: { free: 2, firstMs: 1_000, longestMs: 60_000, forgetMs: 60_000 },
  address: { free: 10, firstMs: 1_000, longestMs: 30_000, forgetMs: 30_000 },
  loopback: { free: 60, firstMs: 250, longestMs: 250, forgetMs: 250 },
  name: { free: 20, firstMs: 500, longestMs: 10_000, forgetMs: 10_000 },
} as const satisfies Readonly<Record<string, PaceRule>>;

/** Whoever would wait longer than this for a check is told to come back. */
export const SIGN_IN_WAIT_MS = 10_000;

/** What is remembered of failed checks under one key. */
export interface Failures {
  /** As of `at`; a fraction is what has not been forgotten yet. */
  readonly count: number;
  readonly at: number;
}

/** A key of failures, and how it slows down. */
export interface PaceKey {
  readonly key: string;
  readonly rule: PaceRule;
}

/** Longest name that an account can have (shared/settings.ts); of longer ones no more is kept. */
const NAME_LENGTH = 200;

/**
 * Under which keys the failures of a sign-in count. IPv6 by /64: every host has that many addresses to choose from. The
 * first key is the pair's, which a success clears.
 *
 * @param proven This pair has signed in before: guesses from elsewhere do not slow it down.
 */
export function signInKeys(address: string, name: string, proven: boolean): readonly [PaceKey, ...PaceKey[]] {
  const place = placeOf(address);
  const short = name.slice(0, NAME_LENGTH);
  const keys: [PaceKey, ...PaceKey[]] = [
    { key: `pair ${place} ${short}`, rule: SIGN_IN_RULES.pair },
    { key: `address ${place}`, rule: place === 'loopback' ? SIGN_IN_RULES.loopback : SIGN_IN_RULES.address },
  ];
  if (!proven) keys.push({ key: `name ${short}`, rule: SIGN_IN_RULES.name });
  return keys;
}

function placeOf(address: string): string {
  const bare = address.split('%')[0] ?? '';
  if (!ipaddr.isValid(bare)) return 'unknown';
  const parsed = ipaddr.process(bare);
  if (parsed.range() === 'loopback') return 'loopback';
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${parsed.toByteArray().slice(0, 8).join('.')}/64`;
}

/** What is left of the failures at `now`. */
export function failuresLeft(failures: Failures | undefined, rule: PaceRule, now: number): number {
  if (failures === undefined) return 0;
  return Math.max(0, failures.count - Math.max(0, now - failures.at) / rule.forgetMs);
}

/** One more failed check. */
export function noteFailure(failures: Failures | undefined, rule: PaceRule, now: number): Failures {
  return { count: failuresLeft(failures, rule, now) + 1, at: now };
}

/** When the next check under this key may begin; -Infinity: at any time. */
export function nextCheckAt(failures: Failures | undefined, rule: PaceRule): number {
  if (failures === undefined) return Number.NEGATIVE_INFINITY;
  // Rounded: what was forgotten while the last check was waited for must not make the same step come twice.
  const beyond = Math.round(failures.count) - rule.free;
  if (beyond <= 0) return Number.NEGATIVE_INFINITY;
  // Not 2 ** beyond at once: it is bounded before it overflows.
  return failures.at + Math.min(rule.longestMs, rule.firstMs * 2 ** Math.min(beyond - 1, 30));
}
