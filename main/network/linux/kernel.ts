/** The kernel's view of the network: tables under /proc and /sys read on demand, rtnetlink heard through `ip monitor`. */
import { createSocket } from 'node:dgram';
import { watch as watchFolder, type FSWatcher } from 'node:fs';
import { access, readFile, realpath } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { basename, dirname } from 'node:path';
import { logRejection } from '../../runtime/log-rejection.ts';
import type { Log } from '../../log/log-port.ts';
import type { Clock } from '../../runtime/clock.ts';
import { hearingOf, type LinkFact, type NetworkAdapter, type NetworkFacts, type RouteFact } from '../facts.ts';
import { keepHelperProcess, type HelperProcess } from '../helper-process.ts';
import { outputOf, runCommand } from '../run-command.ts';
import {
  pppPeer,
  kindOfDevice,
  parseArp,
  parseDnsSuffix,
  parseNeighbours6,
  parseRoutes4,
  parseRoutes6,
  type DeviceFiles,
} from './kernel-text.ts';

/** UDP "discard": a datagram to it only makes the kernel look for the hardware address. */
const DISCARD_PORT = 9;
const RESOLV_CONF = '/etc/resolv.conf';

export interface KernelParts {
  readonly clock: Clock;
  readonly log: Pick<Log, 'note' | 'problem'>;
  /** The program of iproute2; a test can name one that does not exist. */
  readonly ipCommand?: string;
}

/** The adapter without any helper service. */
export function createKernelAdapter({ clock, log, ipCommand = 'ip' }: KernelParts): NetworkAdapter {
  const children: HelperProcess[] = [];
  let lastProvoked = '';
  let provokedAt = -Infinity;

  return {
    async read() {
      const [routes4, routes6, arp, resolv, links] = await Promise.all([
        textOf('/proc/net/route'),
        textOf('/proc/net/ipv6_route'),
        textOf('/proc/net/arp'),
        textOf(RESOLV_CONF),
        readLinks(),
      ]);
      const routes = [...parseRoutes4(routes4), ...parseRoutes6(routes6)];
      const onlySix =
        !routes.some(({ family, gateway }) => family === 4 && gateway !== null) &&
        routes.some(({ gateway }) => gateway !== null);
      const neighbours6 = onlySix ? await outputOf(runCommand, ipCommand, ['-6', 'neigh', 'show']) : '';
      return {
        links,
        routes,
        neighbours: [...parseArp(arp), ...parseNeighbours6(neighbours6)],
        dnsSuffix: parseDnsSuffix(resolv),
        portal: null,
        metered: null,
        hearing: hearingOf('ip monitor', children.at(-1)?.hears() === true),
      } satisfies NetworkFacts;
    },

    watch(changed) {
      // Without `ip` (containers, odd systems) the tables are read every few seconds.
      const child = keepHelperProcess({
        clock,
        log,
        command: ipCommand,
        args: ['-o', 'monitor', 'link', 'address', 'route'],
        onLine: changed,
        onHearing: changed,
        onLook: changed,
      });
      children.push(child);
      const stopResolv = watchResolvConf(changed, log);
      return () => {
        stopResolv();
        logRejection(child.stop(), log, 'end of ip monitor');
      };
    },

    provoke(route) {
      const key = `${route.device} ${route.gateway ?? ''}`;
      const now = clock.monotonic();
      if (route.gateway === null || (key === lastProvoked && now - provokedAt < 500)) return;
      lastProvoked = key;
      provokedAt = now;
      sendNothing(route, route.gateway);
    },

    async close() {
      await Promise.all(children.map((child) => child.stop()));
    },
  };
}

function sendNothing(route: RouteFact, gateway: string): void {
  const socket = createSocket(route.family === 4 ? 'udp4' : 'udp6');
  const close = (): void => {
    socket.close();
  };
  socket.once('error', close);
  const host = route.family === 6 && gateway.startsWith('fe80') ? `${gateway}%${route.device}` : gateway;
  socket.send(Buffer.alloc(0), DISCARD_PORT, host, (error) => {
    if (error === null) close();
    else socket.emit('error', error);
  });
}

/** Interfaces that are up, have a carrier and an address (that is what libuv lists), loopback left out. */
async function readLinks(): Promise<readonly LinkFact[]> {
  const devices = Object.entries(networkInterfaces()).filter(
    ([, list]) => list?.some(({ internal }) => !internal) === true,
  );
  return Promise.all(
    devices.map(async ([device, list]): Promise<LinkFact> => {
      const addresses = (list ?? []).map(({ address, cidr }) => ({
        address: address.replace(/%.*$/, ''),
        prefix: Number(cidr?.split('/')[1] ?? (address.includes(':') ? 128 : 32)),
      }));
      const kind = kindOfDevice(device, await readDevice(device));
      return { device, kind, toldKind: null, name: kind === 'ppp' ? await peerOf(device) : null, addresses };
    }),
  );
}

/** The peer that pppd was called with (`pppd call NAME`): how the user knows this connection, and how it is hung up. */
async function peerOf(device: string): Promise<string | null> {
  const pid = /^\d+/.exec(await textOf(`/run/${device}.pid`))?.[0];
  return pid === undefined ? null : pppPeer(await textOf(`/proc/${pid}/cmdline`));
}

async function readDevice(device: string): Promise<DeviceFiles> {
  const folder = `/sys/class/net/${device}`;
  const [type, uevent, wireless, phy, tun] = await Promise.all([
    textOf(`${folder}/type`),
    textOf(`${folder}/uevent`),
    exists(`${folder}/wireless`),
    exists(`${folder}/phy80211`),
    exists(`${folder}/tun_flags`),
  ]);
  return {
    type: type === '' ? null : Number(type),
    devtype: /^DEVTYPE=(.+)$/m.exec(uevent)?.[1] ?? null,
    wireless: wireless || phy,
    tun,
  };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

/** The DNS suffix is often written after the routes. The file is replaced, not rewritten: its folder is watched. */
function watchResolvConf(changed: () => void, log: Pick<Log, 'problem'>): () => void {
  let stopped = false;
  const watchers: FSWatcher[] = [];
  const start = async (): Promise<void> => {
    const real = await realpath(RESOLV_CONF);
    if (stopped) return;
    for (const path of new Set([RESOLV_CONF, real])) {
      const watcher = watchFolder(dirname(path), { persistent: false }, (_event, name) => {
        if (name === null || name === basename(path)) changed();
      });
      watcher.on('error', () => {
        watcher.close();
      });
      watchers.push(watcher);
    }
  };
  // No such file, or no watches left: the suffix is read with the next change of a link.
  start().catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') log.problem('watching resolv.conf', error);
  });
  return () => {
    stopped = true;
    for (const watcher of watchers) watcher.close();
  };
}
