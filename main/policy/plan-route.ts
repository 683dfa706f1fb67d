/** The route of one recipient for the attempt that begins now; decided anew at every attempt (SPEC §3.5). */
import { canonicalDomain, domainOf } from './domain-match.ts';
import { orderGateways, type GatewayOrder } from './gateway-order.ts';
import { literalAddress } from './ip-address.ts';
import { lanHostFor } from './lan-address.ts';
import type { PlanStep, RecipientHistory, Route, World } from './types.ts';
import { usageFor } from './usage-mode.ts';

/**
 * Plans: what holds everything comes first; then the gateway that the user chose for this attempt, if it still exists and
 * is enabled (his choice overrides the gateway's limits to networks and senders, and the mode); then the mode.
 * @param sender reverse-path, null = the null reverse-path
 */
export function planRoute(history: RecipientHistory, sender: string | null, world: World): Route {
  if (world.hold !== null) return { kind: 'hold', reason: world.hold };
  const { gateways } = world.settings;
  const forced = gateways.list.find((g) => g.id === history.forcedGateway && g.enabled);
  if (forced !== undefined) {
    return {
      kind: 'steps',
      steps: [{ kind: 'gateways', ids: [forced.id] }],
      because: 'user-chose-gateway',
      leftOut: [],
    };
  }
  const domain = domainOf(history.rcptTo);
  const usage = usageFor(domain, gateways);
  const order = orderFor(sender, world);
  switch (usage.kind) {
    case 'direct':
      return { kind: 'steps', steps: directSteps(domain, world), because: usage.because, leftOut: [] };
    case 'gateways-only':
      return gatewaysOnly(order, usage.because);
    case 'direct-then-gateways':
      if (history.undeliverable && usage.because === 'mode-undelivered') return gatewaysOnly(order, 'undelivered-pass');
      return {
        kind: 'steps',
        steps: [...directSteps(domain, world), ...pass(order)],
        because: usage.because,
        leftOut: order.leftOut,
      };
  }
}

function gatewaysOnly(order: GatewayOrder, because: 'undelivered-pass' | 'domain-listed' | 'mode-always'): Route {
  if (order.ids.length === 0) return { kind: 'no-gateway', because, leftOut: order.leftOut };
  return { kind: 'steps', steps: pass(order), because, leftOut: order.leftOut };
}

function pass(order: GatewayOrder): readonly PlanStep[] {
  return order.ids.length === 0 ? [] : [{ kind: 'gateways', ids: order.ids }];
}

/** Direct, then the LAN host of a LAN address (SPEC §4.2). A private literal has one place only: the Internet knows no way to it. */
function directSteps(domain: string, world: World): readonly PlanStep[] {
  const name = canonicalDomain(domain);
  const lan = lanHostFor(name, world.settings.connection);
  const direct: PlanStep = { kind: 'direct', domain: name };
  if (lan === null) return [direct];
  const lanStep: PlanStep = { kind: 'lan', domain: name, host: lan.host, port: lan.port };
  return literalAddress(name) === null ? [direct, lanStep] : [lanStep];
}

function orderFor(sender: string | null, world: World): GatewayOrder {
  const { settings, networkId, networkName } = world;
  const given = networkId === null ? undefined : settings.security.networkNames[networkId];
  return orderGateways({
    list: settings.gateways.list,
    networkId,
    networkNames: [networkName, given, ...(world.linkNames ?? [])].filter((name) => typeof name === 'string'),
    sender,
  });
}
