/** The message of one DATA command: the fields put in front of it, its pace, and what the queue is told of it. */
import type { NewMessage, StagedMessage } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { LIMITS, type CompiledPolicy } from './accept-policy.ts';
import { displayHeader } from '../message/display-header.ts';
import type { HeaderFacts } from '../message/header-scanner.ts';
import { MessageFilter } from './message-filter.ts';
import { formatMailDate } from '../message/mail-date.ts';
import { receivedField } from '../message/received-field.ts';
import type { RefusalName } from './replies.ts';
import type { Transaction } from './transaction.ts';

/** What a message needs of the listener. */
export interface IncomingContext {
  readonly clock: Clock;
  stage(id: string): StagedMessage;
  newQueueId(): string;
  policy(): CompiledPolicy;
  mayWrite(octets: number): boolean;
}

/** From whom and how a message comes. */
export interface Arrival {
  readonly transaction: Transaction;
  /** As the client called itself. */
  readonly helo: string;
  readonly esmtp: boolean;
  /** IP address of the client. */
  readonly address: string;
  /** Our host name. */
  readonly by: string;
  readonly secure: boolean;
  /** User that signed in, null: none. */
  readonly user: string | null;
}

/** Made behind DATA, fed with what follows the 354; then either `finish` and `commit`, or `abort`. */
export class IncomingMessage {
  readonly #arrival: Arrival;
  readonly #staged: StagedMessage;
  readonly #filter: MessageFilter;
  readonly #acceptedAt: number;
  readonly #since: number;
  #wireOctets = 0;
  /** Queue id. */
  readonly id: string;

  constructor(context: IncomingContext, arrival: Arrival) {
    this.#arrival = arrival;
    this.id = context.newQueueId();
    this.#acceptedAt = context.clock.now();
    this.#since = context.clock.monotonic();
    this.#staged = context.stage(this.id);
    this.#filter = new MessageFilter({
      staged: this.#staged,
      maxBytes: context.policy().maxMessageBytes,
      mayWrite: (octets) => context.mayWrite(octets),
      prefix: (header) => this.#traceFields(header),
    });
  }

  /** As MessageFilter.feed. */
  feed(chunk: Uint8Array): { readonly end: number; readonly ready: Promise<void> | null } {
    this.#wireOctets += chunk.length;
    return this.#filter.feed(chunk);
  }

  /** True if the client sends on long after the limit was passed. */
  get endless(): boolean {
    return this.#filter.endless;
  }

  /** Octets that went to the store. */
  get stored(): number {
    return this.#filter.stored;
  }

  /** True if its octets come too slowly on the whole (S11). `now`: monotonic ms. */
  tooSlow(now: number): boolean {
    const elapsed = now - this.#since;
    return elapsed > LIMITS.dataGraceMs && (this.#wireOctets * 1000) / elapsed < LIMITS.dataOctetsPerSecond;
  }

  /** As MessageFilter.finish. */
  finish(): Promise<RefusalName | null> {
    return this.#filter.finish();
  }

  /** After `finish`: the message as the queue is to know it. */
  described(): NewMessage {
    const { transaction, address, user, by } = this.#arrival;
    const { header, has8bit } = this.#filter;
    const fromField = header?.from ?? null;
    const ownId = header?.messageId ?? null;
    return {
      id: this.id,
      acceptedAt: this.#acceptedAt,
      mailFrom: transaction.mailFrom,
      recipients: transaction.recipients,
      dsn: transaction.dsn,
      body8bit: has8bit,
      smtputf8: transaction.smtputf8,
      origin: { kind: 'smtp', client: address, ...(user === null ? {} : { user }) },
      subject: displayHeader(header?.subject ?? ''),
      headerFrom: fromField === null ? null : displayHeader(fromField),
      messageId: ownId === null ? `<${this.id}@${by}>` : displayHeader(ownId),
    };
  }

  /** Makes it a message of the queue; resolves once it is safe there. Rejects with StoreError. */
  commit(message: NewMessage): Promise<void> {
    return this.#staged.commit(message);
  }

  /** Forgets what was stored of it. Never rejects. */
  abort(): Promise<void> {
    return this.#filter.abort();
  }

  /** The fields in front: Received (RFC 5321 §4.4), and Date and Message-ID where they are missing (RFC 6409 §8). */
  #traceFields(header: HeaderFacts): string {
    const { transaction, helo, esmtp, address, by, secure, user } = this.#arrival;
    const at = this.#acceptedAt;
    const zone = -new Date(at).getTimezoneOffset();
    const received = receivedField({
      helo,
      esmtp,
      address,
      by,
      secure,
      signedIn: user !== null,
      smtputf8: transaction.smtputf8,
      id: this.id,
      recipients: transaction.recipients.map((r) => r.rcptTo),
      at,
      zone,
    });
    const date = header.date ? '' : `Date: ${formatMailDate(at, zone)}\r\n`;
    const messageId = header.messageId === null ? `Message-ID: <${this.id}@${by}>\r\n` : '';
    return `${received}${date}${messageId}${header.headless ? '\r\n' : ''}`;
  }
}
