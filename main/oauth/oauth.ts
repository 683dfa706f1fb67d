/**
 * OAuth 2 for gateways (SPEC §3.4): sign-in in the system's browser (RFC 8252, PKCE S256), access tokens renewed
 * unattended. Protocol details are oauth4webapi's. Tokens stand in the secret store under `oauth:<gatewayId>`, a client's
 * secret under `oauth-client:<gatewayId>`, and nowhere else: what is logged are outcomes.
 *
 * Only the provider's own word ends a sign-in (`invalid_grant`): no network, a captive portal's page or a provider in
 * trouble leave the tokens as they are.
 */
import * as oauth from 'oauth4webapi';
import type { Phrase } from '../../shared/mail.ts';
import type { GatewaySettings } from '../../shared/settings.ts';
import type { TokenAnswer } from '../delivery/smtp-client.ts';
import { SecretError, type Clock, type Log, type SecretStore } from '../ports.ts';
import { boundedFetch, type BoundedInit, type FetchWay } from './bounded-fetch.ts';
import { isSafeUrl, providerOf, type Provider } from './providers.ts';
import { openRedirectServer } from './redirect-server.ts';

export interface OAuthDeps {
  readonly clock: Clock;
  readonly log: Pick<Log, 'note' | 'problem'>;
  readonly secrets: SecretStore;
  /** Opens the user's browser. Absent: there is none to open (plain Node). */
  readonly openExternal?: (url: string) => Promise<void>;
  /** How the provider is reached: `connection.proxy`. Absent: without a proxy. The browser goes its own way. */
  readonly way?: FetchWay;
  readonly builtInClientIds?: { readonly google: string; readonly microsoft: string };
}

export interface SignInResult {
  readonly signedIn: boolean;
  readonly needsConsent: boolean;
  readonly phrase: Phrase;
}

export interface OAuth {
  /** Walks the user through a sign-in; a second one for the same gateway ends the first. Never rejects. */
  signIn(
    gateway: GatewaySettings,
    options: { readonly clientSecret?: string | undefined; readonly acceptObfuscated: boolean },
    signal: AbortSignal,
  ): Promise<SignInResult>;
  /** Forgets the tokens at once; telling the provider is tried and not waited for long. Never rejects. */
  signOut(gateway: GatewaySettings): Promise<void>;
  /** The gateway is no more: ends its sign-in if one is under way and forgets what is in memory; the store is the caller's. */
  gone(gatewayId: string): void;
  /** An access token, renewed if it is due or (`refresh`) was refused. Never rejects. */
  token(gateway: GatewaySettings, refresh: boolean): Promise<TokenAnswer>;
  /** Without the user's doing this gateway cannot be used. `ended`: it could before. */
  needsSignIn(gateway: GatewaySettings): 'no' | 'never-signed-in' | 'ended';
  /** Told when `needsSignIn` of some gateway may have changed. Returns its unsubscribe. */
  onChange(listener: () => void): () => void;
}

/** What is kept for one gateway. */
interface Kept {
  readonly v: 1;
  /** What it was given for: another account, client or host gets nothing of it. */
  readonly bound: string;
  readonly access: string;
  readonly obtainedAt: number;
  readonly expiresAt: number;
  readonly refresh: string | null;
  readonly agreed: boolean;
}

/** A user looks for his second factor. */
const USER_MS = 5 * 60_000;
const REQUEST_MS = 20_000;
/** A token that was renewed just now and is refused will not get better by another one. */
const NOT_AGAIN_MS = 60_000;
/** For providers that do not say how long a token lives (RFC 6749 §5.1 only recommends it). */
const UNTOLD_LIFE_S = 3600;
const LONGEST_LIFE_S = 30 * 86_400;

const storeName = (id: string): string => `oauth:${id}`;
const clientName = (id: string): string => `oauth-client:${id}`;

/** The request did not get an answer: nothing is known. */
class NoAnswer extends Error {}

export function createOAuth(deps: OAuthDeps): OAuth {
  const { clock, log, secrets } = deps;
  const listeners = new Set<() => void>();
  const kept = new Map<string, Kept>();
  /** Ids whose tokens could not be written: tried again at the next use. */
  const unsaved = new Set<string>();
  const ended = new Set<string>();
  /** Ids whose kept tokens belong to other settings. */
  const foreign = new Map<string, string>();
  /** Goes up with every sign-in and sign-out: a renewal that was under way is then nobody's. */
  const generation = new Map<string, number>();
  const renewing = new Map<string, Promise<TokenAnswer>>();
  const signingIn = new Map<string, AbortController>();
  const servers = new Map<string, oauth.AuthorizationServer>();
  const fetchIt = boundedFetch(clock, REQUEST_MS, deps.way);

  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const boundTo = (gateway: GatewaySettings, provider: Provider): string =>
    [provider.issuer, provider.clientId, gateway.username.toLowerCase(), gateway.host.toLowerCase()].join('\n');
  const choose = (gateway: GatewaySettings): ReturnType<typeof providerOf> =>
    providerOf(gateway, deps.builtInClientIds);

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
    const secret = given ?? (await secrets.get(clientName(id)));
    return secret === null ? oauth.None() : oauth.ClientSecretPost(secret);
  };

  const keptFrom = (answer: oauth.TokenEndpointResponse, before: Pick<Kept, 'bound' | 'refresh' | 'agreed'>): Kept => {
    const now = clock.now();
    const told = answer.expires_in ?? UNTOLD_LIFE_S;
    const life = Number.isFinite(told) ? Math.min(Math.max(told, 0), LONGEST_LIFE_S) : UNTOLD_LIFE_S;
    return {
      v: 1,
      bound: before.bound,
      access: answer.access_token,
      obtainedAt: now,
      expiresAt: now + life * 1000,
      // RFC 6749 §6: no new one = the old one stays.
      refresh: answer.refresh_token ?? before.refresh,
      agreed: before.agreed,
    };
  };

  const save = async (id: string, value: Kept): Promise<void> => {
    kept.set(id, value);
    unsaved.add(id);
    await secrets.set(storeName(id), JSON.stringify(value), { acceptObfuscated: value.agreed });
    unsaved.delete(id);
  };
  const forgetInMemory = (id: string): void => {
    generation.set(id, (generation.get(id) ?? 0) + 1);
    kept.delete(id);
    unsaved.delete(id);
    foreign.delete(id);
  };
  const forget = async (id: string): Promise<void> => {
    forgetInMemory(id);
    try {
      await secrets.set(storeName(id), null, { acceptObfuscated: true });
    } catch (error) {
      log.problem('sign-in not removed', error);
    }
  };

  const load = async (gateway: GatewaySettings): Promise<Kept | null | 'unreadable'> => {
    const id = gateway.id;
    const known = kept.get(id);
    if (known) return known;
    if (!secrets.has(storeName(id))) return null;
    const began = generation.get(id) ?? 0;
    const text = await secrets.get(storeName(id));
    if (text === null) return 'unreadable';
    const value = readKept(text);
    if (value === null) return null;
    if ((generation.get(id) ?? 0) !== began) return kept.get(id) ?? null;
    kept.set(id, value);
    return value;
  };

  const renew = async (gateway: GatewaySettings, provider: Provider, old: Kept): Promise<TokenAnswer> => {
    const id = gateway.id;
    const began = generation.get(id) ?? 0;
    const moved = (): boolean => (generation.get(id) ?? 0) !== began;
    const over = async (why: string): Promise<TokenAnswer> => {
      await forget(id);
      ended.add(id);
      log.note('sign-in ended', { gateway: id, why });
      tell();
      return { kind: 'sign-in-needed' };
    };
    if (old.refresh === null) return over('no refresh token');
    let answer: oauth.TokenEndpointResponse;
    try {
      const server = await serverOf(provider, null);
      const client = clientOf(provider);
      answer = await oauth.processRefreshTokenResponse(
        server,
        client,
        await oauth.refreshTokenGrantRequest(
          server,
          client,
          await clientAuth(id),
          old.refresh,
          requestOptions(provider, null),
        ),
      );
    } catch (error) {
      if (moved()) return { kind: 'later', detail: 'the sign-in has just changed' };
      const { code, reached } = failureOf(error);
      if (code === 'invalid_grant') return over(code);
      log.note('token not renewed', { gateway: id, why: code ?? (reached ? 'answer not understood' : 'no answer') });
      // The old one is still good for a while.
      if (clock.now() < old.expiresAt && clock.now() >= old.obtainedAt) return { kind: 'token', token: old.access };
      return {
        kind: 'later',
        detail: reached
          ? `the sign-in could not be renewed: the provider answered ${code ?? 'in a way that is not understood'}`
          : 'the sign-in could not be renewed: the provider was not reached',
      };
    }
    if (moved()) return { kind: 'later', detail: 'the sign-in has just changed' };
    const next = keptFrom(answer, old);
    try {
      await save(id, next);
    } catch (error) {
      // It is in memory, and is written at the next use.
      log.problem('token not kept', error);
    }
    return { kind: 'token', token: next.access };
  };

  const token = async (gateway: GatewaySettings, refresh: boolean): Promise<TokenAnswer> => {
    const id = gateway.id;
    const choice = choose(gateway);
    if (choice.kind !== 'provider') return { kind: 'sign-in-needed' };
    const { provider } = choice;
    const began = generation.get(id) ?? 0;
    const value = await load(gateway);
    if ((generation.get(id) ?? 0) !== began) return { kind: 'later', detail: 'the sign-in has just changed' };
    if (value === 'unreadable') return { kind: 'later', detail: 'the sign-in is kept by a key store that is locked' };
    const bound = boundTo(gateway, provider);
    if (value?.bound !== bound) {
      if (value !== null && foreign.get(id) !== bound) {
        foreign.set(id, bound);
        tell();
      }
      return { kind: 'sign-in-needed' };
    }
    foreign.delete(id);
    const now = clock.now();
    const usable = now >= value.obtainedAt && now < renewAt(value);
    const justRenewed = now >= value.obtainedAt && now - value.obtainedAt < NOT_AGAIN_MS && now < value.expiresAt;
    if (refresh ? justRenewed : usable) {
      if (unsaved.has(id))
        await save(id, value).catch((error: unknown) => {
          log.problem('token not kept', error);
        });
      return { kind: 'token', token: value.access };
    }
    let running = renewing.get(id);
    if (!running) {
      running = renew(gateway, provider, value).finally(() => {
        renewing.delete(id);
      });
      renewing.set(id, running);
    }
    const answer = await running;
    // The one that was refused is not offered once more.
    if (refresh && answer.kind === 'token' && answer.token === value.access)
      return { kind: 'later', detail: 'the sign-in could not be renewed' };
    return answer;
  };

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

    signingIn.get(id)?.abort(new Error('another sign-in began'));
    const own = new AbortController();
    signingIn.set(id, own);
    const signal = AbortSignal.any([outer, own.signal]);
    try {
      const server = await serverOf(provider, signal);
      const client = clientOf(provider);
      const verifier = oauth.generateRandomCodeVerifier();
      const state = oauth.generateRandomState();
      const challenge = await oauth.calculatePKCECodeChallenge(verifier);
      const redirect = await openRedirectServer({ state, waitMs: USER_MS, clock, signal }).catch(() => null);
      if (redirect === null) return said({ id: 'oauth.no-port' });
      const url = new URL(server.authorization_endpoint ?? '');
      const parameters = {
        ...provider.extra,
        client_id: provider.clientId,
        redirect_uri: redirect.uri,
        response_type: 'code',
        scope: provider.scope,
        state,
        code_challenge: challenge,
        code_challenge_method: 'S256',
        login_hint: gateway.username,
      };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      try {
        await openExternal(url.href);
      } catch {
        own.abort(new Error('no browser'));
        await redirect.answer;
        return said({ id: 'oauth.no-browser' });
      }
      const answer = await redirect.answer;
      if (answer.kind === 'aborted') return said({ id: 'oauth.cancelled' });
      if (answer.kind !== 'answer') return said({ id: `oauth.${answer.kind}` });
      const params = oauth.validateAuthResponse(server, client, answer.params, state);
      const tokens = await oauth.processAuthorizationCodeResponse(
        server,
        client,
        await oauth.authorizationCodeGrantRequest(
          server,
          client,
          await clientAuth(id, options.clientSecret),
          params,
          redirect.uri,
          verifier,
          requestOptions(provider, signal),
        ),
      );
      signal.throwIfAborted();
      generation.set(id, (generation.get(id) ?? 0) + 1);
      await save(
        id,
        keptFrom(tokens, {
          bound: boundTo(gateway, provider),
          refresh: null,
          agreed: options.acceptObfuscated,
        }),
      );
      if (options.clientSecret !== undefined)
        await secrets.set(clientName(id), options.clientSecret, { acceptObfuscated: options.acceptObfuscated });
      ended.delete(id);
      foreign.delete(id);
      tell();
      return said({ id: 'oauth.signed-in' }, { signedIn: true });
    } catch (error) {
      if (error instanceof SecretError) {
        kept.delete(id);
        unsaved.delete(id);
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
    token,
    async signOut(gateway) {
      const id = gateway.id;
      signingIn.get(id)?.abort(new Error('signed out'));
      const value = await load(gateway).catch(() => null);
      await forget(id);
      ended.delete(id);
      log.note('signed out', { gateway: id });
      tell();
      const choice = choose(gateway);
      if (value === null || value === 'unreadable' || choice.kind !== 'provider') return;
      if (value.bound !== boundTo(gateway, choice.provider)) return;
      try {
        const server = await serverOf(choice.provider, null);
        if (server.revocation_endpoint === undefined) return;
        await oauth.processRevocationResponse(
          await oauth.revocationRequest(
            server,
            clientOf(choice.provider),
            await clientAuth(id),
            value.refresh ?? value.access,
            requestOptions(choice.provider, null),
          ),
        );
      } catch {
        log.note('sign-out not told to the provider', { gateway: id });
      }
    },
    gone(id) {
      signingIn.get(id)?.abort(new Error('the gateway was removed'));
      forgetInMemory(id);
      ended.delete(id);
    },
    needsSignIn(gateway) {
      if (gateway.auth !== 'oauth2') return 'no';
      if (ended.has(gateway.id)) return 'ended';
      const choice = choose(gateway);
      if (choice.kind !== 'provider') return 'never-signed-in';
      const value = kept.get(gateway.id);
      if (value) return value.bound === boundTo(gateway, choice.provider) ? 'no' : 'never-signed-in';
      return secrets.has(storeName(gateway.id)) ? 'no' : 'never-signed-in';
    },
    onChange(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

/** Five minutes before the end, or at three quarters of a short life. */
function renewAt({ obtainedAt, expiresAt }: Kept): number {
  return Math.max(expiresAt - 5 * 60_000, obtainedAt + (expiresAt - obtainedAt) * 0.75);
}

function readKept(text: string): Kept | null {
  let value: Partial<Kept> | null;
  try {
    value = JSON.parse(text) as Partial<Kept> | null;
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value?.v !== 1) return null;
  const { bound, access, obtainedAt, expiresAt, refresh } = value;
  if (typeof bound !== 'string' || typeof access !== 'string') return null;
  if (typeof obtainedAt !== 'number' || typeof expiresAt !== 'number') return null;
  return {
    v: 1,
    bound,
    access,
    obtainedAt,
    expiresAt,
    refresh: typeof refresh === 'string' ? refresh : null,
    agreed: value.agreed === true,
  };
}

/** The provider's error code, if it gave a well-formed one; never its free text, which may repeat what was sent. */
function failureOf(error: unknown): { readonly code: string | null; readonly reached: boolean } {
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
