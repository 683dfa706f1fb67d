/** Connecting to one of several addresses of a host: staggered, both families (RFC 8305 §5), the first that answers. */
import net from 'node:net';
import type { Clock } from '../runtime/clock.ts';
import type { SessionTrouble } from '../policy/model.ts';
import { bypassesProxy, proxyNotReached, throughProxy } from './proxy.ts';
import type { Proxy } from './proxy.ts';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Time that an address has before the next one is tried as well (RFC 8305 §5: 250 ms). */
export const ADDRESS_STAGGER_MS = 250;

/**
 * Order of use: families take turns, each family in the order given. `ipv6First` false where IPv6 was found dead on this
 * network (spec §4.4). Pure.
 */
export function interleaveFamilies(
  addresses: readonly ResolvedAddress[],
  ipv6First: boolean,
): readonly ResolvedAddress[] {
  const first = addresses.filter((a) => (a.family === 6) === ipv6First);
  const second = addresses.filter((a) => (a.family === 6) !== ipv6First);
  const out: ResolvedAddress[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    const one = first[i];
    const other = second[i];
    if (one) out.push(one);
    if (other) out.push(other);
  }
  return out;
}

export interface DialFailure {
  readonly address: string;
  readonly trouble: SessionTrouble;
}

export type Dialled =
  | {
      readonly kind: 'connected';
      readonly socket: net.Socket;
      readonly address: ResolvedAddress;
      readonly failures: readonly DialFailure[];
    }
  | {
      readonly kind: 'failed';
      readonly trouble: SessionTrouble;
      readonly failures: readonly DialFailure[];
      /** No route at all from here. */ readonly noRoute: boolean;
    };

/** What a socket error means. Also for errors later in the conversation. */
export function troubleOfErrno(code: string | undefined): SessionTrouble {
  switch (code) {
    case 'ECONNREFUSED':
      return { kind: 'refused' };
    case 'ETIMEDOUT':
      return { kind: 'timeout' };
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
    case 'ENETDOWN':
    case 'EHOSTDOWN':
    case 'EADDRNOTAVAIL':
    case 'EACCES':
    case 'EPERM':
    case 'EINVAL':
      return { kind: 'unreachable' };
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOBUFS':
    case 'ENOMEM':
      return { kind: 'local', detail: code };
    default:
      return { kind: 'connection-lost' };
  }
}

const NO_ROUTE: ReadonlySet<string | undefined> = new Set(['ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL']);

const ignore = (): void => undefined;

/**
 * Connects to the addresses in their order, the next one as soon as the one in front failed or was silent for 250 ms.
 * Each address has `connectMs`. Never rejects; an abort comes back as `failed`, connection-lost.
 */
export function dial(
  options: {
    readonly addresses: readonly ResolvedAddress[];
    readonly port: number;
    readonly connectMs: number;
    /** For addresses that are not near; then an "address" may also be a name that only the proxy can look up. */
    readonly proxy?: Proxy | null;
  },
  clock: Clock,
  signal: AbortSignal,
): Promise<Dialled> {
  return new Promise((resolve) => {
    const { port, connectMs } = options;
    const noWayOut = options.proxy?.kind === 'blocked' ? options.proxy : null;
    const addresses = options.addresses.filter(({ address }) => noWayOut === null || bypassesProxy(address));
    const failures: DialFailure[] = [];
    const open = new Map<net.Socket, () => void>();
    const targets = new Map<net.Socket, string>();
    const codes: (string | undefined)[] = [];
    let next = 0;
    let cancelStagger = ignore;
    let done = false;

    const finish = (result: Dialled): void => {
      if (done) return;
      done = true;
      cancelStagger();
      signal.removeEventListener('abort', onAbort);
      for (const [socket, cancelTimeout] of open) {
        cancelTimeout();
        if (result.kind !== 'connected' || result.socket !== socket) socket.destroy();
      }
      resolve(result);
    };
    const onAbort = (): void => {
      finish({ kind: 'failed', trouble: { kind: 'connection-lost' }, failures, noRoute: false });
    };
    const failed = (
      socket: net.Socket,
      address: ResolvedAddress,
      trouble: SessionTrouble,
      code: string | undefined,
    ): void => {
      const cancelTimeout = open.get(socket);
      if (done || !cancelTimeout) return;
      cancelTimeout();
      open.delete(socket);
      socket.destroy();
      failures.push({ address: address.address, trouble });
      codes.push(code);
      if (next < addresses.length) {
        cancelStagger();
        tryNext();
      } else if (open.size === 0) {
        finish({
          kind: 'failed',
          trouble: failures[0]?.trouble ?? trouble,
          failures,
          noRoute: codes.every((c) => NO_ROUTE.has(c)),
        });
      }
    };
    const tryNext = (): void => {
      const address = addresses[next++];
      if (!address || done) return;
      const proxy = options.proxy && !bypassesProxy(address.address) ? options.proxy : null;
      const socket = net.connect(
        proxy ? { host: proxy.host, port: proxy.port, noDelay: true } : { host: address.address, port, noDelay: true },
      );
      // Stays for the socket's life: an error between two owners must not end the process.
      socket.on('error', ignore);
      targets.set(socket, address.address);
      open.set(
        socket,
        clock.after(connectMs, () => {
          failed(socket, address, { kind: 'timeout' }, 'ETIMEDOUT');
        }),
      );
      socket.once('error', (error: NodeJS.ErrnoException) => {
        // Without its proxy this computer is as good as offline: nothing is the mail's or its server's fault.
        if (proxy) failed(socket, address, proxyNotReached(proxy), 'ENETDOWN');
        else failed(socket, address, troubleOfErrno(error.code), error.code);
      });
      const connected = (): void => {
        // Overtaken ones were silent longer than the one that answered: worth knowing where IPv6 is dead.
        for (const silent of open.keys())
          if (silent !== socket) failures.push({ address: targets.get(silent) ?? '', trouble: { kind: 'timeout' } });
        finish({ kind: 'connected', socket, address, failures });
      };
      socket.once('connect', () => {
        if (!proxy) return connected();
        void throughProxy(proxy, socket, { host: address.address, port }).then((trouble) => {
          if (trouble) failed(socket, address, trouble, undefined);
          else if (open.has(socket)) connected();
        });
      });
      if (next < addresses.length) cancelStagger = clock.after(ADDRESS_STAGGER_MS, tryNext);
    };

    if (signal.aborted) onAbort();
    else if (noWayOut !== null && addresses.length === 0)
      finish({ kind: 'failed', trouble: proxyNotReached(noWayOut), failures, noRoute: true });
    else if (addresses.length === 0)
      finish({ kind: 'failed', trouble: { kind: 'unreachable' }, failures, noRoute: false });
    else {
      signal.addEventListener('abort', onAbort, { once: true });
      tryNext();
    }
  });
}
