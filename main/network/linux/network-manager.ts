/**
 * NetworkManager over D-Bus: names, kinds, captive portal, metered. It adds to the kernel's facts and
 * never replaces them: if it is not there, hangs or goes away, only names and the like are missing.
 * Nothing is polled: its signals cause a new reading; it is never started by a question of ours.
 */
import type { EventEmitter } from 'node:events';
import { Message, MessageFlag, systemBus, Variant, type MessageBus } from '@jellybrick/dbus-next';
import { logRejection } from '../../runtime/log-rejection.ts';
import type { Log } from '../../log/log-port.ts';
import type { Clock } from '../../runtime/clock.ts';
import { serviceFacts, type ActiveConnection, type Properties, type ServiceFacts } from './network-manager-facts.ts';

const NM = 'org.freedesktop.NetworkManager';
const NM_PATH = '/org/freedesktop/NetworkManager';
const BUS = 'org.freedesktop.DBus';
const BUS_PATH = '/org/freedesktop/DBus';
const REPLY_MS = 3_000;
const GATHER_MS = 20;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;

export interface NetworkManagerParts {
  readonly clock: Clock;
  readonly log: Pick<Log, 'note' | 'problem'>;
  /** Called when something that it reports is different. */
  readonly changed: () => void;
}

/** The service as it was last read. */
export interface NetworkManagerWatch {
  /** Null while it is not running or cannot be reached. */
  current(): ServiceFacts | null;
  close(): void;
}

interface WatchState {
  readonly parts: NetworkManagerParts;
  bus: MessageBus | null;
  facts: ServiceFacts | null;
  cancelReconnect: (() => void) | null;
  pause: number;
  closed: boolean;
  reading: boolean;
  readAgain: boolean;
}

/** Connects in the background; a bus that is not there is tried again after 5 s, doubling to 10 min. */
export function watchNetworkManager(parts: NetworkManagerParts): NetworkManagerWatch {
  const watch: WatchState = {
    parts,
    bus: null,
    facts: null,
    cancelReconnect: null,
    pause: FIRST_PAUSE_MS,
    closed: false,
    reading: false,
    readAgain: false,
  };
  connect(watch);
  return {
    current: () => watch.facts,
    close() {
      watch.closed = true;
      watch.cancelReconnect?.();
      if (watch.bus !== null) disconnect(watch.bus);
      watch.bus = null;
    },
  };
}

function connect(watch: WatchState): void {
  const { clock, log } = watch.parts;
  watch.cancelReconnect = null;
  const bus = systemBus();
  watch.bus = bus;
  let gathering: (() => void) | null = null;
  // The library's types know nothing of the error event that its documentation describes.
  (bus as EventEmitter).on('error', (error: unknown) => {
    connectionLost(watch, bus, error);
  });
  bus.on('message', ({ member }: Message) => {
    const isChange = member === 'PropertiesChanged' || member === 'StateChanged' || member === 'NameOwnerChanged';
    if (!isChange || gathering !== null) return;
    gathering = clock.after(GATHER_MS, () => {
      gathering = null;
      read(watch, bus);
    });
  });
  const rules = [
    `type='signal',sender='${NM}',path='${NM_PATH}'`,
    `type='signal',sender='${NM}',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',arg0='${NM}.Connection.Active'`,
    `type='signal',sender='${BUS}',member='NameOwnerChanged',arg0='${NM}'`,
  ];
  const ready = Promise.all(rules.map((rule) => call(clock, bus, BUS_PATH, BUS, 'AddMatch', 's', [rule], BUS))).then(
    () => {
      read(watch, bus);
    },
    (error: unknown) => {
      connectionLost(watch, bus, error);
    },
  );
  logRejection(ready, log, 'NetworkManager');
}

/** Reads now, or once more when the present reading is done. */
function read(watch: WatchState, bus: MessageBus): void {
  if (watch.closed || watch.bus !== bus) return;
  if (watch.reading) {
    watch.readAgain = true;
    return;
  }
  watch.reading = true;
  const { clock, log } = watch.parts;
  const done = readService(clock, bus)
    .then(
      (facts) => {
        watch.pause = FIRST_PAUSE_MS;
        takeFacts(watch, facts);
      },
      (error: unknown) => {
        connectionLost(watch, bus, error);
      },
    )
    .finally(() => {
      watch.reading = false;
      if (!watch.readAgain) return;
      watch.readAgain = false;
      read(watch, bus);
    });
  logRejection(done, log, 'NetworkManager');
}

function takeFacts(watch: WatchState, next: ServiceFacts | null): void {
  const { log, changed } = watch.parts;
  if (JSON.stringify(next) === JSON.stringify(watch.facts)) return;
  if ((next === null) !== (watch.facts === null))
    log.note(next === null ? 'NetworkManager is gone' : 'NetworkManager is there');
  watch.facts = next;
  if (!watch.closed) changed();
}

function connectionLost(watch: WatchState, bus: MessageBus, error: unknown): void {
  if (watch.closed || watch.bus !== bus) return;
  const { clock, log } = watch.parts;
  // Logged once: a computer without a system bus would fill the log with it.
  if (watch.pause === FIRST_PAUSE_MS)
    log.note('system bus not reached', { why: error instanceof Error ? error.message : String(error) });
  watch.bus = null;
  disconnect(bus);
  takeFacts(watch, null);
  watch.cancelReconnect?.();
  watch.cancelReconnect = clock.after(watch.pause, () => {
    connect(watch);
  });
  watch.pause = Math.min(watch.pause * 2, LONGEST_PAUSE_MS);
}

/** What the service reports; null: it does not run. */
async function readService(clock: Clock, bus: MessageBus): Promise<ServiceFacts | null> {
  const owned = await call(clock, bus, BUS_PATH, BUS, 'NameHasOwner', 's', [NM], BUS);
  if (owned.body[0] !== true) return null;
  const manager = await properties(clock, bus, NM_PATH, NM);
  const connections = await Promise.all(
    pathsOf(manager['ActiveConnections']).map((path) => readConnection(clock, bus, path)),
  );
  return serviceFacts(
    manager,
    connections.filter((connection) => connection !== null),
  );
}

/** Null: the connection went away between the list and the question; a signal about that is on its way. */
async function readConnection(clock: Clock, bus: MessageBus, path: string): Promise<ActiveConnection | null> {
  try {
    const active = await properties(clock, bus, path, `${NM}.Connection.Active`);
    const specific = active['SpecificObject'];
    const wireless = active['Type'] === '802-11-wireless' && typeof specific === 'string' && specific !== '/';
    const [devices, accessPoint] = await Promise.all([
      Promise.all(pathsOf(active['Devices']).map((device) => properties(clock, bus, device, `${NM}.Device`))),
      wireless ? properties(clock, bus, specific, `${NM}.AccessPoint`).catch(() => null) : null,
    ]);
    return { active, devices, accessPoint };
  } catch {
    return null;
  }
}

async function properties(clock: Clock, bus: MessageBus, path: string, face: string): Promise<Properties> {
  const reply = await call(clock, bus, path, 'org.freedesktop.DBus.Properties', 'GetAll', 's', [face]);
  const all = reply.body[0];
  if (typeof all !== 'object' || all === null) return {};
  return Object.fromEntries(
    Object.entries(all).map(([name, value]: [string, unknown]) => [
      name,
      value instanceof Variant ? (value.value as unknown) : value,
    ]),
  );
}

/** One D-Bus call, with a deadline. */
function call(
  clock: Clock,
  bus: MessageBus,
  path: string,
  face: string,
  member: string,
  signature: string,
  body: unknown[],
  destination = NM,
): Promise<Message> {
  const message = {
    destination,
    path,
    interface: face,
    member,
    signature,
    body,
    flags: MessageFlag.NO_AUTO_START,
  };
  return new Promise((resolve, reject) => {
    const stop = clock.after(REPLY_MS, () => {
      reject(new Error(`no answer to ${member}`));
    });
    // The library throws at once when the bus is gone.
    Promise.resolve()
      .then(() => bus.call(new Message(message)))
      .then((reply) => {
        if (reply === null) reject(new Error(`no reply to ${member}`));
        else resolve(reply);
      }, reject)
      .finally(stop);
  });
}

function disconnect(bus: MessageBus): void {
  try {
    bus.disconnect();
  } catch {
    // It never was connected.
  }
}

function pathsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((path): path is string => typeof path === 'string') : [];
}
