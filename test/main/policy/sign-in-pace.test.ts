import { describe, expect, it } from 'vitest';
import {
  SIGN_IN_RULES,
  failuresLeft,
  nextCheckAt,
  noteFailure,
  signInKeys,
  type Failures,
  type PaceRule,
} from '../../../main/policy/sign-in-pace.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** When somebody who never stops is checked, from 0 on: `most` checks, or until `until`. */
function checks(rule: PaceRule, { most = Infinity, until = Infinity }): number[] {
  const at: number[] = [];
  let failures: Failures | undefined;
  for (let now = 0; at.length < most && now <= until; now = Math.max(now, nextCheckAt(failures, rule))) {
    at.push(now);
    failures = noteFailure(failures, rule, now);
  }
  return at;
}

describe('when failures are checked again', () => {
  it.each([
    ['pair', [0, 0, 0, 1, 3, 7, 15, 31, 63, 123]],
    ['address', [...Array<number>(11).fill(0), 1, 3, 7, 15, 31]],
    ['name', [...Array<number>(21).fill(0), 0.5, 1.5, 3.5, 7.5, 15.5]],
  ] as const)('%s: at these seconds', (which, seconds) => {
    const rule = SIGN_IN_RULES[which];
    const growing = checks(rule, { most: seconds.length }).map((ms) => ms / SECOND);
    // What is forgotten meanwhile makes the last ones a step sooner.
    expect(growing.slice(0, rule.free + 4)).toEqual(seconds.slice(0, rule.free + 4));
    for (const [i, at] of growing.entries()) expect(at).toBeLessThanOrEqual(seconds[i] ?? 0);
  });

  it.each([
    ['pair', 10, 1.5],
    ['address', 20, 4],
    ['name', 40, 10],
    ['loopback', 301, 240],
  ] as const)('%s: in the first minute, and a minute in the long run, at most', (which, first, later) => {
    const rule = SIGN_IN_RULES[which];
    expect(checks(rule, { until: MINUTE }).length).toBeLessThanOrEqual(first);
    const hour = checks(rule, { until: 60 * MINUTE }).length - checks(rule, { until: 30 * MINUTE }).length;
    expect(hour / 30).toBeLessThanOrEqual(later);
    expect(hour).toBeGreaterThan(0);
  });

  it('is a question of numbers only: after a year of failures the delay is what it was', () => {
    const rule = SIGN_IN_RULES.pair;
    let failures: Failures | undefined;
    for (let n = 0; n < 100_000; n += 1) failures = noteFailure(failures, rule, 0);
    expect(nextCheckAt(failures, rule)).toBe(rule.longestMs);
  });

  it('a program with an old password that tries every five minutes is never slowed down', () => {
    const rule = SIGN_IN_RULES.pair;
    let failures: Failures | undefined;
    for (let now = 0; now < DAY; now += 5 * MINUTE) {
      expect(nextCheckAt(failures, rule)).toBeLessThanOrEqual(now);
      failures = noteFailure(failures, rule, now);
    }
  });

  it('failures are forgotten one after the other; a clock that went back forgets none', () => {
    const rule = SIGN_IN_RULES.pair;
    const failures: Failures = { count: 3, at: 5 * MINUTE };
    expect(failuresLeft(failures, rule, 5 * MINUTE)).toBe(3);
    expect(failuresLeft(failures, rule, 6.5 * MINUTE)).toBe(1.5);
    expect(failuresLeft(failures, rule, 60 * MINUTE)).toBe(0);
    expect(failuresLeft(failures, rule, 0)).toBe(3);
    expect(failuresLeft(undefined, rule, 0)).toBe(0);
  });
});

describe('what counts together', () => {
  const keys = (address: string, name = 'ann', proven = false): readonly string[] =>
    signInKeys(address, name, proven).map(({ key }) => key);

  it.each([
    ['loopback, however it is written', ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'], 1],
    ['an IPv4 address and its mapped form', ['192.0.2.7', '::ffff:192.0.2.7'], 1],
    ['two IPv4 addresses', ['192.0.2.7', '192.0.2.8'], 2],
    ['one /64', ['2001:db8::1', '2001:db8::ffff:1', '2001:db8:0:0:1::2'], 1],
    ['two /64', ['2001:db8::1', '2001:db8:0:1::1'], 2],
    ['link-local addresses of one or two links', ['fe80::1%eth0', 'fe80::2%wlan0'], 1],
    ['what is no address', ['', 'x', '300.1.1.1'], 1],
  ])('%s', (_what, addresses, places) => {
    expect(new Set(addresses.map((address) => keys(address)[1])).size).toBe(places);
    expect(new Set(addresses.map((address) => keys(address)[0])).size).toBe(places);
  });

  it('names count by themselves, but not for a pair that has signed in', () => {
    expect(keys('192.0.2.7', 'ann')[2]).toBe(keys('192.0.2.8', 'ann')[2]);
    expect(keys('192.0.2.7', 'ann')).not.toContain(keys('192.0.2.7', 'bob')[2]);
    expect(keys('192.0.2.7', 'ann', true)).toEqual(keys('192.0.2.7', 'ann').slice(0, 2));
  });

  it('loopback has a rule of its own, and long names cost no memory', () => {
    expect(signInKeys('::1', 'ann', false)[1]?.rule).toBe(SIGN_IN_RULES.loopback);
    expect(signInKeys('192.0.2.7', 'ann', false)[1]?.rule).toBe(SIGN_IN_RULES.address);
    expect(Math.max(...keys('::1', 'x'.repeat(20_000)).map((key) => key.length))).toBeLessThan(300);
  });
});
