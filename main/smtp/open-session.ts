/**
 * From a hop's addresses to a session that is ready for MAIL: connect, greeting, EHLO, TLS, sign-in. Tells facts, judges
 * nothing.
 */
import type net from 'node:net';
import tls from 'node:tls';
import type { HopRef, SmtpPhase, SmtpReply, TlsInfo } from '../../shared/mail.ts';
import { isIp } from '../../shared/syntax.ts';
import type { SessionTrouble } from '../policy/model.ts';
import type { Log } from '../log/log-port.ts';
import type { Clock } from '../runtime/clock.ts';
import { dial } from './dial.ts';
import type { DialFailure, ResolvedAddress } from './dial.ts';
import type { Proxy } from './proxy.ts';
import { Connection } from './connection.ts';
import type { Answer } from './connection.ts';
import { NO_EXTENSIONS, parseEhlo } from './reply.ts';
import type { Extensions } from './reply.ts';
import { createSession } from './session.ts';
import type { PhaseTimeouts, SmtpSession } from './session.ts';

export { phaseTimeouts } from './session.ts';
export type { PhaseTimeouts, SmtpSession } from './session.ts';

export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** `token(refresh)`: an access token; `refresh` asks for a new one after the first was refused. */
  | {
      readonly kind: 'oauth2';
      readonly username: string;
      readonly token: (refresh: boolean) => Promise<TokenAnswer>;
    };

/** What a token source says. */
export type TokenAnswer =
  | { readonly kind: 'token'; readonly token: string }
  /** Only the user can help. */
  | { readonly kind: 'sign-in-needed' }
  /** It could not be renewed now; nothing is wrong with the sign-in as far as is known. */
  | { readonly kind: 'later'; readonly detail: string };

/** A token source without a token, as the trouble of the session. */
export function tokenTrouble(answer: Exclude<TokenAnswer, { kind: 'token' }>): SessionTrouble {
  return answer.kind === 'later' ? { kind: 'token-later', detail: answer.detail } : { kind: 'no-secret' };
}

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
  /** Credentials are needed there, though perhaps not on this connection (a probe): whoever answers must be the asked host (spec §4.4). */
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
  /** Called when the greeting has arrived: the hop is alive (spec §3.3). */
  readonly onGreeting?: () => void;
  /** Called when a phase begins. */
  readonly onPhase?: (phase: SmtpPhase) => void;
}

/** Why no session could be had. */
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

/** Mechanisms in order of choice: the plain ones are fine inside TLS; outside, what does not show the password first. */
const MECHANISMS = { inside: ['PLAIN', 'LOGIN', 'CRAM-MD5'], outside: ['CRAM-MD5', 'PLAIN', 'LOGIN'] } as const;

/**
 * Connects, greets, encrypts, signs in. Never rejects. An `opportunistic` target whose TLS does not work is connected to
 * once more, in clear text (RFC 7435; standards 51, N11).
 */
export async function openSession(
  target: SessionTarget,
  ports: SessionPorts,
  signal: AbortSignal,
): Promise<SmtpSession | SessionFailure> {
  const first = await openOnce(target, ports, signal);
  if (first.kind === 'ready' || target.security !== 'opportunistic' || signal.aborted) return first;
  if (first.trouble?.kind !== 'tls' && first.phase !== 'tls') return first;
  return openOnce({ ...target, security: 'none' }, ports, signal, true);
}

async function openOnce(
  target: SessionTarget,
  ports: SessionPorts,
  signal: AbortSignal,
  fellBack = false,
): Promise<SmtpSession | SessionFailure> {
  const { clock, log } = ports;
  const startedAt = clock.now();
  const began = clock.monotonic();
  const logLine = (direction: 'in' | 'out', line: string): void => {
    log.conversation(`${target.hop.host}:${target.hop.port} ${connection.id}`, direction, line);
  };
  let hop = target.hop;
  let addressFailures: readonly DialFailure[] = [];
  const failure = (
    phase: SmtpPhase,
    trouble: SessionTrouble | null,
    reply: SmtpReply | null,
    info: TlsInfo | null,
    noRoute = false,
  ): SessionFailure => ({
    kind: 'failed',
    hop,
    phase,
    startedAt,
    endedAt: clock.now(),
    trouble: reply ? null : trouble,
    reply,
    tls: info,
    addressFailures,
    noRoute,
  });

  const dialled = await dial(
    {
      addresses: target.addresses,
      port: target.hop.port,
      connectMs: target.timeouts.connect,
      proxy: target.proxy ?? null,
    },
    clock,
    signal,
  );
  addressFailures = dialled.failures;
  if (dialled.kind === 'failed') {
    const address = dialled.failures[0]?.address ?? target.addresses[0]?.address;
    if (address !== undefined) hop = { ...hop, address };
    return failure('connect', dialled.trouble, null, null, dialled.noRoute);
  }
  hop = { ...hop, address: dialled.address.address };

  const verify = target.verify && target.security !== 'opportunistic';
  const guarded = verify && (target.guarded === true || target.credentials !== null);
  const connection = new Connection(
    dialled.socket,
    {
      host: target.hop.host,
      name: target.heloName,
      implicitTls: target.security === 'tls',
      tls: {
        rejectUnauthorized: verify,
        minVersion: 'TLSv1.2',
        ...(/^[\d.]+$|:/.test(target.hop.host) ? {} : { servername: target.hop.host }),
        ...(target.ca ? { ca: [...tls.rootCertificates, ...target.ca] } : {}),
      },
    },
    clock,
    logLine,
  );
  const onAbort = (): void => {
    connection.die({ kind: 'connection-lost' });
  };
  signal.addEventListener('abort', onAbort, { once: true });
  let phase: SmtpPhase = target.security === 'tls' ? 'tls' : 'greeting';
  const enter = (next: SmtpPhase): void => {
    phase = next;
    ports.onPhase?.(next);
  };
  enter(phase);
  const info = (): TlsInfo | null => (connection.secure ? tlsInfo(connection.socket) : null);
  /** Null: go on. */
  const fail = (answer: Answer | SessionTrouble): SessionFailure => {
    const known = info();
    if (answer.kind === 'reply') {
      connection.die({ kind: 'connection-lost' });
      return failure(phase, null, answer.reply, known);
    }
    const trouble = suspicious(answer.kind === 'trouble' ? answer.trouble : answer, guarded);
    const reply = answer.kind === 'trouble' ? answer.reply : null;
    connection.die(trouble);
    return failure(phase, trouble, reply, known);
  };
  const positive = (answer: Answer): boolean => answer.kind === 'reply' && answer.reply.code < 300;

  try {
    // One deadline for handshake and greeting: silence is silence.
    connection.arm(target.timeouts.greeting);
    const greeting = await connection.greeting();
    if (
      phase === 'tls' &&
      connection.secure &&
      (greeting.kind === 'reply' || connection.getDeath()?.trouble.kind !== 'tls')
    )
      enter('greeting');
    if (greeting.kind !== 'reply' || greeting.reply.code !== 220) return fail(greeting);
    ports.onGreeting?.();

    connection.arm(target.timeouts.command);
    enter('ehlo');
    const hello = async (): Promise<Extensions | Answer> => {
      const ehlo = await connection.ask(`EHLO ${target.heloName}`);
      if (ehlo.kind === 'reply' && positive(ehlo)) return parseEhlo(ehlo.reply);
      if (ehlo.kind !== 'reply' || ehlo.reply.code === 421) return ehlo;
      // Refused: an old server may still know HELO, and then no parameters (RFC 5321 §3.2).
      const helo = await connection.ask(`HELO ${target.heloName}`);
      return positive(helo) ? NO_EXTENSIONS : helo;
    };
    let offered = await hello();
    if ('kind' in offered) return fail(offered);

    if (target.security !== 'none' && target.security !== 'tls') {
      if (offered.keywords.has('STARTTLS')) {
        enter('starttls');
        const granted = await connection.ask('STARTTLS');
        if (positive(granted)) {
          enter('tls');
          // A handshake is machines talking: minutes of patience are for people's queues.
          connection.arm(Math.min(target.timeouts.command, HANDSHAKE_MS));
          const trouble = await connection.upgrade();
          if (trouble) return fail(trouble);
          connection.arm(target.timeouts.command);
          enter('ehlo');
          offered = await hello();
          if ('kind' in offered) return fail(offered);
        } else if (target.security !== 'opportunistic' || granted.kind !== 'reply' || granted.reply.code === 421)
          return fail(granted);
      } else if (target.security === 'starttls') {
        enter('starttls');
        return fail({ kind: 'tls', problem: 'not-offered', detail: 'the server does not offer encryption' });
      }
    }

    if (guarded && !connection.secure && target.allowInsecureAuth) {
      // Nothing but its banner says who this is.
      const stranger = foreignBanner(greeting.reply.text, target.hop.host);
      if (stranger !== null)
        return fail({ kind: 'intercepted', detail: `${target.hop.host} was asked, ${stranger} answered` });
    }
    if (target.credentials) {
      enter('auth');
      const refused = await signIn(connection, target, offered, target.credentials);
      if (refused) return fail(refused);
    }
    connection.disarm();
    return createSession(connection, target.timeouts, clock, {
      hop,
      address: dialled.address,
      localAddress: dialled.socket.localAddress ?? null,
      offered,
      tls: info(),
      addressFailures,
      fellBack,
      readyMs: clock.monotonic() - began,
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A certificate for another name, where a password is to be shown: this is not the host that was asked. */
function suspicious(trouble: SessionTrouble, guarded: boolean): SessionTrouble {
  return guarded && trouble.kind === 'tls' && trouble.problem === 'name'
    ? { kind: 'intercepted', detail: trouble.detail }
    : trouble;
}

/**
 * The host that a greeting names (RFC 5321 §4.2), if it belongs to another domain than the asked one; null if it fits or
 * says nothing. A bare name or an address proves nothing, and mail24.example.net may well answer for smtp.example.net.
 */
export function foreignBanner(greeting: string, asked: string): string | null {
  const named = /^([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+)\.?(?:\s|$)/i.exec(
    greeting,
  )?.[1];
  if (named === undefined || isIp(asked) || isIp(named) || !asked.includes('.')) return null;
  const ownerOf = (host: string): string => host.toLowerCase().replace(/\.$/, '').split('.').slice(-2).join('.');
  return ownerOf(named) === ownerOf(asked) ? null : named;
}

/** Null: signed in. */
async function signIn(
  connection: Connection,
  target: SessionTarget,
  offered: Extensions,
  credentials: Credentials,
): Promise<Answer | SessionTrouble | null> {
  const impossible = (detail: string): SessionTrouble => ({ kind: 'auth-not-possible', detail });
  if (!connection.secure && !target.allowInsecureAuth)
    return impossible('the connection is not encrypted, so the password was not sent');
  if (offered.auth.length === 0) return impossible('the server does not offer a sign-in');
  if (credentials.kind === 'password') {
    const method = MECHANISMS[connection.secure ? 'inside' : 'outside'].find((m) => offered.auth.includes(m));
    if (method === undefined)
      return impossible(`the server offers no sign-in that this program knows (${offered.auth.join(', ')})`);
    const { username, password } = credentials;
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    connection.hide(password, base64(password), base64(`\u0000${username}\u0000${password}`));
    const answer = await connection.signIn({ method, user: username, pass: password });
    return answer.kind === 'reply' && answer.reply.code === 235 ? null : answer;
  }
  if (!offered.auth.includes('XOAUTH2')) return impossible('the server does not offer sign-in with OAuth 2');
  let refreshed = false;
  for (;;) {
    let missing: Exclude<TokenAnswer, { kind: 'token' }> | null = null;
    const oauth2 = {
      // nodemailer asks once more by itself after a 334 challenge; servers that say 535 at once are asked again below.
      getToken: (again: boolean, done: (error: Error | null, token: string) => void) => {
        refreshed ||= again;
        void credentials.token(refreshed).then((answer) => {
          if (answer.kind === 'token') done(null, answer.token);
          else {
            missing = answer;
            done(new Error('no token'), '');
          }
        });
      },
      buildXOAuth2Token: (value: string) => {
        const text = `user=${credentials.username}\u0001auth=Bearer ${value}\u0001\u0001`;
        const line = Buffer.from(text).toString('base64');
        connection.hide(value, text, line);
        return line;
      },
    };
    const answer = await connection.signIn({ method: 'XOAUTH2', user: credentials.username, oauth2: oauth2 as never });
    if (answer.kind === 'reply' && answer.reply.code === 235) return null;
    // Set by the callback that the sign-in calls.
    const lacking = missing as Exclude<TokenAnswer, { kind: 'token' }> | null;
    if (lacking) return tokenTrouble(lacking);
    if (refreshed || answer.kind !== 'reply' || connection.getDeath()) return answer;
    refreshed = true;
  }
}
