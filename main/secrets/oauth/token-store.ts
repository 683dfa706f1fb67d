/** The tokens of each gateway: in memory, and in the secret store under `oauth:<gatewayId>`. */
import type { TokenEndpointResponse } from 'oauth4webapi';
import type { SecretBinding } from '../../../shared/secret-binding.ts';
import type { GatewaySettings } from '../../../shared/settings.ts';
import { secretName } from '../gateway-secrets.ts';
import type { Log } from '../../log/log-port.ts';
import type { SecretStore } from '../secret-store.ts';
import type { Provider } from './oauth-providers.ts';

/** What is kept for one gateway. */
export interface StoredTokens {
  readonly v: 1;
  /** What it was given for: another account, client or host gets nothing of it. */
  readonly bound: string;
  readonly access: string;
  readonly obtainedAt: number;
  readonly expiresAt: number;
  readonly refresh: string | null;
  readonly agreed: boolean;
}

/** For providers that do not say how long a token lives (RFC 6749 §5.1 only recommends it). */
const UNTOLD_LIFE_S = 3600;
const LONGEST_LIFE_S = 30 * 86_400;

const storeName = (id: string): string => secretName('tokens', id);

/** The tokens of all gateways, by gateway id. */
export function createTokenStore(deps: { readonly log: Pick<Log, 'problem'>; readonly secrets: SecretStore }) {
  const { log, secrets } = deps;
  const kept = new Map<string, StoredTokens>();
  /** Ids whose tokens could not be written: tried again at the next use. */
  const unsaved = new Set<string>();
  /** Goes up with every sign-in and sign-out: a renewal that was under way is then nobody's. */
  const generation = new Map<string, number>();

  const begin = (id: string): void => {
    generation.set(id, (generation.get(id) ?? 0) + 1);
  };
  const watch = (id: string): (() => boolean) => {
    const began = generation.get(id) ?? 0;
    return () => (generation.get(id) ?? 0) !== began;
  };

  const save = async (id: string, value: StoredTokens, binding?: SecretBinding): Promise<void> => {
    kept.set(id, value);
    unsaved.add(id);
    await secrets.set(storeName(id), JSON.stringify(value), {
      acceptObfuscated: value.agreed,
      ...(binding === undefined ? {} : { binding }),
    });
    unsaved.delete(id);
  };
  const forgetInMemory = (id: string): void => {
    begin(id);
    kept.delete(id);
    unsaved.delete(id);
  };
  const forget = async (id: string): Promise<void> => {
    forgetInMemory(id);
    try {
      await secrets.set(storeName(id), null, { acceptObfuscated: true });
    } catch (error) {
      log.problem('sign-in not removed', error);
    }
  };

  const load = async (id: string): Promise<StoredTokens | null | 'unreadable'> => {
    const known = kept.get(id);
    if (known) return known;
    if (!secrets.has(storeName(id))) return null;
    const moved = watch(id);
    const text = await secrets.get(storeName(id));
    if (text === null) return 'unreadable';
    const value = readKept(text);
    if (value === null) return null;
    if (moved()) return kept.get(id) ?? null;
    kept.set(id, value);
    return value;
  };

  return {
    /**
     * Keeps tokens; they are in memory even where this rejects with SecretError. `binding`: what they were given for; absent =
     * as those before them, which were renewed.
     */
    save,
    /** The tokens, or null; 'unreadable' while the key store is locked. */
    load,
    /** Forgets them here and in the secret store. Never rejects. */
    forget,
    /** Forgets them here. */
    forgetInMemory,
    /** A sign-in has brought new tokens. */
    begin,
    /** Returns what tells whether there was a sign-in or sign-out since. */
    watch,
    /** What is in memory. */
    known: (id: string): StoredTokens | undefined => kept.get(id),
    /** True if the secret store has tokens, readable or not. */
    stored: (id: string): boolean => secrets.has(storeName(id)),
    /** True if what is in memory could not be written. */
    unsaved: (id: string): boolean => unsaved.has(id),
    /** Forgets what is in memory, which could not be written. */
    drop(id: string): void {
      kept.delete(id);
      unsaved.delete(id);
    },
  };
}
export type TokenStore = ReturnType<typeof createTokenStore>;

/** What a sign-in is given for; tokens are worth nothing where this differs. */
export function boundTo(gateway: GatewaySettings, provider: Provider): string {
  return [provider.issuer, provider.clientId, gateway.username.toLowerCase(), gateway.host.toLowerCase()].join('\n');
}

/** What is kept of a provider's answer at `now`; `before`: what it does not say, or not say anew. */
export function parseStoredTokens(
  answer: TokenEndpointResponse,
  before: Pick<StoredTokens, 'bound' | 'refresh' | 'agreed'>,
  now: number,
): StoredTokens {
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
}

/** When tokens are due to be renewed (ms): five minutes before the end, or at three quarters of a short life. */
export function renewAt({ obtainedAt, expiresAt }: StoredTokens): number {
  return Math.max(expiresAt - 5 * 60_000, obtainedAt + (expiresAt - obtainedAt) * 0.75);
}

function readKept(text: string): StoredTokens | null {
  let value: Partial<StoredTokens> | null;
  try {
    value = JSON.parse(text) as Partial<StoredTokens> | null;
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
