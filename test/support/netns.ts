/**
 * A network laboratory: a laptop and two Internet providers as network namespaces. The laptop has one socket in the wall
 * (`eth0`), which is plugged into one provider's network or the other's, and a dial-up link (`ppp0`, a TUN with a relay).
 * Needs root on Linux; `labMissing()` says what is missing. Addresses are those reserved for documentation (RFC 5737, RFC 3849).
 */
import {
  execFile,
  spawn,
  spawnSync,
  type ChildProcessWithoutNullStreams,
  type SpawnOptionsWithoutStdio,
} from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export type Isp = 'a' | 'b';

/** What a provider hands out. */
export interface IspFacts {
  readonly namespace: string;
  readonly gateway: string;
  readonly gatewayMac: string;
  readonly laptop: string;
  readonly prefix: number;
}

export interface DialUpLink {
  /** One-way delay in milliseconds. */
  delay(ms: number): void;
  /** Packets vanish while the link stays: a line that has gone bad. */
  silent(yes: boolean): void;
  /** The interface and its routes vanish. */
  hangUp(): Promise<void>;
}

export interface NetworkLab {
  /** Name of the laptop's namespace. */
  readonly laptop: string;
  readonly isps: Readonly<Record<Isp, IspFacts>>;
  /**
   * Plugs the laptop in (link, address, default route), or pulls the plug. What was plugged before is gone. Resolves with
   * the moment (wall clock, milliseconds) before the link went up.
   */
  plug(isp: Isp | null): Promise<number>;
  /** Connects the socket in the wall to one provider or to none; of link, address and route of the laptop it takes no care. */
  wire(isp: Isp | null): Promise<void>;
  /** Lets IPv6 in at the laptop and at provider a, which gets 2001:db8:a::1; addresses count at once. */
  allowIpv6(): Promise<void>;
  /** Joins the providers' networks, so that each is reached from the other. */
  peer(): Promise<void>;
  /** Whether packets for the other provider vanish in `isp`'s network (only after `peer`). */
  swallow(isp: Isp, yes: boolean): Promise<void>;
  /** Makes the default route go to the other provider without taking the link down (both are plugged then). */
  switchRoute(isp: Isp): Promise<void>;
  /** `ip` inside a namespace, one or more commands in one go. */
  ip(namespace: string, ...commands: readonly string[]): Promise<void>;
  /** A line of shell inside a namespace; resolves with what it printed. */
  shell(namespace: string, line: string): Promise<string>;
  /** Starts a program inside a namespace; it is ended with the laboratory. */
  start(
    namespace: string,
    command: string,
    args: readonly string[],
    options?: SpawnOptionsWithoutStdio,
  ): ChildProcessWithoutNullStreams;
  /**
   * Builds a VPN into the house at provider b: `tun0`, 192.0.2.66 here, 192.0.2.65 (`HEAD_OFFICE`) there, which nothing else
   * leads to. The default route stays as it is.
   */
  tunnel(): Promise<DialUpLink>;
  /** Dials: `ppp0` to provider a, with a default route unless told otherwise. */
  dial(options?: { readonly defaultRoute?: boolean; readonly delayMs?: number }): Promise<DialUpLink>;
  close(): Promise<void>;
}

/** No system bus unless a test brings one: whatever runs outside the laboratory has nothing to say in it. */
export const NO_SYSTEM_BUS = { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nonexistent/bus' };

/** What only the VPN leads to. */
export const HEAD_OFFICE = '192.0.2.65';

interface PointToPoint {
  readonly name: string;
  readonly ours: string;
  readonly theirs: string;
  readonly delayMs: number;
  /** Whether it becomes the default route. */
  readonly route: boolean;
}

/** Why the laboratory cannot be made here; null if it can. */
export function labMissing(): string | null {
  if (process.platform !== 'linux') return 'network namespaces exist on Linux only';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  for (const [command, argument, from] of [
    ['ip', '-V', 'iproute2'],
    ['python3', '-V', 'python3'],
  ] as const) {
    if (spawnSync(command, [argument]).status !== 0) return `${command} is missing (apt-get install ${from})`;
  }
  const probe = `pc-probe-${randomBytes(3).toString('hex')}`;
  if (spawnSync('ip', ['netns', 'add', probe]).status !== 0)
    return 'this system does not let us make network namespaces';
  spawnSync('ip', ['netns', 'del', probe]);
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return '/dev/net/tun is missing';
  }
  return null;
}

/** Makes the laboratory, nothing plugged in. Takes some tenths of a second. */
export async function createNetworkLab(): Promise<NetworkLab> {
  const tag = `pc-${randomBytes(3).toString('hex')}`;
  const street = `${tag}-street`;
  const laptop = `${tag}-laptop`;
  const isps: Readonly<Record<Isp, IspFacts>> = {
    a: {
      namespace: `${tag}-a`,
      gateway: '198.51.100.1',
      gatewayMac: '02:00:5e:00:0a:01',
      laptop: '198.51.100.77',
      prefix: 24,
    },
    b: {
      namespace: `${tag}-b`,
      gateway: '203.0.113.1',
      gatewayMac: '02:00:5e:00:0b:01',
      laptop: '203.0.113.88',
      prefix: 24,
    },
  };
  const namespaces = [street, laptop, isps.a.namespace, isps.b.namespace];
  const children = new Set<ChildProcessWithoutNullStreams>();
  const dialled = new Set<DialUpLink>();

  /** A TUN of this name in the laptop and in a provider's namespace, with a relay between them. */
  async function relayTo(isp: Isp, { name, ours, theirs, delayMs, route }: PointToPoint): Promise<DialUpLink> {
    const folder = '/run/netns';
    const { namespace } = isps[isp];
    const relay = spawn(
      'python3',
      [fileURLToPath(new URL('tun-relay.py', import.meta.url)), name, `${folder}/${laptop}`, `${folder}/${namespace}`],
      { stdio: 'pipe' },
    );
    children.add(relay);
    const ended = new Promise<void>((resolve) => relay.once('close', () => resolve()));
    await new Promise<void>((resolve, reject) => {
      let said = '';
      relay.stderr.on('data', (text: Buffer) => (said += text.toString()));
      relay.stdout.once('data', () => resolve());
      relay.once('close', () => reject(new Error(`the relay of ${name} ended: ${said}`)));
    });
    await ip(namespace, `addr add ${theirs} peer ${ours} dev ${name}`, `link set ${name} up`);
    await ip(
      laptop,
      `addr add ${ours} peer ${theirs} dev ${name}`,
      `link set ${name} up`,
      ...(route ? [`route replace default dev ${name}`] : []),
    );
    relay.stdin.write(`delay ${delayMs}\n`);
    const link: DialUpLink = {
      delay: (ms) => void relay.stdin.write(`delay ${ms}\n`),
      silent: (yes) => void relay.stdin.write(yes ? 'silent\n' : 'loud\n'),
      async hangUp() {
        dialled.delete(link);
        children.delete(relay);
        relay.stdin.end('hang-up\n');
        await ended;
      },
    };
    dialled.add(link);
    return link;
  }

  async function ip(namespace: string, ...commands: readonly string[]): Promise<void> {
    const child = execute('ip', ['-n', namespace, '-batch', '-']);
    child.child.stdin?.end(commands.join('\n') + '\n');
    await child;
  }

  async function shell(namespace: string, line: string): Promise<string> {
    return (await execute('ip', ['netns', 'exec', namespace, 'sh', '-c', line])).stdout;
  }

  function start(
    namespace: string,
    command: string,
    args: readonly string[],
    options: SpawnOptionsWithoutStdio = {},
  ): ChildProcessWithoutNullStreams {
    const child = spawn('ip', ['netns', 'exec', namespace, command, ...args], { ...options, stdio: 'pipe' });
    children.add(child);
    child.once('close', () => children.delete(child));
    return child;
  }

  async function close(): Promise<void> {
    for (const link of [...dialled]) await link.hangUp();
    await Promise.all(
      [...children].map(
        (child) =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) {
              resolve();
              return;
            }
            child.once('close', () => resolve());
            child.kill('SIGKILL');
          }),
      ),
    );
    for (const namespace of namespaces) await execute('ip', ['netns', 'del', namespace]).catch(() => undefined);
  }

  async function wire(isp: Isp | null): Promise<void> {
    await ip(
      street,
      `link set a0 ${isp === 'a' ? 'master wall' : 'nomaster'}`,
      `link set b0 ${isp === 'b' ? 'master wall' : 'nomaster'}`,
    );
  }

  async function plug(isp: Isp | null): Promise<number> {
    await ip(laptop, 'link set eth0 down', 'addr flush dev eth0');
    await wire(isp);
    const at = Date.now();
    if (isp === null) return at;
    const { laptop: address, prefix, gateway } = isps[isp];
    await ip(
      laptop,
      'link set eth0 up',
      `addr add ${address}/${prefix} dev eth0`,
      `route replace default via ${gateway} dev eth0`,
    );
    return at;
  }

  try {
    for (const namespace of namespaces) await execute('ip', ['netns', 'add', namespace]);
    // No IPv6 unless a test asks for it: duplicate address detection would make events of its own.
    for (const namespace of namespaces)
      await execute('ip', [
        'netns',
        'exec',
        namespace,
        'sh',
        '-c',
        'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6',
      ]);
    await ip(
      street,
      'link add wall type bridge',
      'link set wall up',
      'link add plug type veth peer name eth0',
      `link set eth0 netns ${laptop}`,
      'link set plug master wall',
      'link set plug up',
    );
    await ip(laptop, 'link set lo up', 'link set eth0 address 02:00:5e:00:00:77');
    for (const isp of ['a', 'b'] as const) {
      const { namespace, gateway, gatewayMac, prefix } = isps[isp];
      await ip(
        street,
        `link add ${isp}0 type veth peer name up0`,
        `link set up0 netns ${namespace}`,
        `link set ${isp}0 up`,
      );
      await ip(
        namespace,
        'link set lo up',
        `link set up0 address ${gatewayMac}`,
        `addr add ${gateway}/${prefix} dev up0`,
        'link set up0 up',
      );
    }
  } catch (error) {
    await close();
    throw error;
  }

  return {
    laptop,
    isps,
    plug,
    wire,
    ip,
    start,
    close,
    shell,
    async allowIpv6() {
      for (const namespace of [laptop, isps.a.namespace])
        await shell(
          namespace,
          'for f in /proc/sys/net/ipv6/conf/*; do echo 0 > $f/accept_dad; echo 0 > $f/disable_ipv6; done',
        );
      await ip(isps.a.namespace, 'addr add 2001:db8:a::1/64 dev up0 nodad');
    },
    async peer() {
      await ip(
        street,
        'link add peer-a type veth peer name peer-b',
        `link set peer-a netns ${isps.a.namespace}`,
        `link set peer-b netns ${isps.b.namespace}`,
      );
      for (const [isp, other, own, far] of [
        ['a', 'b', '192.0.2.129', '192.0.2.130'],
        ['b', 'a', '192.0.2.130', '192.0.2.129'],
      ] as const) {
        await ip(
          isps[isp].namespace,
          `addr add ${own}/30 dev peer-${isp}`,
          `link set peer-${isp} up`,
          `route add ${networkOf(isps[other])} via ${far}`,
        );
        await shell(isps[isp].namespace, 'echo 1 > /proc/sys/net/ipv4/ip_forward');
      }
    },
    async swallow(isp, yes) {
      const other = isps[isp === 'a' ? 'b' : 'a'];
      const far = isp === 'a' ? '192.0.2.130' : '192.0.2.129';
      await ip(
        isps[isp].namespace,
        `route replace ${yes ? 'blackhole ' : ''}${networkOf(other)}${yes ? '' : ` via ${far}`}`,
      );
    },
    async switchRoute(isp) {
      const { laptop: address, prefix, gateway } = isps[isp];
      await ip(street, 'link set a0 master wall', 'link set b0 master wall');
      await ip(
        laptop,
        'link set eth0 up',
        `addr replace ${address}/${prefix} dev eth0`,
        `route replace default via ${gateway} dev eth0`,
      );
    },
    dial: ({ defaultRoute = true, delayMs = 0 } = {}) =>
      relayTo('a', { name: 'ppp0', ours: '192.0.2.2', theirs: '192.0.2.1', delayMs, route: defaultRoute }),
    tunnel: () => relayTo('b', { name: 'tun0', ours: '192.0.2.66', theirs: HEAD_OFFICE, delayMs: 0, route: false }),
  };
}

/** The provider's subnet: "198.51.100.0/24". */
export function networkOf({ gateway, prefix }: IspFacts): string {
  return `${gateway.replace(/\d+$/, '0')}/${prefix}`;
}
