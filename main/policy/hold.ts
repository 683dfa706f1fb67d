/** Whether the queue holds, and why (spec §3.5, §4.3, §7). */
import type { HoldReason } from '../../shared/mail.ts';
import type { DialUpState, NetworkState } from '../../shared/status.ts';

export interface HoldInput {
  readonly paused: boolean;
  /** A setting that restricts where mail may go cannot be read, and the user has not decided. */
  readonly settings: boolean;
  readonly network: Pick<NetworkState, 'online' | 'portal'>;
  readonly dialUp: Pick<DialUpState, 'required' | 'active'>;
  /** True if no DNS server answers on this network. Only for engines that know; a gateway given by address needs none. */
  readonly noDns?: boolean;
}

/**
 * The reason that the user can do most about comes first: the pause; a setting that cannot be read (everything else depends
 * on the settings, and time does not mend it); the missing dial-up connection (without it there may be no network either,
 * and it is what mail waits for); no network; a log-in page; no DNS.
 */
export function decideHold({ paused, settings, network, dialUp, noDns = false }: HoldInput): HoldReason | null {
  if (paused) return 'paused';
  if (settings) return 'settings';
  if (dialUp.required && dialUp.active.length === 0) return 'dial-up';
  if (!network.online) return 'no-network';
  if (network.portal) return 'captive-portal';
  return noDns ? 'no-dns' : null;
}
