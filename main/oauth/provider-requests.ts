/** What is asked of a provider, in oauth4webapi's terms, and what is made of its refusals. */
import * as oauth from 'oauth4webapi';
import type { Clock, SecretStore } from '../ports.ts';
import { boundedFetch, type BoundedInit, type FetchWay } from './bounded-fetch.ts';
import { isSafeUrl, type Provider } from './providers.ts';

const REQUEST_MS = 20_000;

/** Where the secret of a gateway's client is kept. */
export const clientSecretName = (id: string): string => `oauth-client:${id}`;

/** The request did not get an answer: nothing is known. */
class NoAnswer extends Error {}

/** Requests to all providers. They reject with errors that `failureOf` reads. `id`: the gateway's. */
export function createProviderRequests(deps: {
  readonly clock: Clock;
  readonly secrets: Pick<SecretStore, 'get'>;
  readonly way?: FetchWay;
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
  const clientAuth = async (id: string, given?: string): Promise<oauth.ClientAuth> => {
    const secret = given ?? (await secrets.get(clientSecretName(id)));
    return secret === null ? oauth.None() : oauth.ClientSecretPost(secret);
  };

  return {
    /** The provider's endpoints: known, or discovered once. */
    serverOf,

    /** Trades what the browser came back with for tokens. `clientSecret`: given with this sign-in. */
    async exchange(
      server: oauth.AuthorizationServer,
      provider: Provider,
      id: string,
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
          await clientAuth(id, given.clientSecret),
          params,
          given.redirectUri,
          given.verifier,
          requestOptions(provider, signal),
        ),
      );
    },

    /** Trades a refresh token for new tokens. */
    async renew(provider: Provider, id: string, refresh: string): Promise<oauth.TokenEndpointResponse> {
      const server = await serverOf(provider, null);
      const client = clientOf(provider);
      return oauth.processRefreshTokenResponse(
        server,
        client,
        await oauth.refreshTokenGrantRequest(
          server,
          client,
          await clientAuth(id),
          refresh,
          requestOptions(provider, null),
        ),
      );
    },

    /** Tells the provider that this token is not wanted any more, if it takes such words (RFC 7009). */
    async revoke(provider: Provider, id: string, token: string): Promise<void> {
      const server = await serverOf(provider, null);
      if (server.revocation_endpoint === undefined) return;
      await oauth.processRevocationResponse(
        await oauth.revocationRequest(
          server,
          clientOf(provider),
          await clientAuth(id),
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
