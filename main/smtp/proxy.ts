/**
 * Outgoing connections through the user's proxy (`connection.proxy`): SOCKS5 (RFC 1928, without sign-in) or HTTP CONNECT
 * (RFC 9110 §9.3.6). Reads exactly the proxy's answer and not an octet more: a mail server may greet in the same packet.
 */
import type net from 'node:net';
import { isProxy } from '../../shared/syntax.ts';
import { addressScope } from '../policy/ip-address.ts';
import type { SessionTrouble } from '../policy/model.ts';

export interface Proxy {
  /** 'blocked': there is no way out, and nothing is connected to; host and port say nothing. */
  readonly kind: 'socks5' | 'http' | 'blocked';
  readonly host: string;
  readonly port: number;
}

/** The proxy of the settings; null = none. What is not understood leads nowhere, rather than past the proxy. */
export function parseProxy(text: string): Proxy | null {
  if (text === '') return null;
  const found = isProxy(text) ? /^(\w+):\/\/(.+):(\d+)$/.exec(text) : null;
  if (!found) return { kind: 'blocked', host: '', port: 0 };
  return {
    kind: found[1] === 'http' ? 'http' : 'socks5',
    host: (found[2] ?? '').replace(/^\[(.*)\]$/, '$1'),
    port: Number(found[3]),
  };
}

/** What is near is connected to without the proxy: loopback, private and link-local addresses. */
export function bypassesProxy(address: string): boolean {
  return ['loopback', 'private', 'unspecified'].includes(addressScope(address) ?? '');
}

const MAX_HEADER = 16 * 1024;

/** No connection to the proxy itself: nothing left this computer's neighbourhood. */
export function proxyNotReached(proxy: Proxy): SessionTrouble {
  if (proxy.kind === 'blocked') return { kind: 'proxy', detail: 'connection.proxy lets nothing out' };
  return { kind: 'proxy', detail: `the proxy ${proxy.host}:${proxy.port} cannot be reached` };
}

function odd(proxy: Proxy): SessionTrouble {
  const name = proxy.kind === 'http' ? 'an HTTP' : 'a SOCKS5';
  return { kind: 'proxy', detail: `${proxy.host}:${proxy.port} does not answer like ${name} proxy` };
}

/**
 * Asks the proxy, on a connected socket, to connect on to `host` (address or name) and `port`. Null: the socket leads there
 * now. Never rejects; a socket that closes or is destroyed meanwhile comes back as trouble. The caller bounds the time.
 */
export async function throughProxy(
  proxy: Proxy,
  socket: net.Socket,
  target: { readonly host: string; readonly port: number },
): Promise<SessionTrouble | null> {
  const read = (count: number): Promise<Buffer | null> =>
    new Promise((resolve) => {
      const look = (): void => {
        const chunk = socket.read(count) as Buffer | null;
        if (chunk === null && !socket.readableEnded && !socket.destroyed) return;
        done(chunk?.length === count ? chunk : null);
      };
      const end = (): void => {
        done(null);
      };
      const done = (value: Buffer | null): void => {
        socket.off('readable', look);
        socket.off('end', end);
        socket.off('close', end);
        resolve(value);
      };
      socket.on('readable', look);
      socket.on('end', end);
      socket.on('close', end);
      look();
    });
  return proxy.kind === 'http' ? connectHttp(proxy, socket, target, read) : connectSocks(proxy, socket, target, read);
}

type Read = (count: number) => Promise<Buffer | null>;

async function connectSocks(
  proxy: Proxy,
  socket: net.Socket,
  { host, port }: { readonly host: string; readonly port: number },
  read: Read,
): Promise<SessionTrouble | null> {
  socket.write(Buffer.from([5, 1, 0]));
  const method = await read(2);
  if (method?.[0] !== 5) return odd(proxy);
  if (method[1] !== 0) return { kind: 'proxy', detail: 'the proxy wants a sign-in, which this program does not give' };
  socket.write(Buffer.concat([Buffer.from([5, 1, 0]), socksAddress(host), Buffer.from([port >> 8, port & 255])]));
  const answer = await read(4);
  if (answer?.[0] !== 5) return odd(proxy);
  switch (answer[1]) {
    case 0:
      break;
    case 2:
      return { kind: 'proxy', detail: `the proxy does not allow connections to port ${port}` };
    case 3:
    case 4:
      return { kind: 'unreachable' };
    case 5:
      return { kind: 'refused' };
    case 6:
      return { kind: 'timeout' };
    default:
      return { kind: 'proxy', detail: `the proxy could not connect (SOCKS reply ${answer[1] ?? 0})` };
  }
  // The address that the proxy uses is not needed, but has to be read: the mail server's greeting follows it.
  const length = answer[3] === 1 ? 4 : answer[3] === 4 ? 16 : answer[3] === 3 ? ((await read(1))?.[0] ?? 0) : 0;
  if (length === 0 || (await read(length + 2)) === null) return odd(proxy);
  return null;
}

/** ATYP and address of RFC 1928 §5. */
function socksAddress(host: string): Buffer {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return Buffer.from([1, ...host.split('.').map(Number)]);
  if (host.includes(':')) return Buffer.concat([Buffer.from([4]), ipv6Octets(host)]);
  const name = Buffer.from(host, 'ascii').subarray(0, 255);
  return Buffer.concat([Buffer.from([3, name.length]), name]);
}

function ipv6Octets(address: string): Buffer {
  // The URL parser writes any form as hexadecimal groups, with one "::" at most.
  const plain = new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const groups = (text: string): readonly number[] =>
    text === '' ? [] : text.split(':').map((group) => parseInt(group, 16));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]));
}

async function connectHttp(
  proxy: Proxy,
  socket: net.Socket,
  { host, port }: { readonly host: string; readonly port: number },
  read: Read,
): Promise<SessionTrouble | null> {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  let head = '';
  while (!head.endsWith('\r\n\r\n')) {
    const octet = await read(1);
    if (octet === null) return odd(proxy);
    head += octet.toString('latin1');
    if (head.length > MAX_HEADER || (head.length >= 5 && !head.startsWith('HTTP/'))) return odd(proxy);
  }
  const status = Number(/^HTTP\/1\.[01] (\d{3})\b/.exec(head)?.[1] ?? 0);
  if (status >= 200 && status < 300) return null;
  if (status === 407) return { kind: 'proxy', detail: 'the proxy wants a sign-in, which this program does not give' };
  if (status === 504) return { kind: 'timeout' };
  if (status === 502 || status === 503) return { kind: 'unreachable' };
  if (status >= 400 && status < 500)
    return { kind: 'proxy', detail: `the proxy does not allow connections to port ${port} (HTTP ${status})` };
  return status === 0 ? odd(proxy) : { kind: 'proxy', detail: `the proxy could not connect (HTTP ${status})` };
}
