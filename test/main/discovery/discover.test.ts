import { describe, expect, it } from 'vitest';
import { discoverGateways } from '../../../main/discovery/discover.ts';
import { autoconfigUrls, fromAutoconfig, fromSrv, mailboxOf } from '../../../main/discovery/candidates.ts';
import { PROVIDERS } from '../../../main/discovery/mail-providers.ts';
import { isWithinDomain } from '../../../main/policy/domain-match.ts';
import { gatewaySchema } from '../../../shared/settings.ts';
import type { Dns } from '../../../main/dns/dns-port.ts';

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
    const found = fromAutoconfig(document(servers), mailbox, 'autoconfig');
    if (expected === null) expect(found).toBeNull();
    else expect(found?.gateway).toMatchObject(expected);
  });
  it.each(['', '<html><body>Welcome to the hotel</body></html>', '<clientConfig>', '\u0000\u0001'])(
    'is no document: %j',
    (xml) => {
      expect(fromAutoconfig(xml, mailbox, 'autoconfig')).toBeNull();
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

describe('a server within the domain of the address', () => {
  it.each<readonly [host: string, domain: string, inside: boolean]>([
    ['example.test', 'example.test', true],
    ['smtp.example.test', 'example.test', true],
    ['a.b.example.test', 'example.test', true],
    ['SMTP.Example.Test.', 'example.test', true],
    ['smtp.xn--bcher-kva.test', 'bücher.test', true],
    ['smtp.bücher.test', 'BÜCHER.test', true],
    ['smtp.other.test', 'example.test', false],
    ['smtp.example.test.thief.test', 'example.test', false],
    ['evilexample.test', 'example.test', false],
    ['example.test', 'mail.example.test', false],
    ['smtp.example.co.uk', 'mail.co.uk', false],
    ['thief.co.uk', 'example.co.uk', false],
    ['thief.test', 'test', false],
    ['192.0.2.1', 'example.test', false],
    ['', 'example.test', false],
    ['smtp.example.test', '', false],
  ])('%s of %s: %s', (host, domain, inside) => {
    expect(isWithinDomain(host, domain)).toBe(inside);
  });
});

describe('what was found outside of the domain', () => {
  const DATABASE = 'https://autoconfig.thunderbird.net/';
  const srvTo = (target: string): Pick<Dns, 'srv'> => ({
    srv: (name) =>
      Promise.resolve(
        name.startsWith('_submissions.')
          ? { kind: 'found', records: [{ target, port: 465, priority: 0, weight: 0 }], ttl: 60 }
          : { kind: 'no-data' },
      ),
  });
  const findings = async (dns: Pick<Dns, 'srv'>, text: (url: string) => string | null) =>
    (await discoverGateways({ dns, fetchText: (url) => Promise.resolve(text(url)) }, 'ann@example.test', signal)).map(
      (found) => [found.source, found.gateway.host, found.outside] as const,
    );
  const xml = (host: string): string => document(server(host, '465', 'SSL', 'password-cleartext'));

  it.each<readonly [string, string, boolean]>([
    ['an SRV record to a sub-domain', 'smtp.example.test', false],
    ['an SRV record to another domain (RFC 6186 §6)', 'smtp.thief.test', true],
  ])('%s', async (_what, target, outside) => {
    expect(await findings(srvTo(target), () => null)).toEqual([['srv', target, outside]]);
  });

  it("is vouched for by the domain's own web server, which TLS has proved, and by the built-in list", async () => {
    expect(await findings(noSrv, (url) => (url.startsWith(DATABASE) ? null : xml('smtp.provider.test')))).toEqual([
      ['autoconfig', 'smtp.provider.test', false],
    ]);
    const [listed] = await discoverGateways(
      { dns: noSrv, fetchText: () => Promise.resolve(null) },
      'ann@gmail.com',
      signal,
    );
    expect(listed?.outside).toBe(false);
  });

  it('is to be confirmed when only a database of others says so', async () => {
    expect(await findings(noSrv, (url) => (url.startsWith(DATABASE) ? xml('smtp.provider.test') : null))).toEqual([
      ['database', 'smtp.provider.test', true],
    ]);
    expect(await findings(noSrv, (url) => (url.startsWith(DATABASE) ? xml('smtp.example.test') : null))).toEqual([
      ['database', 'smtp.example.test', false],
    ]);
  });

  it('comes behind what needs no question, and is none where another source vouches for the same server', async () => {
    expect(
      await findings(srvTo('smtp.example.test'), (url) =>
        url.startsWith(DATABASE) ? xml('smtp.provider.test') : null,
      ),
    ).toEqual([
      ['srv', 'smtp.example.test', false],
      ['database', 'smtp.provider.test', true],
    ]);
    expect(
      await findings(srvTo('smtp.provider.test'), (url) =>
        url.startsWith(DATABASE) ? null : xml('smtp.provider.test'),
      ),
    ).toEqual([['autoconfig', 'smtp.provider.test', false]]);
  });

  it('is never a guess', async () => {
    expect(await findings(noSrv, () => null)).toEqual([['guess', 'smtp.example.test', false]]);
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
    for (const { url } of autoconfigUrls(mailboxOf('ann@example.test'))) {
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
