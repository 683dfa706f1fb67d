/**
 * What a stored password or token was given for (spec §3.4), and whether it may be used for a gateway as it stands now.
 * Kept beside each secret, so that it holds however the settings came to be what they are. Pure.
 */
import type { Phrase } from './mail.ts';
import { phrase } from './phrases.ts';
import { SECURITIES, type GatewaySettings, type Security } from './settings.ts';

/** The server of a gateway, and how the connection to it is guarded. */
export interface SecretServer {
  readonly host: string;
  readonly port: number;
  readonly security: Security;
  readonly allowInsecureAuth: boolean;
  readonly allowInvalidCertificate: boolean;
}

/** How servers are found and reached: what answers in their place there could be handed the secret. */
export interface SecretWay {
  readonly proxy: string;
  readonly dnsServers: readonly string[];
}

/** What a secret was given for. */
export interface SecretBinding extends SecretServer, SecretWay {
  readonly oauthIssuer: string;
  readonly oauthClientId: string;
}

/** A gateway's password, its tokens of OAuth 2, or the secret of its OAuth client, which only the provider gets to see. */
export type SecretUse = 'password' | 'tokens' | 'client-secret';

/** Why a secret may not be used: what is other than when it was given. */
export type SecretMisfit =
  /** Nobody knows what it was given for. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'server'; readonly from: string; readonly to: string }
  | { readonly kind: 'security'; readonly to: string }
  | { readonly kind: 'provider' }
  | { readonly kind: 'way' };

type Gateway = SecretServer & Pick<GatewaySettings, 'oauthIssuer' | 'oauthClientId'>;

/** The binding of a secret that is given for this gateway now. */
export function bindingOf(gateway: Gateway, way: SecretWay): SecretBinding {
  const { host, port, security, allowInsecureAuth, allowInvalidCertificate, oauthIssuer, oauthClientId } = gateway;
  const { proxy, dnsServers } = way;
  return {
    host,
    port,
    security,
    allowInsecureAuth,
    allowInvalidCertificate,
    oauthIssuer,
    oauthClientId,
    proxy,
    dnsServers: [...dnsServers],
  };
}

/**
 * Null: the secret may be used for this gateway over this way. Host, port and security have to be the same; a permission
 * (to sign in unencrypted, to accept any certificate) may have been withdrawn since, but not given.
 */
export function secretMisfit(
  use: SecretUse,
  binding: SecretBinding | null,
  gateway: Gateway,
  way: SecretWay,
): SecretMisfit | null {
  if (binding === null) return { kind: 'unknown' };
  if (use !== 'client-secret') {
    const misfit = serverMisfit(binding, gateway);
    if (misfit !== null) return misfit;
  } else if (binding.oauthIssuer !== gateway.oauthIssuer || binding.oauthClientId !== gateway.oauthClientId) {
    return { kind: 'provider' };
  }
  return sameWay(binding, way) ? null : { kind: 'way' };
}

/** The part of `secretMisfit` that the gateway's own settings decide. */
export function serverMisfit(given: SecretServer, now: SecretServer): SecretMisfit | null {
  if (canonicalHost(given.host) !== canonicalHost(now.host) || given.port !== now.port)
    return { kind: 'server', from: place(given), to: place(now) };
  const loosened =
    (now.allowInsecureAuth && !given.allowInsecureAuth) ||
    (now.allowInvalidCertificate && !given.allowInvalidCertificate);
  if (loosened || effectiveSecurity(given) !== effectiveSecurity(now)) return { kind: 'security', to: place(now) };
  return null;
}

/** True if names are looked up at the same servers and connections go the same way. */
export function sameWay(a: SecretWay, b: SecretWay): boolean {
  const servers = ({ dnsServers }: SecretWay): string => [...new Set(dnsServers)].sort().join(' ');
  return a.proxy.toLowerCase() === b.proxy.toLowerCase() && servers(a) === servers(b);
}

/** The sentence that asks for a secret again. */
export function misfitPhrase(use: SecretUse, why: SecretMisfit): Phrase {
  const asked = use === 'password' ? 'password' : 'signIn';
  switch (why.kind) {
    case 'server':
      return phrase(`gateway.again.${asked}.server`, { from: why.from, to: why.to });
    case 'security':
      return phrase(`gateway.again.${asked}.security`, { to: why.to });
    case 'way':
      return phrase(`gateway.again.${asked}.way`);
    case 'provider':
    case 'unknown':
      return phrase(`gateway.again.${asked}.unknown`);
  }
}

/** Of what stands in a file: anything that is not a whole binding is none. */
export function readBinding(value: unknown): SecretBinding | null {
  if (typeof value !== 'object' || value === null) return null;
  const v = value as Partial<Record<keyof SecretBinding, unknown>>;
  const { host, port, security, allowInsecureAuth, allowInvalidCertificate } = v;
  const { oauthIssuer, oauthClientId, proxy, dnsServers } = v;
  if (typeof host !== 'string' || host === '' || typeof port !== 'number') return null;
  if (!SECURITIES.includes(security as Security)) return null;
  if (typeof allowInsecureAuth !== 'boolean' || typeof allowInvalidCertificate !== 'boolean') return null;
  if (typeof oauthIssuer !== 'string' || typeof oauthClientId !== 'string' || typeof proxy !== 'string') return null;
  if (!Array.isArray(dnsServers) || !dnsServers.every((one) => typeof one === 'string')) return null;
  return {
    host,
    port,
    security: security as Security,
    allowInsecureAuth,
    allowInvalidCertificate,
    oauthIssuer,
    oauthClientId,
    proxy,
    dnsServers,
  };
}

/** Spellings of one host; other ways to write one name (A-labels, U-labels) count as other hosts. */
function canonicalHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

/** `auto` on port 465 is implicit TLS (spec §3.1). */
function effectiveSecurity({ security, port }: SecretServer): Security {
  return security === 'auto' && port === 465 ? 'tls' : security;
}

function place({ host, port }: SecretServer): string {
  return Number.isNaN(port) ? host : `${host}:${port}`;
}
