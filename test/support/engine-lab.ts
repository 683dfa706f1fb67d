/** The engine on a real queue (SQLite on a temporary file), with a virtual clock and a scripted world. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stageForDelivery } from '../../main/scheduler/accept-and-claim.ts';
import { createScheduler, type Scheduler } from '../../main/scheduler/scheduler.ts';
import { createOutgoing } from '../../main/secrets/dkim/dkim.ts';
import type { Log } from '../../main/log/log-port.ts';
import type { NetworkMonitor } from '../../main/network/network-port.ts';
import type { ClaimedMessage, NewRecipient, QueueStore } from '../../main/queue/queue-store.ts';
import type { SettingsStore } from '../../main/settings/settings-store.ts';
import { createNetworkMemory } from '../../main/network/network-memory.ts';
import { createQueueIds } from '../../main/message/queue-id.ts';
import { openQueueStore } from '../../main/queue/open-queue-store.ts';
import { createReporter } from '../../main/report/reporter.ts';
import type { FailedMessage } from '../../main/attempt/attempt.ts';
import { createQueueActions, type QueueActions } from '../../main/api/queue-actions.ts';
import type { FolderCounts } from '../../shared/mail.ts';
import { defaultSettings, parseSettings, type Settings } from '../../shared/settings.ts';
import type { DialUpState, NetworkState } from '../../shared/status.ts';
import { ScriptedDelivery, type Script } from '../fakes/scripted-delivery.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';

export const HOME: NetworkState = {
  online: true,
  id: 'home',
  name: 'Home',
  kind: 'wifi',
  links: [{ device: 'wlan0', kind: 'wifi', name: 'Home', addresses: ['192.0.2.7'] }],
  portal: false,
  metered: null,
  since: 0,
};
export const NO_NETWORK: NetworkState = { ...HOME, online: false, id: null, name: null, kind: null, links: [] };

/** A log that keeps its lines. */
export function keptLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const line =
    (event: string) =>
    (...facts: readonly unknown[]): void => {
      lines.push(
        `${event} ${facts.map((f) => (f instanceof Error ? (f.stack ?? f.message) : JSON.stringify(f))).join(' ')}`,
      );
    };
  return {
    lines,
    queued: line('queued'),
    refused: line('refused'),
    attempt: line('attempt'),
    sent: line('sent'),
    deferred: line('deferred'),
    bounced: line('bounced'),
    note: line('note'),
    conversation: line('conversation'),
    problem: line('problem'),
  };
}

export interface EngineLab {
  readonly clock: VirtualClock;
  readonly delivery: ScriptedDelivery;
  readonly log: ReturnType<typeof keptLog>;
  readonly failed: FailedMessage[];
  store(): QueueStore;
  engine(): Scheduler;
  /** What users do to messages. */
  actions(): QueueActions;
  settings(): Settings;
  /** Changes settings as the window would: a whole section, defaults filled in. */
  set(change: (settings: Settings) => unknown): Promise<void>;
  /** The settings file holds values that cannot be read, or none any more. */
  unreadable(problems: SettingsStore['problems']): Promise<void>;
  accept(
    recipients: readonly (string | NewRecipient)[],
    over?: Partial<{ mailFrom: string | null; text: string }>,
  ): Promise<string>;
  network(state: NetworkState): Promise<void>;
  /** `link`: the network that the call makes; both are there before anybody is told, as the program has it. */
  dialUp(state: Partial<DialUpState>, link?: NetworkState): Promise<void>;
  /** Lets everything that is under way finish, but for what the script has not answered. */
  settle(): Promise<void>;
  advance(ms: number): Promise<void>;
  counts(): Promise<FolderCounts>;
  states(id: string): Promise<Readonly<Record<string, string>>>;
  /**
   * Ends the run without a chance to say good-bye, and starts another on the same files.
   * @param early What happens after the queue is open and before the engine has started.
   */
  crash(early?: () => Promise<unknown>): Promise<void>;
  close(): Promise<void>;
}

const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export async function createEngineLab(
  script: Script,
  first: (settings: Settings) => unknown = (s) => s,
): Promise<EngineLab> {
  const folder = mkdtempSync(path.join(tmpdir(), 'postcast-engine-'));
  const clock = new VirtualClock();
  const delivery = new ScriptedDelivery(script);
  const log = keptLog();
  const failed: FailedMessage[] = [];
  let seed = 1;
  const random = {
    next: (): number => {
      seed = (seed * 16807) % 2147483647;
      return (seed - 1) / 2147483646;
    },
    hex: (bytes: number): string => {
      seed = (seed * 16807) % 2147483647;
      return seed
        .toString(16)
        .padStart(8, '0')
        .repeat(Math.ceil(bytes / 4))
        .slice(0, bytes * 2);
    },
  };
  const newQueueId = createQueueIds(clock, random);
  const parsed = (value: unknown): Settings => {
    const result = parseSettings(value);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    return result.settings;
  };
  let current = parsed(first(defaultSettings()));
  let unread: NonNullable<SettingsStore['problems']> = [];
  const settingsListeners = new Set<(settings: Settings) => void>();
  const settings: SettingsStore = {
    get: () => current,
    get problems() {
      return unread;
    },
    setAside: null,
    replace: async (next) => {
      current = parsed(next);
      for (const listener of settingsListeners) listener(current);
      return Promise.resolve({ ok: true, settings: current });
    },
    onChange: (listener) => {
      settingsListeners.add(listener);
      return () => settingsListeners.delete(listener);
    },
  };
  let network = HOME;
  let joined = 0;
  const networkListeners = new Set<(state: NetworkState) => void>();
  const monitor: NetworkMonitor = {
    current: () => network,
    watch: (listener) => {
      networkListeners.add(listener);
      return () => networkListeners.delete(listener);
    },
    refresh: () => undefined,
    close: async () => Promise.resolve(),
  };
  let dialUp: DialUpState = { required: false, active: [], holding: false, lastAction: null };
  let run = 0;
  let store: QueueStore;
  let engine: Scheduler;
  let actions: QueueActions;

  const begin = async (early: () => Promise<unknown> = async () => Promise.resolve()): Promise<void> => {
    run += 1;
    store = await openQueueStore({ path: path.join(folder, 'queue.db'), runId: `run-${run}`, clock, inThread: true });
    engine = createScheduler({
      clock,
      random,
      store,
      delivery,
      dns: { flush: () => undefined },
      network: monitor,
      memory: createNetworkMemory({ clock, log, networkId: () => network.id, store }),
      settings,
      log,
      reporter: createReporter({
        clock,
        random,
        store,
        settings: () => current,
        hostname: () => 'laptop.test',
        newQueueId,
      }),
      failed: (message) => failed.push(message),
      outgoing: createOutgoing(store, { get: () => Promise.resolve(null) }, () => current, log),
      ownNames: () => ['laptop.test'],
      dialUp: () => dialUp,
    });
    actions = createQueueActions({ store, scheduler: engine, newQueueId });
    await early();
    await engine.start();
    await settle();
  };

  /** As the monitor does it: another network, or one that is back, begins anew. */
  const join = (state: NetworkState): void => {
    const moved = state.online && (!network.online || state.id !== network.id);
    network = { ...state, since: moved ? (joined += 1) : network.since };
  };

  /**
   * Turns of the event loop until nothing is in flight and nothing has been claimed for a while. The store answers in
   * order: once it has answered a question of ours, all that was asked before is done.
   */
  const settle = async (): Promise<void> => {
    let before = '';
    for (let quiet = 0, turns = 0; quiet < 12; turns += 1) {
      await store.nextDueAt();
      for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
      const now = `${delivery.taken.length} ${delivery.open.size}`;
      const isStill = engine.sending() === 0 || (delivery.open.size > 0 && now === before);
      quiet = isStill ? quiet + 1 : 0;
      before = now;
      if (turns > 100_000) throw new Error('the engine does not come to rest');
    }
  };

  await begin();
  return {
    clock,
    delivery,
    log,
    failed,
    store: () => store,
    engine: () => engine,
    actions: () => actions,
    settings: () => current,
    async set(change) {
      await settings.replace(change(structuredClone(current)));
      await settle();
    },
    async unreadable(problems = []) {
      unread = problems;
      for (const listener of settingsListeners) listener(current);
      await settle();
    },
    async accept(recipients, over = {}) {
      const id = newQueueId();
      const staged = stageForDelivery(store, engine)(id);
      await staged.write(
        new TextEncoder().encode(over.text ?? 'From: ann@sender.test\r\nSubject: Hello\r\n\r\nHi\r\n'),
      );
      await staged.commit({
        id,
        acceptedAt: clock.now(),
        mailFrom: over.mailFrom === undefined ? 'ann@sender.test' : over.mailFrom,
        recipients: recipients.map((r) => (typeof r === 'string' ? { rcptTo: r, dsn: {} } : r)),
        dsn: {},
        body8bit: false,
        smtputf8: false,
        origin: { kind: 'smtp', client: '127.0.0.1' },
        subject: 'Hello',
        headerFrom: 'ann@sender.test',
        messageId: null,
      });
      await settle();
      return id;
    },
    async network(state) {
      join(state);
      for (const listener of networkListeners) listener(network);
      await settle();
    },
    async dialUp(state, link) {
      if (link !== undefined) join(link);
      dialUp = { ...dialUp, ...state };
      engine.dialUpChanged();
      if (link !== undefined) for (const listener of networkListeners) listener(network);
      await settle();
    },
    settle,
    advance: async (ms) => clock.advance(ms, settle),
    counts: async () => store.counts(),
    async states(id) {
      const details = await store.details(id);
      return Object.fromEntries((details?.recipients ?? []).map((r) => [r.rcptTo, r.state]));
    },
    async crash(early) {
      const ended = engine.close(0);
      // What the script never answers is not waited for.
      await clock.advance(0);
      await ended;
      await store.close();
      delivery.open.clear();
      await begin(early);
    },
    async close() {
      const ended = engine.close(0);
      await clock.advance(0);
      await ended;
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Gateways by name, in the order given. */
export function gateways(...names: readonly string[]): Settings['gateways']['list'] {
  const parsed = parseSettings({
    gateways: { list: names.map((name) => ({ id: name, name, host: `${name}.test` })) },
  });
  if (!parsed.ok) throw new Error('bad gateway');
  return parsed.settings.gateways.list;
}
export type { ClaimedMessage };
