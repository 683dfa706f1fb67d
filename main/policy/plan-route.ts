/** The route of one recipient for the attempt that begins now; decided anew at every attempt (spec §3.5). */
import { canonicalDomain, domainOf } from './domain-match.ts';
import { orderGateways, type GatewayOrder } from './gateway-order.ts';
import { literalAddress } from './ip-address.ts';
import { lanHostFor } from './lan-address.ts';
import type { HostDoubts, PlanStep, RecipientHistory, Route, Environment } from './model.ts';
import { doubtsOn, hopKey, MAX_UNKNOWN_OUTCOMES, orderHops, type Doubts } from './unknown-outcome.ts';
import { usageFor } from './usage-mode.ts';

type DirectStep = Exclude<PlanStep, { readonly kind: 'gateways' }>;

/** Gateways in the order of use, and which of them, at the end, may have taken the message already. */
interface UsableGateways extends GatewayOrder {
  readonly doubtful: readonly string[];
}

/**
 * Plans: what holds everything comes first; then the gateway that the user chose for this attempt, if it still exists and
 * is enabled (that choice overrides the gateway's limits to networks and senders, and the mode); then the mode. Hops that
 * may have taken the message come last, and are left out after the third time (`orderHops`).
 * @param sender reverse-path, null = the null reverse-path
 */
export function planRoute(history: RecipientHistory, sender: string | null, environment: Environment): Route {
  if (environment.hold !== null) return { kind: 'hold', reason: environment.hold };
  const { gateways } = environment.settings;
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
  const doubts = doubtsOn(history.unknownOutcomes, environment.networkId);
  const order = usableGateways(orderFor(sender, environment), environment, doubts);
  const direct = directSteps(domain, environment, doubts);
  switch (usage.kind) {
    case 'direct':
      return { kind: 'steps', steps: direct, because: usage.because, leftOut: [] };
    case 'gateways-only':
      return gatewaysOnly(order, usage.because);
    case 'direct-then-gateways':
      if (history.undeliverable && usage.because === 'mode-undelivered') return gatewaysOnly(order, 'undelivered-pass');
      return {
        kind: 'steps',
        steps:
          usage.because === 'mode-on-error' && countsAsError(direct, environment) && order.ids.length > 0
            ? aroundGateways(direct, pass(order))
            : [...direct, ...pass(order)],
        because: usage.because,
        leftOut: order.leftOut,
      };
  }
}

function gatewaysOnly(order: UsableGateways, because: 'undelivered-pass' | 'domain-listed' | 'mode-always'): Route {
  if (order.ids.length === 0) return { kind: 'no-gateway', because, leftOut: order.leftOut };
  return { kind: 'steps', steps: pass(order), because, leftOut: order.leftOut };
}

function pass({ ids, doubtful }: UsableGateways): readonly PlanStep[] {
  if (ids.length === 0) return [];
  return [{ kind: 'gateways', ids, ...(doubtful.length > 0 ? { doubtful } : {}) }];
}

/** An unknown outcome at a direct host is an error of its kind for the attempts that follow (spec §3.2, §3.6). */
function countsAsError(direct: readonly DirectStep[], environment: Environment): boolean {
  const { onErrors } = environment.settings.gateways;
  return direct.some((s) => s.doubts !== undefined) && onErrors[direct.some((s) => s.kind === 'lan') ? 'lan' : 'smtp'];
}

/** The gateways are other hops then: they come before the hosts that are doubted. */
function aroundGateways(direct: readonly DirectStep[], gateways: readonly PlanStep[]): readonly PlanStep[] {
  const mayBeUsed = (step: DirectStep): boolean =>
    Object.values(step.doubts ?? {}).some((n) => n < MAX_UNKNOWN_OUTCOMES);
  return [
    ...direct.map((step): PlanStep => (step.doubts === undefined ? step : { ...step, only: 'sure' })),
    ...gateways,
    ...direct.filter(mayBeUsed).map((step): PlanStep => ({ ...step, only: 'doubtful' })),
  ];
}

/** Direct, then the LAN host of a LAN address (spec §4.2). A private address literal exists on the LAN only. */
function directSteps(domain: string, environment: Environment, doubts: Doubts): readonly DirectStep[] {
  const name = canonicalDomain(domain);
  const lan = lanHostFor(name, environment.settings.connection);
  const direct: DirectStep = { kind: 'direct', domain: name, ...doubtsAbout('mx:', doubts) };
  if (lan === null) return [direct];
  const lanStep: DirectStep = {
    kind: 'lan',
    domain: name,
    host: lan.host,
    port: lan.port,
    ...doubtsAbout('lan:', doubts),
  };
  return literalAddress(name) === null ? [direct, lanStep] : [lanStep];
}

function doubtsAbout(kind: 'mx:' | 'lan:', doubts: Doubts): HostDoubts {
  const those = Object.entries(doubts).filter(([key]) => key.startsWith(kind));
  return those.length === 0 ? {} : { doubts: Object.fromEntries(those) };
}

function usableGateways(order: GatewayOrder, environment: Environment, doubts: Doubts): UsableGateways {
  const { list } = environment.settings.gateways;
  const gateways = order.ids.flatMap((id) => list.find((g) => g.id === id) ?? []);
  const { sure, doubtful, leftOut } = orderHops(
    gateways,
    ({ id, host, port }) => hopKey({ kind: 'gateway', host, port, gatewayId: id }),
    doubts,
  );
  return {
    ids: [...sure, ...doubtful].map(({ id }) => id),
    doubtful: doubtful.map(({ id }) => id),
    leftOut: [...order.leftOut, ...leftOut.map(({ id, name }) => ({ id, name, reason: 'unknown-outcomes' as const }))],
  };
}

function orderFor(sender: string | null, environment: Environment): GatewayOrder {
  const { settings, networkId, networkName } = environment;
  const given = networkId === null ? undefined : settings.security.networkNames[networkId];
  return orderGateways({
    list: settings.gateways.list,
    networkId,
    networkNames: [networkName, given, ...(environment.linkNames ?? [])].filter((name) => typeof name === 'string'),
    sender,
  });
}
