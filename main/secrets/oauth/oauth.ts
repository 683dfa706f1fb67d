/**
 * OAuth 2 for gateways (spec §3.4): sign-in in the system's browser (RFC 8252, PKCE S256), access tokens renewed
 * unattended. Protocol details are oauth4webapi's. Tokens stand in the secret store under `oauth:<gatewayId>`, a client's
 * secret under `oauth-client:<gatewayId>`, and nowhere else: what is logged are outcomes.
 *
 * Only the provider's own word ends a sign-in (`invalid_grant`): no network, a captive portal's page or a provider in
 * trouble leave the tokens as they are.
 */
import type { TokenEndpointResponse } from 'oauth4webapi';
import type { Phrase } from '../../../shared/mail.ts';
import type { SecretWay } from '../../../shared/secret-binding.ts';
import type { GatewaySettings } from '../../../shared/settings.ts';
import type { TokenAnswer } from '../../smtp/sign-in.ts';
import { secretCondition } from '../gateway-secrets.ts';
import type { Log } from '../../log/log-port.ts';
import type { Clock } from '../../runtime/clock.ts';
import { createEmitter } from '../../runtime/emitter.ts';
import type { SecretStore } from '../secret-store.ts';
import type { FetchWay } from './bounded-fetch.ts';
import { boundTo, createTokenStore, parseStoredTokens, renewAt, type StoredTokens } from './token-store.ts';
import { createProviderRequests, failureOf } from './provider-requests.ts';
import { providerOf, type Provider, type ProviderChoice } from './oauth-providers.ts';
import { createSignIns } from './sign-in.ts';

export interface OAuthDeps {
  readonly clock: Clock;
  readonly log: Pick<Log, 'note' | 'problem'>;
  readonly secrets: SecretStore;
  /** Opens the user's browser. Absent: there is none to open (plain Node). */
  readonly openExternal?: (url: string) => Promise<void>;
  /** How the provider is reached: `connection.proxy`. Absent: without a proxy. The browser goes its own way. */
  readonly way?: FetchWay;
  /** The settings that tokens and clients' secrets are bound to beside their gateway's own. Absent: as they are at first. */
  readonly connection?: () => SecretWay;
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

/** A token that was renewed just now and is refused will not get better by another one. */
const NOT_AGAIN_MS = 60_000;

export function createOAuth(deps: OAuthDeps): OAuth {
  const { clock, log, secrets } = deps;
  const connection = deps.connection ?? ((): SecretWay => ({ proxy: '', dnsServers: [] }));
  const events = createEmitter<{ readonly changed: undefined }>((error) => {
    log.problem('oauth', error);
  });
  const kept = createTokenStore(deps);
  const requests = createProviderRequests({ ...deps, connection });
  const ended = new Set<string>();
  /** Ids whose kept tokens belong to other settings. */
  const foreign = new Map<string, string>();
  const renewing = new Map<string, Promise<TokenAnswer>>();

  /** Tokens that were given for another server, or for another way to it. */
  const givenElsewhere = (gateway: GatewaySettings): boolean =>
    secretCondition(secrets, 'tokens', gateway, connection()).kind === 'again';
  const choose = (gateway: GatewaySettings): ProviderChoice => providerOf(gateway, deps.builtInClientIds);
  const forget = (id: string): Promise<void> => {
    foreign.delete(id);
    return kept.forget(id);
  };
  const signIns = createSignIns({
    deps: { ...deps, connection },
    requests,
    kept,
    choose,
    signedIn(id) {
      ended.delete(id);
      foreign.delete(id);
      events.emit('changed');
    },
  });

  const renew = async (gateway: GatewaySettings, provider: Provider, old: StoredTokens): Promise<TokenAnswer> => {
    const id = gateway.id;
    const moved = kept.watch(id);
    const over = async (why: string): Promise<TokenAnswer> => {
      await forget(id);
      ended.add(id);
      log.note('sign-in ended', { gateway: id, why });
      events.emit('changed');
      return { kind: 'sign-in-needed' };
    };
    if (old.refresh === null) return over('no refresh token');
    let answer: TokenEndpointResponse;
    try {
      answer = await requests.renew(provider, gateway, old.refresh);
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
    const next = parseStoredTokens(answer, old, clock.now());
    try {
      await kept.save(id, next);
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
    const moved = kept.watch(id);
    const value = await kept.load(id);
    if (moved()) return { kind: 'later', detail: 'the sign-in has just changed' };
    if (value === 'unreadable') return { kind: 'later', detail: 'the sign-in is kept by a key store that is locked' };
    const bound = boundTo(gateway, provider);
    if (value?.bound !== bound || givenElsewhere(gateway)) {
      if (value !== null && foreign.get(id) !== bound) {
        foreign.set(id, bound);
        events.emit('changed');
      }
      return { kind: 'sign-in-needed' };
    }
    foreign.delete(id);
    const now = clock.now();
    const usable = now >= value.obtainedAt && now < renewAt(value);
    const justRenewed = now >= value.obtainedAt && now - value.obtainedAt < NOT_AGAIN_MS && now < value.expiresAt;
    if (refresh ? justRenewed : usable) {
      if (kept.unsaved(id))
        await kept.save(id, value).catch((error: unknown) => {
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

  return {
    signIn: signIns.signIn,
    token,
    async signOut(gateway) {
      const id = gateway.id;
      signIns.end(id, 'signed out');
      const value = await kept.load(id).catch(() => null);
      const elsewhere = givenElsewhere(gateway);
      await forget(id);
      ended.delete(id);
      log.note('signed out', { gateway: id });
      events.emit('changed');
      const choice = choose(gateway);
      if (value === null || value === 'unreadable' || choice.kind !== 'provider') return;
      if (value.bound !== boundTo(gateway, choice.provider) || elsewhere) return;
      try {
        await requests.revoke(choice.provider, gateway, value.refresh ?? value.access);
      } catch {
        log.note('sign-out not told to the provider', { gateway: id });
      }
    },
    gone(id) {
      signIns.end(id, 'the gateway was removed');
      foreign.delete(id);
      kept.forgetInMemory(id);
      ended.delete(id);
    },
    needsSignIn(gateway) {
      if (gateway.auth !== 'oauth2') return 'no';
      if (ended.has(gateway.id)) return 'ended';
      const choice = choose(gateway);
      if (choice.kind !== 'provider' || givenElsewhere(gateway)) return 'never-signed-in';
      const value = kept.known(gateway.id);
      if (value) return value.bound === boundTo(gateway, choice.provider) ? 'no' : 'never-signed-in';
      return kept.stored(gateway.id) ? 'no' : 'never-signed-in';
    },
    onChange: (listener) => events.on('changed', listener),
  };
}
