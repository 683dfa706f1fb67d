/** What answers of the network say about a submission server. Pure. */
import { XMLParser } from 'fast-xml-parser';
import type { DiscoveredGateway } from '../../shared/ipc-contract.ts';
import { gatewaySchema, type Security } from '../../shared/settings.ts';
import { isHostName } from '../../shared/syntax.ts';
import { canonicalDomain, isWithinDomain } from '../policy/domain-match.ts';
import { PROVIDERS } from './mail-providers.ts';

/** A mail address taken apart. */
export interface Mailbox {
  readonly address: string;
  readonly local: string;
  /** A-labels, lower case. */
  readonly domain: string;
}

export function mailboxOf(address: string): Mailbox {
  const at = address.lastIndexOf('@');
  return { address, local: address.slice(0, at), domain: canonicalDomain(address.slice(at + 1)) };
}

/** Who wrote an autoconfig document. */
export type AutoconfigSource = Extract<DiscoveredGateway['source'], 'autoconfig' | 'database'>;

interface Found {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly security: Security;
  readonly auth: 'none' | 'password' | 'oauth2';
  readonly username: string;
  readonly oauthIssuer?: string;
}

/**
 * Sources that can speak for the domain: what is built in, what its own web server said under a certificate that was
 * checked, redirects of that server included, and a guess, which never leaves it. DNS answers and databases of others cannot.
 */
const VOUCHES: Readonly<Record<DiscoveredGateway['source'], boolean>> = {
  'provider-list': true,
  autoconfig: true,
  database: false,
  srv: false,
  guess: true,
};

function gateway(source: DiscoveredGateway['source'], found: Found, mailbox: Mailbox): DiscoveredGateway | null {
  const parsed = gatewaySchema.safeParse({ id: 'new', ...found });
  if (!parsed.success) return null;
  const outside = !VOUCHES[source] && !isWithinDomain(parsed.data.host, mailbox.domain);
  return { source, gateway: parsed.data, outside };
}

/** The built-in list. */
export function fromProviderList(mailbox: Mailbox): DiscoveredGateway | null {
  const provider = PROVIDERS.find((p) => p.domains.includes(mailbox.domain));
  if (!provider) return null;
  const { name, host, port, security, auth, oauthIssuer } = provider;
  const username = mailbox.address;
  const found = { name, host, port, security, auth, username, ...(oauthIssuer === undefined ? {} : { oauthIssuer }) };
  return gateway('provider-list', found, mailbox);
}

function placeholders(text: string, mailbox: Mailbox): string {
  return text
    .replaceAll('%EMAILADDRESS%', mailbox.address)
    .replaceAll('%EMAILLOCALPART%', mailbox.local)
    .replaceAll('%EMAILDOMAIN%', mailbox.domain);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function text(value: unknown): string {
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number') return String(value);
  const inner = member(value, '#text');
  return typeof inner === 'string' || typeof inner === 'number' ? String(inner).trim() : '';
}

/**
 * A Thunderbird-style autoconfig document: its first outgoing SMTP server that is encrypted and can be used with a
 * password or OAuth 2; an unencrypted one only if there is no other. Anything malformed: null.
 */
export function fromAutoconfig(xml: string, mailbox: Mailbox, source: AutoconfigSource): DiscoveredGateway | null {
  let document: unknown;
  try {
    document = new XMLParser({ ignoreAttributes: false, processEntities: false, parseTagValue: false }).parse(xml);
  } catch {
    return null;
  }
  const provider = list(member(member(document, 'clientConfig'), 'emailProvider'))[0];
  const name = text(member(provider, 'displayShortName')) || text(member(provider, 'displayName')) || mailbox.domain;
  const candidates = list(member(provider, 'outgoingServer'))
    .filter((server) => member(server, '@_type') === 'smtp')
    .map((server): Found | null => {
      const host = placeholders(text(member(server, 'hostname')), mailbox).toLowerCase();
      const port = Number(text(member(server, 'port')));
      const socket = text(member(server, 'socketType')).toUpperCase();
      const methods = list(member(server, 'authentication')).map(text);
      if (!isHostName(host) || !Number.isInteger(port) || port < 1 || port > 65535) return null;
      const security: Security = socket === 'SSL' ? 'tls' : socket === 'STARTTLS' ? 'starttls' : 'none';
      const password = methods.some((m) => m.startsWith('password') || m === 'plain' || m === 'secure');
      const auth = password
        ? 'password'
        : methods.includes('OAuth2')
          ? 'oauth2'
          : methods.includes('none')
            ? 'none'
            : 'password';
      const username = placeholders(text(member(server, 'username')), mailbox) || mailbox.address;
      return { name: name.slice(0, 100), host, port, security, auth, username };
    })
    .filter((found) => found !== null);
  const best = candidates.find((c) => c.security !== 'none') ?? candidates[0];
  return best ? gateway(source, best, mailbox) : null;
}

/** One SRV record. */
export interface SrvRecord {
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** SRV records of `_submissions._tcp` (RFC 8314 §5.1) before `_submission._tcp` (RFC 6186 §3.1). "." = not offered. */
export function fromSrv(
  submissions: readonly SrvRecord[],
  submission: readonly SrvRecord[],
  mailbox: Mailbox,
): DiscoveredGateway | null {
  const best = (records: readonly SrvRecord[]): SrvRecord | undefined =>
    [...records]
      .filter((r) => isHostName(r.target.replace(/\.$/, '')))
      .sort((a, b) => a.priority - b.priority || b.weight - a.weight)[0];
  const implicit = best(submissions);
  const record = implicit ?? best(submission);
  if (!record) return null;
  const found: Found = {
    name: mailbox.domain,
    host: record.target.replace(/\.$/, '').toLowerCase(),
    port: record.port,
    security: implicit ? 'tls' : 'starttls',
    auth: 'password',
    username: mailbox.address,
  };
  return gateway('srv', found, mailbox);
}

/** Where a document for the domain may stand. The address itself is told to its own domain only. */
export function autoconfigUrls(
  mailbox: Mailbox,
): readonly { readonly url: string; readonly source: AutoconfigSource }[] {
  const query = `?emailaddress=${encodeURIComponent(mailbox.address)}`;
  return [
    { url: `https://autoconfig.${mailbox.domain}/mail/config-v1.1.xml${query}`, source: 'autoconfig' },
    { url: `https://${mailbox.domain}/.well-known/autoconfig/mail/config-v1.1.xml${query}`, source: 'autoconfig' },
    { url: `https://autoconfig.thunderbird.net/v1.1/${mailbox.domain}`, source: 'database' },
  ];
}

/** Something to start from when nothing was found. */
export function guess(mailbox: Mailbox): DiscoveredGateway | null {
  const { domain, address: username } = mailbox;
  const found: Found = {
    name: domain,
    host: `smtp.${domain}`,
    port: 587,
    security: 'auto',
    auth: 'password',
    username,
  };
  return gateway('guess', found, mailbox);
}
