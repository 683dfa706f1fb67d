/** Whether mail can leave at all on the present network, as far as is known (spec §9: never *ready* while nothing can leave). */
import type { GatewayMode } from '../../shared/settings.ts';
import type { GatewayState } from '../../shared/status.ts';

/** Why nothing can leave. */
export type NoWayOut =
  /** Only gateways may be used, and none is switched on. */
  | 'no-gateway'
  /** Only gateways may be used, and those that are switched on are for other networks. */
  | 'no-gateway-here'
  /** Only gateways may be used, and each of them was found not to work here. */
  | 'gateways-failing'
  /** Nothing but direct delivery is left, and this network blocks it. */
  | 'direct-blocked';

/**
 * Null while there is a way, or while it is not known that there is none: a gateway that was not heard of yet may work.
 * @param gateways every gateway of the settings, with what is known of it on this network
 * @param directBlocked whether this network is known to block direct delivery
 */
export function noWayOut(
  mode: GatewayMode,
  gateways: readonly Pick<GatewayState, 'state'>[],
  directBlocked: boolean,
): NoWayOut | null {
  if (mode !== 'always' && !directBlocked) return null;
  if (mode === 'never') return 'direct-blocked';
  const enabled = gateways.filter(({ state }) => state !== 'disabled');
  const here = enabled.filter(({ state }) => state !== 'not-here');
  if (here.some(({ state }) => state === 'works' || state === 'unknown')) return null;
  if (here.length > 0) return 'gateways-failing';
  if (mode !== 'always') return 'direct-blocked';
  return enabled.length === 0 ? 'no-gateway' : 'no-gateway-here';
}
