/**
 * The library's connection, mended: greeting without delay, replies out of the table in replies.ts, an end that is ours
 * (standards §2.1). npm smtp-server 3.21 keeps the socket: splitting into lines, STARTTLS (its retired parser is what throws
 * injected plaintext away), SASL exchanges, half-open closing. What commands are answered with is the session's.
 */
import type { Socket } from 'node:net';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { SMTPServer } from 'smtp-server';
import type { Log } from '../log/log-port.ts';
import type { Clock } from '../runtime/clock.ts';
import { LIMITS } from './accept-policy.ts';
import { refusal, type RefusalName } from './replies.ts';
import { SessionParser } from './session-parser.ts';

/** What a connection needs of its listener. */
export interface ConnectionContext {
  readonly clock: Clock;
  readonly log: Log;
  hostname(): string;
}

let sessions = 0;

/** A connection that reads commands and writes replies; `dispatch` says which. */
export abstract class SessionConnection extends SMTPConnection {
  readonly #clock: Clock;
  readonly #log: Log;
  #errors = 0;
  #authFailures = 0;
  #corked = false;
  /** When the last line came (monotonic ms). */
  protected lastCommand: number;
  /** The command being answered, for the log; without sign-in data. */
  protected command = 'connect';

  constructor(server: SMTPServer, socket: Socket, context: ConnectionContext) {
    super(server, socket, { id: String(++sessions) });
    this.#clock = context.clock;
    this.#log = context.log;
    this.lastCommand = context.clock.monotonic();
    this.name = context.hostname();
  }

  /** Answers a command line. `next` lets the following one come, also when this throws. */
  protected abstract dispatch(line: Buffer, next: () => void): void;

  /** Whether this client may be here; what else is known of it is found out now. */
  protected abstract admit(): RefusalName | null;

  /** True once it has given a command. */
  get spoke(): boolean {
    return this.command !== 'connect';
  }

  /** Greets at once: no early-talker delay, no reverse lookup (S1, S2). */
  override init(): void {
    this._socket.on('close', (hadError: boolean) => this._onCloseEvent(hadError));
    this._socket.on('error', (error: Error) => this._onError(error));
    this._armTimeout();
    const refused = this.admit();
    if (refused) {
      this.refuse(refused);
      return;
    }
    if (this._parser) this._socket.pipe(this._parser);
    this._ready = true;
    this._resetSession();
    this.reply(`220 ${this.name} ESMTP PostCast Server\r\n`);
  }

  // -------------------------------------------------------------- replies

  /** Sends whole lines, with their CRLF. */
  protected reply(text: string): void {
    const socket = this._socket;
    if (this._upgrading || socket.destroyed || !socket.writable) return;
    // Replies to pipelined commands leave in one packet.
    if (!this.#corked) {
      this.#corked = true;
      socket.cork();
      process.nextTick(() => this.#flush());
    }
    socket.write(text, 'latin1');
  }

  #flush(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this._socket.uncork();
  }

  /** Replies with a row of the table, and logs it; some rows close the connection, as too many of them do. */
  protected refuse(name: RefusalName): void {
    const row = refusal(name);
    const greeting = this.command === 'connect';
    const reply = `${row.code}${row.enhanced && !greeting ? ` ${row.enhanced}` : ''} ${greeting ? `${this.name} ` : ''}${row.text}`;
    this.#log.refused({ client: this.remoteAddress, command: this.command, reply });
    this.reply(`${reply}\r\n`);
    if (row.closes) {
      this.end();
      return;
    }
    if (row.code >= 500 && row.code <= 504 && ++this.#errors >= LIMITS.errors) this.refuse('tooManyErrors');
  }

  /** The client does something sensible: its errors are counted anew. */
  protected forgiveErrors(): void {
    this.#errors = 0;
  }

  /** Ends our side; whatever the client sends from now on is not looked at. */
  protected end(): void {
    this.#flush();
    this.close();
  }

  /** The library's own replies (SASL, STARTTLS, time-out, parser) become ours. */
  override send(code: number, data?: string | string[] | null): void {
    const text = typeof data === 'string' ? data : '';
    if (code === 334) this.reply(`334 ${text}\r\n`);
    else if (code === 235) this.reply('235 2.7.0 Signed in\r\n');
    else if (code === 220) {
      this.reply('220 2.0.0 Ready to start TLS\r\n');
      this.#flush(); // the socket changes hands now
    } else if (code === 535) this.refuse(++this.#authFailures >= LIMITS.authTries ? 'authTooOften' : 'authFailed');
    else if (code === 501) this.refuse(text === 'Authentication aborted' ? 'authCancelled' : 'authSyntax');
    else if (code === 454 && text === 'slow-down') this.#refuseSignIn('authSlowDown');
    else if (code === 454) this.refuse('authUnavailable');
    else if (code === 421) this.refuse(text.includes('too long') ? 'lineTooLong' : 'idle');
    else this.refuse('internal');
  }

  /** Tries on one connection are few, checked or not. */
  #refuseSignIn(name: 'authFailed' | 'authSlowDown'): void {
    this.refuse(++this.#authFailures >= LIMITS.authTries ? 'authTooOften' : name);
  }

  // -------------------------------------------------------------- socket

  override _createParser(): SessionParser {
    const parser = new SessionParser(LIMITS.commandLine);
    parser.oncommand = (line, callback) => this._onCommand(line, callback);
    parser.onForeignProtocol = () => {
      // A TLS hello on the plain port: there is nothing to say in a language it understands.
      this.#log.refused({ client: this.remoteAddress, command: 'TLS bytes', reply: 'closed' });
      this._socket.destroy();
    };
    parser.on('error', (error) => this.send(421, error.message));
    return parser;
  }

  override _onError(_error: Error): void {
    this._socket.destroy();
  }

  override _onCommand(line: Buffer, callback?: () => void): void {
    const next = (): void => {
      this._handlerPending = false;
      this._whenWritable(callback ?? (() => undefined));
    };
    if (this._upgrading) {
      next(); // plaintext from before the handshake: thrown away
      return;
    }
    this.lastCommand = this.#clock.monotonic();
    this._handlerPending = true;
    try {
      const continuation = this._nextHandler;
      if (continuation) {
        this._nextHandler = false;
        continuation.call(this, line, next);
      } else this.dispatch(line, next);
    } catch (error) {
      this.#log.problem('listener-command', error);
      this.refuse('internal');
      next();
    }
  }
}
