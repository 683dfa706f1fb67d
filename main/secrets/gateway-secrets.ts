/**
 * The only way from the secret store to a gateway's password or tokens: they are released for what they were given for, and
 * for nothing else (spec §3.4), whatever changed the settings since.
 */
import { isDeepStrictEqual } from 'node:util';
import { secretMisfit, type SecretMisfit, type SecretUse, type SecretWay } from '../../shared/secret-binding.ts';
import type { GatewaySettings } from '../../shared/settings.ts';
import type { SecretStore } from './secret-store.ts';

const KINDS: Readonly<Record<SecretUse, string>> = {
  password: 'gateway',
  tokens: 'oauth',
  'client-secret': 'oauth-client',
};
const USES = Object.keys(KINDS) as readonly SecretUse[];

/** Under which name a gateway's secret is kept. */
export function secretName(use: SecretUse, gatewayId: string): string {
  return `${KINDS[use]}:${gatewayId}`;
}

/** All names under which secrets of a gateway can be kept. */
export function secretNames(gatewayId: string): readonly string[] {
  return USES.map((use) => secretName(use, gatewayId));
}

/** What this gateway signs in with. */
export function secretUse(gateway: Pick<GatewaySettings, 'auth'>): SecretUse {
  return gateway.auth === 'oauth2' ? 'tokens' : 'password';
}

/** `again`: one is kept, but was given for something else. */
export type SecretCondition =
  { readonly kind: 'none' | 'fits' } | { readonly kind: 'again'; readonly why: SecretMisfit };

/** Whether what is kept may be used for this gateway as it stands here. */
export function secretCondition(
  secrets: Pick<SecretStore, 'has' | 'binding'>,
  use: SecretUse,
  gateway: GatewaySettings,
  way: SecretWay,
): SecretCondition {
  const name = secretName(use, gateway.id);
  if (!secrets.has(name)) return { kind: 'none' };
  const why = secretMisfit(use, secrets.binding(name), gateway, way);
  return why === null ? { kind: 'fits' } : { kind: 'again', why };
}

export type ReleasedSecret =
  | { readonly kind: 'secret'; readonly value: string }
  /** `why`: one is kept, but may not be used here. Null: there is none, or it cannot be read now. */
  | { readonly kind: 'none'; readonly why: SecretMisfit | null };

/** The secret, if it may be used for this gateway over this way. Never rejects for what is kept. */
export async function releaseSecret(
  secrets: Pick<SecretStore, 'get' | 'has' | 'binding'>,
  use: SecretUse,
  gateway: GatewaySettings,
  way: SecretWay,
): Promise<ReleasedSecret> {
  const name = secretName(use, gateway.id);
  for (;;) {
    const binding = secrets.binding(name);
    const why = secretMisfit(use, binding, gateway, way);
    const value = why === null || !secrets.has(name) ? await secrets.get(name) : null;
    // Another secret may have been given for another server while this one was decrypted.
    if (!isDeepStrictEqual(secrets.binding(name), binding)) continue;
    if (why === null && value !== null) return { kind: 'secret', value };
    return { kind: 'none', why: secrets.has(name) ? why : null };
  }
}
