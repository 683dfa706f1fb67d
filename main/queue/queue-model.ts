/** What the queue's store is told and what it answers. Times are milliseconds since the epoch, durations milliseconds, sizes octets. */
import type { RecipientHistory } from '../policy/model.ts';
import type { UnknownOutcome } from '../policy/unknown-outcome.ts';
import type { ResendRefusal } from '../policy/user-actions.ts';
import type {
  HopRef,
  HopAttempt,
  MessageDetails,
  MessageDsn,
  MessageOrigin,
  QueueId,
  RecipientDsn,
  RecipientState,
  SmtpReply,
} from '../../shared/mail.ts';

/** Envelope and facts of a message that is being accepted. */
export interface NewMessage {
  readonly id: QueueId;
  readonly acceptedAt: number;
  /** Reverse-path without brackets, null = the null reverse-path. */
  readonly mailFrom: string | null;
  readonly recipients: readonly NewRecipient[];
  readonly dsn: MessageDsn;
  readonly body8bit: boolean;
  readonly smtputf8: boolean;
  readonly origin: MessageOrigin;
  /** From the header, decoded for display, at most 1000 characters. */
  readonly subject: string;
  readonly headerFrom: string | null;
  readonly messageId: string | null;
  /** Key of a memo that is written in the same transaction: after a crash it tells the maildrop that the message is in the queue. */
  readonly takenMemo?: string;
}

/** A recipient of a message that is being accepted. */
export interface NewRecipient {
  /** As given in RCPT TO, local part untouched. */
  readonly rcptTo: string;
  readonly dsn: RecipientDsn;
  /** Recipient states other than queued are for generated messages only. */
  readonly notBefore?: number;
}

/** A message on its way in: nothing of it exists until `commit` resolves. */
export interface StagedMessage {
  /** Appends octets; resolves when more may come (back-pressure). Rejects with StoreError. */
  write(chunk: Uint8Array): Promise<void>;
  /** Durable (synced) once it resolves (spec §1). Messages that commit together share one transaction. */
  commit(message: NewMessage): Promise<void>;
  /** Forgets what was written. Never rejects. */
  abort(): Promise<void>;
}

/** A message on its way in that can be claimed with its commit. */
export interface ClaimableMessage extends StagedMessage {
  /**
   * As `commit`, and claims the message in the same transaction, as if `claimDue` had been asked for it. The caller must
   * record or release every recipient of what comes back. Null: it has to wait for its time, and is queued.
   */
  commitAndClaim(message: NewMessage): Promise<ClaimedMessage | null>;
}

/** Why the store could not do it. `full` is answered 452, `read-only`, `corrupt` and `busy` 451. */
export class StoreError extends Error {
  readonly reason: 'full' | 'read-only' | 'corrupt' | 'busy' | 'closed' | 'other';
  constructor(reason: StoreError['reason'], message: string) {
    super(message);
    this.name = 'StoreError';
    this.reason = reason;
  }
}

/** A message with those of its recipients that were claimed. */
export interface ClaimedMessage {
  readonly id: QueueId;
  readonly acceptedAt: number;
  readonly mailFrom: string | null;
  readonly size: number;
  readonly dsn: MessageDsn;
  readonly body8bit: boolean;
  readonly smtputf8: boolean;
  readonly origin: MessageOrigin;
  /** Timeline rows have an attempt number; this is the number for the attempt that begins now (from 1). */
  readonly attempt: number;
  readonly recipients: readonly ClaimedRecipient[];
  /** All octets, if the message is small; else they are read from the store. */
  readonly bytes?: Uint8Array;
}

/** A recipient that an attempt has. */
export interface ClaimedRecipient extends RecipientHistory {
  readonly domain: string;
  readonly dsn: RecipientDsn;
  readonly delaySent: boolean;
}

/** New state of one recipient after an attempt or a decision. */
export interface RecipientUpdate {
  readonly recipient: number;
  readonly state: RecipientState;
  readonly nextAt: number | null;
  readonly attempts: number;
  readonly retryIndex: number;
  readonly gatewayPasses: number;
  readonly undeliverable: boolean;
  readonly lastCountedAt: number | null;
  readonly waitsFor: string | null;
  readonly reply: SmtpReply | null;
  readonly status: string | null;
  readonly unknownOutcomes: readonly UnknownOutcome[];
  /** JSON-able facts for `explain` (main/policy/explain.ts defines the shape). */
  readonly facts: unknown;
  /** "Office" or "mx1.example.test". */
  readonly via: string | null;
  /** Whom the verdict is from; null if nobody was asked: the one before stays. */
  readonly hop: HopRef | null;
  /** What went wrong where no server said it, in words. */
  readonly error: string | null;
  readonly delaySent?: boolean;
  /** To be told to the sender; absent or null: nothing new is. */
  readonly report?: DueReport | null;
}

/** What the sender is still to be told of one recipient: it is kept with the recipient until the report is a message. */
export interface DueReport {
  /** When it came about. */
  readonly at: number;
  /** JSON-able; main/report/reporter.ts defines the shape. */
  readonly facts: unknown;
}

/** A message of which its sender is still to be told something, and what else of it is under way. */
export interface PendingReport {
  readonly id: QueueId;
  /** When the first of what is to be told came about. */
  readonly since: number;
  /** Recipients that are in an attempt, or claimed for one. */
  readonly inFlight: number;
  /** Recipients that will be claimed in a moment. */
  readonly dueSoon: number;
}

/** What a report is made of. */
export interface ReportMatter {
  readonly message: Pick<ClaimedMessage, 'id' | 'acceptedAt' | 'mailFrom' | 'size' | 'dsn'> & {
    readonly subject: string;
  };
  readonly recipients: readonly (DueReport & {
    readonly id: number;
    readonly rcptTo: string;
    readonly dsn: RecipientDsn;
  })[];
}

/** A report with its octets, and what it tells: those recipients have nothing to be told any more. */
export interface FinishedReport {
  readonly message: NewMessage;
  readonly bytes: Uint8Array;
  readonly told: readonly { readonly recipient: number; readonly at: number }[];
}

/** Everything that one finished piece of an attempt changes; one transaction. */
export interface AttemptRecord {
  readonly messageId: QueueId;
  /** Timeline rows to add. */
  readonly tries: readonly HopAttempt[];
  readonly updates: readonly RecipientUpdate[];
  /** Refused for good with 5.1.x (spec §6). */
  readonly invalidAddresses: readonly { readonly address: string; readonly reply: string }[];
}

/** Which recipients to wake: their next attempt becomes now. */
export type WakeFilter = { readonly kind: 'all' } | { readonly kind: 'hop'; readonly waitsFor: string };

/** What an action of the user did to messages. */
export interface ActionDone {
  /** Messages that were changed. */
  readonly count: number;
  /** Messages with a recipient that is with a server at this moment; the action says what that means for them. */
  readonly sending: number;
}

/** As ActionDone, with the messages that are being sent by name. */
export interface MovedMessages {
  readonly count: number;
  readonly sending: readonly QueueId[];
}

/** Which due recipients to claim. */
export interface ClaimQuery {
  readonly now: number;
  /** Recipients at most. */
  readonly limit: number;
  /** Recipients of these domains (lower case) are passed over: their hops are busy. */
  readonly skipDomains: readonly string[];
}

/** The state in which recipients are given back. */
export interface ReleaseTo {
  readonly nextAt: number;
  readonly held: boolean;
}

/** A message that is sent again: the same octets under a new envelope. */
export interface Resend {
  readonly source: QueueId;
  /** Recipients of the source that are closed with it. */
  readonly replaces: readonly number[];
  /** Of the new message. */
  readonly id: QueueId;
  /** Its recipients, each once. */
  readonly to: readonly string[];
}

/** What came of it; `not-found`: the message to send again was removed meanwhile. */
export type ResendAnswer = { readonly kind: 'done' } | { readonly kind: 'not-found' } | ResendRefusal;

/** What was found when the queue was opened. */
export interface StoreRecovery {
  /** Recipients that a crash had left in an attempt, and that are due again. */
  readonly requeued: number;
  /** Path of the broken database that was set aside, null if all was well. */
  readonly setAside: string | null;
  /** Messages that were read out of the broken database. */
  readonly salvaged: number;
}

/** A message as the store knows it: without the words that policy makes of its facts. */
export interface StoredDetails extends Omit<MessageDetails, 'recipients'> {
  /** Since when it lies in Deleted; null = it does not. */
  readonly deletedAt: number | null;
  readonly body8bit: boolean;
  readonly smtputf8: boolean;
  readonly recipients: readonly (Omit<MessageDetails['recipients'][number], 'why'> & { readonly facts: unknown })[];
}
