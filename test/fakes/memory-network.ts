/**
 * Sockets and name service in memory, in the place of the system's: the program's own connecting, SMTP and DNS code runs over
 * them, without a kernel in between, so that the same happens in the same order each time.
 */
import { Resolver } from 'node:dns/promises';
import net from 'node:net';
import { Duplex } from 'node:stream';

/** One end of a connection. As much of net.Socket as is used. */
class MemorySocket extends Duplex {
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  #peer: MemorySocket | null = null;
  /** Nothing goes either way any more, and nobody is told: the cable is cut. */
  #cut = false;
  /** Whoever held this end is gone. */
  #deaf = false;
  readonly #active: () => void;

  constructor(local: string, remote: string, port: number, active: () => void) {
    super({ allowHalfOpen: false });
    this.localAddress = local;
    this.remoteAddress = remote;
    this.remotePort = port;
    this.#active = active;
  }

  static pair(client: MemorySocket, server: MemorySocket): void {
    client.#peer = server;
    server.#peer = client;
  }

  cutCable(): void {
    this.#cut = true;
  }

  /** The process that held this end is gone: the other end sees it closed, this one hears nothing any more. */
  ownerGone(): void {
    this.#deaf = true;
    this.#across((peer) => {
      peer.push(null);
      peer.destroy();
    });
  }

  /** On the other side, a moment later. */
  #across(run: (peer: MemorySocket) => void): void {
    const peer = this.#peer;
    if (!peer) return;
    this.#active();
    setImmediate(() => {
      if (this.#cut || peer.#cut || peer.#deaf || peer.destroyed) return;
      this.#active();
      run(peer);
    });
  }

  override _read(): void {
    return;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#across((peer) => peer.push(chunk));
    done();
  }

  override _final(done: () => void): void {
    this.#across((peer) => peer.push(null));
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#across((peer) => {
      peer.push(null);
      // As a socket does that has nothing left to say to nobody.
      peer.destroy();
    });
    done(error);
  }

  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

/** What becomes of a connection attempt: a server's end of it, or an error of the system; `silence`: nothing at all. */
export type Route =
  | { readonly kind: 'server'; readonly serve: (socket: Duplex) => void }
  | { readonly kind: 'error'; readonly code: 'ECONNREFUSED' | 'ENETUNREACH' }
  | { readonly kind: 'silence' };

/** An answer of the name service; `silence`: none comes. */
export type NameAnswer =
  | { readonly kind: 'records'; readonly records: readonly unknown[] }
  | { readonly kind: 'error'; readonly code: 'ENOTFOUND' | 'ENODATA' | 'ESERVFAIL' }
  | { readonly kind: 'silence' };

export interface MemoryNetwork {
  /** Counts everything that happens, to see when nothing does any more. */
  activity(): number;
  /** The network is gone: connections hear nothing any more. */
  cutAll(): void;
  /** The program is gone: servers see its connections close, it hears nothing. */
  programGone(): void;
  /** Puts the system's own back. */
  remove(): void;
}

/**
 * Puts itself in the place of net.connect and of the Resolver's questions, for the whole process.
 * @param local our own address on the present network
 */
export function installMemoryNetwork(world: {
  readonly local: () => string;
  readonly route: (host: string, port: number) => Route;
  readonly name: (type: string, name: string) => NameAnswer;
}): MemoryNetwork {
  let activity = 0;
  const active = (): void => {
    activity += 1;
  };
  const clients = new Set<MemorySocket>();
  const realConnect = net.connect;

  const connect = (target: { readonly host: string; readonly port: number }): MemorySocket => {
    const { host, port } = target;
    const client = new MemorySocket(world.local(), host, port, active);
    clients.add(client);
    client.on('close', () => clients.delete(client));
    active();
    const route = world.route(host, port);
    if (route.kind === 'silence') return client;
    setImmediate(() => {
      if (client.destroyed || !clients.has(client)) return;
      active();
      if (route.kind === 'error') {
        client.destroy(Object.assign(new Error(`connect ${route.code} ${host}:${port}`), { code: route.code }));
        return;
      }
      const server = new MemorySocket(host, client.localAddress, 0, active);
      MemorySocket.pair(client, server);
      client.emit('connect');
      route.serve(server);
    });
    return client;
  };
  // As far as dial.ts uses it.
  (net as { connect: unknown }).connect = connect;

  const asked = new Map<string, unknown>();
  const pending = new Set<(error: Error) => void>();
  const failure = (code: string): Error => Object.assign(new Error(`query ${code}`), { code });
  const query = (type: string, name: string, shape: (record: unknown) => unknown): Promise<unknown[]> =>
    new Promise((resolve, reject) => {
      active();
      const answer = world.name(type, name);
      if (answer.kind === 'silence') {
        pending.add(reject);
        return;
      }
      setImmediate(() => {
        active();
        if (answer.kind === 'error') reject(failure(answer.code));
        else resolve(answer.records.map(shape));
      });
    });
  const same = (record: unknown): unknown => record;
  const methods: Readonly<Record<string, unknown>> = {
    resolve4: (name: string, options?: { readonly ttl?: boolean }) =>
      query('A', name, (address) => (options?.ttl === true ? { address, ttl: 60 } : address)),
    resolve6: (name: string) => query('AAAA', name, same),
    resolveMx: (name: string) => query('MX', name, same),
    resolveTxt: (name: string) => query('TXT', name, same),
    resolveSrv: (name: string) => query('SRV', name, same),
    resolveNs: (name: string) => query('NS', name, same),
    resolveSoa: (name: string) => query('SOA', name, same),
    resolveCname: (name: string) => query('CNAME', name, same),
    setServers: () => undefined,
    cancel: () => {
      for (const reject of [...pending]) reject(failure('ECANCELLED'));
      pending.clear();
    },
  };
  const prototype = Resolver.prototype as unknown as Record<string, unknown>;
  for (const [method, run] of Object.entries(methods)) {
    asked.set(method, Object.getOwnPropertyDescriptor(prototype, method));
    Object.defineProperty(prototype, method, { value: run, configurable: true, writable: true });
  }

  const all = (): readonly MemorySocket[] => [...clients];
  return {
    activity: () => activity,
    cutAll() {
      for (const client of all()) client.cutCable();
    },
    programGone() {
      for (const client of all()) {
        clients.delete(client);
        client.ownerGone();
      }
      pending.clear();
    },
    remove() {
      (net as { connect: unknown }).connect = realConnect;
      for (const [method, before] of asked) {
        if (before === undefined) Reflect.deleteProperty(prototype, method);
        else Object.defineProperty(prototype, method, before as PropertyDescriptor);
      }
    },
  };
}
