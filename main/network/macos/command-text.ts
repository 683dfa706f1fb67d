/** Reads what macOS's own commands print. Pure. Not yet run on macOS itself: docs/platforms.md. */
import type { LinkKind } from '../../../shared/status.ts';
import type { NeighbourFact, RouteFact } from '../facts.ts';

/** Routes scoped to one interface (flag I) serve only programs that ask for it. */
const SCOPED_METRIC = 1_000;

/** `netstat -rn -f inet` or `-f inet6`: default routes in the order of the system, with the old and the new columns. */
export function parseNetstat(text: string, family: 4 | 6): readonly RouteFact[] {
  let column = 3;
  return text.split('\n').flatMap((line, order): RouteFact[] => {
    const words = line.trim().split(/\s+/);
    if (words[0] === 'Destination') column = words.indexOf('Netif');
    const [destination, gateway, flags] = words;
    const device = words[column];
    const half = family === 4 && (destination === '0/1' || destination === '0.0.0.0/1');
    if ((destination !== 'default' && !half) || gateway === undefined || flags === undefined || device === undefined)
      return [];
    if (flags.includes('R') || flags.includes('B')) return [];
    const bare = gateway.replace(/%.*$/, '');
    const isAddress = family === 4 ? /^\d+\.\d+\.\d+\.\d+$/.test(bare) : bare.includes(':');
    const metric = half ? -1 : order + (flags.includes('I') ? SCOPED_METRIC : 0);
    return [{ family, device, gateway: flags.includes('G') && isAddress ? bare : null, metric }];
  });
}

/** `arp -an`: "? (192.0.2.1) at 0:0:5e:0:53:1 on en0 ifscope [ethernet]". */
export function parseArpList(text: string): readonly NeighbourFact[] {
  return text.split('\n').flatMap((line): NeighbourFact[] => {
    const [, address, mac, device] = /^\S+ \(([\d.]+)\) at ([0-9a-f:]+) on (\S+)/.exec(line.trim()) ?? [];
    return address === undefined || mac === undefined || device === undefined ? [] : [{ device, address, mac }];
  });
}

/** `ndp -an`: "fe80::1%en0  0:0:5e:0:53:1  en0  23h59m58s  R  R". */
export function parseNdpList(text: string): readonly NeighbourFact[] {
  return text.split('\n').flatMap((line): NeighbourFact[] => {
    const [address, mac, device] = line.trim().split(/\s+/);
    if (address?.includes(':') !== true || mac?.includes(':') !== true || device === undefined) return [];
    return [{ device, address: address.replace(/%.*$/, ''), mac }];
  });
}

/** `networksetup -listallhardwareports`: device -> name of its port. */
export function parseHardwarePorts(text: string): ReadonlyMap<string, string> {
  const ports = new Map<string, string>();
  for (const [, port, device] of text.matchAll(/^Hardware Port: (.+)\nDevice: (\S+)/gm)) {
    if (port !== undefined && device !== undefined) ports.set(device, port.trim());
  }
  return ports;
}

export function kindOfPort(device: string, port: string | undefined): LinkKind {
  if (/^ppp\d/.test(device)) return 'ppp';
  if (/^(utun|ipsec|tun|tap|wg)\d/.test(device)) return 'vpn';
  if (/wi-?fi|airport/i.test(port ?? '')) return 'wifi';
  if (/iphone|ipad|bluetooth|modem|wwan/i.test(port ?? '') || device.startsWith('pdp_ip')) return 'mobile';
  if (/^(bridge|awdl|llw|ap|vmnet|vmenet|gif|stf|anpi)\d/.test(device)) return 'other';
  return /^en\d/.test(device) ? 'ethernet' : 'other';
}

/** `scutil --dns`: the domain of the first resolver, which is the system's default one. */
export function parseScutilDns(text: string): string | null {
  const first = /resolver #1\n([\s\S]*?)(?:\n\n|\nresolver #|$)/.exec(text)?.[1] ?? '';
  const found = /^\s*domain\s*:\s*(\S+)/m.exec(first)?.[1] ?? /^\s*search domain\[0\]\s*:\s*(\S+)/m.exec(first)?.[1];
  return found?.toLowerCase().replace(/\.$/, '') ?? null;
}

/** One line of `scutil --nc list`. */
export interface NetworkConnection {
  readonly name: string;
  readonly id: string;
  readonly connected: boolean;
  /** "PPP", "VPN", "IPSec". */
  readonly type: string;
}

/** `scutil --nc list`: `* (Connected)  <UUID> PPP --> Modem  "Name"  [PPP:Modem]`. */
export function parseConnections(text: string): readonly NetworkConnection[] {
  return text.split('\n').flatMap((line): NetworkConnection[] => {
    const [, state, id, name, type] =
      /^\s*\*?\s*\(([^)]*)\)\s+([0-9A-Fa-f-]{36})\s.*?"(.*)"\s*\[([^\]:]+)/.exec(line) ?? [];
    if (state === undefined || id === undefined || name === undefined || type === undefined) return [];
    return [{ name, id, connected: state === 'Connected', type }];
  });
}

/** Lines of `route -n monitor` that can mean another network; host routes come and go with every new neighbour. */
export function isRouteNews(line: string): boolean {
  if (/^RTM_(NEWADDR|DELADDR|IFINFO)/.test(line)) return true;
  return /^RTM_(ADD|DELETE|CHANGE)/.test(line) && !/[<,]HOST[,>]/.test(line);
}
