import { describe, expect, it } from 'vitest';
import { bindingOf, secretMisfit, type SecretMisfit, type SecretUse } from '../../shared/secret-binding.ts';
import { gatewaySchema, type GatewaySettings } from '../../shared/settings.ts';

const DIRECT = { proxy: '', dnsServers: ['192.0.2.53', '192.0.2.54'] };

function gatewayOf(more: Partial<GatewaySettings> = {}): GatewaySettings {
  return gatewaySchema.parse({
    id: 'g1',
    name: 'Office',
    host: 'smtp.office.test',
    port: 587,
    security: 'starttls',
    auth: 'password',
    username: 'ann',
    ...more,
  });
}

type Kind = SecretMisfit['kind'] | null;
type Row = readonly [
  what: string,
  given: Partial<GatewaySettings>,
  now: Partial<GatewaySettings>,
  expected: Readonly<Record<SecretUse, Kind>>,
];
const all = (kind: Kind): Row[3] => ({ password: kind, tokens: kind, 'client-secret': kind });
/** The client's secret goes to the provider only: the mail server is none of its business. */
const server = (kind: Kind): Row[3] => ({ ...all(kind), 'client-secret': null });

const ROWS: readonly Row[] = [
  ['nothing', {}, {}, all(null)],
  ['name, priority, limits', {}, { name: 'x', priority: 'low', enabled: false, networks: ['n'], senders: ['a.test'] }, all(null)],
  ['user name', {}, { username: 'bob' }, all(null)],
  ['case of the host', { host: 'SMTP.office.test' }, { host: 'smtp.OFFICE.test' }, all(null)],
  ['brackets of an address', { host: '[2001:db8::1]' }, { host: '2001:db8::1' }, all(null)],
  ['host', {}, { host: 'smtp.thief.test' }, server('server')],
  ['sub-domain', {}, { host: 'x.smtp.office.test' }, server('server')],
  ['spelling of an IDN', { host: 'bücher.test' }, { host: 'xn--bcher-kva.test' }, server('server')],
  ['port', {}, { port: 25 }, server('server')],
  ['starttls to tls', {}, { security: 'tls' }, server('security')],
  ['starttls to auto', {}, { security: 'auto' }, server('security')],
  ['starttls to none', {}, { security: 'none' }, server('security')],
  ['tls to none', { security: 'tls' }, { security: 'none' }, server('security')],
  ['tls to auto', { security: 'tls' }, { security: 'auto' }, server('security')],
  ['auto to none', { security: 'auto' }, { security: 'none' }, server('security')],
  ['none to starttls', { security: 'none' }, { security: 'starttls' }, server('security')],
  ['auto and tls on 465, which are the same', { port: 465, security: 'auto' }, { port: 465, security: 'tls' }, server(null)],
  ['port of auto', { port: 465, security: 'auto' }, { port: 587, security: 'auto' }, server('server')],
  ['sign-in without encryption is allowed', {}, { allowInsecureAuth: true }, server('security')],
  ['it is not allowed any more', { allowInsecureAuth: true }, {}, server(null)],
  ['any certificate is good enough', {}, { allowInvalidCertificate: true }, server('security')],
  ['it is not any more', { allowInvalidCertificate: true }, {}, server(null)],
  ['provider', { oauthIssuer: 'google' }, { oauthIssuer: 'https://id.thief.test' }, { ...all(null), 'client-secret': 'provider' }],
  ['client', { oauthClientId: 'a' }, { oauthClientId: 'b' }, { ...all(null), 'client-secret': 'provider' }],
]; // prettier-ignore

const WAYS: readonly (readonly [what: string, now: typeof DIRECT, expected: Kind])[] = [
  ['order of the DNS servers', { proxy: '', dnsServers: ['192.0.2.54', '192.0.2.53'] }, null],
  ['another DNS server', { proxy: '', dnsServers: ['192.0.2.53', '203.0.113.53'] }, 'way'],
  ["the system's DNS servers", { proxy: '', dnsServers: [] }, 'way'],
  ['a proxy', { ...DIRECT, proxy: 'socks5://thief.test:1080' }, 'way'],
];

describe('a secret is given out again for what it was given for, in spite of a change of', () => {
  it.each(ROWS)('%s', (_what, given, now, expected) => {
    const binding = bindingOf(gatewayOf(given), DIRECT);
    for (const [use, kind] of Object.entries(expected) as [SecretUse, Kind][])
      expect([use, secretMisfit(use, binding, gatewayOf(now), DIRECT)?.kind ?? null]).toEqual([use, kind]);
  });

  it.each(WAYS)('%s', (_what, now, expected) => {
    for (const use of ['password', 'tokens', 'client-secret'] as const)
      expect(secretMisfit(use, bindingOf(gatewayOf(), DIRECT), gatewayOf(), now)?.kind ?? null).toBe(expected);
  });

  it('nothing, where nobody knows what it was given for', () => {
    expect(secretMisfit('password', null, gatewayOf(), DIRECT)).toEqual({ kind: 'unknown' });
  });

  it('a server, both of which are named', () => {
    const now = gatewayOf({ host: 'smtp.new.test', port: 465 });
    expect(secretMisfit('password', bindingOf(gatewayOf(), DIRECT), now, DIRECT)).toEqual({
      kind: 'server',
      from: 'smtp.office.test:587',
      to: 'smtp.new.test:465',
    });
  });
});
