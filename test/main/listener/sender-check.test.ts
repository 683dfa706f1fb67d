import { afterEach, describe, expect, test } from 'vitest';
import { senderCanReceive, type SenderNames } from '../../../main/listener/sender-check.ts';
import type { Dns, DnsAnswer } from '../../../main/dns/dns-port.ts';
import { greeted, startListener, type Harness } from './harness.ts';

type Mx = DnsAnswer<{ readonly exchange: string; readonly preference: number }>;
type Addresses = DnsAnswer<{ readonly address: string; readonly family: 4 | 6 }>;
const NONE = { kind: 'no-data' } as const;
const LATER = { kind: 'try-later', why: 'timeout' } as const;
const mxTo = (exchange: string): Mx => ({ kind: 'found', ttl: 1, records: [{ exchange, preference: 0 }] });
const HOST: Addresses = { kind: 'found', ttl: 1, records: [{ address: '192.0.2.1', family: 4 }] };

function names(mx: Mx, addresses: Addresses, sane = true): SenderNames & { readonly asked: string[] } {
  const asked: string[] = [];
  const refuse = async (): Promise<never> => Promise.reject(new Error('not asked for'));
  const dns: Dns = {
    mx: async (name) => {
      asked.push(name);
      return mx;
    },
    addresses: async () => addresses,
    txt: refuse,
    srv: refuse,
    rootHosts: refuse,
    lastAnswerAt: () => 0,
    uncached: () => dns,
    forget: () => {},
    flush: () => {},
  };
  return { asked, dns, isSane: async () => sane };
}

test.each([
  ['MX', mxTo('mx.example.test'), NONE, true],
  ['null MX', mxTo(''), HOST, false],
  ['null MX as a dot', mxTo('.'), HOST, false],
  ['no MX but an address', NONE, HOST, true],
  ['neither', NONE, NONE, false],
  ['no such domain', { kind: 'no-such-domain' }, HOST, false],
  ['no answer', LATER, LATER, true],
  ['no MX, then no answer', NONE, LATER, true],
  ['bad name', { kind: 'bad-name' }, NONE, false],
] as const)('%s', async (_name, mx, addresses, expected) =>
  expect(await senderCanReceive(names(mx, addresses), 'a@example.test')).toBe(expected),
);

test('where no name can be believed not to exist, nobody is refused for it', async () => {
  const lying = names({ kind: 'no-such-domain' }, NONE, false);
  expect(await senderCanReceive(lying, 'a@example.test')).toBe(true);
  expect(await senderCanReceive(names(NONE, NONE, false), 'a@example.test')).toBe(true);
  expect(await senderCanReceive({ ...lying, isSane: () => Promise.reject(new Error('late')) }, 'a@e.test')).toBe(true);
  expect(await senderCanReceive(names(mxTo(''), NONE, false), 'a@example.test')).toBe(false);
});

test('literals are not asked for, names in A-labels', async () => {
  const dns = names(NONE, NONE);
  expect(await senderCanReceive(dns, 'a@[192.0.2.1]')).toBe(true);
  expect(dns.asked).toEqual([]);
  await senderCanReceive(dns, 'a@bücher.test');
  expect(dns.asked).toEqual(['xn--bcher-kva.test']);
});

describe('at MAIL', () => {
  let h: Harness;
  afterEach(() => h.close());

  test('only if the user wants it; never for the null sender; replies to pipelined commands stay in order', async () => {
    h = await startListener({ refuseSendersWithoutMx: true }, { names: names(NONE, NONE) });
    const client = await greeted(h.port);
    client.write('MAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nNOOP\r\n');
    expect(await client.reply()).toMatch(/^550 5\.1\.8 /);
    expect(await client.reply()).toMatch(/^503 /);
    expect(await client.reply()).toMatch(/^250 /);
    expect(await client.say('MAIL FROM:<>')).toMatch(/^250 /);
    client.end();
    await h.close();
    h = await startListener({}, { names: names(NONE, NONE) });
    const other = await greeted(h.port);
    expect(await other.say('MAIL FROM:<a@example.test>')).toMatch(/^250 /);
    other.end();
  });
});
