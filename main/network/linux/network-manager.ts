/**
 * NetworkManager over D-Bus: names, kinds, captive portal, metered. What it says lies over the kernel's facts and never stands
 * in their place: if it is not there, hangs or goes away, only its words are missing.
 * Nothing is polled: its signals make a new reading; it is never started by our asking.
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
const REPLY_MS = 3_000;
const GATHER_MS = 20;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;

export interface NetworkManagerParts {
  readonly clock: Clock;
  readonly log: Pick<Log, 'note' | 'problem'>;
  /** Something that it says is different now. */
  readonly changed: () => void;
}

/** The service as last heard. */
export interface NetworkManagerWatch {
  /** Null while it is not running or cannot be reached. */
  current(): ServiceFacts | null;
  close(): void;
}

/** Connects in the background; a bus that is not there is tried again after 5 s, doubling to 10 min. */
export function watchNetworkManager({ clock, log, changed }: NetworkManagerParts): NetworkManagerWatch {
  let bus: MessageBus | null = null;
  let facts: ServiceFacts | null = null;
  let cancel: (() => void) | null = null;
  let pause = FIRST_PAUSE_MS;
  let closed = false;
  let reading = false;
  let readAgain = false;

  function call(
    on: MessageBus,
    path: string,
    face: string,
    member: string,
    signature = '',
    body: unknown[] = [],
    destination = NM,
  ): Promise<Message> {
    return new Promise((resolve, reject) => {
      const stop = clock.after(REPLY_MS, () => {
        reject(new Error(`no answer to ${member}`));
      });
      // The library throws at once when the bus is gone.
      Promise.resolve()
        .then(() =>
          on.call(
            new Message({
              destination,
              path,
              interface: face,
              member,
              signature,
              body,
              flags: MessageFlag.NO_AUTO_START,
            }),
          ),
        )
        .then((reply) => {
          if (reply === null) reject(new Error(`no reply to ${member}`));
          else resolve(reply);
        }, reject)
        .finally(stop);
    });
  }

  async function properties(on: MessageBus, path: string, face: string): Promise<Properties> {
    const reply = await call(on, path, 'org.freedesktop.DBus.Properties', 'GetAll', 's', [face]);
    const all = reply.body[0];
    if (typeof all !== 'object' || all === null) return {};
    return Object.fromEntries(
      Object.entries(all).map(([name, value]: [string, unknown]) => [
        name,
        value instanceof Variant ? (value.value as unknown) : value,
      ]),
    );
  }

  async function readConnection(on: MessageBus, path: string): Promise<ActiveConnection | null> {
    try {
      const active = await properties(on, path, `${NM}.Connection.Active`);
      const specific = active['SpecificObject'];
      const wireless = active['Type'] === '802-11-wireless' && typeof specific === 'string' && specific !== '/';
      const [devices, accessPoint] = await Promise.all([
        Promise.all(pathsOf(active['Devices']).map((device) => properties(on, device, `${NM}.Device`))),
        wireless ? properties(on, specific, `${NM}.AccessPoint`).catch(() => null) : null,
      ]);
      return { active, devices, accessPoint };
    } catch {
      // It went away between the list and the question; a signal about that is on its way.
      return null;
    }
  }

  async function readAll(on: MessageBus): Promise<ServiceFacts | null> {
    const owned = await call(on, '/org/freedesktop/DBus', BUS, 'NameHasOwner', 's', [NM], BUS);
    if (owned.body[0] !== true) return null;
    const manager = await properties(on, NM_PATH, NM);
    const connections = await Promise.all(
      pathsOf(manager['ActiveConnections']).map((path) => readConnection(on, path)),
    );
    return serviceFacts(
      manager,
      connections.filter((connection) => connection !== null),
    );
  }

  function look(on: MessageBus): void {
    if (closed || bus !== on) return;
    if (reading) {
      readAgain = true;
      return;
    }
    reading = true;
    const done = readAll(on)
      .then(
        (next) => {
          pause = FIRST_PAUSE_MS;
          take(next);
        },
        (error: unknown) => {
          lost(on, error);
        },
      )
      .finally(() => {
        reading = false;
        if (!readAgain) return;
        readAgain = false;
        look(on);
      });
    logRejection(done, log, 'NetworkManager');
  }

  function take(next: ServiceFacts | null): void {
    if (JSON.stringify(next) === JSON.stringify(facts)) return;
    if ((next === null) !== (facts === null))
      log.note(next === null ? 'NetworkManager is gone' : 'NetworkManager is there');
    facts = next;
    if (!closed) changed();
  }

  function lost(on: MessageBus, error: unknown): void {
    if (closed || bus !== on) return;
    // Said once: a computer without a system bus would hear it for ever.
    if (pause === FIRST_PAUSE_MS)
      log.note('system bus not reached', { why: error instanceof Error ? error.message : String(error) });
    bus = null;
    disconnect(on);
    take(null);
    cancel?.();
    cancel = clock.after(pause, connect);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }

  function connect(): void {
    cancel = null;
    const on = systemBus();
    bus = on;
    let gathering: (() => void) | null = null;
    // The library's types know nothing of the error event that its documentation describes.
    (on as EventEmitter).on('error', (error: unknown) => {
      lost(on, error);
    });
    on.on('message', (message: Message) => {
      const ours =
        message.member === 'PropertiesChanged' ||
        message.member === 'StateChanged' ||
        message.member === 'NameOwnerChanged';
      if (!ours || gathering !== null) return;
      gathering = clock.after(GATHER_MS, () => {
        gathering = null;
        look(on);
      });
    });
    const rules = [
      `type='signal',sender='${NM}',path='${NM_PATH}'`,
      `type='signal',sender='${NM}',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',arg0='${NM}.Connection.Active'`,
      `type='signal',sender='${BUS}',member='NameOwnerChanged',arg0='${NM}'`,
    ];
    const ready = Promise.all(
      rules.map((rule) => call(on, '/org/freedesktop/DBus', BUS, 'AddMatch', 's', [rule], BUS)),
    ).then(
      () => {
        look(on);
      },
      (error: unknown) => {
        lost(on, error);
      },
    );
    logRejection(ready, log, 'NetworkManager');
  }

  connect();
  return {
    current: () => facts,
    close() {
      closed = true;
      cancel?.();
      if (bus !== null) disconnect(bus);
      bus = null;
    },
  };
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
