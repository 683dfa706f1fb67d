/**
 * One connection of a mail program. A message is accepted in this order, each step a method of this name: `admit` (the
 * connection), `acceptMail`, `acceptRcpt` for each recipient, `acceptData`, `storeMessage`, whose 250 is sent once the store
 * says that the message is safe. What is refused, and why, is decided in accept-policy.ts. What standards §2.1 finds
 * wrong with npm smtp-server is mended in this folder and nowhere else: S1 S2 greeting at once; S3 S4 own paths, raw
 * envelope; S5 S6 parameters; S7 S8 S9 DATA through MessageFilter; S10 no built-in certificate; S11 limits and deadlines;
 * S12 verbs; S13 errors handled; S14 every reply out of the table in replies.ts.
 */
import type { Socket } from 'node:net';
import type { SMTPServer } from 'smtp-server';
import type { NewMessage } from '../queue/queue-store.ts';
import { StoreError } from '../queue/queue-store.ts';
import {
  LIMITS,
  decideAuth,
  decideConnection,
  decideMail,
  decideStarttls,
  ehloKeywords,
  placeClient,
  type ClientFacts,
} from './accept-policy.ts';
import { IncomingMessage, type IncomingContext } from './incoming-message.ts';
import { createCommandQuoter } from './quoted-command.ts';
import type { RefusalName } from './replies.ts';
import { senderCanReceive, type SenderNames } from './sender-check.ts';
import { SessionConnection, type ConnectionContext } from './session-connection.ts';
import { SessionParser } from './session-parser.ts';
import { addRecipient, openTransaction, type Transaction } from './transaction.ts';

/** What all sessions of a listener share. */
export interface SessionContext extends ConnectionContext, IncomingContext {
  /** Null: senders are not looked up. */
  readonly names: SenderNames | null;
  /** True if a certificate of our own is loaded; waits for one that is being loaded. Never rejects. */
  tlsReady(): Promise<boolean>;
  /** Octets free on the disk, null if not known. */
  room(): number | null | Promise<number | null>;
  /** Counts a new session; how many there are, in all and from its address. May close an idle one in its favour. */
  opened(session: ListenerSession): { readonly total: number; readonly fromAddress: number };
  closed(session: ListenerSession): void;
  accepted(message: NewMessage): void;
}

type Phase = 'command' | 'data' | 'storing';

/** The session that npm smtp-server makes for each connection of ours. */
export class ListenerSession extends SessionConnection {
  readonly #context: SessionContext;
  #place: { readonly loopback: boolean; readonly allowed: boolean } = { loopback: false, allowed: false };
  #transaction: Transaction | null = null;
  #phase: Phase = 'command';
  #incoming: IncomingMessage | null = null;
  #gone = false;
  #leaving = false;
  readonly #quoted = createCommandQuoter();

  constructor(server: SMTPServer, socket: Socket, context: SessionContext) {
    super(server, socket, context);
    this.#context = context;
  }

  // ------------------------------------------------ accepting a message, step by step

  protected override admit(): RefusalName | null {
    const place = placeClient(this.#context.policy(), this.remoteAddress);
    this.#place = place;
    return decideConnection({ ...place, ...this.#context.opened(this) });
  }

  /** MAIL opens a transaction, if the client may send, there is room on the disk, and the sender can be answered. */
  #acceptMail(line: Buffer, argument: string, next: () => void): void {
    const answer = (refused: RefusalName | null, transaction?: Transaction): void => {
      if (refused) this.refuse(refused);
      else if (transaction) {
        this.#transaction = transaction;
        this.reply('250 2.1.0 Sender accepted\r\n');
      }
      next();
    };
    if (!this.hostNameAppearsAs) return answer('helloFirst');
    if (this.#transaction) return answer('nestedMail');
    const policy = this.#context.policy();
    const opened = openTransaction(line, argument, policy.maxMessageBytes);
    if (!opened.ok) return answer(opened.refusal);
    const { transaction, size } = opened.value;
    const sender = transaction.mailFrom;
    const decide = (available: number | null): RefusalName | null =>
      decideMail(policy, this.#client(), size, available);
    const room = this.#context.room();
    const names = policy.refuseSendersWithoutMx && sender !== null ? this.#context.names : null;
    if (!names && (room === null || typeof room === 'number')) return answer(decide(room), transaction);
    const slowly = async (): Promise<RefusalName | null> => {
      const refused = decide(await room);
      if (refused || !names || sender === null) return refused;
      return (await senderCanReceive(names, sender)) ? null : 'senderNoMx';
    };
    slowly().then(
      (refused) => answer(refused, transaction),
      (error: unknown) => {
        this.#context.log.problem('listener-mail', error);
        answer('internal');
      },
    );
  }

  /** RCPT adds a recipient. */
  #acceptRcpt(line: Buffer, argument: string): void {
    const transaction = this.#transaction;
    if (!transaction) {
      this.refuse(this.hostNameAppearsAs ? 'needMail' : 'helloFirst');
      return;
    }
    const refused = addRecipient(transaction, line, argument, {
      policy: this.#context.policy(),
      client: this.#client(),
      ownName: this.name,
    });
    if (refused) {
      this.refuse(refused);
      return;
    }
    this.reply('250 2.1.5 Recipient accepted\r\n');
  }

  /** DATA: what follows the 354 goes into the store as it comes. */
  #acceptData(argument: string): void {
    const transaction = this.#transaction;
    const parser = this._parser;
    if (argument !== '') this.refuse('noArguments');
    else if (!this.hostNameAppearsAs) this.refuse('helloFirst');
    else if (!transaction?.recipients.length) this.refuse('needRcpt');
    else if (parser instanceof SessionParser) {
      const incoming = new IncomingMessage(this.#context, {
        transaction,
        helo: this.hostNameAppearsAs || '',
        esmtp: this.openingCommand === 'EHLO',
        address: this.remoteAddress,
        by: this.name,
        secure: this.secure,
        user: this.#user(),
      });
      this.#incoming = incoming;
      this.#phase = 'data';
      this.command = 'DATA';
      parser.startData({
        feed: (chunk) => {
          const fed = incoming.feed(chunk);
          if (fed.end < 0 && incoming.endless) this.#endlessData();
          return fed;
        },
        done: () => this.#storeMessage(incoming),
      });
      this.reply('354 End data with <CR><LF>.<CR><LF>\r\n');
    }
  }

  /** Far more than the limit, and no final dot. */
  #endlessData(): void {
    this.refuse('declaredTooBig');
    this.end();
  }

  /** After the final dot: 250 once the store says that the message is safe. */
  async #storeMessage(incoming: IncomingMessage): Promise<void> {
    const context = this.#context;
    this.#phase = 'storing';
    this._handlerPending = true;
    try {
      const refused = await incoming.finish();
      if (refused) this.refuse(refused);
      else {
        const message = incoming.described();
        await incoming.commit(message);
        this.forgiveErrors();
        this.reply(`250 2.0.0 queued as ${message.id}\r\n`);
        context.log.queued(message.id, {
          from: message.mailFrom,
          recipients: message.recipients.length,
          size: incoming.stored,
          client: this.remoteAddress,
        });
        context.accepted(message);
      }
    } catch (error) {
      void incoming.abort();
      if (!(error instanceof StoreError)) context.log.problem('listener-store', error);
      this.refuse(error instanceof StoreError && error.reason === 'full' ? 'diskNearlyFull' : 'storeTrouble');
    } finally {
      this.#phase = 'command';
      this.#incoming = null;
      this._handlerPending = false;
      this._resetSession();
      this.lastCommand = context.clock.monotonic();
      if (this.#leaving && !this._closing) this.refuse('shuttingDown');
    }
  }

  // ------------------------------------------------------------- commands

  protected override dispatch(line: Buffer, next: () => void): void {
    const text = line.toString('latin1').trimEnd();
    const blank = text.search(/[ \t]/);
    const verb = (blank < 0 ? text : text.slice(0, blank)).toUpperCase();
    const argument = blank < 0 ? '' : text.slice(blank + 1).trim();
    this.command = this.#quoted(text, verb);
    if (/^[A-Za-z]{3,16} \S* ?HTTP\/\d/.test(text)) {
      this.refuse('http');
      next();
      return;
    }
    if (this.#leaving && !this.#transaction) {
      this.refuse('shuttingDown');
      next();
      return;
    }
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        this.#hello(verb, argument);
        break;
      case 'MAIL':
        this.#acceptMail(line, argument, next);
        return;
      case 'RCPT':
        this.#acceptRcpt(line, argument);
        break;
      case 'DATA':
        this.#acceptData(argument);
        break;
      case 'RSET':
        if (argument !== '') this.refuse('noArguments');
        else {
          this._resetSession();
          this.reply('250 2.0.0 Forgotten\r\n');
        }
        break;
      case 'NOOP':
        this.reply('250 2.0.0 OK\r\n');
        break;
      case 'QUIT':
        if (argument !== '') this.refuse('noArguments');
        else {
          this.reply('221 2.0.0 Bye\r\n');
          this.end();
        }
        break;
      case 'VRFY':
        if (argument === '') this.refuse('vrfySyntax');
        else this.reply('252 2.1.5 Not verified; send it and it will be tried\r\n');
        break;
      case 'EXPN':
        this.refuse('expn');
        break;
      case 'HELP':
        this.reply('214 2.0.0 EHLO MAIL RCPT DATA RSET NOOP QUIT VRFY STARTTLS AUTH, see RFC 5321\r\n');
        break;
      case 'STARTTLS':
        this.#starttls(line, argument, next);
        return;
      case 'AUTH':
        if (this.#auth(line, argument, next)) return;
        break;
      default:
        this.refuse('unknownCommand');
    }
    next();
  }

  #hello(verb: 'EHLO' | 'HELO', name: string): void {
    if (name === '' || name.length > 300 || !/^[!-~\u00a0-\u00ff]+$/.test(name)) {
      this.refuse('heloSyntax');
      return;
    }
    this.openingCommand = verb;
    this.hostNameAppearsAs = name;
    this._resetSession();
    if (verb === 'HELO') {
      this.reply(`250 ${this.name}\r\n`);
      return;
    }
    const policy = this.#context.policy();
    const lines = [this.name, ...ehloKeywords(policy, this.#client())];
    this.reply(lines.map((line, i) => `250${i === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join(''));
  }

  #starttls(line: Buffer, argument: string, next: () => void): void {
    const answer = (refused: RefusalName): void => {
      this.refuse(refused);
      next();
    };
    const decide = (ready: boolean): RefusalName | null =>
      argument === ''
        ? decideStarttls(this.#context.policy(), this.#client(), ready, this.#transaction !== null)
        : 'noArguments';
    const refused = decide(true);
    if (refused) return answer(refused);
    void this.#context.tlsReady().then((ready) => {
      if (this.#gone || this._closing) return;
      const unavailable = decide(ready);
      if (unavailable) answer(unavailable);
      else super.handler_STARTTLS(line, next);
    });
  }

  /** True if the library took over. */
  #auth(line: Buffer, argument: string, next: () => void): boolean {
    const mechanism = (argument.split(/\s+/)[0] ?? '').toUpperCase();
    const refused = this.hostNameAppearsAs
      ? decideAuth(this.#context.policy(), this.#client(), mechanism, this.#transaction !== null)
      : 'helloFirst';
    if (refused) {
      this.refuse(refused);
      return false;
    }
    super.handler_AUTH(line, next);
    return true;
  }

  #client(): ClientFacts {
    return { ...this.#place, secure: this.secure, signedIn: this.#user() !== null };
  }

  #user(): string | null {
    const user: unknown = this.session.user;
    return typeof user === 'string' ? user : null;
  }

  // ---------------------------------------------------------- the connection

  /** Since when (monotonic ms) it could have been closed without loss; null: it is busy. */
  get idleSince(): number | null {
    return this.#phase === 'command' && !this.#transaction && !this._handlerPending ? this.lastCommand : null;
  }

  /** Closes the session if it is too slow (S11). Called for all sessions together, so that no message needs a timer. */
  checkDeadlines(now: number): void {
    if (this.#phase === 'data') {
      if (this.#incoming?.tooSlow(now) === true) this.refuse('tooSlow');
    } else if (this.#phase === 'command' && !this._handlerPending && now - this.lastCommand > LIMITS.commandMs) {
      this.refuse('idle');
    }
  }

  /** 421, at once or behind the reply to the transaction that is open (standards 27). */
  leave(): void {
    this.#leaving = true;
    if (this.idleSince !== null) this.refuse('shuttingDown');
  }

  /** Gives way to a new connection. */
  evict(): void {
    this.refuse('evicted');
  }

  /** Closes the socket at once. */
  destroy(): void {
    this._socket.destroy();
  }

  protected override end(): void {
    void this.#incoming?.abort();
    this.#incoming = null;
    super.end();
  }

  override _onClose(): void {
    if (!this.#gone) {
      this.#gone = true;
      this.#context.closed(this);
      // Received in full and on its way into the store: it is stored. Cut off: what came of it is removed.
      if (this.#phase === 'data') void this.#incoming?.abort();
      this.#incoming = this.#phase === 'data' ? null : this.#incoming;
    }
    super._onClose();
  }

  override _resetSession(): void {
    this.#transaction = null;
    this.session.hostNameAppearsAs = this.hostNameAppearsAs || '';
    this.session.remoteAddress = this.remoteAddress;
  }
}
