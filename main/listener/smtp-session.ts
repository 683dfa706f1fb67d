/**
 * One connection of a mail program. npm smtp-server 3.21 keeps the socket: splitting into lines, STARTTLS (its retired
 * parser is what throws injected plaintext away), SASL exchanges, half-open closing. What STANDARDS §2.1 finds wrong is
 * mended here and nowhere else: S1 S2 greeting at once; S3 S4 own paths, raw envelope; S5 S6 parameters; S7 S8 S9 DATA
 * through MessageFilter; S10 no built-in certificate; S11 limits and deadlines; S12 verbs; S13 errors handled; S14 every
 * reply out of the table in replies.ts.
 */
import type { Socket } from 'node:net';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { SMTPServer } from 'smtp-server';
import type { NewMessage, NewRecipient, Clock, Dns, Log, StagedMessage } from '../ports.ts';
import { StoreError } from '../ports.ts';
import type { MessageDsn } from '../../shared/mail.ts';
import {
  LIMITS,
  decideAuth,
  decideConnection,
  decideMail,
  decideRcpt,
  offersAuth,
  placeClient,
  type ClientFacts,
  type CompiledPolicy,
} from './accept-policy.ts';
import { decodeLine, isAscii, mailboxKey, parsePath } from './address-parser.ts';
import { displayHeader } from './display-header.ts';
import { MessageFilter } from './message-filter.ts';
import { parseMailParameters, parseRcptParameters } from './parameters.ts';
import { formatDate, receivedField } from './received-header.ts';
import { refusal, type RefusalName } from './replies.ts';
import { senderCanReceive } from './sender-check.ts';
import { SessionParser } from './session-parser.ts';

/** What all sessions of a listener share. */
export interface SessionContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly dns: Dns | null;
  stage(id: string): StagedMessage;
  newQueueId(): string;
  policy(): CompiledPolicy;
  hostname(): string;
  /** True if a certificate of our own is loaded. */
  tlsReady(): boolean;
  /** Octets free on the disk, null if not known. */
  room(): number | null | Promise<number | null>;
  mayWrite(octets: number): boolean;
  /** Counts a new session; says how many there are, in all and from its address. May crowd an idle one out. */
  opened(session: SmtpSession): { readonly total: number; readonly fromAddress: number };
  closed(session: SmtpSession): void;
  accepted(message: NewMessage): void;
}

interface Transaction {
  readonly mailFrom: string | null;
  readonly smtputf8: boolean;
  readonly dsn: MessageDsn;
  readonly recipients: NewRecipient[];
  readonly keys: Set<string>;
}

type Phase = 'command' | 'data' | 'storing';

let sessions = 0;

const QUOTED_VERBS: ReadonlySet<string> = new Set([
  'EHLO',
  'HELO',
  'MAIL',
  'RCPT',
  'DATA',
  'RSET',
  'NOOP',
  'QUIT',
  'VRFY',
  'EXPN',
  'HELP',
  'STARTTLS',
]);

export class SmtpSession extends SMTPConnection {
  readonly #context: SessionContext;
  #place: { readonly loopback: boolean; readonly allowed: boolean } = { loopback: false, allowed: false };
  #transaction: Transaction | null = null;
  #phase: Phase = 'command';
  #filter: MessageFilter | null = null;
  #dataSince = 0;
  #wireOctets = 0;
  #lastCommand: number;
  #errors = 0;
  #authFailures = 0;
  #corked = false;
  #gone = false;
  #leaving = false;
  #triedAuth = false;
  /** The command being answered, for the log; without sign-in data. */
  #command = 'connect';

  constructor(server: SMTPServer, socket: Socket, context: SessionContext) {
    super(server, socket, { id: String(++sessions) });
    this.#context = context;
    this.#lastCommand = context.clock.monotonic();
    this.name = context.hostname();
  }

  /** Greets at once: no early-talker delay, no reverse lookup (S1, S2). */
  override init(): void {
    this._socket.on('close', (hadError: boolean) => this._onCloseEvent(hadError));
    this._socket.on('error', (error: Error) => this._onError(error));
    this._armTimeout();
    const place = placeClient(this.#context.policy(), this.remoteAddress);
    this.#place = place;
    const counts = this.#context.opened(this);
    const refused = decideConnection({ ...place, ...counts });
    if (refused) {
      this.#refuse(refused);
      return;
    }
    if (this._parser) this._socket.pipe(this._parser);
    this._ready = true;
    this._resetSession();
    this.#write(`220 ${this.name} ESMTP PostCast Server\r\n`);
  }

  /** Idle means: could be closed without anything being lost. */
  get idleSince(): number | null {
    return this.#phase === 'command' && !this.#transaction && !this._handlerPending ? this.#lastCommand : null;
  }

  /** True once it has given a command. */
  get spoke(): boolean {
    return this.#command !== 'connect';
  }

  /** Called now and then: closes what is too slow (S11). One sweep for all sessions, so no timer per message. */
  checkDeadlines(now: number): void {
    if (this.#phase === 'data') {
      const elapsed = now - this.#dataSince;
      if (elapsed > LIMITS.dataGraceMs && (this.#wireOctets * 1000) / elapsed < LIMITS.dataOctetsPerSecond)
        this.#refuse('tooSlow');
    } else if (this.#phase === 'command' && !this._handlerPending && now - this.#lastCommand > LIMITS.commandMs) {
      this.#refuse('idle');
    }
  }

  /** 421, at once or behind the reply to the transaction that is open (STANDARDS 27). */
  leave(): void {
    this.#leaving = true;
    if (this.idleSince !== null) this.#refuse('shuttingDown');
  }

  crowdOut(): void {
    this.#refuse('crowdedOut');
  }

  destroy(): void {
    this._socket.destroy();
  }

  // -------------------------------------------------------------- replies

  #write(text: string): void {
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

  #refuse(name: RefusalName): void {
    const row = refusal(name);
    const greeting = this.#command === 'connect';
    const reply = `${row.code}${row.enhanced && !greeting ? ` ${row.enhanced}` : ''} ${greeting ? `${this.name} ` : ''}${row.text}`;
    this.#context.log.refused({ client: this.remoteAddress, command: this.#command, reply });
    this.#write(`${reply}\r\n`);
    if (row.closes) {
      this.#end();
      return;
    }
    if (row.code >= 500 && row.code <= 504 && ++this.#errors >= LIMITS.errors) this.#refuse('tooManyErrors');
  }

  /** Ends our side; whatever the client sends from now on is not looked at. */
  #end(): void {
    void this.#filter?.abort();
    this.#filter = null;
    this.#flush();
    this.close();
  }

  /** The library's own replies (SASL, STARTTLS, time-out, parser) become ours. */
  override send(code: number, data?: string | string[] | null): void {
    const text = typeof data === 'string' ? data : '';
    if (code === 334) this.#write(`334 ${text}\r\n`);
    else if (code === 235) this.#write('235 2.7.0 Signed in\r\n');
    else if (code === 220) {
      this.#write('220 2.0.0 Ready to start TLS\r\n');
      this.#flush(); // the socket changes hands now
    } else if (code === 535) this.#refuse(++this.#authFailures >= LIMITS.authTries ? 'authTooOften' : 'authFailed');
    else if (code === 501) this.#refuse(text === 'Authentication aborted' ? 'authCancelled' : 'authSyntax');
    else if (code === 454) this.#refuse('authUnavailable');
    else if (code === 421) this.#refuse(text.includes('too long') ? 'lineTooLong' : 'idle');
    else this.#refuse('internal');
  }

  // -------------------------------------------------------------- socket

  override _createParser(): SessionParser {
    const parser = new SessionParser(LIMITS.commandLine);
    parser.oncommand = (line, callback) => this._onCommand(line, callback);
    parser.onalien = () => {
      // A TLS hello on the plain port: there is nothing to say in a language it understands.
      this.#context.log.refused({ client: this.remoteAddress, command: 'TLS bytes', reply: 'closed' });
      this._socket.destroy();
    };
    parser.on('error', (error) => this.send(421, error.message));
    return parser;
  }

  override _onError(_error: Error): void {
    this._socket.destroy();
  }

  override _onClose(): void {
    if (!this.#gone) {
      this.#gone = true;
      this.#context.closed(this);
      // In full and on its way into the store: let it be stored. Cut off: forget it (a stored half is never a message).
      if (this.#phase === 'data') void this.#filter?.abort();
      this.#filter = this.#phase === 'data' ? null : this.#filter;
    }
    super._onClose();
  }

  override _resetSession(): void {
    this.#transaction = null;
    this.session.hostNameAppearsAs = this.hostNameAppearsAs || '';
  }

  // -------------------------------------------------------------- commands

  override _onCommand(line: Buffer, callback?: () => void): void {
    const next = (): void => {
      this._handlerPending = false;
      this._whenWritable(callback ?? (() => undefined));
    };
    if (this._upgrading) {
      next(); // plaintext from before the handshake: thrown away
      return;
    }
    this.#lastCommand = this.#context.clock.monotonic();
    this._handlerPending = true;
    try {
      this.#dispatch(line, next);
    } catch (error) {
      this.#context.log.problem('listener-command', error);
      this.#refuse('internal');
      next();
    }
  }

  /**
   * What the log may show of a command. A client whose AUTH was refused may send user name and password all the same, as
   * commands: from then on only what we know is quoted.
   */
  #shown(text: string, verb: string): string {
    if (/^\s*AUTH/i.test(text)) {
      this.#triedAuth = true;
      return 'AUTH';
    }
    return this.#triedAuth && !QUOTED_VERBS.has(verb) ? '(not shown)' : text.slice(0, 300);
  }

  #dispatch(line: Buffer, next: () => void): void {
    const continuation = this._nextHandler;
    if (continuation) {
      this._nextHandler = false;
      continuation.call(this, line, next);
      return;
    }
    const text = line.toString('latin1').trimEnd();
    const blank = text.search(/[ \t]/);
    const verb = (blank < 0 ? text : text.slice(0, blank)).toUpperCase();
    const argument = blank < 0 ? '' : text.slice(blank + 1).trim();
    this.#command = this.#shown(text, verb);
    if (/^[A-Za-z]{3,16} \S* ?HTTP\/\d/.test(text)) {
      this.#refuse('http');
      next();
      return;
    }
    if (this.#leaving && !this.#transaction) {
      this.#refuse('shuttingDown');
      next();
      return;
    }
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        this.#hello(verb, argument);
        break;
      case 'MAIL':
        this.#mail(line, argument, next);
        return;
      case 'RCPT':
        this.#rcpt(line, argument);
        break;
      case 'DATA':
        this.#data(argument);
        break;
      case 'RSET':
        if (argument !== '') this.#refuse('noArguments');
        else {
          this._resetSession();
          this.#write('250 2.0.0 Forgotten\r\n');
        }
        break;
      case 'NOOP':
        this.#write('250 2.0.0 OK\r\n');
        break;
      case 'QUIT':
        if (argument !== '') this.#refuse('noArguments');
        else {
          this.#write('221 2.0.0 Bye\r\n');
          this.#end();
        }
        break;
      case 'VRFY':
        if (argument === '') this.#refuse('vrfySyntax');
        else this.#write('252 2.1.5 Not verified; send it and it will be tried\r\n');
        break;
      case 'EXPN':
        this.#refuse('expn');
        break;
      case 'HELP':
        this.#write('214 2.0.0 EHLO MAIL RCPT DATA RSET NOOP QUIT VRFY STARTTLS AUTH, see RFC 5321\r\n');
        break;
      case 'STARTTLS':
        if (this.#starttls(line, argument, next)) return;
        break;
      case 'AUTH':
        if (this.#auth(line, argument, next)) return;
        break;
      default:
        this.#refuse('unknownCommand');
    }
    next();
  }

  #client(): ClientFacts {
    return { ...this.#place, secure: this.secure, signedIn: this.#user() !== null };
  }

  #user(): string | null {
    const user: unknown = this.session.user;
    return typeof user === 'string' ? user : null;
  }

  #hello(verb: 'EHLO' | 'HELO', name: string): void {
    if (name === '' || name.length > 300 || !/^[!-~\u00a0-\u00ff]+$/.test(name)) {
      this.#refuse('heloSyntax');
      return;
    }
    this.openingCommand = verb;
    this.hostNameAppearsAs = name;
    this._resetSession();
    if (verb === 'HELO') {
      this.#write(`250 ${this.name}\r\n`);
      return;
    }
    const policy = this.#context.policy();
    const lines = [this.name, 'PIPELINING', `SIZE ${policy.maxMessageBytes}`, '8BITMIME', 'SMTPUTF8', 'DSN'];
    if (policy.tlsEnabled && !this.secure) lines.push('STARTTLS');
    if (offersAuth(policy, this.#client())) lines.push('AUTH PLAIN LOGIN');
    lines.push('ENHANCEDSTATUSCODES');
    this.#write(lines.map((line, i) => `250${i === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join(''));
  }

  /** True if the library took over. */
  #starttls(line: Buffer, argument: string, next: () => void): boolean {
    const policy = this.#context.policy();
    let refused: RefusalName | null = null;
    if (argument !== '') refused = 'noArguments';
    else if (this.secure) refused = 'tlsAlready';
    else if (!policy.tlsEnabled) refused = 'starttlsNotOffered';
    else if (!this.#context.tlsReady()) refused = 'starttlsUnavailable';
    else if (this.#transaction) refused = 'nestedMail';
    if (refused) {
      this.#refuse(refused);
      return false;
    }
    super.handler_STARTTLS(line, next);
    return true;
  }

  /** True if the library took over. */
  #auth(line: Buffer, argument: string, next: () => void): boolean {
    const mechanism = (argument.split(/\s+/)[0] ?? '').toUpperCase();
    const refused = this.hostNameAppearsAs
      ? decideAuth(this.#context.policy(), this.#client(), mechanism, this.#transaction !== null)
      : 'helloFirst';
    if (refused) {
      this.#refuse(refused);
      return false;
    }
    super.handler_AUTH(line, next);
    return true;
  }

  #mail(line: Buffer, argument: string, next: () => void): void {
    const answer = (refused: RefusalName | null, transaction?: Transaction): void => {
      if (refused) this.#refuse(refused);
      else if (transaction) {
        this.#transaction = transaction;
        this.#write('250 2.1.0 Sender accepted\r\n');
      }
      next();
    };
    if (!this.hostNameAppearsAs) return answer('helloFirst');
    if (this.#transaction) return answer('nestedMail');
    const path = parseCommandPath(line, argument, /^FROM[ \t]*:/i);
    if (!path || (path.address !== null && !path.address.includes('@'))) return answer('senderSyntax');
    const policy = this.#context.policy();
    const parsed = parseMailParameters(path.parameters, policy.maxMessageBytes);
    if (!parsed.ok) return answer(parsed.refusal);
    const { size, smtputf8, dsn } = parsed.value;
    if (!smtputf8 && path.address !== null && !isAscii(path.address)) return answer('senderUtf8');
    const transaction: Transaction = { mailFrom: path.address, smtputf8, dsn, recipients: [], keys: new Set() };
    const decide = (available: number | null): RefusalName | null =>
      decideMail(policy, this.#client(), size, available);
    const room = this.#context.room();
    const dns = policy.refuseSendersWithoutMx && path.address !== null ? this.#context.dns : null;
    if (!dns && (room === null || typeof room === 'number')) return answer(decide(room), transaction);
    const slowly = async (): Promise<RefusalName | null> => {
      const refused = decide(await room);
      if (refused || !dns || path.address === null) return refused;
      return (await senderCanReceive(dns, path.address)) ? null : 'senderNoMx';
    };
    slowly().then(
      (refused) => answer(refused, transaction),
      (error: unknown) => {
        this.#context.log.problem('listener-mail', error);
        answer('internal');
      },
    );
  }

  #rcpt(line: Buffer, argument: string): void {
    const transaction = this.#transaction;
    if (!transaction) {
      this.#refuse(this.hostNameAppearsAs ? 'needMail' : 'helloFirst');
      return;
    }
    const path = parseCommandPath(line, argument, /^TO[ \t]*:/i);
    if (typeof path?.address !== 'string') {
      this.#refuse('recipientSyntax');
      return;
    }
    const parsed = parseRcptParameters(path.parameters, transaction.smtputf8);
    if (!parsed.ok) {
      this.#refuse(parsed.refusal);
      return;
    }
    if (!transaction.smtputf8 && !isAscii(path.address)) {
      this.#refuse('senderUtf8');
      return;
    }
    // <Postmaster> is the postmaster of the server that is asked: ours (RFC 5321 §4.5.1).
    const rcptTo = path.address.includes('@') ? path.address : `${path.address}@${this.name}`;
    const key = mailboxKey(rcptTo);
    const repeated = transaction.keys.has(key);
    const refused = decideRcpt(
      this.#context.policy(),
      this.#client(),
      rcptTo,
      repeated ? 0 : transaction.recipients.length,
    );
    if (refused) {
      this.#refuse(refused);
      return;
    }
    if (!repeated) {
      transaction.keys.add(key);
      transaction.recipients.push({ rcptTo, dsn: parsed.value });
    }
    this.#write('250 2.1.5 Recipient accepted\r\n');
  }

  // -------------------------------------------------------------- DATA

  #data(argument: string): void {
    const transaction = this.#transaction;
    const parser = this._parser;
    if (argument !== '') this.#refuse('noArguments');
    else if (!this.hostNameAppearsAs) this.#refuse('helloFirst');
    else if (!transaction?.recipients.length) this.#refuse('needRcpt');
    else if (parser instanceof SessionParser) {
      const context = this.#context;
      const id = context.newQueueId();
      const at = context.clock.now();
      const staged = context.stage(id);
      const filter = new MessageFilter({
        staged,
        maxBytes: context.policy().maxMessageBytes,
        mayWrite: (octets) => context.mayWrite(octets),
        prefix: (header) => {
          const zone = -new Date(at).getTimezoneOffset();
          const received = receivedField({
            helo: this.hostNameAppearsAs || '',
            esmtp: this.openingCommand === 'EHLO',
            address: this.remoteAddress,
            by: this.name,
            secure: this.secure,
            signedIn: this.#user() !== null,
            smtputf8: transaction.smtputf8,
            id,
            recipients: transaction.recipients.map((r) => r.rcptTo),
            at,
            zone,
          });
          const date = header.date ? '' : `Date: ${formatDate(at, zone)}\r\n`;
          const messageId = header.messageId === null ? `Message-ID: <${id}@${this.name}>\r\n` : '';
          return `${received}${date}${messageId}${header.headless ? '\r\n' : ''}`;
        },
      });
      this.#filter = filter;
      this.#phase = 'data';
      this.#dataSince = context.clock.monotonic();
      this.#wireOctets = 0;
      this.#command = 'DATA';
      parser.startData({
        feed: (chunk) => {
          this.#wireOctets += chunk.length;
          const fed = filter.feed(chunk);
          if (fed.end < 0 && filter.endless) this.#endlessData();
          return fed;
        },
        done: () => this.#store(id, at, transaction, filter, staged),
      });
      this.#write('354 End data with <CR><LF>.<CR><LF>\r\n');
    }
  }

  /** Far past the limit and no dot in sight. */
  #endlessData(): void {
    this.#refuse('declaredTooBig');
    this.#end();
  }

  /** Behind the final dot. 250 only once the store says that the message is safe. */
  async #store(
    id: string,
    at: number,
    transaction: Transaction,
    filter: MessageFilter,
    staged: StagedMessage,
  ): Promise<void> {
    const context = this.#context;
    this.#phase = 'storing';
    this._handlerPending = true;
    try {
      const refused = await filter.finish();
      if (refused) this.#refuse(refused);
      else {
        const header = filter.header;
        const fromField = header?.from ?? null;
        const ownId = header?.messageId ?? null;
        const user = this.#user();
        const message: NewMessage = {
          id,
          acceptedAt: at,
          mailFrom: transaction.mailFrom,
          recipients: transaction.recipients,
          dsn: transaction.dsn,
          body8bit: filter.has8bit,
          smtputf8: transaction.smtputf8,
          origin: { kind: 'smtp', client: this.remoteAddress, ...(user === null ? {} : { user }) },
          subject: displayHeader(header?.subject ?? ''),
          headerFrom: fromField === null ? null : displayHeader(fromField),
          messageId: ownId === null ? `<${id}@${this.name}>` : displayHeader(ownId),
        };
        await staged.commit(message);
        this.#errors = 0;
        this.#write(`250 2.0.0 queued as ${id}\r\n`);
        context.log.queued(id, {
          from: message.mailFrom,
          recipients: message.recipients.length,
          size: filter.stored,
          client: this.remoteAddress,
        });
        context.accepted(message);
      }
    } catch (error) {
      void filter.abort();
      if (!(error instanceof StoreError)) context.log.problem('listener-store', error);
      this.#refuse(error instanceof StoreError && error.reason === 'full' ? 'diskNearlyFull' : 'storeTrouble');
    } finally {
      this.#phase = 'command';
      this.#filter = null;
      this._handlerPending = false;
      this._resetSession();
      this.#lastCommand = context.clock.monotonic();
      if (this.#leaving && !this._closing) this.#refuse('shuttingDown');
    }
  }
}

/** The path and parameters of a MAIL or RCPT line; null if the line cannot be read. */
function parseCommandPath(
  line: Buffer,
  argument: string,
  keyword: RegExp,
): { readonly address: string | null; readonly parameters: readonly string[] } | null {
  const match = keyword.exec(argument);
  if (!match) return null;
  let end = line.length;
  while (end > 0 && (line[end - 1] === 0x20 || line[end - 1] === 0x09)) end--; // trailing blanks mean nothing
  const text = decodeLine(line.subarray(0, end));
  if (text === null) return null;
  const path = parsePath(text.slice(text.indexOf(':') + 1));
  return path.ok ? path : null;
}
