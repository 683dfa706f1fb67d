/** Delivery as the engine sees it: takes a step over its hops, knows the gateways, keeps the connections. */
import { setMaxListeners } from 'node:events';
import os from 'node:os';
import type { Verdict } from '../../shared/mail.ts';
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
import { createConnectionPool } from './connection-pool.ts';
import { createDirect } from './direct.ts';
import { createGatewayStates } from './gateways/gateway-states.ts';
import { createGatewayPass } from './gateways/run-gateway-pass.ts';
import { openGateway } from './gateways/open-gateway.ts';
import type { GatewayTargetDeps, OpenGatewayOptions, TokenSource } from './gateways/open-gateway.ts';
import { testGateway } from './gateways/test-gateway.ts';
import { createIpv6Memory } from './ipv6-memory.ts';
import { createResolverWatch, type ResolverWatch } from '../dns/resolver-watch.ts';
import type { SessionFailure, SmtpSession } from '../smtp/open-session.ts';
import type { MtaSts } from './mta-sts-policies.ts';
import { reportOfFailure } from './transactions.ts';
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

export function createDelivery(deps: DeliveryDeps): Delivery {
  const { clock, log, settings } = deps;
  const memory = deps.memory ?? createNetworkMemory({ clock, log, networkId: deps.networkId, store: null });
  const trust = deps.trust ?? createResolverWatch(deps);
  const ipv6 = createIpv6Memory(memory);
  const pool = createConnectionPool({ clock, maxOutgoing: () => settings().connection.maxOutgoing });
  const book = createGatewayStates({
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
  const target: GatewayTargetDeps = {
    clock,
    dns: deps.dns,
    trust,
    secrets: deps.secrets,
    log,
    settings,
    hostname: deps.hostname,
    ipv6,
    ...(deps.token ? { token: deps.token } : {}),
    ...(deps.ca ? { ca: deps.ca } : {}),
  };
  /** A gateway out there that answers tells that other ports than the mail servers' own lead somewhere (spec §4.4). */
  const open = async (
    gateway: GatewaySettings,
    signal: AbortSignal,
    options: OpenGatewayOptions,
  ): Promise<SmtpSession | SessionFailure> => {
    const opened = await openGateway(target, gateway, signal, options);
    const answered = opened.kind === 'ready' || opened.reply !== null;
    const address = opened.kind === 'ready' ? opened.address.address : opened.hop.address;
    const near = address === undefined || ['private', 'loopback'].includes(addressScope(address) ?? '');
    if (answered && !near && gateway.port !== settings().connection.directPort)
      memory.noteDirect({ kind: 'other-port', at: clock.now() });
    return opened;
  };
  const pass = createGatewayPass({
    clock,
    log,
    settings,
    pool,
    book,
    hopWorks,
    open: (gateway, signal, onGreeting) => open(gateway, signal, { signIn: true, onGreeting }),
  });
  const direct = createDirect({
    clock,
    log,
    trust,
    random: deps.random,
    settings,
    hostname: deps.hostname,
    pool,
    ipv6,
    memory,
    hopWorks,
    ownNames: () => [deps.hostname(), os.hostname()],
    ownAddresses: deps.ownAddresses ?? systemAddresses,
    ...(deps.sts ? { sts: deps.sts } : {}),
    ...(deps.ca ? { ca: deps.ca } : {}),
  });

  // Policies that could not be fetched while no name was known may be there now.
  trust.onBack(() => deps.sts?.forgetFailures());

  const take = (
    step: PlanStep,
    message: MessageInDelivery,
    recipients: readonly OutgoingRecipient[],
    signal: AbortSignal,
  ): Promise<StepResult> => {
    switch (step.kind) {
      case 'gateways':
        return pass(step, message, recipients, signal);
      case 'direct':
        return direct.run(step, message, recipients, signal);
      case 'lan':
        return direct.runLan(step, message, recipients, signal);
      default:
        return assertNever(step);
    }
  };

  const probe = async (gateway: GatewaySettings, signal: AbortSignal, signIn = false): Promise<void> => {
    // As in run(): probes at silent gateways pile up on the engine's one signal.
    setMaxListeners(0, signal);
    const opened = await open(gateway, signal, { signIn });
    if (signal.aborted) {
      if (opened.kind === 'ready') opened.destroy();
      return;
    }
    if (opened.kind === 'failed') {
      book.failed(gateway, reportOfFailure(opened, []));
      return;
    }
    book.worked(gateway, opened.tls, opened.readyMs, signIn);
    hopWorks(`gateway:${gateway.id}`);
    await opened.quit();
  };

  return {
    async run(step, message, recipients, signal) {
      signal.throwIfAborted();
      // The engine's one signal is listened to by every connection.
      setMaxListeners(0, signal);
      let result: StepResult;
      try {
        result = await take(step, message, recipients, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        // A bug of ours must not lose or bounce mail: everyone waits.
        log.problem('delivery', error);
        return localTrouble(recipients);
      }
      const missing = recipients.filter((r) => !result.verdicts.has(r.id));
      if (missing.length === 0 && result.verdicts.size === new Set(recipients.map((r) => r.id)).size) return result;
      log.problem('delivery', new Error('a recipient came back without a verdict'));
      return { ...result, verdicts: new Map(recipients.map((r) => [r.id, result.verdicts.get(r.id) ?? LOCAL])) };
    },
    busyDomains: () => direct.busyDomains(),
    networkChanged(addresses) {
      deps.dns.flush();
      trust.dns.flush();
      trust.forget();
      deps.sts?.forgetFailures();
      book.networkChanged();
      direct.forget();
      pool.drop(new Set(addresses));
    },
    dropConnections(addresses) {
      pool.dropUnbound(new Set(addresses));
    },
    forgetFailures() {
      trust.forget();
      deps.sts?.forgetFailures();
      book.forget();
      direct.forget();
    },
    async probeGateways(signal, only) {
      // Those that are limited to other networks are none of this one's business; senders are a message's matter.
      const { ids } = orderGateways({
        list: settings().gateways.list.map((g) => ({ ...g, senders: [] })),
        networkId: deps.networkId(),
        networkNames: deps.networkNames?.() ?? [],
        sender: null,
      });
      const wanted = settings().gateways.list.filter((g) => ids.includes(g.id) && (only?.includes(g.id) ?? true));
      await Promise.all(wanted.map((g) => probe(g, signal)));
    },
    async credentialsChanged(gatewayId, signal) {
      book.credentialsChanged(gatewayId);
      const gateway = settings().gateways.list.find((g) => g.id === gatewayId && g.enabled);
      if (gateway && !signal.aborted) await probe(gateway, signal, true);
    },
    gatewayStates: () => book.states(),
    testGateway: (gateway, secret, signal) => testGateway(target, gateway, secret, signal),
    onHopWorks(listener) {
      hopListeners.add(listener);
      return () => {
        hopListeners.delete(listener);
      };
    },
    onGatewaysChanged: (listener) => book.onChange(listener),
    names: trust,
    close: (ms) => pool.close(ms),
  };
}

const LOCAL: Verdict = { kind: 'deferred', scope: 'local', status: '4.3.0', why: 'local' };

function localTrouble(recipients: readonly OutgoingRecipient[]): StepResult {
  return {
    tries: [],
    verdicts: new Map(recipients.map((r) => [r.id, LOCAL])),
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
