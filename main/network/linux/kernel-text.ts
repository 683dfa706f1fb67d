/** Reads the kernel's tables under /proc/net and /sys/class/net. Pure: text in, facts out. Formats: proc(5), Documentation/networking. */
import type { LinkKind } from '../../../shared/status.ts';
import type { NeighbourFact, RouteFact } from '../facts.ts';

const RTF_UP = 0x1;
const RTF_GATEWAY = 0x2;
const RTF_REJECT = 0x200;
/** Below all metrics of the kernel: half-default routes of VPN programs win against a default route by their length. */
const BEFORE_ALL = -1;

/** /proc/net/route: IPv4, numbers in hexadecimal, addresses in the order of the machine (little endian wherever this runs). */
export function parseRoutes4(text: string): readonly RouteFact[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line): RouteFact[] => {
      const [device, destination, gateway, flagsText, , , metric, mask] = line.trim().split(/\s+/);
      if (device === undefined || gateway === undefined || mask === undefined) return [];
      const flags = Number.parseInt(flagsText ?? '', 16);
      const whole = destination === '00000000' && mask === '00000000';
      const half = destination === '00000000' && mask === '00000080';
      if ((!whole && !half) || (flags & RTF_UP) === 0 || (flags & RTF_REJECT) !== 0 || device === 'lo') return [];
      const number = Number.parseInt(gateway, 16);
      const address = [0, 8, 16, 24].map((shift) => (number >>> shift) & 0xff).join('.');
      return [
        {
          family: 4,
          device,
          gateway: (flags & RTF_GATEWAY) === 0 ? null : address,
          metric: half ? BEFORE_ALL : Number(metric ?? 0),
        },
      ];
    });
}

/** /proc/net/ipv6_route: everything in hexadecimal. */
export function parseRoutes6(text: string): readonly RouteFact[] {
  return text.split('\n').flatMap((line): RouteFact[] => {
    const [destination, length, , , nextHop, metric, , , flagsText, device] = line.trim().split(/\s+/);
    if (device === undefined || nextHop === undefined || device === 'lo') return [];
    const flags = Number.parseInt(flagsText ?? '', 16);
    const zero = '0'.repeat(32);
    if (destination !== zero || (length !== '00' && length !== '01')) return [];
    if ((flags & RTF_UP) === 0 || (flags & RTF_REJECT) !== 0) return [];
    return [
      {
        family: 6,
        device,
        gateway: (flags & RTF_GATEWAY) === 0 || nextHop === zero ? null : shortAddress6(nextHop),
        metric: length === '01' ? BEFORE_ALL : Number.parseInt(metric ?? '0', 16),
      },
    ];
  });
}

/** "fe80…0001" (32 digits) -> "fe80::1", as `ip` and the C library write it (RFC 5952). */
function shortAddress6(digits: string): string {
  const groups = (digits.match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, ''));
  const text = groups.join(':');
  const runs = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length);
  const longest = runs[0];
  if (longest === undefined) return text;
  const before = text.slice(0, longest.index);
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}

/** /proc/net/arp: complete entries only (flag ATF_COM). */
export function parseArp(text: string): readonly NeighbourFact[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line): NeighbourFact[] => {
      const [address, , flags, mac, , device] = line.trim().split(/\s+/);
      if (address === undefined || mac === undefined || device === undefined) return [];
      return (Number.parseInt(flags ?? '', 16) & 0x2) === 0 ? [] : [{ device, address, mac }];
    });
}

/** `ip -6 neigh show`: "fe80::1 dev eth0 lladdr 02:00:00:00:00:01 router REACHABLE". */
export function parseNeighbours6(text: string): readonly NeighbourFact[] {
  return text.split('\n').flatMap((line): NeighbourFact[] => {
    const found = /^(\S+) dev (\S+) lladdr ([0-9a-f:]+)\b(?!.*\bFAILED)/.exec(line.trim());
    const [, address, device, mac] = found ?? [];
    return address === undefined || device === undefined || mac === undefined ? [] : [{ device, address, mac }];
  });
}

/** resolv.conf(5): the domain, else the first of the search list; the last line wins. Null = none. */
export function parseDnsSuffix(text: string): string | null {
  let suffix: string | null = null;
  for (const line of text.split('\n')) {
    const found = /^\s*(?:domain|search)\s+(\S+)/.exec(line);
    const word = found?.[1]?.toLowerCase().replace(/\.$/, '') ?? '';
    // systemd-resolved writes "search ." for none.
    if (found !== null) suffix = word === '' ? null : word;
  }
  return suffix;
}

/** What /sys/class/net/<device> says; null where the file does not exist. */
export interface DeviceFiles {
  /** `type`: ARPHRD_… (if_arp.h). */
  readonly type: number | null;
  /** DEVTYPE of `uevent`: wlan, wwan, bridge, vlan, wireguard, bluetooth, … */
  readonly devtype: string | null;
  readonly wireless: boolean;
  readonly tun: boolean;
}

const ARPHRD_ETHER = 1;
const ARPHRD_PPP = 512;

/** What kind of link a device is. Names come first where programs choose them (ppp0 may be a TUN made by a modem's program). */
export function kindOfDevice(device: string, files: DeviceFiles): LinkKind {
  if (/^ppp\d/.test(device) || files.type === ARPHRD_PPP) return 'ppp';
  if (files.devtype === 'wwan' || /^(wwan|wwp|rmnet)/.test(device)) return 'mobile';
  if (files.wireless || files.devtype === 'wlan' || device.startsWith('wl')) return 'wifi';
  if (files.devtype === 'wireguard' || files.tun || /^(tun|tap|wg|vpn|ipsec|tailscale|zt|nordlynx)/.test(device))
    return 'vpn';
  // A telephone that shares its connection over Bluetooth is a mobile network, paid for as one.
  if (files.devtype === 'bluetooth' || /^bnep\d/.test(device)) return 'mobile';
  if (files.devtype === 'bridge' || files.devtype === 'dummy' || /^(docker|virbr|br-|veth[0-9a-f]{7})/.test(device))
    return 'other';
  return files.type === ARPHRD_ETHER || files.type === null ? 'ethernet' : 'other';
}

/** The peer in a command line of pppd (words end with a zero octet): what follows "call". Null = none. */
export function pppPeer(commandLine: string): string | null {
  const words = commandLine.split('\0');
  const at = words.indexOf('call');
  return at < 0 ? null : words[at + 1] || null;
}
