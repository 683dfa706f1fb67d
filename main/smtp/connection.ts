/**
 * nodemailer's SMTPConnection with what a mail server needs. Its sockets, reply framing, STARTTLS (which discards injected
 * plaintext) and SASL dialogues are used. What it does wrong is overridden here and nowhere else (docs/library-overrides.md):
 * - EHLO and HELO and the extensions are asked for and read by the caller (it finds keywords in the host's name);
 * - transactions are the caller's (one DSN set for all recipients; refusals lost when the final reply is an error; a
 *   message stream that breaks leaves the connection in DATA, one that ends early is sent as if it were whole);
 * - time-outs: one deadline per phase (RFC 5321 §4.5.3.2) on our clock, which dripping octets do not put off;
 * - ends of connections: every way a session can die comes out as one trouble, and nothing is emitted as 'error'.
 */
import type net from 'node:net';
import type tls from 'node:tls';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { SmtpReply } from '../../shared/mail.ts';
import type { SessionTrouble } from '../policy/model.ts';
import type { Clock } from '../runtime/clock.ts';
import { troubleOfErrno } from './dial.ts';
import { parseReply } from './reply.ts';

/** What came of a command. */
export type Answer =
  | { readonly kind: 'reply'; readonly reply: SmtpReply }
  /** `reply`: the 421 that announced the end, if one did. */
  | { readonly kind: 'trouble'; readonly trouble: SessionTrouble; readonly reply: SmtpReply | null };

/** A reply of real servers has a few hundred octets; EHLO of the chattiest, some thousand. */
const MAX_REPLY_OCTETS = 64 * 1024;
const MAX_WAITING_REPLIES = 1000;
const SHORTEST_HIDDEN = 8;
/** Longer than every deadline of ours, so that nodemailer's own timer never decides. */
const LIBRARY_TIMEOUT = 3_600_000;

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
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return { kind: 'tls', problem: 'name', detail: 'the certificate is for another name' };
  if (/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|VERSION_TOO_LOW/.test(code)) {
    return { kind: 'tls', problem: 'protocol', detail: 'the server only knows TLS versions that are too old' };
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/.test(code)) {
    return { kind: 'tls', problem: 'handshake', detail: 'the server does not speak TLS on this port' };
  }
  return {
    kind: 'tls',
    problem: 'handshake',
    detail: code === '' ? 'the TLS handshake failed' : `the TLS handshake failed (${code})`,
  };
}

const ignore = (): void => undefined;

/** nodemailer's connection with the overrides that the head of this file names. */
export class Connection extends SMTPConnection {
  // Members of nodemailer that its types do not show. `declare`: they are the base class's, nothing is set here.
  declare _responseActions: ((line: string) => void)[];
  declare _responseQueue: string[];
  declare _remainder: string;

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
  /** Secrets that were sent: a server may repeat them. */
  #hidden: readonly string[] = [];
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
  getDeath(): { readonly trouble: SessionTrouble; readonly reply: SmtpReply | null } | null {
    return this.#death;
  }

  get socket(): net.Socket | tls.TLSSocket | null {
    return this._socket === false ? null : this._socket;
  }

  onEnd(run: () => void): void {
    if (this.#death) run();
    else this.#ends.push(run);
  }

  /** Ends the session at once, with the reason for all that wait for a reply. */
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

  /** Waits for the next reply that is not waited for yet. */
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

  /**
   * From now on these are replaced in replies before they get into log, timeline or an error. Short ones are left as they are:
   * to replace every "ok" would show more than it hides.
   */
  hide(...secrets: readonly string[]): void {
    this.#hidden = [...new Set([...this.#hidden, ...secrets.filter((s) => s.length >= SHORTEST_HIDDEN)])].sort(
      (a, b) => b.length - a.length,
    );
  }

  #redacted(text: string): string {
    return this.#hidden.reduce((left, secret) => left.replaceAll(secret, '***'), text);
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
        if (!error) {
          // nodemailer does not give the reply; that the sign-in was granted belongs into the log.
          this.#logLine?.('in', '235');
          return resolve({ kind: 'reply', reply: { code: 235, text: '' } });
        }
        const raw = typeof error.response === 'string' ? error.response : '';
        resolve(
          raw === ''
            ? { kind: 'trouble', trouble: { kind: 'auth-not-possible', detail: error.message }, reply: null }
            : this.#answer(raw),
        );
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

  #answer(given: string): Answer {
    const raw = this.#redacted(given);
    if (this.#logLine) for (const line of raw.split('\n')) this.#logLine('in', line);
    // After a reply the next one has the phase's whole time again.
    if (this.#deadline !== null) this.arm(this.#phaseMs);
    const reply = parseReply(raw);
    if (reply) return { kind: 'reply', reply };
    const line = raw.slice(0, 200);
    return {
      kind: 'trouble',
      trouble: /^(HTTP\/|SSH-|\* OK|\+OK|<)/i.test(line) ? { kind: 'not-smtp', line } : { kind: 'malformed', line },
      reply: null,
    };
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
    if (this.upgrading === true || type === 'ETLS')
      this.die(code === 'ETIMEDOUT' ? { kind: 'timeout' } : tlsTrouble(error));
    else if (code?.startsWith('ERR_SSL') === true || code === 'EPROTO') this.die(tlsTrouble(error));
    else if (type === 'EPROTOCOL') {
      // A reply that no command asked for. 421 is the only one that a server may send (RFC 5321 §3.8).
      const said = this.#redacted(String(response));
      const reply = typeof response === 'string' ? parseReply(said) : null;
      this.die({ kind: 'malformed', line: said.slice(0, 200) }, reply?.code === 421 ? reply : null);
    } else this.die(troubleOfErrno(code));
  }

  _onServerClosing(raw: string): void {
    this.die({ kind: 'connection-lost' }, parseReply(this.#redacted(raw)));
  }

  _onClose(): void {
    // A refusal without its line end, then the end of the connection: it counts as the reply. A 2yz does not.
    const rest = this._remainder.trim();
    if (/^[45]\d\d[ -]/.test(rest) && !this.#death && this.#waiting.length + (this.#greeted ? 1 : 0) > 0) {
      this._remainder = '';
      this._responseActions.shift()?.call(this, rest);
    }
    this.die(
      this.upgrading === true
        ? { kind: 'tls', problem: 'handshake', detail: 'the server hung up during the TLS handshake' }
        : { kind: 'connection-lost' },
    );
  }

  /** nodemailer's own deadlines are off: arm() is the only one. */
  _startPhase(): void {
    return;
  }

  declare _upgradeConnection: (callback: (error: NodeJS.ErrnoException | null) => void) => void;
}
