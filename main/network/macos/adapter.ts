/** macOS: `route -n monitor` says that something changed, the system's commands what there is. Not yet run there: docs/platforms.md. */
import { networkInterfaces } from 'node:os';
import { logRejection } from '../../runtime/log-rejection.ts';
import { hearingOf, type LinkFact, type NetworkAdapter, type SystemAdapterParts } from '../facts.ts';
import { keepHelperProcess, type HelperProcess } from '../helper-process.ts';
import { outputOf, runCommand, type RunCommand } from '../run-command.ts';
import {
  isRouteNews,
  kindOfPort,
  parseArpList,
  parseConnections,
  parseHardwarePorts,
  parseNdpList,
  parseNetstat,
  parseScutilDns,
} from './command-text.ts';

/** Five commands are started for a reading; news in quick succession are read once. */
const GATHER_MS = 200;

/** @param routeCommand what monitors the routes; a test can name a program that does not exist. */
export function createMacAdapter(
  { clock, log }: SystemAdapterParts,
  run: RunCommand = runCommand,
  routeCommand = '/sbin/route',
): NetworkAdapter {
  let child: HelperProcess | null = null;
  return {
    async read() {
      const [routes4, routes6, arp, ndp, ports, dns, connections] = await Promise.all([
        outputOf(run, '/usr/sbin/netstat', ['-rn', '-f', 'inet']),
        outputOf(run, '/usr/sbin/netstat', ['-rn', '-f', 'inet6']),
        outputOf(run, '/usr/sbin/arp', ['-an']),
        outputOf(run, '/usr/sbin/ndp', ['-an']),
        outputOf(run, '/usr/sbin/networksetup', ['-listallhardwareports']),
        outputOf(run, '/usr/sbin/scutil', ['--dns']),
        outputOf(run, '/usr/sbin/scutil', ['--nc', 'list']),
      ]);
      return {
        links: linksWith(
          parseHardwarePorts(ports),
          parseConnections(connections).filter(({ connected }) => connected),
        ),
        routes: [...parseNetstat(routes4, 4), ...parseNetstat(routes6, 6)],
        neighbours: [...parseArpList(arp), ...parseNdpList(ndp)],
        dnsSuffix: parseScutilDns(dns),
        portal: null,
        metered: null,
        hearing: hearingOf('route monitor', child?.hears() === true),
      };
    },
    watch(changed) {
      let gathering: (() => void) | null = null;
      const news = (): void => {
        gathering ??= clock.after(GATHER_MS, () => {
          gathering = null;
          changed();
        });
      };
      const kept = keepHelperProcess({
        clock,
        log,
        command: routeCommand,
        args: ['-n', 'monitor'],
        onLine(line) {
          if (isRouteNews(line)) news();
        },
        onHearing: news,
        onLook: news,
      });
      child = kept;
      return () => {
        gathering?.();
        logRejection(kept.stop(), log, 'end of route monitor');
      };
    },
    provoke(route) {
      // One packet, one second at most; what matters is the entry that it makes in the table.
      if (route.gateway !== null && route.family === 4)
        logRejection(run('/sbin/ping', ['-c', '1', '-t', '1', route.gateway], 2_000), log, 'asking for the gateway');
    },
    close: async () => child?.stop(),
  };
}

function linksWith(
  ports: ReadonlyMap<string, string>,
  connected: readonly { readonly name: string; readonly type: string }[],
): readonly LinkFact[] {
  const left = [...connected];
  return Object.entries(networkInterfaces()).flatMap(([device, list]): LinkFact[] => {
    const addresses = (list ?? [])
      .filter(({ internal }) => !internal)
      .map(({ address, cidr }) => ({
        address: address.replace(/%.*$/, ''),
        prefix: Number(cidr?.split('/')[1] ?? 32),
      }));
    if (addresses.length === 0) return [];
    const kind = kindOfPort(device, ports.get(device));
    // The list does not say which interface a connection has; PPP goes to pppN, everything else to the tunnels.
    const own =
      kind === 'ppp' || kind === 'vpn' ? left.findIndex(({ type }) => (kind === 'ppp' ? true : type !== 'PPP')) : -1;
    const name = own < 0 ? undefined : left.splice(own, 1)[0]?.name;
    return [{ device, kind, toldKind: null, name: name ?? ports.get(device) ?? null, addresses }];
  });
}
