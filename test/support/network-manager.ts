/**
 * The real NetworkManager, or python3-dbusmock's stand-in, on a system bus of its own. Everything lives in one mount namespace:
 * NetworkManager's folders are empty ones, and /sys is read-only, so that it keeps its hands off the machine's devices.
 */
import { spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NetworkLab } from './netns.ts';
import { PATIENCE_MS } from './patience.ts';
import { startBus, type Bus } from './private-bus.ts';

/** Why NetworkManager cannot be run here; null if it can. */
export function networkManagerMissing(): string | null {
  for (const [command, argument, from] of [
    ['NetworkManager', '--version', 'network-manager'],
    ['nmcli', '--version', 'network-manager'],
    ['dbus-daemon', '--version', 'dbus'],
  ] as const) {
    if (spawnSync(command, [argument]).status !== 0) return `${command} is missing (apt-get install ${from})`;
  }
  return null;
}

export interface PrivateBus extends Bus {
  /** Runs a command in the laptop's namespace on this bus; resolves with what it printed, rejects if it fails. */
  run(command: string, ...args: readonly string[]): Promise<string>;
  /** Starts NetworkManager and waits until it answers. */
  startNetworkManager(): Promise<ChildProcessWithoutNullStreams>;
}

/** Starts a message bus for the laptop of the laboratory. */
export async function startPrivateBus(lab: NetworkLab): Promise<PrivateBus> {
  const bus = await startBus(lab);
  const { env, folder } = bus;
  await writeFile(
    join(folder, 'nm.conf'),
    '[main]\nplugins=keyfile\ndns=none\nrc-manager=unmanaged\nauth-polkit=false\nno-auto-default=*\n[connectivity]\nenabled=false\n',
  );

  async function run(command: string, ...args: readonly string[]): Promise<string> {
    const child = lab.start(lab.laptop, command, args, { env });
    let out = '';
    let errors = '';
    child.stdout.on('data', (text: Buffer) => (out += text.toString()));
    child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${code} ${errors} ${out}`);
    return out;
  }

  return {
    ...bus,
    run,
    async startNetworkManager() {
      const script = `set -e
mkdir -p /run/NetworkManager
for folder in /var/lib/NetworkManager /run/NetworkManager /etc/NetworkManager; do mount -t tmpfs none "$folder"; done
mount -o remount,ro /sys
exec NetworkManager --no-daemon --config="$1" --pid-file="$2"`;
      const child = lab.start(
        lab.laptop,
        'unshare',
        ['-m', 'sh', '-c', script, 'sh', join(folder, 'nm.conf'), join(folder, 'nm.pid')],
        { env },
      );
      child.stdout.resume();
      child.stderr.resume();
      for (const began = Date.now(); ;) {
        const answer = await run('nmcli', '-t', '-f', 'RUNNING', 'general').catch(() => '');
        if (answer.trim() === 'running') return child;
        if (Date.now() - began > PATIENCE_MS || child.exitCode !== null)
          throw new Error('NetworkManager did not start');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
}

/**
 * A NetworkManager, for `startMock`, that says what its standard input asks for: "connectivity N", "vpn NAME", "modem NAME" (on
 * ppp0), "stick NAME" (a modem on eth0, which the kernel takes for a cable), "none" (no connection any more).
 */
export const MOCK_NETWORK_MANAGER = `
import os, sys, threading
import dbus, dbusmock
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib
DBusGMainLoop(set_as_default=True)
bus = dbus.SystemBus()
name = dbus.service.BusName('org.freedesktop.NetworkManager', bus, do_not_queue=True)
NM = 'org.freedesktop.NetworkManager'
manager = dbusmock.mockobject.DBusMockObject(name, '/org/freedesktop/NetworkManager', NM, {
    'ActiveConnections': dbus.Array([], signature='o'), 'Connectivity': dbus.UInt32(2), 'Metered': dbus.UInt32(0)})
count = 0
def add(kind, title, device):
    global count
    count += 1
    path = NM_PATH + '/Devices/%d' % count
    manager.AddObject(path, NM + '.Device', {'Interface': 'ttyUSB0' if device == 'ppp0' else device, 'IpInterface': device}, [])
    active = NM_PATH + '/ActiveConnection/%d' % count
    manager.AddObject(active, NM + '.Connection.Active', {'Id': title, 'Type': kind, 'State': dbus.UInt32(2), 'Vpn': kind == 'vpn',
        'Devices': dbus.Array([dbus.ObjectPath(path)], signature='o'), 'SpecificObject': dbus.ObjectPath('/')}, [])
    all = list(manager.Get(NM, 'ActiveConnections')) + [dbus.ObjectPath(active)]
    manager.UpdateProperties(NM, {'ActiveConnections': dbus.Array(all, signature='o')})
NM_PATH = '/org/freedesktop/NetworkManager'
def take(line):
    word, _, rest = line.strip().partition(' ')
    if word == 'connectivity':
        manager.UpdateProperties(NM, {'Connectivity': dbus.UInt32(int(rest))})
    elif word == 'vpn':
        add('vpn', rest, 'eth0')
    elif word == 'modem':
        add('gsm', rest, 'ppp0')
    elif word == 'stick':
        add('gsm', rest, 'eth0')
    elif word == 'none':
        manager.UpdateProperties(NM, {'ActiveConnections': dbus.Array([], signature='o')})
def hear():
    for line in sys.stdin:
        GLib.idle_add(take, line)
threading.Thread(target=hear, daemon=True).start()
print('ready', flush=True)
GLib.MainLoop().run()
`;
