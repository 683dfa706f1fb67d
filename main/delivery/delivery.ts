/** Delivery as attempts and scheduler see it: takes a step over its hops, knows the gateways, keeps the connections. */
import { setMaxListeners } from 'node:events';
import os from 'node:os';
import type { GatewaySettings, Settings } from '../../shared/settings.ts';
import { assertNever } from '../../shared/result.ts';
import { createNetworkMemory, type NetworkMemory } from '../network/network-memory.ts';
import { orderGateways } from '../policy/gateway-order.ts';
import { addressScope } from '../policy/ip-address.ts';
import type { PlanStep } from '../policy/model.ts';
import type { Dns } from '../dns/dns-port.ts';
import type { Log } from '../log/log-port.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import { createConnectionPool, type ConnectionPool } from './connection-pool.ts';
import { createDirect, type Direct } from './direct.ts';
import { createGatewayStates, type GatewayStates } from './gateways/gateway-states.ts';
import { createGatewayPass, type RunGatewayPass } from './gateways/run-gateway-pass.ts';
import { openGateway } from './gateways/open-gateway.ts';
import type { GatewayTargetDeps, OpenGatewayOptions, TokenSource } from './gateways/open-gateway.ts';
import { testGateway } from './gateways/test-gateway.ts';
import { createIpv6Memory } from './ipv6-memory.ts';
import { createResolverWatch, type ResolverWatch } from '../dns/resolver-watch.ts';
import type { SessionFailure } from '../smtp/open-session.ts';
import type { SmtpSession } from '../smtp/session.ts';
import type { MtaSts } from './mta-sts-policies.ts';
import { LOCAL_TROUBLE, reportOfFailure } from './transactions.ts';
import type { Delivery, OutgoingRecipient, StepResult, MessageInDelivery } from './delivery-port.ts';

export interface DeliveryDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly dns: Dns;
  /** Judges the name server of the present network. Default: one of its own. */
  readonly trust?: ResolverWatch;
  readonly secrets: SecretStore;
  readonly log: Log;
  readonly settings: () => Settings;
  readonly networkId: () => string | null;
  /** Every name that the present network goes by; gateways may be limited to one. */
  readonly networkNames?: () => readonly string[];
  /** What is remembered of networks. Default: nothing beyond this run. */
  readonly memory?: NetworkMemory;
  /** Our name in EHLO. */
  readonly hostname: () => string;
  /** Addresses of this computer: an MX there is ourselves. Default: what the system lists. */
  readonly ownAddresses?: () => readonly string[];
  readonly token?: TokenSource;
  /** OAuth 2 gateways that are paused until the user signs in. */
  readonly needsSignIn?: (gateway: GatewaySettings) => 'no' | 'never-signed-in' | 'ended';
  /** MTA-STS policies for direct delivery; absent: none is looked for. */
  readonly sts?: MtaSts;
  /** More certificate authorities to trust for gateways (PEM). */
  readonly ca?: readonly string[];
}

/** What delivery is made of. */
interface DeliveryParts {
  readonly deps: DeliveryDeps;
  readonly memory: NetworkMemory;
  readonly trust: ResolverWatch;
  readonly pool: ConnectionPool;
  readonly states: GatewayStates;
  readonly gatewayTarget: GatewayTargetDeps;
  readonly runGatewayPass: RunGatewayPass;
  readonly direct: Direct;
  /** Announces that a hop works. */
  readonly hopWorks: (key: string) => void;
  readonly onHopWorks: Delivery['onHopWorks'];
}

export function createDelivery(deps: DeliveryDeps): Delivery {
  const parts = buildDelivery(deps);
  const { trust, pool, states, direct } = parts;
  // Policies that could not be fetched while no name was known may be had now.
  trust.onBack(() => deps.sts?.forgetFailures());
  return {
    run: (step, message, recipients, signal) => runStep(parts, step, message, recipients, signal),
    busyDomains: () => direct.busyDomains(),
    networkChanged(addresses) {
      deps.dns.flush();
      trust.dns.flush();
      trust.forget();
      deps.sts?.forgetFailures();
      states.networkChanged();
      direct.forget();
      pool.drop(new Set(addresses));
    },
    dropConnections(addresses) {
      pool.dropUnbound(new Set(addresses));
    },
    forgetFailures() {
      trust.forget();
      deps.sts?.forgetFailures();
      states.forget();
      direct.forget();
    },
    async probeGateways(signal, only) {
      const wanted = gatewaysOfThisNetwork(deps).filter((g) => only?.includes(g.id) ?? true);
      await Promise.all(wanted.map((g) => probe(parts, g, signal, false)));
    },
    async credentialsChanged(gatewayId, signal) {
      states.credentialsChanged(gatewayId);
      const gateway = deps.settings().gateways.list.find((g) => g.id === gatewayId && g.enabled);
      if (gateway && !signal.aborted) await probe(parts, gateway, signal, true);
    },
    gatewayStates: () => states.states(),
    testGateway: (gateway, secret, signal) => testGateway(parts.gatewayTarget, gateway, secret, signal),
    onHopWorks: parts.onHopWorks,
    onGatewaysChanged: (listener) => states.onChange(listener),
    names: trust,
    close: (ms) => pool.close(ms),
  };
}

/** Wires the parts. */
function buildDelivery(deps: DeliveryDeps): DeliveryParts {
  const { clock, log, settings, hostname } = deps;
  const memory = deps.memory ?? createNetworkMemory({ clock, log, networkId: deps.networkId, store: null });
  const trust = deps.trust ?? createResolverWatch(deps);
  const ipv6 = createIpv6Memory(memory);
  const pool = createConnectionPool({ clock, maxOutgoing: () => settings().connection.maxOutgoing });
  const states = createGatewayStates({
    clock,
    settings,
    networkId: deps.networkId,
    networkNames: deps.networkNames ?? (() => []),
    secrets: deps.secrets,
    ...(deps.needsSignIn ? { needsSignIn: deps.needsSignIn } : {}),
  });
  const hopListeners = new Set<(hopKey: string) => void>();
  const hopWorks = (key: string): void => {
    for (const listener of hopListeners) listener(key);
  };
  const ca = deps.ca ? { ca: deps.ca } : {};
  const gatewayTarget: GatewayTargetDeps = {
    clock,
    dns: deps.dns,
    trust,
    secrets: deps.secrets,
    log,
    settings,
    hostname,
    ipv6,
    ...(deps.token ? { token: deps.token } : {}),
    ...ca,
  };
  const runGatewayPass = createGatewayPass({
    clock,
    settings,
    pool,
    states,
    hopWorks,
    open: (gateway, signal, onGreeting) =>
      openAndLearn({ deps, memory, gatewayTarget }, gateway, signal, { signIn: true, onGreeting }),
  });
  const direct = createDirect({
    clock,
    log,
    trust,
    random: deps.random,
    settings,
    hostname,
    pool,
    ipv6,
    memory,
    hopWorks,
    ownNames: () => [hostname(), os.hostname()],
    ownAddresses: deps.ownAddresses ?? systemAddresses,
    ...(deps.sts ? { sts: deps.sts } : {}),
    ...ca,
  });
  const onHopWorks = (listener: (hopKey: string) => void) => {
    hopListeners.add(listener);
    return () => {
      hopListeners.delete(listener);
    };
  };
  return { deps, memory, trust, pool, states, gatewayTarget, runGatewayPass, direct, hopWorks, onHopWorks };
}

/** Takes one step. Every recipient that went in comes back with exactly one verdict, whatever goes wrong. */
async function runStep(
  parts: DeliveryParts,
  step: PlanStep,
  message: MessageInDelivery,
  recipients: readonly OutgoingRecipient[],
  signal: AbortSignal,
): Promise<StepResult> {
  const { log } = parts.deps;
  signal.throwIfAborted();
  // All connections listen to the scheduler's one signal.
  setMaxListeners(0, signal);
  let result: StepResult;
  try {
    result = await takeStep(parts, step, message, recipients, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    // A bug of ours must not lose or bounce mail: every recipient waits.
    log.problem('delivery', error);
    return localTrouble(recipients);
  }
  const missing = recipients.filter((r) => !result.verdicts.has(r.id));
  if (missing.length === 0 && result.verdicts.size === new Set(recipients.map((r) => r.id)).size) return result;
  log.problem('delivery', new Error('a recipient came back without a verdict'));
  return { ...result, verdicts: new Map(recipients.map((r) => [r.id, result.verdicts.get(r.id) ?? LOCAL_TROUBLE])) };
}

function takeStep(
  { runGatewayPass, direct }: DeliveryParts,
  step: PlanStep,
  message: MessageInDelivery,
  recipients: readonly OutgoingRecipient[],
  signal: AbortSignal,
): Promise<StepResult> {
  switch (step.kind) {
    case 'gateways':
      return runGatewayPass(step, message, recipients, signal);
    case 'direct':
    case 'lan':
      return direct.run(step, message, recipients, signal);
    default:
      return assertNever(step);
  }
}

/** Opens a gateway. One on the Internet that answers shows that other ports than the mail servers' own lead there (spec §4.4). */
async function openAndLearn(
  { deps, memory, gatewayTarget }: Pick<DeliveryParts, 'deps' | 'memory' | 'gatewayTarget'>,
  gateway: GatewaySettings,
  signal: AbortSignal,
  options: OpenGatewayOptions,
): Promise<SmtpSession | SessionFailure> {
  const opened = await openGateway(gatewayTarget, gateway, signal, options);
  const answered = opened.kind === 'ready' || opened.reply !== null;
  const address = opened.kind === 'ready' ? opened.address.address : opened.hop.address;
  const near = address === undefined || ['private', 'loopback'].includes(addressScope(address) ?? '');
  if (answered && !near && gateway.port !== deps.settings().connection.directPort)
    memory.noteDirect({ kind: 'other-port', at: deps.clock.now() });
  return opened;
}

/** Those that are limited to other networks are not probed on this one; limits to senders are a message's matter. */
function gatewaysOfThisNetwork({ settings, networkId, networkNames }: DeliveryDeps): readonly GatewaySettings[] {
  const { list } = settings().gateways;
  const { ids } = orderGateways({
    list: list.map((g) => ({ ...g, senders: [] })),
    networkId: networkId(),
    networkNames: networkNames?.() ?? [],
    sender: null,
  });
  return list.filter((g) => ids.includes(g.id));
}

/** Connects to a gateway without mail, and notes how it is. */
async function probe(
  parts: DeliveryParts,
  gateway: GatewaySettings,
  signal: AbortSignal,
  signIn: boolean,
): Promise<void> {
  const { states, hopWorks } = parts;
  // As in runStep: probes of silent gateways add up on one signal.
  setMaxListeners(0, signal);
  const opened = await openAndLearn(parts, gateway, signal, { signIn });
  if (signal.aborted) {
    if (opened.kind === 'ready') opened.destroy();
    return;
  }
  if (opened.kind === 'failed') {
    states.failed(gateway, reportOfFailure(opened, []));
    return;
  }
  states.worked(gateway, opened.tls, opened.readyMs, signIn);
  hopWorks(`gateway:${gateway.id}`);
  await opened.quit();
}

function localTrouble(recipients: readonly OutgoingRecipient[]): StepResult {
  return {
    tries: [],
    verdicts: new Map(recipients.map((r) => [r.id, LOCAL_TROUBLE])),
    errorKinds: new Map(),
    waitsFor: new Map(),
    nothingReached: true,
    dsnPassedOn: new Set(),
  };
}

function systemAddresses(): readonly string[] {
  return Object.values(os.networkInterfaces()).flatMap((list) =>
    (list ?? []).filter((a) => !a.internal).map((a) => a.address),
  );
}
