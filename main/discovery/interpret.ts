/** What answers of the network say about a submission server. Pure. */
import { XMLParser } from 'fast-xml-parser';
import type { DiscoveredGateway } from '../../shared/ipc-contract.ts';
import { gatewaySchema, type Security } from '../../shared/settings.ts';
import { isHostName } from '../../shared/syntax.ts';
import { canonicalDomain } from '../policy/domain-match.ts';
import { PROVIDERS } from './providers.ts';

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

interface Found {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly security: Security;
  readonly auth: 'none' | 'password' | 'oauth2';
  readonly username: string;
  readonly oauthIssuer?: string;
}

function gateway(source: DiscoveredGateway['source'], found: Found): DiscoveredGateway | null {
  const parsed = gatewaySchema.safeParse({ id: 'new', ...found });
  return parsed.success ? { source, gateway: parsed.data } : null;
}

/** The built-in list. */
export function fromProviderList(mailbox: Mailbox): DiscoveredGateway | null {
  const provider = PROVIDERS.find((p) => p.domains.includes(mailbox.domain));
  if (!provider) return null;
  const { name, host, port, security, auth, oauthIssuer } = provider;
  return gateway('provider-list', {
    name,
    host,
    port,
    security,
    auth,
    username: mailbox.address,
    ...(oauthIssuer === undefined ? {} : { oauthIssuer }),
  });
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
export function fromAutoconfig(xml: string, mailbox: Mailbox): DiscoveredGateway | null {
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
  return best ? gateway('autoconfig', best) : null;
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
  return gateway('srv', {
    name: mailbox.domain,
    host: record.target.replace(/\.$/, '').toLowerCase(),
    port: record.port,
    security: implicit ? 'tls' : 'starttls',
    auth: 'password',
    username: mailbox.address,
  });
}

/** Where a document for the domain may stand. The address itself is told to its own domain only. */
export function autoconfigUrls(mailbox: Mailbox): readonly string[] {
  const query = `?emailaddress=${encodeURIComponent(mailbox.address)}`;
  return [
    `https://autoconfig.${mailbox.domain}/mail/config-v1.1.xml${query}`,
    `https://${mailbox.domain}/.well-known/autoconfig/mail/config-v1.1.xml${query}`,
    `https://autoconfig.thunderbird.net/v1.1/${mailbox.domain}`,
  ];
}

/** Something to start from when nothing was found. */
export function guess(mailbox: Mailbox): DiscoveredGateway | null {
  return gateway('guess', {
    name: mailbox.domain,
    host: `smtp.${mailbox.domain}`,
    port: 587,
    security: 'auto',
    auth: 'password',
    username: mailbox.address,
  });
}
