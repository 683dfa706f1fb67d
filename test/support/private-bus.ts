/** A system message bus of a test's own, and stand-ins by python3-dbusmock on it. */
import { spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetworkLab } from './netns.ts';

/** Why python3-dbusmock cannot be run here; null if it can. It lives with Debian's own python3. */
export function dbusMockMissing(): string | null {
  return spawnSync('/usr/bin/python3', ['-c', 'import dbusmock']).status === 0
    ? null
    : 'python3-dbusmock is missing (apt-get install python3-dbusmock)';
}

/** A bus for the programs in the laptop of a laboratory. */
export interface Bus {
  /** For DBUS_SYSTEM_BUS_ADDRESS. */
  readonly address: string;
  /** A folder of its own, removed with it. */
  readonly folder: string;
  /** For programs that are to be on this bus. */
  readonly env: NodeJS.ProcessEnv;
  /** Starts a Python program with dbusmock; resolves once it has printed a line. */
  startMock(program: string): Promise<ChildProcessWithoutNullStreams>;
  close(): Promise<void>;
}

/** Starts it; everybody may do everything on it. */
export async function startBus(lab: NetworkLab): Promise<Bus> {
  const folder = await mkdtemp(join(tmpdir(), 'postcast-bus-'));
  const address = `unix:path=${join(folder, 'bus')}`;
  const env = { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: address, LC_ALL: 'C' };
  await writeFile(
    join(folder, 'bus.conf'),
    `<busconfig><type>system</type><listen>${address}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>`,
  );
  const daemon = lab.start(
    lab.laptop,
    'dbus-daemon',
    [`--config-file=${join(folder, 'bus.conf')}`, '--nofork', '--print-address'],
    { env },
  );
  await firstLine(daemon);
  return {
    address,
    folder,
    env,
    async startMock(program) {
      const child = lab.start(lab.laptop, '/usr/bin/python3', ['-u', '-c', program], { env });
      await firstLine(child);
      return child;
    },
    async close() {
      daemon.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function firstLine(child: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve, reject) => {
    let errors = '';
    child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
    child.stdout.once('data', () => resolve());
    child.once('close', () => reject(new Error(`ended before its first line: ${errors}`)));
  });
}

/** logind, for `startMock`: dbusmock's template, which tells of what its standard input asks for: "sleep", "wake", "shutdown". */
export const MOCK_LOGIND = `
import sys, threading
import dbus, dbusmock
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib
DBusGMainLoop(set_as_default=True)
name = dbus.service.BusName('org.freedesktop.login1', dbus.SystemBus(), do_not_queue=True)
MANAGER = 'org.freedesktop.login1.Manager'
login = dbusmock.mockobject.DBusMockObject(name, '/org/freedesktop/login1', MANAGER, {})
login.AddTemplate('logind', dbus.Dictionary({}, signature='sv'))
def take(line):
    word = line.strip()
    if word == 'shutdown':
        login.EmitSignal(MANAGER, 'PrepareForShutdown', 'b', [True])
    else:
        login.EmitSignal(MANAGER, 'PrepareForSleep', 'b', [word == 'sleep'])
def hear():
    for line in sys.stdin:
        GLib.idle_add(take, line)
threading.Thread(target=hear, daemon=True).start()
print('ready', flush=True)
GLib.MainLoop().run()
`;
