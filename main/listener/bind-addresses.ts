/** Binding the listener's addresses, each for itself, and saying in words why one cannot be bound. */
import { createServer } from 'node:net';
import type { ListenerState, MissingAddress } from '../../shared/status.ts';
import type { Log } from '../log/log-port.ts';
import type { SessionServer } from './session-server.ts';

/** Ports that are offered when the wanted one is taken or forbidden. */
const OTHER_PORTS = [2525, 2526, 2527, 8025, 10025, 0];

/** What came of binding several addresses. */
export type BindResult =
  | {
      readonly kind: 'listening';
      readonly servers: readonly SessionServer[];
      readonly hosts: readonly string[];
      /** The port that all of them have. */
      readonly port: number;
      readonly missing: readonly MissingAddress[];
    }
  /** `servers`: those that were bound before the failure; they are to be closed. */
  | {
      readonly kind: 'failed';
      readonly servers: readonly SessionServer[];
      readonly port: number;
      readonly error: NodeJS.ErrnoException;
    };

/**
 * Binds every address. One that this computer does not have just now does not keep the others from being listened on; a
 * port that is taken or forbidden on loopback does: another program there would get the mail of this computer's programs.
 * @param port 0: any; the first address decides
 */
export async function bindAddresses(
  makeServer: () => SessionServer,
  hosts: readonly string[],
  port: number,
  log: Pick<Log, 'note'>,
): Promise<BindResult> {
  const servers: SessionServer[] = [];
  const listening: string[] = [];
  const missing: MissingAddress[] = [];
  let actual = port;
  let first: NodeJS.ErrnoException | null = null;
  for (const host of hosts) {
    const done = await bindAddress(makeServer, host, actual, hosts);
    if (done.kind === 'bound') {
      servers.push(done.server);
      listening.push(host);
      actual = done.port;
      continue;
    }
    const { error } = done;
    first ??= error;
    if (isPortTrouble(error) && coversLoopback(host)) return { kind: 'failed', servers, port: actual, error };
    const { code = '' } = error;
    log.note('listener-address-missing', { host, code });
    // Without IPv6 there is no ::1; the other addresses are enough.
    if (host !== '::1') missing.push({ host, reason: REASONS.get(code) ?? 'other', message: error.message });
  }
  return servers.length > 0
    ? { kind: 'listening', servers, hosts: listening, port: actual, missing }
    : { kind: 'failed', servers, port, error: first ?? new Error('No address to listen on') };
}

/** Binds one address. `all`: the addresses that are listened on beside it. */
export async function bindAddress(
  makeServer: () => SessionServer,
  host: string,
  port: number,
  all: readonly string[],
): Promise<
  | { readonly kind: 'bound'; readonly server: SessionServer; readonly port: number }
  | { readonly kind: 'failed'; readonly error: NodeJS.ErrnoException }
> {
  const server = makeServer();
  try {
    return { kind: 'bound', server, port: await listen(server, host, port, all.includes('0.0.0.0')) };
  } catch (error) {
    return { kind: 'failed', error: error as NodeJS.ErrnoException };
  }
}

/** The listener's state after a failure, with another port where that helps. */
export async function failedState(port: number, error: NodeJS.ErrnoException): Promise<ListenerState> {
  const reason = REASONS.get(error.code ?? '') ?? 'other';
  const suggestedPort = reason === 'taken' || reason === 'forbidden' ? await freePort(port) : null;
  return { kind: 'failed', port, reason, message: MESSAGES[reason](port, error), suggestedPort };
}

/** Resolves with the port (0 asks for any). */
function listen(server: SessionServer, host: string, port: number, ipv6Only: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const net = server.server;
    const bare = host.startsWith('[') ? host.slice(1, -1) : host;
    net.once('error', reject);
    net.listen({ host: bare, port, ipv6Only: ipv6Only && bare.includes(':'), backlog: 1024 }, () => {
      net.removeListener('error', reject);
      const address = net.address();
      resolve(address !== null && typeof address === 'object' ? address.port : port);
    });
  });
}

const REASONS: ReadonlyMap<string, 'taken' | 'forbidden' | 'address'> = new Map([
  ['EADDRINUSE', 'taken'],
  ['EACCES', 'forbidden'],
  ['EPERM', 'forbidden'],
  ['EADDRNOTAVAIL', 'address'],
  ['EAFNOSUPPORT', 'address'],
  ['ENOTFOUND', 'address'],
  ['EAI_AGAIN', 'address'],
]);

/** The port is taken or forbidden; the address itself is there. */
function isPortTrouble({ code = '' }: NodeJS.ErrnoException): boolean {
  return ['taken', 'forbidden'].includes(REASONS.get(code) ?? '');
}

/** This computer's own programs hand in their mail there. */
function coversLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  return bare.startsWith('127.') || ['::1', 'localhost', '0.0.0.0', '::'].includes(bare);
}

const MESSAGES = {
  taken: (port: number) => `Another program uses port ${port}`,
  forbidden: (port: number) => `The system does not let this program use port ${port}`,
  address: () => 'This computer does not have the address to listen on',
  other: (port: number, error: Error) => `Cannot listen on port ${port}: ${error.message}`,
} as const;

/** A port that was free a moment ago. */
async function freePort(not: number): Promise<number | null> {
  for (const port of OTHER_PORTS) {
    if (port === not) continue;
    const got = await new Promise<number | null>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(null));
      probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
        const address = probe.address();
        const found = address !== null && typeof address === 'object' ? address.port : null;
        probe.close(() => resolve(found));
      });
    });
    if (got !== null) return got;
  }
  return null;
}
