/**
 * From a host's addresses to a session that is ready for MAIL: connect, greeting, EHLO, TLS, sign-in. Reports facts and
 * judges nothing.
 */
import type net from 'node:net';
import tls from 'node:tls';
import type { HopRef, SmtpPhase, SmtpReply, TlsInfo } from '../../shared/mail.ts';
import type { SessionTrouble } from '../policy/model.ts';
import type { Log } from '../log/log-port.ts';
import type { Clock } from '../runtime/clock.ts';
import { Connection, type Answer } from './connection.ts';
import { dial, type DialFailure, type Dialled, type ResolvedAddress } from './dial.ts';
import { asInterception, foreignBanner } from './interception.ts';
import type { Proxy } from './proxy.ts';
import { NO_EXTENSIONS, parseEhlo, type Extensions } from './reply.ts';
import { createSession, type SmtpSession } from './session.ts';
import { signIn, type Credentials } from './sign-in.ts';
import type { PhaseTimeouts } from './timeouts.ts';

/** Where and how to connect. */
export interface SessionTarget {
  readonly hop: HopRef;
  /** In order of use; resolved by us, never by nodemailer. */
  readonly addresses: readonly ResolvedAddress[];
  /** `opportunistic`: TLS if offered and working, else clear text (RFC 7435); `if-offered`: TLS if offered, then it must work. */
  readonly security: 'tls' | 'starttls' | 'if-offered' | 'opportunistic' | 'none';
  /** Certificate must be valid for `hop.host`; ignored for `opportunistic`. */
  readonly verify: boolean;
  readonly credentials: Credentials | null;
  /** The host wants credentials, though perhaps not on this connection (a probe): what answers must be the host itself (spec §4.4). */
  readonly guarded?: boolean;
  /** Credentials may travel unencrypted: the user ticked it for this gateway. */
  readonly allowInsecureAuth: boolean;
  readonly heloName: string;
  readonly timeouts: PhaseTimeouts;
  /** More certificates to trust (PEM), for tests and company CAs. */
  readonly ca?: readonly string[];
  /** For addresses that are not near. */
  readonly proxy?: Proxy | null;
}

export interface SessionPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the greeting has arrived: the hop answers (spec §3.3). */
  readonly onGreeting?: () => void;
  /** Called when a phase begins. */
  readonly onPhase?: (phase: SmtpPhase) => void;
}

/** Why no session could be opened. */
export interface SessionFailure {
  readonly kind: 'failed';
  readonly hop: HopRef;
  readonly phase: SmtpPhase;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly trouble: SessionTrouble | null;
  readonly reply: SmtpReply | null;
  readonly tls: TlsInfo | null;
  readonly addressFailures: readonly DialFailure[];
  /** Nothing left this computer: no route to any address. */
  readonly noRoute: boolean;
}

function tlsInfo(socket: net.Socket | null): TlsInfo | null {
  if (!(socket instanceof tls.TLSSocket)) return null;
  const name = (socket as Partial<tls.TLSSocket>).getCipher?.();
  return {
    protocol: socket.getProtocol() ?? 'TLS',
    ...(name ? { cipher: name.standardName } : {}),
    verified: socket.authorized,
  };
}

const HANDSHAKE_MS = 60_000;

/** A session that is being opened. */
interface Opening {
  readonly target: SessionTarget;
  readonly ports: SessionPorts;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** With its address, once it is known. */
  readonly hop: HopRef;
  readonly addressFailures: readonly DialFailure[];
  readonly connection: Connection;
  /** Credentials are involved: what answers must be the asked host. */
  readonly guarded: boolean;
  phase: SmtpPhase;
}

/** A step of opening that brought `value`, or ended it. */
type Step<T> =
  { readonly kind: 'onward'; readonly value: T } | { readonly kind: 'ended'; readonly failure: SessionFailure };

/**
 * Connects, greets, encrypts, signs in. Never rejects. An `opportunistic` target whose TLS does not work is connected to
 * once more, in clear text (RFC 7435; standards 51, N11).
 */
export async function openSession(
  target: SessionTarget,
  ports: SessionPorts,
  signal: AbortSignal,
): Promise<SmtpSession | SessionFailure> {
  const first = await openOnce(target, ports, signal, false);
  if (first.kind === 'ready' || target.security !== 'opportunistic' || signal.aborted) return first;
  if (first.trouble?.kind !== 'tls' && first.phase !== 'tls') return first;
  return openOnce({ ...target, security: 'none' }, ports, signal, true);
}

async function openOnce(
  target: SessionTarget,
  ports: SessionPorts,
  signal: AbortSignal,
  fellBack: boolean,
): Promise<SmtpSession | SessionFailure> {
  const { clock } = ports;
  const startedAt = clock.now();
  const began = clock.monotonic();
  const { hop, addresses, timeouts, proxy = null } = target;
  const dialled = await dial({ addresses, port: hop.port, connectMs: timeouts.connect, proxy }, clock, signal);
  if (dialled.kind === 'failed') return dialFailed(target, dialled, startedAt, clock.now());
  const opening = begin(target, ports, dialled, startedAt);
  const { connection } = opening;
  const onAbort = (): void => {
    connection.die({ kind: 'connection-lost' });
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const greeted = await greet(opening);
    if (greeted.kind === 'ended') return greeted.failure;
    const introduced = await sayEhlo(opening);
    if (introduced.kind === 'ended') return introduced.failure;
    const secured = await encrypt(opening, introduced.value);
    if (secured.kind === 'ended') return secured.failure;
    const refused = await authenticate(opening, greeted.value, secured.value);
    if (refused) return refused;
    connection.disarm();
    return createSession(connection, timeouts, clock, {
      hop: opening.hop,
      address: dialled.address,
      localAddress: dialled.socket.localAddress ?? null,
      offered: secured.value,
      tls: connection.secure ? tlsInfo(connection.socket) : null,
      addressFailures: dialled.failures,
      fellBack,
      readyMs: clock.monotonic() - began,
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Waits for the greeting, behind implicit TLS if wanted; its text. */
async function greet(opening: Opening): Promise<Step<string>> {
  const { connection, target, ports } = opening;
  // One deadline for handshake and greeting together: the server is silent in either.
  connection.arm(target.timeouts.greeting);
  const greeting = await connection.greeting();
  const tlsDone = connection.secure && (greeting.kind === 'reply' || connection.getDeath()?.trouble.kind !== 'tls');
  if (opening.phase === 'tls' && tlsDone) enter(opening, 'greeting');
  if (greeting.kind !== 'reply' || greeting.reply.code !== 220) return ended(opening, greeting);
  ports.onGreeting?.();
  connection.arm(target.timeouts.command);
  return { kind: 'onward', value: greeting.reply.text };
}

async function sayEhlo(opening: Opening): Promise<Step<Extensions>> {
  const { connection, target } = opening;
  enter(opening, 'ehlo');
  const ehlo = await connection.ask(`EHLO ${target.heloName}`);
  if (ehlo.kind === 'reply' && isPositive(ehlo)) return { kind: 'onward', value: parseEhlo(ehlo.reply) };
  if (ehlo.kind !== 'reply' || ehlo.reply.code === 421) return ended(opening, ehlo);
  // Refused: an old server may still know HELO, and then no parameters (RFC 5321 §3.2).
  const helo = await connection.ask(`HELO ${target.heloName}`);
  return isPositive(helo) ? { kind: 'onward', value: NO_EXTENSIONS } : ended(opening, helo);
}

/** STARTTLS as far as target and server want it; what is offered afterwards. */
async function encrypt(opening: Opening, offered: Extensions): Promise<Step<Extensions>> {
  const { connection, target } = opening;
  const { security, timeouts } = target;
  const asItIs: Step<Extensions> = { kind: 'onward', value: offered };
  if (security === 'none' || security === 'tls') return asItIs;
  if (!offered.keywords.has('STARTTLS')) {
    if (security !== 'starttls') return asItIs;
    enter(opening, 'starttls');
    return ended(opening, { kind: 'tls', problem: 'not-offered', detail: 'the server does not offer encryption' });
  }
  enter(opening, 'starttls');
  const granted = await connection.ask('STARTTLS');
  if (!isPositive(granted)) {
    const mayGoWithout = security === 'opportunistic' && granted.kind === 'reply' && granted.reply.code !== 421;
    return mayGoWithout ? asItIs : ended(opening, granted);
  }
  enter(opening, 'tls');
  // No person and no queue is waited for in a handshake: it needs less patience than a command.
  connection.arm(Math.min(timeouts.command, HANDSHAKE_MS));
  const trouble = await connection.upgrade();
  if (trouble) return ended(opening, trouble);
  connection.arm(timeouts.command);
  return sayEhlo(opening);
}

/** Signs in if credentials are to be used; null: done, or none are. */
async function authenticate(opening: Opening, greeting: string, offered: Extensions): Promise<SessionFailure | null> {
  const { connection, target, guarded } = opening;
  const { credentials, allowInsecureAuth, hop } = target;
  if (guarded && !connection.secure && allowInsecureAuth) {
    // Without TLS only the greeting says which host this is.
    const other = foreignBanner(greeting, hop.host);
    if (other !== null)
      return failWith(opening, { kind: 'intercepted', detail: `${hop.host} was asked, ${other} answered` });
  }
  if (!credentials) return null;
  enter(opening, 'auth');
  const refused = await signIn(connection, offered, credentials, allowInsecureAuth);
  return refused ? failWith(opening, refused) : null;
}

function begin(
  target: SessionTarget,
  ports: SessionPorts,
  dialled: Extract<Dialled, { kind: 'connected' }>,
  startedAt: number,
): Opening {
  const { host, port } = target.hop;
  const verify = target.verify && target.security !== 'opportunistic';
  const implicitTls = target.security === 'tls';
  const connection: Connection = new Connection(
    dialled.socket,
    {
      host,
      name: target.heloName,
      implicitTls,
      tls: {
        rejectUnauthorized: verify,
        minVersion: 'TLSv1.2',
        ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
        ...(target.ca ? { ca: [...tls.rootCertificates, ...target.ca] } : {}),
      },
    },
    ports.clock,
    (direction, line) => {
      ports.log.conversation(`${host}:${port} ${connection.id}`, direction, line);
    },
  );
  const opening: Opening = {
    target,
    ports,
    startedAt,
    hop: { ...target.hop, address: dialled.address.address },
    addressFailures: dialled.failures,
    connection,
    guarded: verify && (target.guarded === true || target.credentials !== null),
    phase: 'connect',
  };
  enter(opening, implicitTls ? 'tls' : 'greeting');
  return opening;
}

function enter(opening: Opening, phase: SmtpPhase): void {
  opening.phase = phase;
  opening.ports.onPhase?.(phase);
}

/** Ends the connection with what was answered, or what went wrong. */
function failWith(opening: Opening, why: Answer | SessionTrouble): SessionFailure {
  const { connection, hop, phase, startedAt, addressFailures, guarded } = opening;
  const known = connection.secure ? tlsInfo(connection.socket) : null;
  const trouble = why.kind === 'reply' ? null : asInterception(why.kind === 'trouble' ? why.trouble : why, guarded);
  const reply = why.kind === 'reply' || why.kind === 'trouble' ? why.reply : null;
  connection.die(trouble ?? { kind: 'connection-lost' });
  return {
    kind: 'failed',
    hop,
    phase,
    startedAt,
    endedAt: opening.ports.clock.now(),
    trouble: reply ? null : trouble,
    reply,
    tls: known,
    addressFailures,
    noRoute: false,
  };
}

function ended(opening: Opening, why: Answer | SessionTrouble): Step<never> {
  return { kind: 'ended', failure: failWith(opening, why) };
}

function dialFailed(
  { hop, addresses }: SessionTarget,
  { failures, trouble, noRoute }: Extract<Dialled, { kind: 'failed' }>,
  startedAt: number,
  endedAt: number,
): SessionFailure {
  const address = failures[0]?.address ?? addresses[0]?.address;
  return {
    kind: 'failed',
    hop: address === undefined ? hop : { ...hop, address },
    phase: 'connect',
    startedAt,
    endedAt,
    trouble,
    reply: null,
    tls: null,
    addressFailures: failures,
    noRoute,
  };
}

function isPositive(answer: Answer): boolean {
  return answer.kind === 'reply' && answer.reply.code < 300;
}
