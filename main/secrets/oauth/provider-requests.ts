/** What is asked of a provider, in oauth4webapi's terms, and what is made of its refusals. */
import * as oauth from 'oauth4webapi';
import type { SecretWay } from '../../../shared/secret-binding.ts';
import type { GatewaySettings } from '../../../shared/settings.ts';
import { releaseSecret } from '../gateway-secrets.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { SecretStore } from '../secret-store.ts';
import { boundedFetch, type BoundedInit, type FetchWay } from './bounded-fetch.ts';
import { isSafeUrl, type Provider } from './oauth-providers.ts';

const REQUEST_MS = 20_000;

/** The request did not get an answer: nothing is known. */
class NoAnswer extends Error {}

/** Requests to all providers, for a gateway each. They reject with errors that `failureOf` reads. */
export function createProviderRequests(deps: {
  readonly clock: Clock;
  readonly secrets: Pick<SecretStore, 'get' | 'has' | 'binding'>;
  readonly way?: FetchWay;
  readonly connection: () => SecretWay;
}) {
  const { secrets } = deps;
  const servers = new Map<string, oauth.AuthorizationServer>();
  const fetchIt = boundedFetch(deps.clock, REQUEST_MS, deps.way);

  /** Options of every request: our fetch, and plain http where the issuer is on this computer. */
  const requestOptions = (provider: Provider, signal: AbortSignal | null) => ({
    [oauth.customFetch]: async (url: string, init: BoundedInit): Promise<Response> => {
      if (!isSafeUrl(url)) throw new oauth.OperationProcessingError('an address that is not safe');
      try {
        return await fetchIt(url, init);
      } catch (error) {
        throw new NoAnswer(error instanceof Error ? error.message : 'no answer');
      }
    },
    // Marked as deprecated to stand out: providers on http exist in tests on loopback only.
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- see above
    [oauth.allowInsecureRequests]: provider.issuer.startsWith('http:'),
    ...(signal ? { signal } : {}),
  });

  const serverOf = async (provider: Provider, signal: AbortSignal | null): Promise<oauth.AuthorizationServer> => {
    if (provider.server) return provider.server;
    const known = servers.get(provider.issuer);
    if (known) return known;
    const issuer = new URL(provider.issuer);
    const found = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...requestOptions(provider, signal) }),
    );
    for (const endpoint of [found.authorization_endpoint, found.token_endpoint]) {
      if (endpoint === undefined || !isSafeUrl(endpoint))
        throw new oauth.OperationProcessingError('the discovery document lacks an endpoint');
    }
    servers.set(provider.issuer, found);
    return found;
  };

  const clientOf = (provider: Provider): oauth.Client => ({
    client_id: provider.clientId,
    // The clock of a laptop that was off for long is not always right yet.
    [oauth.clockTolerance]: 600,
  });
  const clientAuth = async (gateway: GatewaySettings, given?: string): Promise<oauth.ClientAuth> => {
    if (given !== undefined) return oauth.ClientSecretPost(given);
    const released = await releaseSecret(secrets, 'client-secret', gateway, deps.connection());
    return released.kind === 'secret' ? oauth.ClientSecretPost(released.value) : oauth.None();
  };

  return {
    /** The provider's endpoints: known, or discovered once. */
    serverOf,

    /** Trades what the browser came back with for tokens. `clientSecret`: given with this sign-in. */
    async exchange(
      server: oauth.AuthorizationServer,
      provider: Provider,
      gateway: GatewaySettings,
      given: {
        readonly params: URLSearchParams;
        readonly state: string;
        readonly redirectUri: string;
        readonly verifier: string;
        readonly clientSecret: string | undefined;
      },
      signal: AbortSignal,
    ): Promise<oauth.TokenEndpointResponse> {
      const client = clientOf(provider);
      const params = oauth.validateAuthResponse(server, client, given.params, given.state);
      return oauth.processAuthorizationCodeResponse(
        server,
        client,
        await oauth.authorizationCodeGrantRequest(
          server,
          client,
          await clientAuth(gateway, given.clientSecret),
          params,
          given.redirectUri,
          given.verifier,
          requestOptions(provider, signal),
        ),
      );
    },

    /** Trades a refresh token for new tokens. */
    async renew(provider: Provider, gateway: GatewaySettings, refresh: string): Promise<oauth.TokenEndpointResponse> {
      const server = await serverOf(provider, null);
      const client = clientOf(provider);
      return oauth.processRefreshTokenResponse(
        server,
        client,
        await oauth.refreshTokenGrantRequest(
          server,
          client,
          await clientAuth(gateway),
          refresh,
          requestOptions(provider, null),
        ),
      );
    },

    /** Tells the provider that this token is not wanted any more, if it takes such words (RFC 7009). */
    async revoke(provider: Provider, gateway: GatewaySettings, token: string): Promise<void> {
      const server = await serverOf(provider, null);
      if (server.revocation_endpoint === undefined) return;
      await oauth.processRevocationResponse(
        await oauth.revocationRequest(
          server,
          clientOf(provider),
          await clientAuth(gateway),
          token,
          requestOptions(provider, null),
        ),
      );
    },
  };
}
export type ProviderRequests = ReturnType<typeof createProviderRequests>;

/** The provider's error code, if it gave a well-formed one; never its free text, which may repeat what was sent. */
export function failureOf(error: unknown): { readonly code: string | null; readonly reached: boolean } {
  if (error instanceof NoAnswer) return { code: null, reached: false };
  if (error instanceof oauth.ResponseBodyError || error instanceof oauth.AuthorizationResponseError) {
    return { code: /^[a-z_]{1,64}$/.test(error.error) ? error.error : null, reached: true };
  }
  // Errors of fetch come wrapped or as they are; whatever is not the protocol's is no answer.
  return {
    code: null,
    reached:
      error instanceof oauth.OperationProcessingError ||
      error instanceof oauth.WWWAuthenticateChallengeError ||
      error instanceof oauth.UnsupportedOperationError,
  };
}
