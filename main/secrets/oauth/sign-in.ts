/** A sign-in, with the user in front of his browser (RFC 8252, PKCE S256). */
import * as oauth from 'oauth4webapi';
import type { Phrase } from '../../../shared/mail.ts';
import { bindingOf } from '../../../shared/secret-binding.ts';
import type { GatewaySettings } from '../../../shared/settings.ts';
import { secretName } from '../gateway-secrets.ts';
import { SecretError } from '../secret-store.ts';
import { boundTo, parseStoredTokens, type TokenStore } from './token-store.ts';
import type { OAuth, OAuthDeps, SignInResult } from './oauth.ts';
import { failureOf, type ProviderRequests } from './provider-requests.ts';
import type { Provider, ProviderChoice } from './oauth-providers.ts';
import { openRedirectServer } from './redirect-server.ts';

/** A user looks for his second factor. */
const USER_MS = 5 * 60_000;

/** Sign-ins of all gateways, at most one for each. `signedIn` is called once tokens are kept. */
export function createSignIns(options: {
  readonly deps: Pick<OAuthDeps, 'clock' | 'log' | 'secrets' | 'openExternal'> &
    Required<Pick<OAuthDeps, 'connection'>>;
  readonly requests: ProviderRequests;
  readonly kept: TokenStore;
  readonly choose: (gateway: GatewaySettings) => ProviderChoice;
  readonly signedIn: (gatewayId: string) => void;
}): { readonly signIn: OAuth['signIn']; readonly end: (gatewayId: string, why: string) => void } {
  const { deps, requests, kept, choose, signedIn } = options;
  const { clock, log, secrets } = deps;
  const signingIn = new Map<string, AbortController>();

  const signIn: OAuth['signIn'] = async (gateway, options, outer) => {
    const id = gateway.id;
    const said = (phrase: Phrase, more: Partial<SignInResult> = {}): SignInResult => {
      log.note('sign-in', { gateway: id, outcome: phrase.id });
      return { signedIn: false, needsConsent: false, phrase, ...more };
    };
    if (gateway.auth !== 'oauth2') return said({ id: 'oauth.not-oauth2' });
    const choice = choose(gateway);
    if (choice.kind !== 'provider') return said({ id: `oauth.${choice.kind}` });
    const { openExternal } = deps;
    if (!openExternal) return said({ id: 'oauth.no-browser' });
    // Asked before the browser opens, also where the user agreed for another secret: each one is agreed to.
    if (secrets.state().protection !== 'protected' && !options.acceptObfuscated)
      return { signedIn: false, needsConsent: true, phrase: { id: 'problem.secrets-obfuscated' } };
    const { provider } = choice;
    const binding = bindingOf(gateway, deps.connection());

    signingIn.get(id)?.abort(new Error('another sign-in began'));
    const own = new AbortController();
    signingIn.set(id, own);
    const signal = AbortSignal.any([outer, own.signal]);
    try {
      const server = await requests.serverOf(provider, signal);
      const verifier = oauth.generateRandomCodeVerifier();
      const state = oauth.generateRandomState();
      const challenge = await oauth.calculatePKCECodeChallenge(verifier);
      const redirect = await openRedirectServer({ state, waitMs: USER_MS, clock, signal }).catch(() => null);
      if (redirect === null) return said({ id: 'oauth.no-port' });
      const url = authorizationUrl(server, provider, {
        redirect_uri: redirect.uri,
        state,
        code_challenge: challenge,
        login_hint: gateway.username,
      });
      try {
        await openExternal(url);
      } catch {
        own.abort(new Error('no browser'));
        await redirect.answer;
        return said({ id: 'oauth.no-browser' });
      }
      const answer = await redirect.answer;
      if (answer.kind === 'aborted') return said({ id: 'oauth.cancelled' });
      if (answer.kind !== 'answer') return said({ id: `oauth.${answer.kind}` });
      const tokens = await requests.exchange(
        server,
        provider,
        gateway,
        { params: answer.params, state, redirectUri: redirect.uri, verifier, clientSecret: options.clientSecret },
        signal,
      );
      signal.throwIfAborted();
      kept.begin(id);
      const before = { bound: boundTo(gateway, provider), refresh: null, agreed: options.acceptObfuscated };
      await kept.save(id, parseStoredTokens(tokens, before, clock.now()), binding);
      if (options.clientSecret !== undefined)
        await secrets.set(secretName('client-secret', id), options.clientSecret, {
          acceptObfuscated: options.acceptObfuscated,
          binding,
        });
      signedIn(id);
      return said({ id: 'oauth.signed-in' }, { signedIn: true });
    } catch (error) {
      if (error instanceof SecretError) {
        kept.drop(id);
        return error.reason === 'needs-consent'
          ? { signedIn: false, needsConsent: true, phrase: { id: 'problem.secrets-obfuscated' } }
          : said({ id: 'oauth.not-stored', params: { detail: error.message } });
      }
      if (signal.aborted) return said({ id: 'oauth.cancelled' });
      const { code, reached } = failureOf(error);
      if (code === 'access_denied') return said({ id: 'oauth.declined' });
      if (code !== null) return said({ id: 'oauth.refused', params: { code } });
      return said({ id: reached ? 'oauth.bad-provider' : 'oauth.not-reachable' });
    } finally {
      if (signingIn.get(id) === own) signingIn.delete(id);
    }
  };

  return {
    signIn,
    /** The sign-in of this gateway, if one is under way, is over. */
    end(gatewayId, why) {
      signingIn.get(gatewayId)?.abort(new Error(why));
    },
  };
}

/** The address that the browser is sent to. */
function authorizationUrl(
  server: oauth.AuthorizationServer,
  provider: Provider,
  own: Readonly<Record<'redirect_uri' | 'state' | 'code_challenge' | 'login_hint', string>>,
): string {
  const url = new URL(server.authorization_endpoint ?? '');
  const parameters = {
    ...provider.extra,
    client_id: provider.clientId,
    redirect_uri: own.redirect_uri,
    response_type: 'code',
    scope: provider.scope,
    state: own.state,
    code_challenge: own.code_challenge,
    code_challenge_method: 'S256',
    login_hint: own.login_hint,
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}
