/**
 * The SMTP listener (spec §8): binds, binds anew when settings change, and lets its sessions end. What a session answers is
 * decided in listener-session.ts and accept-policy.ts.
 */
import { hostname } from 'node:os';
import type { Settings } from '../../shared/settings.ts';
import type { ListenerState, MissingAddress } from '../../shared/status.ts';
import { listenerName } from '../policy/ehlo-name.ts';
import type { Log } from '../log/log-port.ts';
import type { NewMessage, StagedMessage } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { compilePolicy, type CompiledPolicy } from './accept-policy.ts';
import { bindAddress, bindAddresses, failedState } from './bind-addresses.ts';
import { createDiskRoom } from './disk-room.ts';
import type { SessionContext } from './listener-session.ts';
import { createListenerTls, type CertificateTrouble, type ListenerTls } from './listener-tls.ts';
import { createOpenSessions, type OpenSessions } from './open-sessions.ts';
import { createPasswordChecker, type PasswordChecker } from './passwords.ts';
import type { SenderNames } from './sender-check.ts';
import { SessionServer } from './session-server.ts';
import { createSignInQueue, type SignInQueue } from './sign-in-queue.ts';

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
  /** Called when the certificate that the settings name can no longer be used, or can be again (null). */
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

/** A listener, with what it is made of. */
interface Listener {
  readonly options: SmtpListenerOptions;
  readonly sessions: OpenSessions;
  readonly tls: ListenerTls;
  readonly signIns: SignInQueue;
  readonly makeServer: () => SessionServer;
  readonly subscribers: Set<(state: ListenerState) => void>;
  state: ListenerState;
  servers: readonly SessionServer[];
  /** Addresses and port of the settings that are in effect. */
  bound: string;
  closed: boolean;
}

/** Creates the listener; nothing is bound before `apply`. */
export function createSmtpListener(options: SmtpListenerOptions): SmtpListener {
  const listener = buildListener(options);
  const { tls, signIns, sessions, subscribers } = listener;
  /** Binding takes its turn: one change of settings or network after the other. */
  let work: Promise<unknown> = Promise.resolve();
  const inTurn = (run: () => Promise<ListenerState>): Promise<ListenerState> => {
    const result = work.then(run);
    work = result.catch(() => undefined);
    return result;
  };
  return {
    apply: (settings) => {
      // At once, not behind what is being bound: a STARTTLS that comes now waits for the certificate that these settings name.
      if (!listener.closed) tls.want(settings.server.tls);
      return Promise.all([inTurn(() => applySettings(listener, settings)), tls.ready()]).then(([state]) => state);
    },
    networkChanged: () => inTurn(() => retryMissing(listener)),
    state: () => listener.state,
    onState: (subscriber) => {
      subscribers.add(subscriber);
      return () => subscribers.delete(subscriber);
    },
    close: async (graceMs) => {
      listener.closed = true;
      tls.close();
      await work;
      signIns.close();
      unbind(listener, listener.servers);
      listener.servers = [];
      for (const session of sessions) session.leave();
      await sessions.whenEmpty(graceMs);
      for (const session of sessions) session.destroy();
      sessions.close();
      setState(listener, { kind: 'stopped' });
    },
  };
}

/** Wires the parts. */
function buildListener(options: SmtpListenerOptions): Listener {
  const { clock, log } = options;
  const current = compiledSettings(options.settings);
  const passwords = options.passwords ?? createPasswordChecker();
  const signIns = createSignInQueue(clock, (name, password) => passwords.check(password, current().users.get(name)));
  const sessions = createOpenSessions(clock, ({ session }) => {
    signIns.left(session.id);
  });
  const room = createDiskRoom(clock, options.freeSpace);
  const ownName = (): string => current().hostname;
  const tls = createListenerTls({
    clock,
    log,
    directory: options.tlsDirectory,
    hostname: ownName,
    onTrouble: (trouble) => options.onCertificate?.(trouble),
  });
  const context: SessionContext = {
    clock,
    log,
    names: options.names ?? null,
    stage: options.stage,
    newQueueId: options.newQueueId,
    policy: () => current().policy,
    hostname: ownName,
    tlsReady: () => tls.ready(),
    room: () => room.available(),
    mayWrite: (octets) => room.mayWrite(octets),
    opened: (session) => sessions.add(session),
    closed: (session) => {
      sessions.remove(session);
    },
    accepted: (message) => options.onAccepted?.(message),
  };
  return {
    options,
    sessions,
    tls,
    signIns,
    makeServer: () => new SessionServer(context, tls, signIns, log),
    subscribers: new Set(),
    state: { kind: 'stopped' },
    servers: [],
    bound: '',
    closed: false,
  };
}

/** The settings in the form that sessions need; made anew when the object changes. */
interface CompiledSettings {
  readonly policy: CompiledPolicy;
  /** Hashes of passwords by user name. */
  readonly users: ReadonlyMap<string, string>;
  /** Our name in greeting and trace fields. */
  readonly hostname: string;
}

function compiledSettings(read: () => Settings): () => CompiledSettings {
  let from: Settings | null = null;
  let compiled: CompiledSettings | null = null;
  return () => {
    const settings = read();
    if (compiled && settings === from) return compiled;
    from = settings;
    const { server } = settings;
    compiled = {
      policy: compilePolicy(server),
      users: new Map(server.users.map((user) => [user.name, user.hash])),
      hostname: listenerName(server.hostname, hostname()),
    };
    return compiled;
  };
}

function setState(listener: Listener, state: ListenerState): ListenerState {
  listener.state = state;
  for (const subscriber of listener.subscribers) subscriber(state);
  return state;
}

/** Sessions go on if addresses and port stay. */
async function applySettings(listener: Listener, settings: Settings): Promise<ListenerState> {
  if (listener.closed) return listener.state;
  const { host, port } = settings.server;
  if (listener.state.kind === 'listening' && boundKey(host, port) === listener.bound) return listener.state;
  unbind(listener, listener.servers);
  listener.servers = [];
  listener.bound = '';
  setState(listener, { kind: 'starting' });
  return bindAll(listener, host, port, false);
}

/** @param quiet a failure leaves the state as it is */
async function bindAll(
  listener: Listener,
  hosts: readonly string[],
  port: number,
  quiet: boolean,
): Promise<ListenerState> {
  const { log } = listener.options;
  const result = await bindAddresses(listener.makeServer, hosts, port, log);
  if (result.kind === 'failed') {
    unbind(listener, result.servers);
    return quiet ? listener.state : setState(listener, await failedState(result.port, result.error));
  }
  listener.servers = result.servers;
  listener.bound = boundKey(hosts, port);
  log.note('listening', { hosts: result.hosts.join(' '), port: result.port });
  return setState(listener, listeningState(result.hosts, result.port, result.missing));
}

/** Addresses that could not be bound may be there now; those that are listened on are left alone. */
async function retryMissing(listener: Listener): Promise<ListenerState> {
  const { state, options } = listener;
  if (listener.closed) return state;
  const { host, port } = options.settings().server;
  if (state.kind === 'failed' && state.reason === 'address') return bindAll(listener, host, port, true);
  if (state.kind !== 'listening' || state.missing === undefined) return state;
  const servers = [...listener.servers];
  const hosts = [...state.hosts];
  const missing: MissingAddress[] = [];
  for (const address of state.missing) {
    const done = await bindAddress(listener.makeServer, address.host, state.port, host);
    if (done.kind === 'failed') missing.push(address);
    else {
      servers.push(done.server);
      hosts.push(address.host);
    }
  }
  listener.servers = servers;
  if (missing.length === state.missing.length) return state;
  options.log.note('listening', { hosts: hosts.join(' '), port: state.port });
  return setState(listener, listeningState(hosts, state.port, missing));
}

/** Stops listening; sessions end with their transactions. */
function unbind({ sessions }: Listener, servers: readonly SessionServer[]): void {
  for (const server of servers) {
    server.server.close();
    for (const session of sessions) if (session._server === server) session.leave();
  }
}

function boundKey(hosts: readonly string[], port: number): string {
  return JSON.stringify([hosts, port]);
}

function listeningState(hosts: readonly string[], port: number, missing: readonly MissingAddress[]): ListenerState {
  return { kind: 'listening', hosts, port, ...(missing.length > 0 ? { missing } : {}) };
}
