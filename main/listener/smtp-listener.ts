/**
 * The SMTP listener (spec §8): binds, rebinds when settings change, keeps count of its sessions, and says in words why
 * it cannot listen. What a session answers is decided in listener-session.ts and accept-policy.ts.
 */
import { createServer, type Socket } from 'node:net';
import { hostname as systemHostName } from 'node:os';
import { SMTPServer } from 'smtp-server';
import type { Settings } from '../../shared/settings.ts';
import type { ListenerState, MissingAddress } from '../../shared/status.ts';
import { isHostName } from '../../shared/syntax.ts';
import { wireName } from '../policy/ehlo-name.ts';
import type { Log } from '../log/log-port.ts';
import type { NewMessage, StagedMessage } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { within } from '../runtime/within.ts';
import { LIMITS, compilePolicy, type CompiledPolicy } from './accept-policy.ts';
import { createListenerTls, type CertificateTrouble, type ListenerTls } from './listener-tls.ts';
import { createPasswordChecker, type PasswordChecker } from './passwords.ts';
import type { SenderNames } from './sender-check.ts';
import { createSignInQueue, type SignInQueue } from './sign-in-queue.ts';
import { ListenerSession, type SessionContext } from './listener-session.ts';

export interface SmtpListenerOptions {
  /** A place for a message's octets: `IntakeStore.stage`. */
  readonly stage: (id: string) => StagedMessage;
  readonly newQueueId: () => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: () => Settings;
  /** Needed for `server.refuseSendersWithoutMx` only. */
  readonly names?: SenderNames;
  /** Octets free for the program on the disk of the queue. */
  readonly freeSpace?: () => Promise<number>;
  /** Folder in the profile where the own certificate is kept; without it there is no STARTTLS but with the user's files. */
  readonly tlsDirectory?: string;
  /** Told when the certificate that the settings name can no longer be used, or can be again (null). */
  readonly onCertificate?: (trouble: CertificateTrouble | null) => void;
  /** How passwords are compared with their hashes; scrypt, unless a test says otherwise. */
  readonly passwords?: PasswordChecker;
  /** Called after each commit: something is due. */
  readonly onAccepted?: (message: NewMessage) => void;
}

export interface SmtpListener {
  /** Listens as the settings say; resolves once that worked or failed. Sessions go on if host and port stay. */
  apply(settings: Settings): Promise<ListenerState>;
  /** Tries addresses anew that this computer did not have; the others are left alone. */
  networkChanged(): Promise<ListenerState>;
  state(): ListenerState;
  /** Returns its unsubscribe. */
  onState(listener: (state: ListenerState) => void): () => void;
  /** Takes no new connections, lets open transactions end, cuts what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

const SWEEP_MS = 15_000;
const ROOM_MS = 2000;
/** A MAIL waits this long for a fresh answer, if there is an older one: the threads that ask may be busy elsewhere. */
const ROOM_WAIT_MS = 500;
/** When there are too many sessions: a mail program speaks at once, a flood of connections does not. */
const SILENT_GRACE_MS = 100;
const SPOKE_GRACE_MS = 1000;
/** Ports that are offered when the wanted one is taken or forbidden. */
const OTHER_PORTS = [2525, 2526, 2527, 8025, 10025, 0];

/** Creates the listener; nothing is bound before `apply`. */
export function createSmtpListener(options: SmtpListenerOptions): SmtpListener {
  const { clock, log } = options;
  const listeners = new Set<(state: ListenerState) => void>();
  let state: ListenerState = { kind: 'stopped' };
  let servers: SessionServer[] = [];
  let bound = '';
  let work: Promise<unknown> = Promise.resolve();
  let closed = false;
  let whenEmpty: (() => void) | null = null;

  const setState = (next: ListenerState): ListenerState => {
    state = next;
    for (const listener of listeners) listener(next);
    return next;
  };

  // Settings, in the form that sessions ask for; made anew when the object changes.
  let seen: Settings | null = null;
  let policy: CompiledPolicy | null = null;
  let users = new Map<string, string>();
  let ownName = '';
  const refresh = (): CompiledPolicy => {
    const settings = options.settings();
    if (policy && settings === seen) return policy;
    seen = settings;
    users = new Map(settings.server.users.map((user) => [user.name, user.hash]));
    ownName = wireName(settings.server.hostname) || machineName();
    policy = compilePolicy(settings.server);
    return policy;
  };

  // Sessions and their limits.
  const sessions = new Set<ListenerSession>();
  const perAddress = new Map<string, number>();
  let cancelSweep: (() => void) | null = null;
  const sweep = (): void => {
    cancelSweep = null;
    const now = clock.monotonic();
    for (const session of sessions) session.checkDeadlines(now);
    if (sessions.size > 0) cancelSweep = clock.after(SWEEP_MS, sweep);
  };
  /** Of the sessions that could be closed without loss, the one idle longest goes; after a moment of grace for all. */
  const crowdOut = (): void => {
    let idlest: ListenerSession | null = null;
    const now = clock.monotonic();
    let since = now;
    for (const session of sessions) {
      const idle = session.idleSince;
      if (idle !== null && idle < since && now - idle >= (session.spoke ? SPOKE_GRACE_MS : SILENT_GRACE_MS)) {
        since = idle;
        idlest = session;
      }
    }
    idlest?.evict();
    if (idlest) context.closed(idlest);
  };

  // Room on the disk: asked at most every two seconds, counted down in between.
  let free: number | null = null;
  let freeAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<number | null> | null = null;
  const askRoom = (ask: () => Promise<number>): Promise<number | null> => {
    asking ??= ask()
      .catch(() => null)
      .then((answer) => {
        free = answer;
        freeAt = clock.monotonic();
        asking = null;
        return answer;
      });
    return asking;
  };

  const context: SessionContext = {
    clock,
    log,
    names: options.names ?? null,
    stage: options.stage,
    newQueueId: options.newQueueId,
    policy: refresh,
    hostname: () => {
      refresh();
      return ownName;
    },
    tlsReady: () => tls.ready(),
    room: () => {
      if (!options.freeSpace) return null;
      if (clock.monotonic() - freeAt < ROOM_MS) return free;
      const asked = askRoom(options.freeSpace);
      return free === null ? asked : within(clock, ROOM_WAIT_MS, asked).then(() => free);
    },
    mayWrite: (octets) => {
      if (!options.freeSpace) return true;
      if (clock.monotonic() - freeAt >= ROOM_MS) void askRoom(options.freeSpace);
      if (free === null) return true;
      free -= octets;
      // Half of the reserve is for messages that were let in before the disk filled.
      return free >= LIMITS.reserveBytes / 2;
    },
    opened: (session) => {
      if (sessions.size >= LIMITS.connections) crowdOut();
      sessions.add(session);
      const fromAddress = (perAddress.get(session.remoteAddress) ?? 0) + 1;
      perAddress.set(session.remoteAddress, fromAddress);
      cancelSweep ??= clock.after(SWEEP_MS, sweep);
      return { total: sessions.size, fromAddress };
    },
    closed: (session) => {
      if (!sessions.delete(session)) return;
      signIns.left(session.session.id);
      const left = (perAddress.get(session.remoteAddress) ?? 1) - 1;
      if (left > 0) perAddress.set(session.remoteAddress, left);
      else perAddress.delete(session.remoteAddress);
      if (sessions.size === 0) {
        cancelSweep?.();
        cancelSweep = null;
        whenEmpty?.();
      }
    },
    accepted: (message) => options.onAccepted?.(message),
  };

  const passwords = options.passwords ?? createPasswordChecker();
  const signIns = createSignInQueue(clock, (name, password) => {
    refresh();
    return passwords.check(password, users.get(name));
  });

  const tls = createListenerTls({
    clock,
    log,
    directory: options.tlsDirectory,
    hostname: context.hostname,
    onTrouble: (trouble) => options.onCertificate?.(trouble),
  });

  const applyNow = async (settings: Settings): Promise<ListenerState> => {
    if (closed) return state;
    refresh();
    const { host, port } = settings.server;
    const wanted = JSON.stringify([host, port]);
    if (state.kind === 'listening' && wanted === bound) return state;
    unbind(servers);
    servers = [];
    bound = '';
    setState({ kind: 'starting' });
    return bindAll(host, port, wanted);
  };

  /** Binds each address for itself: one that this computer does not have just now does not keep the others from listening. */
  const bindAll = async (
    hosts: readonly string[],
    port: number,
    wanted: string,
    quiet = false,
  ): Promise<ListenerState> => {
    const opened: SessionServer[] = [];
    const listening: string[] = [];
    const missing: MissingAddress[] = [];
    let actual = port;
    let first: NodeJS.ErrnoException | null = null;
    for (const host of hosts) {
      const done = await bindOne(host, actual, hosts);
      if (done.kind === 'bound') {
        opened.push(done.server);
        listening.push(host);
        actual = done.port;
        continue;
      }
      first ??= done.error;
      // Another program there would get the mail of this computer's own programs.
      if (isPortTrouble(done.error) && coversLoopback(host)) {
        unbind(opened);
        return quiet ? state : setState(await failed(actual, done.error));
      }
      const { code = '' } = done.error;
      log.note('listener-address-missing', { host, code });
      // Without IPv6 there is no ::1; the other addresses are enough.
      if (host !== '::1') missing.push({ host, reason: REASONS.get(code) ?? 'other', message: done.error.message });
    }
    if (opened.length === 0) {
      return quiet ? state : setState(await failed(port, first ?? new Error('No address to listen on')));
    }
    servers = opened;
    bound = wanted;
    log.note('listening', { hosts: listening.join(' '), port: actual });
    return setState(stateOf(listening, actual, missing));
  };

  const stateOf = (hosts: readonly string[], port: number, missing: readonly MissingAddress[]): ListenerState => ({
    kind: 'listening',
    hosts,
    port,
    ...(missing.length > 0 ? { missing } : {}),
  });

  const bindOne = async (
    host: string,
    port: number,
    all: readonly string[],
  ): Promise<
    | { readonly kind: 'bound'; readonly server: SessionServer; readonly port: number }
    | { readonly kind: 'failed'; readonly error: NodeJS.ErrnoException }
  > => {
    const server = new SessionServer(context, tls, signIns, log);
    try {
      return { kind: 'bound', server, port: await listen(server, host, port, all.includes('0.0.0.0')) };
    } catch (error) {
      return { kind: 'failed', error: error as NodeJS.ErrnoException };
    }
  };

  /** What could not be listened on may be there now. What is listened on is left alone. */
  const retryNow = async (): Promise<ListenerState> => {
    if (closed) return state;
    const { host, port } = options.settings().server;
    if (state.kind === 'failed' && state.reason === 'address') {
      return bindAll(host, port, JSON.stringify([host, port]), true);
    }
    if (state.kind !== 'listening' || state.missing === undefined) return state;
    const hosts = [...state.hosts];
    const missing: MissingAddress[] = [];
    for (const address of state.missing) {
      const done = await bindOne(address.host, state.port, host);
      if (done.kind === 'failed') missing.push(address);
      else {
        servers.push(done.server);
        hosts.push(address.host);
      }
    }
    if (missing.length === state.missing.length) return state;
    log.note('listening', { hosts: hosts.join(' '), port: state.port });
    return setState(stateOf(hosts, state.port, missing));
  };

  /** Stops listening; sessions end with their transactions. */
  const unbind = (list: readonly SessionServer[]): void => {
    for (const server of list) {
      server.server.close();
      for (const session of sessions) if (session._server === server) session.leave();
    }
  };

  return {
    apply: (settings) => {
      // At once, not behind what is being bound: a STARTTLS that comes now waits for the certificate that these settings name.
      if (!closed) tls.want(settings.server.tls);
      const result = work.then(() => applyNow(settings));
      work = result.catch(() => undefined);
      return Promise.all([result, tls.ready()]).then(([now]) => now);
    },
    networkChanged: () => {
      const result = work.then(retryNow);
      work = result.catch(() => undefined);
      return result;
    },
    state: () => state,
    onState: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async (graceMs) => {
      closed = true;
      tls.close();
      await work;
      signIns.close();
      unbind(servers);
      servers = [];
      for (const session of sessions) session.leave();
      if (sessions.size > 0 && graceMs > 0) {
        await new Promise<void>((resolve) => {
          const cancel = clock.after(graceMs, resolve);
          whenEmpty = () => {
            cancel();
            resolve();
          };
        });
      }
      for (const session of sessions) session.destroy();
      cancelSweep?.();
      cancelSweep = null;
      setState({ kind: 'stopped' });
    },
  };
}

/** The library's server with our sessions in it and our TLS contexts: never its public certificate (S10). */
class SessionServer extends SMTPServer {
  readonly #context: SessionContext;

  constructor(context: SessionContext, tls: ListenerTls, signIns: SignInQueue, log: Log) {
    super({
      logger: false,
      disableReverseLookup: true,
      authOptional: true,
      allowInsecureAuth: true, // decided in accept-policy.ts
      authMethods: ['PLAIN', 'LOGIN'],
      socketTimeout: LIMITS.idleMs,
      minVersion: 'TLSv1.2',
      onAuth: (auth, { id, remoteAddress }, callback) => {
        const name = auth.username ?? '';
        const put = (why: string): void => {
          callback(Object.assign(new Error(why), { responseCode: 454 }));
        };
        signIns.check({ address: remoteAddress, name, password: auth.password ?? '', connection: id }).then(
          (answer) => {
            if (answer === 'right') callback(null, { user: name });
            else if (answer === 'wrong') callback(null, {});
            else put(answer);
          },
          (error: unknown) => {
            log.problem('listener-sign-in', error);
            put('unavailable');
          },
        );
      },
    });
    this.#context = context;
    this.secureContext = tls.contexts;
    this.on('error', (error: Error) => {
      // What goes wrong while binding is told by `listen`.
      if (this.server.listening) log.problem('listener-socket', error);
    });
  }

  /** Nobody stands before us with PROXY headers: the session begins at once, not a turn of the event loop and random octets later. */
  override _handleProxy(_socket: Socket, callback: (error: null, options: { id: string }) => void): void {
    callback(null, { id: '' });
  }

  override connect(socket: Socket): void {
    const session = new ListenerSession(this, socket, this.#context);
    this.connections.add(session);
    session.init();
  }
}

/** Resolves with the port that was got (0 asks for any). */
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

async function failed(port: number, error: NodeJS.ErrnoException): Promise<ListenerState> {
  const reason = REASONS.get(error.code ?? '') ?? 'other';
  const suggestedPort = reason === 'taken' || reason === 'forbidden' ? await freePort(port) : null;
  return { kind: 'failed', port, reason, message: MESSAGES[reason](port, error), suggestedPort };
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

/** The port is another program's, or not for us: it is the port's trouble, not the address's. */
function isPortTrouble({ code = '' }: NodeJS.ErrnoException): boolean {
  return ['taken', 'forbidden'].includes(REASONS.get(code) ?? '');
}

/** Programs on this computer hand in their mail there. */
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

function machineName(): string {
  const name = systemHostName();
  return isHostName(name) && /^[\u0021-\u007e]+$/.test(name) ? name.toLowerCase() : 'localhost';
}
