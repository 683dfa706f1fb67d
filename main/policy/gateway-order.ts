/** Which gateways a message may use now, in which order, and why the others may not (spec §3.1). */
import { PRIORITIES, type GatewaySettings } from '../../shared/settings.ts';
import { matchesAddress } from './domain-match.ts';

/** Why a gateway is not in the plan. */
export type LeftOutReason =
  | 'disabled'
  | 'other-network'
  | 'other-sender'
  /** It may have taken this very message too often already (spec §3.2). */
  | 'unknown-outcomes';

export interface LeftOutGateway {
  readonly id: string;
  readonly name: string;
  readonly reason: LeftOutReason;
}

export interface GatewayOrder {
  /** Best first. */
  readonly ids: readonly string[];
  /** In the user's order. */
  readonly leftOut: readonly LeftOutGateway[];
}

export interface GatewayOrderInput {
  readonly list: readonly GatewaySettings[];
  readonly networkId: string | null;
  /** Every name that the present network goes by. */
  readonly networkNames: readonly string[];
  /** Reverse-path; null never fits a gateway that is limited to senders. */
  readonly sender: string | null;
}

/** Usable gateways by priority, then the user's order within a priority. */
export function orderGateways(input: GatewayOrderInput): GatewayOrder {
  const usable: GatewaySettings[] = [];
  const leftOut: LeftOutGateway[] = [];
  for (const gateway of input.list) {
    const reason = whyLeftOut(gateway, input);
    if (reason === null) usable.push(gateway);
    else leftOut.push({ id: gateway.id, name: gateway.name, reason });
  }
  const rank = (gateway: GatewaySettings): number => PRIORITIES.indexOf(gateway.priority);
  // sort is stable: equal priorities keep the user's order.
  return { ids: usable.sort((a, b) => rank(a) - rank(b)).map(({ id }) => id), leftOut };
}

function whyLeftOut(gateway: GatewaySettings, input: GatewayOrderInput): LeftOutReason | null {
  if (!gateway.enabled) return 'disabled';
  if (gateway.networks.length > 0 && !gateway.networks.some((network) => isPresent(network, input)))
    return 'other-network';
  if (gateway.senders.length > 0 && !gateway.senders.some((pattern) => matchesAddress(input.sender, pattern)))
    return 'other-sender';
  return null;
}

function isPresent(network: string, { networkId, networkNames }: GatewayOrderInput): boolean {
  return network === networkId || networkNames.some((name) => name.toLowerCase() === network.toLowerCase());
}
