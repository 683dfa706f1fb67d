import { describe, expect, it } from 'vitest';
import { discoverGateways } from '../../../main/discovery/discover.ts';
import { autoconfigUrls, fromAutoconfig, fromSrv, mailboxOf } from '../../../main/discovery/interpret.ts';
import { PROVIDERS } from '../../../main/discovery/providers.ts';
import { gatewaySchema } from '../../../shared/settings.ts';
import type { Dns } from '../../../main/ports.ts';

const noSrv: Pick<Dns, 'srv'> = { srv: async () => Promise.resolve({ kind: 'no-data' }) };
const signal = new AbortController().signal;

function document(servers: string): string {
  return `<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="example.test"><displayName>Example Mail</displayName>
    <displayShortName>Example</displayShortName>${servers}</emailProvider></clientConfig>`;
}
function server(host: string, port: string, socket: string, auth: string): string {
  return `<outgoingServer type="smtp"><hostname>${host}</hostname><port>${port}</port><socketType>${socket}</socketType>
    <authentication>${auth}</authentication><username>%EMAILLOCALPART%</username></outgoingServer>`;
}

describe('autoconfig documents', () => {
  const mailbox = mailboxOf('ann@Example.test');
  const rows: readonly [name: string, servers: string, expected: object | null][] = [
    [
      'implicit TLS',
      server('smtp.%EMAILDOMAIN%', '465', 'SSL', 'password-cleartext'),
      { host: 'smtp.example.test', port: 465, security: 'tls', auth: 'password', username: 'ann', name: 'Example' },
    ],
    [
      'encrypted before plain',
      server('a.test', '25', 'plain', 'none') + server('b.test', '587', 'STARTTLS', 'password-cleartext'),
      { host: 'b.test', security: 'starttls' },
    ],
    [
      'plain if nothing else',
      server('a.test', '25', 'plain', 'none'),
      { host: 'a.test', security: 'none', auth: 'none' },
    ],
    ['OAuth 2 alone', server('a.test', '587', 'STARTTLS', 'OAuth2'), { auth: 'oauth2' }],
    ['no such port', server('a.test', '99999', 'SSL', 'password-cleartext'), null],
    ['host with a blank', server('a b', '465', 'SSL', 'password-cleartext'), null],
    ['no outgoing server', '', null],
  ];
  it.each(rows)('%s', (_name, servers, expected) => {
    const found = fromAutoconfig(document(servers), mailbox);
    if (expected === null) expect(found).toBeNull();
    else expect(found?.gateway).toMatchObject(expected);
  });
  it.each(['', '<html><body>Welcome to the hotel</body></html>', '<clientConfig>', '\u0000\u0001'])(
    'is no document: %j',
    (xml) => {
      expect(fromAutoconfig(xml, mailbox)).toBeNull();
    },
  );
});

describe('SRV records', () => {
  const mailbox = mailboxOf('ann@example.test');
  const record = (target: string, priority = 0, weight = 0, port = 465): Parameters<typeof fromSrv>[0][number] => ({
    target,
    port,
    priority,
    weight,
  });
  it('prefers submissions, then priority, then weight', () => {
    expect(
      fromSrv(
        [record('b.test', 10), record('a.test', 5, 1), record('c.test', 5, 9)],
        [record('d.test', 0, 0, 587)],
        mailbox,
      )?.gateway,
    ).toMatchObject({
      host: 'c.test',
      security: 'tls',
    });
    expect(fromSrv([], [record('d.test', 0, 0, 587)], mailbox)?.gateway).toMatchObject({
      host: 'd.test',
      security: 'starttls',
      port: 587,
    });
  });
  it('takes "." for "not offered" (RFC 6186 §3.4)', () => {
    expect(fromSrv([record('.')], [], mailbox)).toBeNull();
  });
});

describe('discovery', () => {
  it('needs no look-up for a provider on the list', async () => {
    const found = await discoverGateways(
      { dns: noSrv, fetchText: async () => Promise.reject(new Error('asked')) },
      'ann@gmail.com',
      signal,
    );
    expect(found).toMatchObject([
      { source: 'provider-list', gateway: { host: 'smtp.gmail.com', auth: 'oauth2', oauthIssuer: 'google' } },
    ]);
  });
  it('tells the address to its own domain only', () => {
    for (const url of autoconfigUrls(mailboxOf('ann@example.test'))) {
      if (!new URL(url).hostname.endsWith('example.test')) expect(url).not.toContain('ann');
    }
  });
  it('lists each server once, however many sources name it', async () => {
    const xml = document(server('smtp.example.test', '465', 'SSL', 'password-cleartext'));
    const found = await discoverGateways(
      { dns: noSrv, fetchText: async () => Promise.resolve(xml) },
      'ann@example.test',
      signal,
    );
    expect(found).toHaveLength(1);
    expect(found[0]?.source).toBe('autoconfig');
  });
  it('guesses when nothing answers, and says so', async () => {
    const found = await discoverGateways(
      { dns: noSrv, fetchText: async () => Promise.resolve(null) },
      'ann@bücher.test',
      signal,
    );
    expect(found).toMatchObject([
      { source: 'guess', gateway: { host: 'smtp.xn--bcher-kva.test', username: 'ann@bücher.test' } },
    ]);
  });
  it('has a valid gateway for every provider', () => {
    for (const p of PROVIDERS)
      expect(gatewaySchema.safeParse({ ...p, id: 'x', username: 'u' }).success, p.name).toBe(true);
    const all = PROVIDERS.flatMap((p) => p.domains);
    expect(new Set(all).size).toBe(all.length);
  });
});
