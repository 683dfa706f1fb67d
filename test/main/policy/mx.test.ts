import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressScope, literalAddress } from '../../../main/policy/ip-address.ts';
import { mxCandidates, orderMx, type Answer, type MxRecord, type OrderMxInput } from '../../../main/policy/order-mx.ts';

function found<T>(...records: readonly T[]): Answer<T> {
  return { kind: 'found', records };
}
function mx(text: string): Answer<MxRecord> {
  return found(
    ...text.split(' ').map((item) => ({ preference: Number(item.split(':')[0]), exchange: item.split(':')[1] ?? '' })),
  );
}

describe('who takes the mail of a domain', () => {
  it.each<[string, string, Answer<MxRecord>, string]>([
    ['MX records', 'd.test', mx('10:a.test 20:b.test'), '10 a.test, 20 b.test'],
    ['spelling and repeats', 'd.test', mx('30:A.test. 20:a.TEST'), '20 a.test'],
    ['no MX', 'D.test', { kind: 'no-data' }, 'implicit 0 d.test'],
    ['an empty answer', 'd.test', found<MxRecord>(), 'implicit 0 d.test'],
    ['null MX', 'd.test', mx('0:.'), 'null-mx'],
    ['null MX as an empty name', 'd.test', mx('0:'), 'null-mx'],
    ['null MX beside another', 'd.test', mx('0:. 10:a.test'), '10 a.test'],
    ['an IP address as MX', 'd.test', mx('10:192.0.2.1'), 'no-address'],
    ['an IP address beside a name', 'd.test', mx('5:192.0.2.1 10:a.test'), '10 a.test'],
    ['no such domain', 'd.test', { kind: 'no-such-domain' }, 'no-such-domain'],
    ['try later', 'd.test', { kind: 'try-later', why: 'servfail' }, 'servfail'],
    ['bad name', 'd..test', { kind: 'bad-name' }, 'bad-name'],
    ['no domain', '', { kind: 'no-data' }, 'bad-name'],
    ['a literal', '[192.0.2.1]', { kind: 'no-data' }, '0 192.0.2.1'],
    ['an IPv6 literal', '[IPv6:2001:db8::1]', { kind: 'no-data' }, '0 2001:db8::1'],
    ['a bad literal', '[300.1.1.1]', { kind: 'no-data' }, 'bad-name'],
  ])('%s', (_what, domain, answer, expected) => {
    const result = mxCandidates(domain, answer);
    const text = result.kind === 'failed' ? result.failure : (result.implicit ? 'implicit ' : '') + result.hosts.map((h) => `${h.preference} ${h.exchange}`).join(', '); // prettier-ignore
    expect(text).toBe(expected);
  });
});

function order(list: string, addresses: Record<string, Answer<string>>, more: Partial<OrderMxInput> = {}): string {
  const candidates = mxCandidates('d.test', list === '' ? { kind: 'no-data' } : mx(list));
  if (candidates.kind === 'failed') return candidates.failure;
  const result = orderMx({
    found: candidates, addresses: new Map(Object.entries(addresses)), ownNames: ['laptop.test'], ownAddresses: ['198.51.100.9', '2001:db8::9'],
    trustLoopbackMx: false, random: () => 0, ...more,
  }); // prettier-ignore
  return result.kind === 'failed'
    ? result.failure
    : result.hosts.map((h) => `${h.host}=${h.addresses.join('+')}`).join(' ');
}

const A = { 'a.test': found('192.0.2.1'), 'b.test': found('192.0.2.2', '2001:db8::2'), 'c.test': found('192.0.2.3') };

describe('the order of mail servers', () => {
  it.each<[string, string, Record<string, Answer<string>>, Partial<OrderMxInput>, string]>([
    ['by preference', '20:b.test 10:a.test', A, {}, 'a.test=192.0.2.1 b.test=192.0.2.2+2001:db8::2'],
    ['equal ones shuffled: 0', '10:a.test 10:b.test', A, { random: () => 0 }, 'b.test=192.0.2.2+2001:db8::2 a.test=192.0.2.1'],
    ['equal ones shuffled: 0.99', '10:a.test 10:b.test', A, { random: () => 0.99 }, 'a.test=192.0.2.1 b.test=192.0.2.2+2001:db8::2'],
    ['loopback and all of worse preference dropped', '10:a.test 20:b.test 30:c.test', { ...A, 'b.test': found('127.0.0.1') }, {}, 'a.test=192.0.2.1'],
    ['and all of equal preference', '10:a.test 10:b.test', { ...A, 'b.test': found('::1') }, {}, 'loops-back'],
    ['unspecified', '10:b.test 20:a.test', { ...A, 'b.test': found('0.0.0.0') }, {}, 'loops-back'],
    ['loopback inside IPv6', '10:b.test', { 'b.test': found('::ffff:127.0.0.1') }, {}, 'loops-back'],
    ['loopback trusted', '10:b.test 20:a.test', { ...A, 'b.test': found('127.0.0.1') }, { trustLoopbackMx: true }, 'b.test=127.0.0.1 a.test=192.0.2.1'],
    ['unspecified is never trusted', '10:b.test', { 'b.test': found('0.0.0.0') }, { trustLoopbackMx: true }, 'loops-back'],
    ['own address, spelled otherwise', '10:b.test', { 'b.test': found('2001:0db8:0::9') }, {}, 'loops-back'],
    ['own name', '10:LAPTOP.test 20:a.test', { ...A, 'laptop.test': found('192.0.2.77') }, {}, 'loops-back'],
    ['a host without an address is left out', '10:a.test 20:b.test', { ...A, 'a.test': { kind: 'no-such-domain' } }, {}, 'b.test=192.0.2.2+2001:db8::2'],
    ['no host has an address', '10:a.test', { 'a.test': { kind: 'no-data' } }, {}, 'no-address'],
    ['one of them may have one later', '10:a.test 20:b.test', { 'a.test': { kind: 'no-data' }, 'b.test': { kind: 'try-later', why: 'timeout' } }, {}, 'timeout'],
    ['implicit MX', '', { 'd.test': found('192.0.2.4') }, {}, 'd.test=192.0.2.4'],
    ['implicit MX without address', '', { 'd.test': { kind: 'no-data' } }, {}, 'no-data'],
    ['implicit MX, no such domain', '', { 'd.test': { kind: 'no-such-domain' } }, {}, 'no-such-domain'],
    ['implicit MX on loopback', '', { 'd.test': found('127.0.0.1') }, {}, 'loops-back'],
  ])('%s', (_what, list, addresses, more, expected) => {
    expect(order(list, addresses, more)).toBe(expected);
  }); // prettier-ignore

  it('is a permutation that never falls in preference', () => {
    const prefs = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(prefs, fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 20, maxLength: 20 }), (preferences, numbers) => {
        const hosts = preferences.map((preference, index) => ({ exchange: `h${index}.test`, preference, literal: false }));
        let next = 0;
        const result = orderMx({
          found: { kind: 'candidates', implicit: false, hosts }, addresses: new Map(hosts.map((h) => [h.exchange, found('192.0.2.1')])),
          ownNames: [], ownAddresses: [], trustLoopbackMx: false, random: () => numbers[next++ % 20]!,
        });
        if (result.kind === 'failed') throw new Error(result.failure);
        expect(result.hosts.map((h) => h.host).sort()).toEqual(hosts.map((h) => h.exchange).sort());
        expect(result.hosts.map((h) => h.preference)).toEqual([...preferences].sort((a, b) => a - b));
      }),
    ); // prettier-ignore
  });
});

describe('addresses', () => {
  it.each([
    ['127.3.4.5', 'loopback'], ['::1', 'loopback'], ['0.0.0.0', 'unspecified'], ['::', 'unspecified'], ['10.1.2.3', 'private'], ['192.168.0.1', 'private'],
    ['fe80::1%eth0', 'private'], ['fd12::1', 'private'], ['169.254.1.1', 'private'], ['8.8.8.8', 'public'], ['2a00::1', 'public'], ['224.0.0.1', 'other'], ['name.test', null], ['1.2', null],
  ])('%s is %s', (address, scope) => {
    expect(addressScope(address)).toBe(scope);
  }); // prettier-ignore

  it.each([
    ['[192.0.2.1]', '192.0.2.1'], ['[IPv6:2001:db8::1]', '2001:db8::1'], ['[ipv6:::1]', '::1'], ['[2001:db8::1]', null], ['[IPv6:192.0.2.1]', null], ['[x]', null], ['192.0.2.1', null],
  ])('literal %s: %s', (domain, address) => {
    expect(literalAddress(domain)).toBe(address);
  }); // prettier-ignore
});
