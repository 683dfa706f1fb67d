/** Makes the parts of the program, each from those before it. Who hears whom is said in connect.ts. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { phrase } from '../../shared/phrases.ts';
import { createDelivery } from '../delivery/delivery.ts';
import type { Delivery } from '../delivery/delivery-port.ts';
import { policyFetcher } from '../delivery/mta-sts-fetch.ts';
import { createMtaSts } from '../delivery/mta-sts-policies.ts';
import type { Dns } from '../dns/dns-port.ts';
import { createDns } from '../dns/dns.ts';
import { createResolverWatch, type ResolverWatch } from '../dns/resolver-watch.ts';
import { createSmtpListener, type SmtpListener } from '../listener/smtp-listener.ts';
import { createLog } from '../log/log.ts';
import { createMaildrop } from '../maildrop/maildrop.ts';
import { createPickup, type Pickup } from '../maildrop/pickup.ts';
import { createQueueIds } from '../message/queue-id.ts';
import { createDialUpDriver, type DialUpDriver } from '../network/dial-up/dial-up-driver.ts';
import { createNetworkMemory, type NetworkMemory } from '../network/network-memory.ts';
import type { DialUp, NetworkMonitor } from '../network/network-port.ts';
import { createPreviewReader, type PreviewReader } from '../preview/read-preview.ts';
import { startQueueStore } from '../queue/open-queue-store.ts';
import { StoreError, type QueueStore, type StoreRecovery } from '../queue/queue-store.ts';
import { createReporter } from '../report/reporter.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import { createEmitter, type Emitter } from '../runtime/emitter.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import { systemClock, systemRandom } from '../runtime/system-clock.ts';
import { stageForDelivery } from '../scheduler/accept-and-claim.ts';
import { createScheduler, type Scheduler } from '../scheduler/scheduler.ts';
import { createOutgoing } from '../secrets/dkim/dkim.ts';
import { createOAuth, type OAuth } from '../secrets/oauth/oauth.ts';
import { createRemovedSecrets, type RemovedSecrets } from '../secrets/removed-secrets.ts';
import { createSecretBindings, type SecretBindings } from '../secrets/secret-bindings.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import { settingsHold } from '../settings/read-settings.ts';
import { parseProxy, type Proxy } from '../smtp/proxy.ts';
import { createHostNames, type HostNames } from './host-names.ts';
import { createProblems, type Problems } from './problems.ts';
import type { ProgramEvents, ProgramParts } from './program.ts';
import { createSchedulerPort, type SchedulerPort } from './scheduler-port.ts';
import type { ProgramSignals } from './signals.ts';
import { createStorageProblems, type StorageProblems } from './storage-problems.ts';

/** Times, files and the means by which parts hear each other: what everything else stands on. */
interface Foundation {
  readonly profile: string;
  readonly settings: ProgramParts['settings'];
  readonly secrets: SecretStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: ReturnType<typeof createLog>;
  /** To those who hold the program. */
  readonly events: Emitter<ProgramEvents>;
  /** Among its parts. */
  readonly signals: Emitter<ProgramSignals>;
  readonly problems: Problems;
  readonly storage: StorageProblems;
  readonly store: QueueStore;
  /** Rejects if the queue cannot be opened. */
  readonly storeOpened: Promise<StoreRecovery>;
  readonly newQueueId: () => string;
  readonly schedulerPort: SchedulerPort;
  /** Aborts when the program ends. */
  readonly ending: AbortController;
}

/** What takes mail in. It is there before all that delivers. */
interface Intake {
  readonly dns: Dns;
  readonly names: ResolverWatch;
  readonly listener: SmtpListener;
  /** Resolves once the listener stands, or has failed. */
  readonly bound: Promise<unknown>;
  readonly secretBindings: SecretBindings;
  /** Ends its hearing of changes of the settings. */
  readonly stopSecretBindings: () => void;
}

/** How mail leaves: the network, and delivery over it. */
interface Outlet {
  readonly network: NetworkMonitor;
  readonly hostNames: HostNames;
  readonly dialler: DialUp;
  readonly dialUp: DialUpDriver;
  readonly memory: NetworkMemory;
  readonly proxy: () => Proxy | null;
  readonly oauth: OAuth;
  readonly delivery: Delivery;
}

export interface Parts extends Foundation, Intake, Outlet {
  readonly scheduler: Scheduler;
  readonly pickup: Pickup;
  readonly removedSecrets: RemovedSecrets;
  readonly preview: PreviewReader;
}

/** @throws StoreError if the profile folder cannot be written to. */
export function buildParts(given: ProgramParts): Parts {
  const foundation = buildFoundation(given);
  const intake = buildIntake(foundation);
  const outlet = buildOutlet(given, { ...foundation, ...intake });
  const parts = { ...foundation, ...intake, ...outlet };
  const scheduler = buildScheduler(parts);
  foundation.schedulerPort.bind(scheduler);
  return {
    ...parts,
    scheduler,
    pickup: buildPickup(parts),
    removedSecrets: buildRemovedSecrets(parts),
    preview: createPreviewReader(parts.store, given.workers.preview),
  };
}

function buildFoundation(given: ProgramParts): Foundation {
  const { profile, settings, secrets } = given;
  const clock = given.clock ?? systemClock;
  const random = given.random ?? systemRandom;
  const logs = makeLogFolder(profile);
  const log = createLog({ directory: logs, mode: settings.get().administration.log, clock });
  const problemOfListener = (error: unknown): void => {
    log.problem('event', error);
  };
  const events = createEmitter<ProgramEvents>(problemOfListener);
  const signals = createEmitter<ProgramSignals>(problemOfListener);
  const problems = createProblems(clock, log);
  const storage = createStorageProblems({
    profile,
    clock,
    problems,
    roomAgain: () => {
      signals.emit('disk-has-room');
    },
  });
  const { store, opened } = startQueueStore({
    path: path.join(profile, 'queue.db'),
    runId: random.hex(8),
    clock,
    workerUrl: given.workers.store,
    onTrouble: (error) => {
      signals.emit('store-lost', error);
    },
    onReopened: (recovery) => {
      signals.emit('store-reopened', recovery);
    },
  });
  return {
    ...{ profile, settings, secrets, clock, random, log, events, signals, problems, storage, store },
    storeOpened: opened,
    newQueueId: createQueueIds(clock, random),
    schedulerPort: createSchedulerPort(),
    ending: new AbortController(),
  };
}

/** @returns the folder of the logs, in a profile folder that can be written to. */
function makeLogFolder(profile: string): string {
  const logs = path.join(profile, 'logs');
  try {
    mkdirSync(logs, { recursive: true, mode: 0o700 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreError('read-only', `The profile folder ${profile} cannot be written to (${why}).`);
  }
  return logs;
}

function buildIntake(foundation: Foundation): Intake {
  const { clock, random, log, settings, secrets, store, signals, schedulerPort } = foundation;
  const dns = createDns({ clock, settings: () => settings.get() });
  const names = createResolverWatch({
    clock,
    random,
    dns,
    log,
    settings: () => settings.get(),
    mayLook: async () => schedulerPort.hold() === null && (await store.counts()).outbox > 0,
  });
  const listener = buildListener(foundation, names);
  // Clients are greeted while the rest is made and the queue is opened: their mail waits for it before it is answered.
  const bound = listener.apply(settings.get());
  const secretBindings = createSecretBindings({
    secrets,
    log,
    settings: settings.get(),
    gatewayBack: (gatewayId) => {
      signals.emit('credentials-back', { gatewayId });
    },
  });
  // Before anybody else hears of a change and asks for a secret: the parts that are built next do.
  const stopSecretBindings = settings.onChange(secretBindings.changed);
  return { dns, names, listener, bound, secretBindings, stopSecretBindings };
}

function buildListener(foundation: Foundation, names: ResolverWatch): SmtpListener {
  const { clock, log, settings, store, signals, problems, storage, schedulerPort, newQueueId } = foundation;
  return createSmtpListener({
    stage: stageForDelivery(store, {
      reserve: schedulerPort.reserve,
      newMail: () => {
        signals.emit('mail-waits');
      },
    }),
    newQueueId,
    clock,
    log,
    settings: () => settings.get(),
    names,
    freeSpace: () => storage.freeSpace(),
    tlsDirectory: path.join(foundation.profile, 'tls'),
    onCertificate: (trouble) => {
      if (trouble === null) {
        problems.clear('certificate');
        return;
      }
      const words = phrase(`problem.certificate.${trouble.reason}`, { file: trouble.file });
      problems.raise('certificate', 'warning', words);
    },
    onAccepted: () => {
      signals.emit('mail-accepted');
    },
  });
}

function buildOutlet(given: ProgramParts, parts: Foundation & Intake): Outlet {
  const { clock, random, log, settings, secrets, store, dns, schedulerPort } = parts;
  const network = given.network({ clock, log });
  const hostNames = createHostNames(clock, network, settings);
  const memory = createNetworkMemory({ clock, log, networkId: () => network.current().id, store });
  const proxy = (): Proxy | null => parseProxy(settings.get().connection.proxy);
  const oauth = createOAuth({
    clock,
    log,
    secrets,
    way: { proxy },
    connection: () => settings.get().connection,
    ...(given.openExternal ? { openExternal: given.openExternal } : {}),
  });
  const trustLoopback = (): boolean => settings.get().connection.trustLoopbackMx;
  const fetchPolicy = policyFetcher({ clock, dns, trustLoopback, proxy });
  const delivery = createDelivery({
    ...{ clock, random, dns, secrets, log, memory },
    trust: parts.names,
    settings: () => settings.get(),
    networkId: () => network.current().id,
    networkNames: () => {
      const { name, links } = network.current();
      return [name, ...links.map((link) => link.name)].filter((each) => each !== null);
    },
    hostname: hostNames.hostname,
    sts: createMtaSts({ clock, dns, log, fetchPolicy, store }),
    token: oauth.token,
    needsSignIn: oauth.needsSignIn,
  });
  const dialler = given.dialUp({ log });
  const dialUp = createDialUpDriver({
    clock,
    log,
    dialUp: dialler,
    settings,
    network,
    queue: async () => ({ waiting: (await store.counts()).outbox, nextDueAt: await store.nextDueAt() }),
    sending: schedulerPort.sending,
    // Nothing would be sent over what is dialled.
    paused: () => schedulerPort.paused() || settingsHold(settings),
  });
  return { network, hostNames, dialler, dialUp, memory, proxy, oauth, delivery };
}

function buildScheduler(parts: Foundation & Intake & Outlet): Scheduler {
  const { clock, random, store, settings, secrets, log, hostNames, newQueueId, events } = parts;
  const reporter = createReporter({
    ...{ clock, random, store, newQueueId },
    settings: () => settings.get(),
    hostname: hostNames.hostname,
  });
  return createScheduler({
    ...{ clock, random, store, settings, log, reporter },
    delivery: parts.delivery,
    dns: parts.dns,
    network: parts.network,
    memory: parts.memory,
    failed: (message) => {
      events.emit('failed', message);
    },
    outgoing: createOutgoing(store, secrets, () => settings.get(), log),
    ownNames: hostNames.own,
    dialUp: parts.dialUp.state,
  });
}

function buildPickup(parts: Foundation & Outlet): Pickup {
  const { profile, store, newQueueId, clock, log, problems, signals, hostNames } = parts;
  const directory = path.join(profile, 'maildrop');
  const { hostname } = hostNames;
  return createPickup({
    maildrop: createMaildrop({ directory, store, newQueueId, clock, log, hostname }),
    directory,
    clock,
    log,
    problems,
    taken: () => {
      signals.emit('mail-waits');
    },
    noRoom: () => {
      signals.emit('disk-full');
    },
  });
}

function buildRemovedSecrets({ secrets, log, settings, oauth, signals }: Foundation & Outlet): RemovedSecrets {
  const removedSecrets = createRemovedSecrets({
    secrets,
    log,
    settings: settings.get(),
    gatewayGone: oauth.gone,
    gatewayBack: (gatewayId) => {
      signals.emit('credentials-back', { gatewayId });
    },
  });
  if (settings.whole === true) logRejection(removedSecrets.sweep(secrets.names()), log, 'removed-secrets');
  return removedSecrets;
}
