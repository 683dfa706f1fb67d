/**
 * Watches what happens around the queue (network, dial-up, settings, names, hops, sleep) and carries out what
 * main/policy/environment-change.ts decides.
 */
import { assertNever } from '../../shared/result.ts';
import type { Settings } from '../../shared/settings.ts';
import type { Delivery } from '../delivery/delivery-port.ts';
import type { Dns } from '../dns/dns-port.ts';
import type { Log } from '../log/log-port.ts';
import { isNetworkChange } from '../network/interpret-facts.ts';
import type { NetworkMemory } from '../network/network-memory.ts';
import type { NetworkMonitor } from '../network/network-port.ts';
import {
  isOtherNetwork,
  reactionTo,
  type EnvironmentEvent,
  type MailToTry,
  type Reaction,
} from '../policy/environment-change.ts';
import type { QueueStore } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import { settingsHold } from '../settings/read-settings.ts';
import type { SettingsStore } from '../settings/settings-store.ts';
import { addressesOf, type Conditions } from './conditions.ts';
import type { Housekeeping } from './housekeeping.ts';
import type { RunningAttempts } from './running-attempts.ts';
import type { SchedulerEmitter } from './scheduler-events.ts';
import type { WakeMail } from './wake-mail.ts';

export interface EnvironmentWatchDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly store: Pick<QueueStore, 'noteNetwork'>;
  readonly delivery: Delivery;
  readonly dns: Pick<Dns, 'flush'>;
  readonly network: Pick<NetworkMonitor, 'watch'>;
  readonly memory: Pick<NetworkMemory, 'onDoubt'>;
  readonly settings: SettingsStore;
  readonly conditions: Conditions;
  readonly attempts: RunningAttempts;
  readonly housekeeping: Pick<Housekeeping, 'limitDelays'>;
  readonly wakeMail: WakeMail;
  readonly events: SchedulerEmitter;
}

export interface EnvironmentWatch {
  /** Begins to watch; changes from before are known already. */
  start(): void;
  /** The network or dial-up may have changed. */
  linksChanged(): void;
  wokeUp(): Promise<void>;
  credentialsChanged(gatewayId: string): void;
  /** Enters the present network among those that are known. */
  noteNetwork(): Promise<void>;
  close(): void;
}

export function createEnvironmentWatch(deps: EnvironmentWatchDeps): EnvironmentWatch {
  const { log, delivery, network, memory, settings, conditions, events } = deps;
  const unsubscribe: (() => void)[] = [];
  const carryOut = createReactions(deps);

  /** For events that nobody waits for. */
  const react = (event: EnvironmentEvent, name: string): void => {
    logRejection(carryOut(reactionTo(event)), log, name);
  };

  const linksChanged = (): void => {
    if (conditions.phase() !== 'running') return;
    const { before, now } = conditions.takeIn();
    const event = {
      kind: 'links',
      before: before.facts,
      now: now.facts,
      otherNetwork: isNetworkChange(before.network, now.network),
      settings: settings.get().dialUp,
    } as const;
    if (isOtherNetwork(event)) {
      const { id, name, online, kind } = now.network;
      log.note('network', { id, name, online, kind });
    }
    events.emit('changed');
    react(event, 'network');
  };

  /** Listens to changes of settings. @returns its unsubscribe. */
  const watchSettings = (): (() => void) => {
    let before = settings.get();
    let heldBefore = settingsHold(settings);
    return settings.onChange((now: Settings) => {
      const heldNow = settingsHold(settings);
      const event = { kind: 'settings', before, now, heldBefore, heldNow } as const;
      before = now;
      heldBefore = heldNow;
      events.emit('changed');
      react(event, 'settings');
    });
  };

  return {
    start() {
      unsubscribe.push(
        network.watch(linksChanged),
        memory.onDoubt(() => react({ kind: 'network-in-doubt' }, 'probe')),
        delivery.onHopWorks((hopKey) => react({ kind: 'hop-works', hopKey }, 'wake')),
        delivery.names.onBack(() => react({ kind: 'names-back' }, 'names')),
        watchSettings(),
      );
      // What was told before we listened.
      conditions.takeIn();
    },
    linksChanged,
    async wokeUp() {
      log.note('woke-up');
      await carryOut(reactionTo({ kind: 'woke-up' }));
    },
    credentialsChanged(gatewayId) {
      react({ kind: 'credentials', gatewayId }, 'gateways');
    },
    noteNetwork: async () => noteNetwork(deps),
    close() {
      for (const stop of unsubscribe.splice(0)) stop();
    },
  };
}

/** Enters the present network: the system's name for it, unless the user gave one, which is kept with the settings. */
async function noteNetwork({ clock, store, settings, conditions }: EnvironmentWatchDeps): Promise<void> {
  const { id, name } = conditions.network();
  if (id === null) return;
  const given = settings.get().security.networkNames[id] ?? '';
  await store.noteNetwork({ id, name: given === '' ? name : null, at: clock.now() });
}

/** How a reaction is carried out: all of it at once but for what is said to the store, which is waited for. */
function createReactions(deps: EnvironmentWatchDeps): (reaction: Reaction) => Promise<void> {
  const { log, delivery, dns, conditions, attempts, housekeeping, wakeMail, events } = deps;

  const interrupt = (what: Reaction['interrupt']): void => {
    const left = addressesOf(conditions.network());
    switch (what) {
      case 'none':
        return;
      case 'lost-addresses':
        attempts.networkChanged();
        delivery.dropConnections(left);
        return;
      case 'all':
        attempts.interrupt();
        dns.flush();
        delivery.networkChanged(left);
        return;
      default:
        assertNever(what);
    }
  };

  const deliver = async (mail: MailToTry): Promise<void> => {
    switch (mail.kind) {
      case 'all':
        return wakeMail.startDelivering(mail.why, mail.gateways);
      case 'due':
        events.emit('due');
        return;
      case 'hop':
        return wakeMail.waitingFor(mail.hopKey);
      case 'ask-gateways':
        wakeMail.askGateways();
        return;
      default:
        assertNever(mail);
    }
  };

  const limitDelays = async (mail: MailToTry): Promise<void> => {
    await housekeeping.limitDelays();
    // What was brought forward may be due; where everything is woken it is claimed anyway.
    if (mail.kind === 'due') events.emit('due');
  };

  /** While the queue holds nothing is tried, a sign-in least of all (spec §7); what was refused is forgotten all the same. */
  const signIn = async (gatewayId: string): Promise<void> =>
    delivery.credentialsChanged(gatewayId, conditions.hold() === null ? attempts.signal() : AbortSignal.abort());

  return async (reaction) => {
    interrupt(reaction.interrupt);
    if (reaction.limitDelays) logRejection(limitDelays(reaction.deliver), log, 'clamp');
    if (reaction.forgetFailures) delivery.forgetFailures();
    if (reaction.noteNetwork) logRejection(noteNetwork(deps), log, 'network');
    const signedIn = reaction.signIn === null ? null : signIn(reaction.signIn);
    await deliver(reaction.deliver);
    await signedIn;
  };
}
