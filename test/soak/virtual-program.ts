/**
 * One life of the program on the virtual clock: the parts of main/program/program.ts that mail passes through, put together in this
 * process, and mortal: once it was killed it does nothing more, hears nothing more, and its queue file is as it was then.
 */
import path from 'node:path';
import { openSettingsFile, type SettingsFile } from '../../main/settings/settings-file.ts';
import { createApi } from '../../main/api/api.ts';
import { createDelivery } from '../../main/delivery/delivery.ts';
import { createDns } from '../../main/dns/dns.ts';
import { createResolverWatch } from '../../main/dns/resolver-watch.ts';
import { createDialUpDriver } from '../../main/network/dial-up/dial-up-driver.ts';
import { createOutgoing } from '../../main/secrets/dkim/dkim.ts';
import { createScheduler, type Scheduler } from '../../main/scheduler/scheduler.ts';
import { createNetworkMemory } from '../../main/network/network-memory.ts';
import type { Log } from '../../main/log/log-port.ts';
import type { NetworkMonitor } from '../../main/network/network-port.ts';
import type { QueueStore } from '../../main/queue/queue-store.ts';
import type { Clock, Random } from '../../main/runtime/clock.ts';
import type { SecretStore } from '../../main/secrets/secret-store.ts';
import { createProblems } from '../../main/program/problems.ts';
import { createQueueIds } from '../../main/message/queue-id.ts';
import { openQueueStore } from '../../main/queue/open-queue-store.ts';
import { createReporter } from '../../main/report/reporter.ts';
import { applyChanges } from '../../main/settings/apply-changes.ts';
import { exportSettings, importSettings } from '../../main/settings/export-settings.ts';
import { submitTestMessage } from '../../main/api/test-message.ts';
import type { EngineApi } from '../../shared/ipc-contract.ts';
import type { NetworkState } from '../../shared/status.ts';

/** What is in flight has so long (ms) at a polite end. */
const QUIT_GRACE_MS = 2_000;
const HOSTNAME = 'laptop.home.test';

/** What a life is given. */
export interface LifeParts {
  readonly folder: string;
  /** Different for each life. */
  readonly runId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly secrets: SecretStore;
  /** The network of the moment, and who wants to be told of another one. */
  readonly network: () => NetworkState;
  readonly watchers: Set<(state: NetworkState) => void>;
  /** Told of everything that happens, to see when nothing does any more. */
  readonly active: () => void;
  readonly trouble: (words: string) => void;
}

/** A program that runs. */
export interface Life {
  readonly engine: Scheduler;
  readonly store: QueueStore;
  readonly api: EngineApi;
  readonly newQueueId: () => string;
  readonly settings: SettingsFile;
  /** Resolves when it is dead. */
  readonly died: Promise<'gone'>;
  start(): Promise<void>;
  /** At once: nothing is given back, what was claimed stays claimed. */
  kill(): void;
  /** Politely. Needs the clock to run. */
  quit(): Promise<void>;
}

/** Puts it together and opens its queue; nothing is sent before `start`. */
export async function createLife(parts: LifeParts): Promise<Life> {
  const { random, secrets, watchers } = parts;
  const mortality = createMortality(parts.active);
  const { mortal } = mortality;
  const clock = mortalClock(parts.clock, mortality.isDead, parts.active);
  const log = troubleLog((words) => {
    if (!mortality.isDead()) parts.trouble(words);
  });
  const settings = openSettingsFile({
    profile: parts.folder,
    now: () => clock.now(),
    note: () => undefined,
  });
  const real = await openQueueStore({
    path: path.join(parts.folder, 'queue.db'),
    runId: parts.runId,
    clock,
    inThread: true,
  });
  const store = mortal(real);
  const monitor: NetworkMonitor = {
    current: () => parts.network(),
    watch: (listener) => {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
    refresh: () => undefined,
    close: async () => Promise.resolve(),
  };
  const dns = createDns({ clock, settings: () => settings.get() });
  const memory = createNetworkMemory({ clock, log, networkId: () => parts.network().id, store });
  const newQueueId = createQueueIds(clock, random);
  const hostname = (): string => HOSTNAME;
  const trust = createResolverWatch({
    clock,
    random,
    dns,
    log,
    settings: () => settings.get(),
    mayLook: async () => engine.environment().hold === null && (await store.counts()).outbox > 0,
  });
  const delivery = createDelivery({
    clock,
    random,
    dns,
    trust,
    secrets,
    log,
    settings: () => settings.get(),
    networkId: () => parts.network().id,
    networkNames: () => parts.network().links.flatMap((link) => link.name ?? []),
    memory,
    hostname,
    ownAddresses: () => ['192.0.2.7'],
  });
  const none = { ok: false, detail: 'not here' };
  const dialler = { configured: async () => [], dial: async () => none, hangUp: async () => none };
  const dialUp = createDialUpDriver({
    clock,
    log,
    dialUp: dialler,
    settings,
    network: monitor,
    queue: async () => ({ waiting: (await store.counts()).outbox, nextDueAt: await store.nextDueAt() }),
    sending: () => engine.sending(),
    paused: () => engine.paused(),
  });
  const engine: Scheduler = createScheduler({
    clock,
    random,
    store,
    delivery: mortal(delivery),
    dns,
    network: monitor,
    memory,
    settings,
    log,
    reporter: createReporter({ clock, random, store, settings: () => settings.get(), hostname, newQueueId }),
    failed: () => undefined,
    outgoing: createOutgoing(store, secrets, () => settings.get(), log),
    ownNames: () => [hostname()],
    dialUp: dialUp.state,
  });
  const save = async (next: unknown) => {
    const done = await settings.replace(next);
    return done.ok
      ? ({ saved: true, settings: done.settings } as const)
      : ({ saved: false, problems: done.problems } as const);
  };
  const notHere = (): never => {
    throw new Error('not in this house');
  };
  const api = createApi({
    clock,
    store,
    scheduler: engine,
    delivery,
    settings,
    secrets,
    network: monitor,
    dialUp: dialler,
    problems: createProblems(clock, log),
    log,
    newQueueId,
    status: notHere,
    exportSettings: () => exportSettings(settings.get()),
    applyChanges: async (changes) => {
      const changed = applyChanges(settings.get(), changes);
      return changed.ok ? save(changed.next) : { saved: false, problems: changed.problems };
    },
    importSettings: async (json) => {
      const read = importSettings(json, settings.get());
      return read.ok ? save(read.next) : { saved: false, problems: read.problems };
    },
    acceptStandIns: () => save(settings.get()),
    submitTest: (message) => submitTestMessage({ store, clock, log, newQueueId, hostname }, message),
    preview: notHere,
    discover: notHere,
    setListenerPassword: notHere,
    makeDkimKey: notHere,
    dkimRecord: notHere,
    signIn: notHere,
    signOut: notHere,
    pickup: async () => Promise.resolve(0),
    quit: () => undefined,
  });
  const stops = [
    monitor.watch(() => dialUp.networkChanged()),
    dialUp.onChange(() => engine.dialUpChanged()),
    settings.onChange(() => dialUp.settingsChanged()),
  ];
  const end = (): void => {
    for (const stop of stops) stop();
    watchers.clear();
    settings.close();
    mortality.die();
  };
  return {
    engine,
    store,
    api,
    newQueueId,
    settings,
    died: mortality.died,
    async start() {
      await engine.start();
      dialUp.start();
    },
    kill() {
      end();
      void real.close();
    },
    async quit() {
      await engine.close(QUIT_GRACE_MS);
      await delivery.close(QUIT_GRACE_MS);
      await store.close();
      end();
    },
  };
}

interface Mortality {
  isDead(): boolean;
  die(): void;
  readonly died: Promise<'gone'>;
  /** The same thing, for as long as the program lives: what a dead one asks for is not done, and nobody answers it. */
  mortal<T extends object>(thing: T): T;
}

function createMortality(active: () => void): Mortality {
  let dead = false;
  let tell: (word: 'gone') => void = () => undefined;
  const died = new Promise<'gone'>((done) => {
    tell = done;
  });
  const whileAlive = (result: Promise<unknown>): Promise<unknown> => {
    active();
    return new Promise((done, failed) => {
      const alive = (): boolean => {
        active();
        return !dead;
      };
      result.then(
        (value) => {
          if (alive()) done(value);
        },
        (error: unknown) => {
          if (alive()) failed(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  };
  return {
    isDead: () => dead,
    die() {
      dead = true;
      tell('gone');
    },
    died,
    mortal: (thing) =>
      new Proxy(thing, {
        get: (target, name) => {
          const found: unknown = Reflect.get(target, name, target);
          if (typeof found !== 'function') return found;
          return (...args: unknown[]): unknown => {
            if (dead) return new Promise(() => undefined);
            const result: unknown = Reflect.apply(found, target, args);
            return result instanceof Promise ? whileAlive(result) : result;
          };
        },
      }),
  };
}

function mortalClock(clock: Clock, isDead: () => boolean, active: () => void): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, run) =>
      clock.after(ms, () => {
        active();
        if (!isDead()) run();
      }),
  };
}

/** A log that keeps nothing but tells of trouble. */
function troubleLog(trouble: (words: string) => void): Log {
  const nothing = (): void => undefined;
  return {
    queued: nothing,
    refused: nothing,
    attempt: nothing,
    sent: nothing,
    deferred: nothing,
    bounced: nothing,
    note: nothing,
    conversation: nothing,
    problem: (event, error) => {
      trouble(`${event}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    },
  };
}
