/** What the window knows of a gateway's stored password or sign-in, and whether it still holds for what is typed. Pure. */
import { serverMisfit, type SecretMisfit } from '../../../shared/secret-binding.ts';
import type { GatewaySettings } from '../../../shared/settings.ts';
import type { GatewayState } from '../../../shared/status.ts';

/** As the engine tells it of the saved gateway. */
export type StoredSecret = Pick<GatewayState, 'hasSecret' | 'secretFor' | 'secretAgain'>;

/** Of a gateway that is not in the settings. */
export const NOTHING_STORED: StoredSecret = { hasSecret: false };

/**
 * `kept`: what is stored will do for the gateway as it is typed here. `again`: why it has to be entered again, null = it has
 * not, or there is none.
 */
export function storedSecretStatus(
  { hasSecret, secretFor, secretAgain }: StoredSecret,
  typed: GatewaySettings,
): { readonly kept: boolean; readonly again: SecretMisfit | null } {
  if (!secretFor) return { kept: hasSecret, again: secretAgain ?? null };
  const server = serverMisfit(secretFor, typed);
  // The way to the server is not this form's: what is wrong with it stays wrong.
  const way = secretAgain?.kind === 'way' ? secretAgain : null;
  const again = server ?? way;
  return { kept: again === null, again };
}
