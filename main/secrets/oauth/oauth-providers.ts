/**
 * Who signs users in (spec §3.4): Google and Microsoft as their documentation states, any other provider by its OIDC
 * discovery document. Pure.
 */
import type { AuthorizationServer } from 'oauth4webapi';
import type { GatewaySettings } from '../../../shared/settings.ts';

/**
 * Client ids of this program, TO BE REGISTERED by whoever publishes it (docs/oauth.md says where and how). They are empty
 * on purpose: an id cannot be invented, and nobody else's may be used. Until they are filled in, a user needs a client id
 * of his own in the gateway's settings, and is told so.
 */
export const BUILT_IN_CLIENT_IDS = { google: '', microsoft: '' } as const;

/** What is needed to ask for a sign-in. */
export interface Provider {
  readonly kind: 'google' | 'microsoft' | 'oidc';
  /** Complete for the large two; for others only the issuer is known before discovery. */
  readonly server: AuthorizationServer | null;
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  /** More parameters of the authorization request. */
  readonly extra: Readonly<Record<string, string>>;
}

export type ProviderChoice =
  | { readonly kind: 'provider'; readonly provider: Provider }
  | { readonly kind: 'no-client-id' }
  | { readonly kind: 'bad-issuer' };

const GOOGLE: AuthorizationServer = {
  issuer: 'https://accounts.google.com',
  authorization_endpoint: 'https://accounts.google.com/o/oauth2/v2/auth',
  token_endpoint: 'https://oauth2.googleapis.com/token',
  revocation_endpoint: 'https://oauth2.googleapis.com/revoke',
};

/** `common`: work, school and personal accounts; a company's own registration names its tenant. No revocation endpoint. */
function microsoft(tenant: string): AuthorizationServer {
  const base = `https://login.microsoftonline.com/${tenant}`;
  return {
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
  };
}
const MICROSOFT_ISSUER = /^https:\/\/login\.microsoftonline\.com\/([a-z0-9.-]{1,100})(?:\/v2\.0)?\/?$/;

/** Plain http is for a provider on this very computer (test laboratories); everything else needs https. */
export function isSafeUrl(text: string): boolean {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return false;
  }
  if (url.username !== '' || url.password !== '') return false;
  return (
    url.protocol === 'https:' || (url.protocol === 'http:' && /^(127\.0\.0\.1|\[::1\]|localhost)$/.test(url.hostname))
  );
}

/** The provider that a gateway's settings name. */
export function providerOf(
  gateway: Pick<GatewaySettings, 'oauthIssuer' | 'oauthClientId' | 'oauthScope' | 'host'>,
  builtIn: { readonly google: string; readonly microsoft: string } = BUILT_IN_CLIENT_IDS,
): ProviderChoice {
  const named = gateway.oauthIssuer.toLowerCase();
  const known =
    named === 'google' || named === 'https://accounts.google.com'
      ? 'google'
      : named === 'microsoft' || MICROSOFT_ISSUER.test(named)
        ? 'microsoft'
        : null;
  if (known === null && !isSafeUrl(gateway.oauthIssuer)) return { kind: 'bad-issuer' };
  const clientId = gateway.oauthClientId || (known === null ? '' : builtIn[known]);
  if (clientId === '') return { kind: 'no-client-id' };
  if (known === 'google') {
    return {
      kind: 'provider',
      provider: {
        kind: known,
        server: GOOGLE,
        issuer: GOOGLE.issuer,
        clientId,
        scope: gateway.oauthScope || 'https://mail.google.com/',
        // Without these Google gives no refresh token, or only the first time.
        extra: { access_type: 'offline', prompt: 'consent' },
      },
    };
  }
  if (known === 'microsoft') {
    const server = microsoft(MICROSOFT_ISSUER.exec(named)?.[1] ?? 'common');
    return {
      kind: 'provider',
      provider: {
        kind: known,
        server,
        issuer: server.issuer,
        clientId,
        scope: gateway.oauthScope || 'https://outlook.office.com/SMTP.Send offline_access',
        extra: { prompt: 'select_account' },
      },
    };
  }
  return {
    kind: 'provider',
    provider: {
      kind: 'oidc',
      server: null,
      issuer: gateway.oauthIssuer,
      clientId,
      scope: gateway.oauthScope || 'openid email offline_access',
      // OpenID Connect Core §11: a refresh token is for those who consented.
      extra: { prompt: 'consent' },
    },
  };
}
