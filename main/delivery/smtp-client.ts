/**
 * One SMTP conversation with a next hop. Tells facts, judges nothing.
 *
 * Underneath is nodemailer's SMTPConnection: sockets, reply framing, STARTTLS (with its throwing away of injected
 * plaintext), the SASL dialogues. What it gets wrong for a mail server is overridden here and nowhere else:
 * - EHLO and HELO, extensions (it finds keywords in the host's name), when to go on in clear text;
 * - the transaction (one DSN set for all recipients; refusals lost when the final reply is an error; a message stream
 *   that breaks leaves the connection in DATA, one that ends early is sent as if it were whole);
 * - time-outs: one deadline per phase (RFC 5321 §4.5.3.2) on our clock, which dripping octets do not put off;
 * - ends of connections: every way a session can die comes out as one trouble, and nothing is emitted as 'error'.
 */
import type net from 'node:net';
import tls from 'node:tls';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { HopRef, MessageDsn, RecipientDsn, SmtpPhase, SmtpReply, TlsInfo } from '../../shared/mail.ts';
import type { SessionReport, SessionTrouble } from '../policy/types.ts';
import type { Clock, Log } from '../ports.ts';
import { dial, troubleOfErrno } from './dial.ts';
import type { DialFailure, ResolvedAddress } from './dial.ts';
import { createDotStuffer } from './dot-stuffing.ts';
import { isAscii, mailCommand, rcptCommand, withAsciiDomain } from './esmtp-parameters.ts';
import { NO_EXTENSIONS, parseEhlo, parseReply } from './smtp-reply.ts';
import type { Extensions } from './smtp-reply.ts';

/** Milliseconds that a server has in each phase (RFC 5321 §4.5.3.2). */
export interface PhaseTimeouts {
  /** For each address. */
  readonly connect: number;
  readonly greeting: number;
  /** EHLO, STARTTLS, TLS handshake, AUTH, MAIL, RCPT, RSET. */
  readonly command: number;
  /** Reply to DATA. */
  readonly data: number;
  /** Taking one block of the message. */
  readonly block: number;
  /** Reply to the final dot: never below ten minutes, or mail is sent twice. */
  readonly final: number;
}

const MINUTE = 60_000;

/** Time-outs from `connection.serverTimeoutSeconds`: gateways keep to it, an MX has at least what the RFC asks. */
export function phaseTimeouts(serverTimeoutSeconds: number, kind: 'gateway' | 'mx' | 'lan'): PhaseTimeouts {
  const set = serverTimeoutSeconds * 1000;
  const patient = kind === 'mx';
  return {
    connect: Math.min(set, 30_000),
    greeting: patient ? Math.max(set, 5 * MINUTE) : set,
    command: patient ? Math.max(set, 5 * MINUTE) : set,
    data: Math.max(set, 2 * MINUTE),
    block: Math.max(set, 3 * MINUTE),
    final: Math.max(set, 10 * MINUTE),
  };
}

export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** `token(refresh)`: an access token; `refresh` asks for a new one after the first was refused. Null: there is none. */
  | { readonly kind: 'oauth2'; readonly username: string; readonly token: (refresh: boolean) => Promise<string | null> };

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
  /** Credentials may travel unencrypted: the user ticked it for this gateway. */
  readonly allowInsecureAuth: boolean;
  readonly heloName: string;
  readonly timeouts: PhaseTimeouts;
  /** More certificates to trust (PEM), for tests and company CAs. */
  readonly ca?: readonly string[];
}

export interface SessionPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the greeting has arrived: the hop is alive (SPEC §3.3). */
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

/** A recipient as one transaction needs it. */
export interface TransactionRecipient {
  readonly id: number;
  readonly rcptTo: string;
  readonly dsn: RecipientDsn;
}

/** A message as one transaction needs it; `OutgoingMessage` fits. */
export interface TransactionMessage {
  readonly mailFrom: string | null;
  readonly size: number;
  readonly dsn: MessageDsn;
  readonly body8bit: boolean;
  readonly smtputf8: boolean;
  read(): AsyncIterable<Uint8Array>;
}

export interface TransactionResult {
  readonly report: SessionReport;
  /** The server offers DSN: recipients that it took are its business now (RFC 3461 §5.2.2). */
  readonly dsnPassedOn: boolean;
}

/** An open session, ready for MAIL. One transaction at a time. */
export interface SmtpSession {
  readonly kind: 'ready';
  readonly hop: HopRef;
  readonly address: ResolvedAddress;
  readonly tls: TlsInfo | null;
  readonly offered: Extensions;
  readonly addressFailures: readonly DialFailure[];
  /** From the start of connecting to being ready. */
  readonly readyMs: number;
  /** TLS was offered and did not work: this is the second connection, in clear text. */
  readonly fellBack: boolean;
  /** Transactions made. */
  readonly used: number;
  readonly alive: boolean;
  transact(message: TransactionMessage, recipients: readonly TransactionRecipient[], signal: AbortSignal): Promise<TransactionResult>;
  /** MAIL and RSET without a message: does it let us send? For Settings ▸ Test. */
  nullTransaction(mailFrom: string | null): Promise<{ readonly reply: SmtpReply | null; readonly trouble: SessionTrouble | null }>;
  /** Calls back once when the session ends by itself or is destroyed. */
  onEnd(run: () => void): void;
  /** QUIT, then closes; at most 2 s. */
  quit(): Promise<void>;
  /** At once. */
  destroy(): void;
}

type Answer =
  | { readonly kind: 'reply'; readonly reply: SmtpReply }
  /** `reply`: the 421 that announced the end, if one did. */
  | { readonly kind: 'trouble'; readonly trouble: SessionTrouble; readonly reply: SmtpReply | null };

/** A reply of real servers has a few hundred octets; EHLO of the chattiest, some thousand. */
const MAX_REPLY_OCTETS = 64 * 1024;
const MAX_WAITING_REPLIES = 1000;
/** Longer than every deadline of ours, so that nodemailer's own timer never decides. */
const LIBRARY_TIMEOUT = 60 * MINUTE;
const QUIT_MS = 2000;

const CERTIFICATE_WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate comes from an authority that this computer does not know',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate comes from an authority that this computer does not know',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate comes from an authority that this computer does not know',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate comes from an authority that this computer does not know',
  CERT_REVOKED: 'the certificate was revoked',
  CERT_UNTRUSTED: 'the certificate is not trusted',
};

/** What went wrong with TLS, in words. Takes the error's own code, not the one that nodemailer puts over it. */
function tlsTrouble(error: NodeJS.ErrnoException): SessionTrouble {
  const code = error.code ?? '';
  const words = CERTIFICATE_WORDS[code];
  if (words !== undefined) return { kind: 'tls', problem: 'certificate', detail: words };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return { kind: 'tls', problem: 'name', detail: 'the certificate is for another name' };
  if (/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|VERSION_TOO_LOW/.test(code)) {
    return { kind: 'tls', problem: 'protocol', detail: 'the server only knows TLS versions that are too old' };
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/.test(code)) {
    return { kind: 'tls', problem: 'handshake', detail: 'the server does not speak TLS on this port' };
  }
  return { kind: 'tls', problem: 'handshake', detail: code === '' ? 'the TLS handshake failed' : `the TLS handshake failed (${code})` };
}

const ignore = (): void => undefined;

/** nodemailer's connection with the overrides that the head of this file names. */
class Connection extends SMTPConnection {
  // Members of nodemailer that its types do not show. `declare`: they are the base class's, nothing is set here.
  declare _responseActions: ((line: string) => void)[];
  declare _responseQueue: string[];
  declare _remainder: string;
  declare _destroyed: boolean;

  readonly #clock: Clock;
  readonly #logLine: ((direction: 'in' | 'out', line: string) => void) | null;
  readonly #waiting: ((answer: Answer) => void)[] = [];
  readonly #ends: (() => void)[] = [];
  #death: { readonly trouble: SessionTrouble; readonly reply: SmtpReply | null } | null = null;
  #deadline: number | null = null;
  #phaseMs = 0;
  #timerDue = Infinity;
  #cancelTimer: (() => void) | null = null;
  #signingIn = false;
  #greeted: ((answer: Answer) => void) | null = null;
  #upgraded: ((trouble: SessionTrouble | null) => void) | null = null;
  #wakeWriter: (() => void) | null = null;

  constructor(
    socket: net.Socket,
    options: {
      readonly host: string;
      readonly name: string;
      readonly implicitTls: boolean;
      readonly tls: tls.ConnectionOptions;
    },
    clock: Clock,
    logLine: ((direction: 'in' | 'out', line: string) => void) | null,
  ) {
    super({
      connection: socket,
      host: options.host,
      name: options.name,
      secure: options.implicitTls,
      tls: options.tls,
      connectionTimeout: LIBRARY_TIMEOUT,
      greetingTimeout: LIBRARY_TIMEOUT,
      socketTimeout: LIBRARY_TIMEOUT,
      socketCloseTimeout: 0,
      maxResponseSize: MAX_REPLY_OCTETS,
      logger: false,
    });
    this.#clock = clock;
    this.#logLine = logLine;
    this.once('end', () => {
      this.die({ kind: 'connection-lost' });
    });
    this.on('error', ignore);
  }

  /** Why it is dead; null while it lives. */
  get death(): { readonly trouble: SessionTrouble; readonly reply: SmtpReply | null } | null {
    return this.#death;
  }

  get socket(): net.Socket | tls.TLSSocket | null {
    return this._socket || null;
  }

  onEnd(run: () => void): void {
    if (this.#death) run();
    else this.#ends.push(run);
  }

  /** Ends the session at once; everyone who waits for it hears why. */
  die(trouble: SessionTrouble, reply: SmtpReply | null = null): void {
    if (this.#death) return;
    this.#death = { trouble, reply };
    this.#deadline = null;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.close();
    const answer: Answer = { kind: 'trouble', trouble, reply };
    this.#greeted?.(answer);
    this.#upgraded?.(trouble);
    for (const resolve of this.#waiting.splice(0)) resolve(answer);
    this.#wakeWriter?.();
    for (const run of this.#ends.splice(0)) run();
  }

  // ------------------------------------------------------------ deadlines

  /** The server has `ms` from now. One timer serves all phases: it only ever moves when it fires. */
  arm(ms: number): void {
    if (this.#death) return;
    const now = this.#clock.monotonic();
    this.#phaseMs = ms;
    this.#deadline = now + ms;
    if (this.#cancelTimer && this.#timerDue <= this.#deadline) return;
    this.#cancelTimer?.();
    this.#setTimer(ms);
  }

  /** Nothing is awaited from the server. */
  disarm(): void {
    this.#deadline = null;
  }

  #setTimer(ms: number): void {
    this.#timerDue = this.#clock.monotonic() + ms;
    this.#cancelTimer = this.#clock.after(ms, () => {
      this.#cancelTimer = null;
      if (this.#deadline === null || this.#death) return;
      const left = this.#deadline - this.#clock.monotonic();
      if (left > 0) this.#setTimer(left);
      else this.die({ kind: 'timeout' });
    });
  }

  // ------------------------------------------------------------ conversation

  /** Waits for the greeting, behind implicit TLS if asked for. Call once, first. */
  greeting(): Promise<Answer> {
    return new Promise((resolve) => {
      this.#greeted = resolve;
      this.connect(ignore);
    });
  }

  /** Sends a line and waits for its reply. */
  ask(line: string): Promise<Answer> {
    const answer = this.expect();
    this._sendCommand(line);
    return answer;
  }

  /** Waits for the next reply that nobody waits for yet. */
  expect(): Promise<Answer> {
    if (this.#death) return Promise.resolve({ kind: 'trouble', ...this.#death });
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this._responseActions.push((raw) => {
        this.#waiting.shift()?.(this.#answer(raw));
      });
    });
  }

  /** STARTTLS was granted: shakes hands. Null = encrypted now. */
  upgrade(): Promise<SessionTrouble | null> {
    return new Promise((resolve) => {
      this.#upgraded = resolve;
      this._upgradeConnection((error) => {
        this.#upgraded = null;
        resolve(error ? tlsTrouble(error) : null);
      });
    });
  }

  /** Runs one SASL dialogue of nodemailer's. Its lines stay out of the log. */
  signIn(auth: SMTPConnection.AuthenticationType): Promise<Answer> {
    return new Promise((resolve) => {
      this.#signingIn = true;
      this.#logLine?.('out', `AUTH ${auth.method === false ? '' : (auth.method ?? '')} ***`);
      this.#waiting.push(resolve);
      this.login(auth, (error) => {
        this.#signingIn = false;
        const at = this.#waiting.indexOf(resolve);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        if (!error) return resolve({ kind: 'reply', reply: { code: 235, text: '' } });
        const raw = typeof error.response === 'string' ? error.response : '';
        resolve(raw === '' ? { kind: 'trouble', trouble: { kind: 'auth-not-possible', detail: error.message }, reply: null } : this.#answer(raw));
      });
    });
  }

  /** Writes octets of the message; resolves when more may come. False: the session is dead. */
  write(octets: Uint8Array): Promise<boolean> | boolean {
    const socket = this.socket;
    if (this.#death || !socket) return false;
    if (socket.write(octets)) return true;
    return new Promise((resolve) => {
      const woken = (): void => {
        socket.removeListener('drain', woken);
        this.#wakeWriter = null;
        resolve(this.#death === null);
      };
      socket.once('drain', woken);
      this.#wakeWriter = woken;
    });
  }

  #answer(raw: string): Answer {
    if (this.#logLine) for (const line of raw.split('\n')) this.#logLine('in', line);
    // Each reply is a sign of life: the next one has the phase's time again.
    if (this.#deadline !== null) this.arm(this.#phaseMs);
    const reply = parseReply(raw);
    if (reply) return { kind: 'reply', reply };
    const line = raw.slice(0, 200);
    return { kind: 'trouble', trouble: /^(HTTP\/|SSH-|\* OK|\+OK|<)/i.test(line) ? { kind: 'not-smtp', line } : { kind: 'malformed', line }, reply: null };
  }

  // ------------------------------------------- overridden members of nodemailer

  _sendCommand(line: string): void {
    const socket = this.socket;
    if (this.#death || !socket) return;
    if (socket.destroyed) {
      this.die({ kind: 'connection-lost' });
      return;
    }
    // While signing in every line is a secret; signIn() has logged what may be seen.
    if (!this.#signingIn) this.#logLine?.('out', line);
    socket.write(`${line}\r\n`);
  }

  _actionGreeting(raw: string): void {
    const greeted = this.#greeted;
    this.#greeted = null;
    greeted?.(this.#answer(raw));
  }

  _onConnect(): void {
    if (this.socket?.destroyed === true) this.die({ kind: 'connection-lost' });
    else SMTPConnection.prototype['_onConnect' as 'close'].call(this);
  }

  _onData(chunk: Buffer): void {
    if (this._responseQueue.length > MAX_WAITING_REPLIES) {
      this.die({ kind: 'not-smtp', line: 'more replies than questions' });
      return;
    }
    (SMTPConnection.prototype as unknown as { _onData: (chunk: Buffer) => void })._onData.call(this, chunk);
  }

  _onResponseTooLarge(): void {
    this.die({ kind: 'not-smtp', line: 'a reply without an end' });
  }

  _onError(error: NodeJS.ErrnoException, type: string, response: string | false): void {
    const code = error.code;
    if (this.upgrading === true || type === 'ETLS') this.die(code === 'ETIMEDOUT' ? { kind: 'timeout' } : tlsTrouble(error));
    else if (code?.startsWith('ERR_SSL') === true || code === 'EPROTO') this.die(tlsTrouble(error));
    else if (type === 'EPROTOCOL') {
      // A reply that nobody asked for. 421 is the only one that a server may send (RFC 5321 §3.8).
      const reply = typeof response === 'string' ? parseReply(response) : null;
      this.die({ kind: 'malformed', line: String(response).slice(0, 200) }, reply?.code === 421 ? reply : null);
    } else this.die(troubleOfErrno(code));
  }

  _onServerClosing(raw: string): void {
    this.die({ kind: 'connection-lost' }, parseReply(raw));
  }

  _onClose(): void {
    // A refusal without its line end, then the end: it is what the server had to say. Never so for a 2yz.
    const rest = this._remainder.trim();
    if (/^[45]\d\d[ -]/.test(rest) && !this.#death && this.#waiting.length + (this.#greeted ? 1 : 0) > 0) {
      this._remainder = '';
      this._responseActions.shift()?.call(this, rest);
    }
    this.die(this.upgrading === true ? { kind: 'tls', problem: 'handshake', detail: 'the server hung up during the TLS handshake' } : { kind: 'connection-lost' });
  }

  /** nodemailer's own deadlines are off: arm() is the only one. */
  _startPhase(): void {
    return;
  }

  declare _upgradeConnection: (callback: (error: NodeJS.ErrnoException | null) => void) => void;
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

/** Mechanisms in order of choice: the plain ones are fine inside TLS; outside, what does not show the password first. */
const MECHANISMS = { inside: ['PLAIN', 'LOGIN', 'CRAM-MD5'], outside: ['CRAM-MD5', 'PLAIN', 'LOGIN'] } as const;

let sessions = 0;

/**
 * Connects, greets, encrypts, signs in. Never rejects. An `opportunistic` target whose TLS does not work is connected to
 * once more, in clear text (RFC 7435; STANDARDS 51, N11).
 */
export async function openSession(target: SessionTarget, ports: SessionPorts, signal: AbortSignal): Promise<SmtpSession | SessionFailure> {
  const first = await openOnce(target, ports, signal);
  if (first.kind === 'ready' || target.security !== 'opportunistic' || signal.aborted) return first;
  if (first.trouble?.kind !== 'tls' && !(first.phase === 'tls' && first.trouble?.kind !== 'timeout')) return first;
  return openOnce({ ...target, security: 'none' }, ports, signal, true);
}

async function openOnce(target: SessionTarget, ports: SessionPorts, signal: AbortSignal, fellBack = false): Promise<SmtpSession | SessionFailure> {
  const { clock, log } = ports;
  const startedAt = clock.now();
  const began = clock.monotonic();
  const sessionName = `${(++sessions).toString(36)} ${target.hop.host}:${target.hop.port}`;
  const logLine = (direction: 'in' | 'out', line: string): void => {
    log.conversation(sessionName, direction, line);
  };
  let hop = target.hop;
  let addressFailures: readonly DialFailure[] = [];
  const failure = (phase: SmtpPhase, trouble: SessionTrouble | null, reply: SmtpReply | null, info: TlsInfo | null, noRoute = false): SessionFailure => ({
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

  const dialled = await dial({ addresses: target.addresses, port: target.hop.port, connectMs: target.timeouts.connect }, clock, signal);
  addressFailures = dialled.failures;
  if (dialled.kind === 'failed') {
    const address = dialled.failures[0]?.address ?? target.addresses[0]?.address;
    if (address !== undefined) hop = { ...hop, address };
    return failure('connect', dialled.trouble, null, null, dialled.noRoute);
  }
  hop = { ...hop, address: dialled.address.address };

  const verify = target.verify && target.security !== 'opportunistic';
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
    const trouble = answer.kind === 'trouble' ? answer.trouble : answer;
    const reply = answer.kind === 'trouble' ? answer.reply : null;
    connection.die(trouble);
    return failure(phase, trouble, reply, known);
  };
  const positive = (answer: Answer): boolean => answer.kind === 'reply' && answer.reply.code < 300;

  try {
    // One deadline for handshake and greeting: silence is silence.
    connection.arm(target.timeouts.greeting);
    const greeting = await connection.greeting();
    if (phase === 'tls' && connection.secure && (greeting.kind === 'reply' || connection.death?.trouble.kind !== 'tls')) enter('greeting');
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
          const trouble = await connection.upgrade();
          if (trouble) return fail(trouble);
          connection.arm(target.timeouts.command);
          enter('ehlo');
          offered = await hello();
          if ('kind' in offered) return fail(offered);
        } else if (target.security !== 'opportunistic' || granted.kind !== 'reply' || granted.reply.code === 421) return fail(granted);
      } else if (target.security === 'starttls') {
        enter('starttls');
        return fail({ kind: 'tls', problem: 'not-offered', detail: 'the server does not offer encryption' });
      }
    }

    if (target.credentials) {
      enter('auth');
      const refused = await signIn(connection, target, offered, target.credentials);
      if (refused) return fail(refused);
    }
    connection.disarm();
    return createSession(connection, { hop, address: dialled.address, offered, tls: info(), addressFailures, fellBack, readyMs: clock.monotonic() - began }, target, clock);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Null: signed in. */
async function signIn(connection: Connection, target: SessionTarget, offered: Extensions, credentials: Credentials): Promise<Answer | SessionTrouble | null> {
  const impossible = (detail: string): SessionTrouble => ({ kind: 'auth-not-possible', detail });
  if (!connection.secure && !target.allowInsecureAuth) return impossible('the connection is not encrypted, so the password was not sent');
  if (offered.auth.length === 0) return impossible('the server does not offer a sign-in');
  if (credentials.kind === 'password') {
    const method = MECHANISMS[connection.secure ? 'inside' : 'outside'].find((m) => offered.auth.includes(m));
    if (method === undefined) return impossible(`the server offers no sign-in that this program knows (${offered.auth.join(', ')})`);
    const answer = await connection.signIn({ method, user: credentials.username, pass: credentials.password });
    return answer.kind === 'reply' && answer.reply.code === 235 ? null : answer;
  }
  if (!offered.auth.includes('XOAUTH2')) return impossible('the server does not offer sign-in with OAuth 2');
  for (const refresh of [false, true]) {
    const token = await credentials.token(refresh);
    if (token === null) return { kind: 'no-secret' };
    const oauth2 = {
      getToken: (_renew: boolean, done: (error: Error | null, token: string) => void) => {
        done(null, token);
      },
      buildXOAuth2Token: (value: string) => Buffer.from(`user=${credentials.username}\u0001auth=Bearer ${value}\u0001\u0001`).toString('base64'),
    };
    const answer = await connection.signIn({ method: 'XOAUTH2', user: credentials.username, oauth2: oauth2 as never });
    if (answer.kind === 'reply' && answer.reply.code === 235) return null;
    if (refresh || answer.kind !== 'reply' || connection.death) return answer;
  }
  return null;
}

function createSession(
  connection: Connection,
  facts: Pick<SmtpSession, 'hop' | 'address' | 'offered' | 'tls' | 'addressFailures' | 'fellBack' | 'readyMs'>,
  target: SessionTarget,
  clock: Clock,
): SmtpSession {
  const { timeouts } = target;
  let used = 0;
  let needsReset = false;

  const transact = async (message: TransactionMessage, recipients: readonly TransactionRecipient[], signal: AbortSignal): Promise<TransactionResult> => {
    used++;
    const startedAt = clock.now();
    const replies = new Map<number, SmtpReply>();
    let phase: SmtpPhase = 'mail';
    let dotSent = false;
    const result = (reply: SmtpReply | null, trouble: SessionTrouble | null): TransactionResult => {
      connection.disarm();
      return {
        report: {
          hop: facts.hop,
          phase,
          startedAt,
          endedAt: clock.now(),
          tls: facts.tls,
          reply,
          trouble: reply ? null : trouble,
          dotSent,
          recipients: recipients.map((r) => ({ recipient: r.id, rcptReply: replies.get(r.id) ?? null })),
        },
        dsnPassedOn: facts.offered.keywords.has('DSN'),
      };
    };
    const ended = (answer: Answer): TransactionResult => {
      if (answer.kind === 'reply') return result(answer.reply, null);
      connection.die(answer.trouble, answer.reply);
      return result(answer.reply, answer.trouble);
    };

    const plan = await planTransaction(message, recipients, facts.offered);
    if (plan.kind !== 'send') return result(null, plan.trouble);
    if (connection.death) return ended({ kind: 'trouble', ...connection.death });
    const onAbort = (): void => {
      connection.die({ kind: 'connection-lost' });
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const octets = message.read()[Symbol.asyncIterator]();
    let bodyDone = false;

    try {
      const pipelining = facts.offered.keywords.has('PIPELINING');
      connection.arm(timeouts.command);
      const socket = connection.socket;
      if (pipelining) socket?.cork();
      const reset = needsReset ? connection.ask('RSET') : null;
      if (!pipelining && reset) {
        const answer = await reset;
        if (answer.kind !== 'reply' || answer.reply.code >= 300) return ended(answer);
      }
      needsReset = true;
      const mail = connection.ask(plan.mail);
      let rcpts: Promise<Answer>[] = [];
      let data: Promise<Answer> | null = null;
      if (pipelining) {
        rcpts = plan.rcpts.map((line) => connection.ask(line));
        data = connection.ask('DATA');
        socket?.uncork();
        const answer = reset ? await reset : null;
        // RSET that is not taken: the replies that follow mean nothing.
        if (answer && (answer.kind !== 'reply' || answer.reply.code >= 300)) {
          connection.die({ kind: 'connection-lost' });
          return ended(answer);
        }
      }
      const mailAnswer = await mail;
      if (mailAnswer.kind !== 'reply' || mailAnswer.reply.code >= 300) {
        const dataAnswer = data ? await data : null;
        // It refused the sender and takes a message all the same: not to be trusted with anything.
        if (dataAnswer?.kind === 'reply' && dataAnswer.reply.code < 400) connection.die({ kind: 'connection-lost' });
        return ended(mailAnswer);
      }

      phase = 'rcpt';
      let accepted = 0;
      for (const [i, recipient] of recipients.entries()) {
        const answer = await (rcpts[i] ?? connection.ask(plan.rcpts[i] ?? ''));
        if (answer.kind === 'trouble') {
          // Malformed, or the end. Nothing more is said: a message for a recipient whose reply is not known would be a gamble.
          return ended(answer);
        }
        replies.set(recipient.id, answer.reply);
        if (answer.reply.code < 300) accepted++;
        if (connection.death) return ended({ kind: 'reply', reply: answer.reply });
      }
      if (accepted === 0) {
        const dataAnswer = data ? await data : null;
        if (dataAnswer?.kind === 'reply' && dataAnswer.reply.code < 400) {
          // RFC 2920 §3.1: DATA was taken though nobody was; an empty message to nobody ends it.
          await connection.ask('.');
        }
        return result(null, null);
      }

      phase = 'data';
      connection.arm(timeouts.data);
      const dataAnswer = await (data ?? connection.ask('DATA'));
      if (dataAnswer.kind === 'reply' && dataAnswer.reply.code < 300) {
        return ended({ kind: 'trouble', trouble: { kind: 'malformed', line: `${dataAnswer.reply.code} to DATA` }, reply: null });
      }
      if (dataAnswer.kind !== 'reply' || dataAnswer.reply.code >= 400) return ended(dataAnswer);

      phase = 'body';
      const final = connection.expect();
      let early: Answer | null = null;
      void final.then((answer) => {
        early ??= answer;
      });
      const problem = await sendOctets(connection, octets, message.size, timeouts, () => early !== null, () => {
        phase = 'final';
        dotSent = true;
        connection.arm(timeouts.final);
      });
      bodyDone = true;
      if (problem === 'answered') {
        const answer: Answer = await final;
        connection.die({ kind: 'connection-lost' });
        if (answer.kind === 'reply' && answer.reply.code < 400) return ended({ kind: 'trouble', trouble: { kind: 'malformed', line: 'a reply before the end of the message' }, reply: null });
        return ended(answer);
      }
      if (problem !== null) {
        // The message must not look whole: no dot, no QUIT, the connection is cut (STANDARDS N3).
        connection.die(problem);
        return result(null, problem);
      }
      const answer = await final;
      if (answer.kind !== 'reply') return ended(answer);
      if (answer.reply.code >= 300 && answer.reply.code < 400) return ended({ kind: 'trouble', trouble: { kind: 'malformed', line: `${answer.reply.code} to the message` }, reply: null });
      if (answer.reply.code < 300) needsReset = false;
      return result(answer.reply, null);
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (!bodyDone) void octets.return?.().catch(ignore);
    }
  };

  return {
    kind: 'ready',
    ...facts,
    get used() {
      return used;
    },
    get alive() {
      return connection.death === null;
    },
    transact,
    async nullTransaction(mailFrom) {
      connection.arm(timeouts.command);
      const mail = await connection.ask(mailCommand({ mailFrom, size: 0, dsn: {}, eightBit: false, smtputf8: false }, { ...facts.offered, keywords: new Set() }));
      if (mail.kind === 'reply') await connection.ask('RSET');
      connection.disarm();
      return mail.kind === 'reply' ? { reply: mail.reply, trouble: null } : { reply: mail.reply, trouble: mail.trouble };
    },
    onEnd: (run) => {
      connection.onEnd(run);
    },
    async quit() {
      if (connection.death) return;
      connection.arm(QUIT_MS);
      await connection.ask('QUIT');
      connection.die({ kind: 'connection-lost' });
    },
    destroy: () => {
      connection.die({ kind: 'connection-lost' });
    },
  };
}

type TransactionPlan =
  | { readonly kind: 'send'; readonly mail: string; readonly rcpts: readonly string[] }
  | { readonly kind: 'cannot'; readonly trouble: SessionTrouble };

/** What can be told before a word is said: too large, needs what is not offered (STANDARDS 45, 46). */
async function planTransaction(message: TransactionMessage, recipients: readonly TransactionRecipient[], offered: Extensions): Promise<TransactionPlan> {
  const cannot = (trouble: SessionTrouble): TransactionPlan => ({ kind: 'cannot', trouble });
  if (offered.maxSize > 0 && message.size > offered.maxSize) return cannot({ kind: 'too-large', limit: offered.maxSize });
  if (message.body8bit && !offered.keywords.has('8BITMIME')) return cannot({ kind: 'needs-8bitmime' });
  const addresses = [message.mailFrom ?? '', ...recipients.map((r) => r.rcptTo)];
  // Addresses come from the listener's parser; this is the last guard against a second command in one (N17).
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (addresses.some((a) => /[\u0000-\u001f\u007f]/.test(a))) return cannot({ kind: 'local', detail: 'an address with control characters' });
  let smtputf8 = message.smtputf8 || !addresses.every(isAscii);
  if (smtputf8 && !offered.keywords.has('SMTPUTF8')) {
    // Only the domain is not ASCII: its A-label form goes everywhere (STANDARDS 35, N8).
    if (!addresses.every((a) => isAscii(withAsciiDomain(a))) || !(await headerIsAscii(message))) return cannot({ kind: 'needs-smtputf8' });
    smtputf8 = false;
  }
  const envelope = { mailFrom: message.mailFrom, size: message.size, dsn: message.dsn, eightBit: message.body8bit || smtputf8, smtputf8 };
  return { kind: 'send', mail: mailCommand(envelope, offered), rcpts: recipients.map((r) => rcptCommand(r.rcptTo, r.dsn, smtputf8, offered)) };
}

/** Looks at the header only: 8-bit octets in the body are no business of SMTPUTF8. A message that cannot be read counts as ASCII; sending it will tell. */
async function headerIsAscii(message: TransactionMessage): Promise<boolean> {
  let tail = '';
  try {
    for await (const chunk of message.read()) {
      const text = tail + Buffer.from(chunk).toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      // eslint-disable-next-line no-control-regex -- anything above ASCII
      if (/[\u0080-\u00ff]/.test(end < 0 ? text : text.slice(0, end))) return false;
      if (end >= 0) return true;
      tail = text.slice(-3);
    }
  } catch {
    return true;
  }
  return true;
}

/**
 * Sends the message. Null: whole, with its dot. The dot goes only after exactly `size` octets and a clean end of the
 * source, in one write with the last piece.
 */
async function sendOctets(
  connection: Connection,
  octets: AsyncIterator<Uint8Array>,
  size: number,
  timeouts: PhaseTimeouts,
  answered: () => boolean,
  onDot: () => void,
): Promise<SessionTrouble | 'answered' | null> {
  const stuffer = createDotStuffer();
  let sent = 0;
  let held: Uint8Array | null = null;
  connection.arm(timeouts.block);
  for (;;) {
    let step: IteratorResult<Uint8Array>;
    try {
      step = await octets.next();
    } catch (error) {
      return { kind: 'local', detail: `the message could not be read: ${error instanceof Error ? error.message : 'unknown reason'}` };
    }
    if (connection.death) return 'answered';
    if (step.done === true) break;
    sent += step.value.length;
    if (sent > size) break;
    if (held) {
      const more = connection.write(held);
      if (!(typeof more === 'boolean' ? more : await more)) return 'answered';
      connection.arm(timeouts.block);
    }
    if (answered()) {
      await octets.return?.();
      return 'answered';
    }
    held = stuffer.encode(step.value);
  }
  if (sent !== size) {
    await octets.return?.();
    return { kind: 'local', detail: `the stored message has ${sent > size ? 'more' : 'fewer'} octets than it should` };
  }
  const end = stuffer.end();
  const last = held ? Buffer.concat([held, end]) : end;
  onDot();
  const more = connection.write(last);
  if (typeof more !== 'boolean') await more;
  return null;
}
