/** A session bus of one's own, with a StatusNotifierWatcher on it that plays the desktop's tray. */
import { Message, sessionBus, Variant, type MessageBus } from '@jellybrick/dbus-next';
import { spawn } from 'node:child_process';
import { once, type EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';

const WATCHER = 'org.kde.StatusNotifierWatcher';
const ITEM = 'org.kde.StatusNotifierItem';
const MENU = 'com.canonical.dbusmenu';

/** One line of a menu. */
export interface MenuLine {
  readonly id: number;
  /** '' for a separator. */
  readonly label: string;
  readonly enabled: boolean;
  /** Of a radio item or check box. */
  readonly checked: boolean;
  readonly children: readonly MenuLine[];
}

/** The desktop's side of the tray. */
export interface FakeTray {
  /** For DBUS_SESSION_BUS_ADDRESS. */
  readonly address: string;
  /** Bus names that registered an icon. */
  items(): readonly string[];
  /** Title, tooltip, … of the first icon. */
  property(name: string): Promise<unknown>;
  menu(): Promise<readonly MenuLine[]>;
  /** Clicks a line of the menu. */
  click(line: MenuLine): Promise<void>;
  close(): Promise<void>;
}

type Layout = [number, Record<string, Variant>, Variant[]];

function line([id, properties, children]: Layout): MenuLine {
  const value = (name: string): unknown => properties[name]?.value;
  const label = value('label');
  return {
    id,
    // An underscore marks the key of the next letter.
    label: typeof label === 'string' ? label.replaceAll('_', '') : '',
    enabled: value('enabled') !== false,
    checked: value('toggle-state') === 1,
    children: children.map((child) => line(child.value as Layout)),
  };
}

/** Starts a message bus and the watcher on it. */
export async function startFakeTray(): Promise<FakeTray> {
  const daemon = spawn('dbus-daemon', ['--session', '--nofork', '--print-address'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(daemon, 'exit');
  const [address] = (await once(createInterface({ input: daemon.stdout }), 'line')) as [string];
  const bus: MessageBus = sessionBus({ busAddress: address });
  (bus as unknown as EventEmitter).on('error', () => undefined);
  const registered: string[] = [];
  bus.addMethodHandler((message) => {
    if (message.path !== '/StatusNotifierWatcher') return false;
    if (message.member === 'RegisterStatusNotifierItem') {
      registered.push(String(message.body[0]));
      bus.send(Message.newMethodReturn(message));
    } else if (message.member === 'Get' && message.body[1] === 'IsStatusNotifierHostRegistered') {
      bus.send(Message.newMethodReturn(message, 'v', [new Variant('b', true)]));
    } else return false;
    return true;
  });
  await bus.requestName(WATCHER, 0);

  const call = async (
    path: string,
    face: string,
    member: string,
    signature: string,
    body: unknown[],
  ): Promise<unknown[]> => {
    const [destination] = registered;
    if (destination === undefined) throw new Error('There is no icon in the tray.');
    const reply = await bus.call(new Message({ destination, path, interface: face, member, signature, body }));
    return reply?.body ?? [];
  };
  const property = async (name: string): Promise<unknown> => {
    const [found] = await call(`/StatusNotifierItem`, 'org.freedesktop.DBus.Properties', 'Get', 'ss', [ITEM, name]);
    return (found as Variant).value;
  };
  const menuPath = async (): Promise<string> => String(await property('Menu'));
  return {
    address,
    items: () => registered,
    property,
    menu: async () => {
      const [, root] = await call(await menuPath(), MENU, 'GetLayout', 'iias', [0, -1, []]);
      return line(root as Layout).children;
    },
    click: async ({ id }) => {
      await call(await menuPath(), MENU, 'Event', 'isvu', [id, 'clicked', new Variant('s', ''), 0]);
    },
    close: async () => {
      bus.disconnect();
      daemon.kill();
      await exited;
    },
  };
}
