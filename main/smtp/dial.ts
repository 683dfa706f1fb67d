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

export interface DialOptions {
  readonly addresses: readonly ResolvedAddress[];
  readonly port: number;
  /** Ms for each address. */
  readonly connectMs: number;
  /** For addresses that are not near; then an "address" may also be a name that only the proxy can look up. */
  readonly proxy?: Proxy | null;
}

/** A socket that is being connected. */
interface Attempt {
  readonly socket: net.Socket;
  readonly address: ResolvedAddress;
  readonly cancelTimeout: () => void;
}

interface Dialling {
  readonly options: DialOptions;
  readonly clock: Clock;
  /** Those that may be connected to. */
  readonly addresses: readonly ResolvedAddress[];
  readonly open: Map<net.Socket, Attempt>;
  readonly failures: DialFailure[];
  /** Error codes of the failures. */
  readonly codes: (string | undefined)[];
  /** Index of the next address to try. */
  next: number;
  done: boolean;
  cancelStagger: () => void;
  readonly resolve: (result: Dialled) => void;
}

/**
 * Connects to the addresses in their order, the next one as soon as the one in front failed or was silent for 250 ms.
 * Never rejects; an abort comes back as `failed`, connection-lost.
 */
export function dial(options: DialOptions, clock: Clock, signal: AbortSignal): Promise<Dialled> {
  return new Promise((resolve) => {
    const noWayOut = options.proxy?.kind === 'blocked' ? options.proxy : null;
    const addresses = options.addresses.filter(({ address }) => noWayOut === null || bypassesProxy(address));
    const dialling: Dialling = {
      options,
      clock,
      addresses,
      open: new Map(),
      failures: [],
      codes: [],
      next: 0,
      done: false,
      cancelStagger: ignore,
      resolve: (result) => {
        signal.removeEventListener('abort', onAbort);
        resolve(result);
      },
    };
    const fail = (trouble: SessionTrouble, noRoute: boolean): void => {
      finish(dialling, { kind: 'failed', trouble, failures: dialling.failures, noRoute });
    };
    const onAbort = (): void => {
      fail({ kind: 'connection-lost' }, false);
    };
    if (signal.aborted) onAbort();
    else if (addresses.length > 0) {
      signal.addEventListener('abort', onAbort, { once: true });
      tryNext(dialling);
    } else if (noWayOut !== null) fail(proxyNotReached(noWayOut), true);
    else fail({ kind: 'unreachable' }, false);
  });
}

function tryNext(dialling: Dialling): void {
  const { clock, options } = dialling;
  const address = dialling.addresses[dialling.next++];
  if (!address || dialling.done) return;
  const { port } = options;
  const proxy = options.proxy && !bypassesProxy(address.address) ? options.proxy : null;
  const socket = net.connect(
    proxy ? { host: proxy.host, port: proxy.port, noDelay: true } : { host: address.address, port, noDelay: true },
  );
  // Stays as long as the socket: an error between two owners must not end the process.
  socket.on('error', ignore);
  const cancelTimeout = clock.after(options.connectMs, () => {
    failed(dialling, socket, { kind: 'timeout' }, 'ETIMEDOUT');
  });
  dialling.open.set(socket, { socket, address, cancelTimeout });
  socket.once('error', (error: NodeJS.ErrnoException) => {
    // Without its proxy this computer is as good as offline: neither mail nor server is at fault.
    if (proxy) failed(dialling, socket, proxyNotReached(proxy), 'ENETDOWN');
    else failed(dialling, socket, troubleOfErrno(error.code), error.code);
  });
  socket.once('connect', () => {
    if (!proxy) {
      connected(dialling, socket);
      return;
    }
    void throughProxy(proxy, socket, { host: address.address, port }).then((trouble) => {
      if (trouble) failed(dialling, socket, trouble, undefined);
      else connected(dialling, socket);
    });
  });
  if (dialling.next < dialling.addresses.length)
    dialling.cancelStagger = clock.after(ADDRESS_STAGGER_MS, () => {
      tryNext(dialling);
    });
}

function connected(dialling: Dialling, socket: net.Socket): void {
  const { open, failures } = dialling;
  const own = open.get(socket);
  if (!own) return;
  // Those that were started before it and are still silent: worth knowing where IPv6 leads nowhere.
  for (const other of open.values())
    if (other !== own) failures.push({ address: other.address.address, trouble: { kind: 'timeout' } });
  finish(dialling, { kind: 'connected', socket, address: own.address, failures });
}

function failed(dialling: Dialling, socket: net.Socket, trouble: SessionTrouble, code: string | undefined): void {
  const { open, failures, codes } = dialling;
  const own = open.get(socket);
  if (dialling.done || !own) return;
  own.cancelTimeout();
  open.delete(socket);
  socket.destroy();
  failures.push({ address: own.address.address, trouble });
  codes.push(code);
  if (dialling.next < dialling.addresses.length) {
    dialling.cancelStagger();
    tryNext(dialling);
  } else if (open.size === 0) {
    const noRoute = codes.every((c) => NO_ROUTE.has(c));
    finish(dialling, { kind: 'failed', trouble: failures[0]?.trouble ?? trouble, failures, noRoute });
  }
}

function finish(dialling: Dialling, result: Dialled): void {
  if (dialling.done) return;
  dialling.done = true;
  dialling.cancelStagger();
  for (const { socket, cancelTimeout } of dialling.open.values()) {
    cancelTimeout();
    if (result.kind !== 'connected' || result.socket !== socket) socket.destroy();
  }
  dialling.resolve(result);
}
