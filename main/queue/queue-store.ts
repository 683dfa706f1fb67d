/** The contract of the queue's store: what mail, attempts, reports and windows ask of it. Times are milliseconds since the epoch, durations milliseconds, sizes octets. */
import type { RecipientHistory } from '../policy/model.ts';
import type { UnknownOutcome } from '../policy/unknown-outcome.ts';
import type { ResendRefusal } from '../policy/user-actions.ts';
import type {
  Activity,
  InvalidAddress,
  KnownNetwork,
  ListPage,
  ListQuery,
  Selection,
} from '../../shared/ipc-contract.ts';
import type {
  FolderCounts,
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
  /** A memo that is written in the same transaction: after a crash it tells whoever handed the message in that it is here. */
  readonly takenMemo?: string;
}

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

/** As the store offers it. */
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

/** What the sender is still to be told of one recipient: it stands with the recipient until the report is a message. */
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
  /** Messages that it was done to. */
  readonly count: number;
  /** Messages with a recipient that is with a server at this moment; the action says what that means for them. */
  readonly sending: number;
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

/** What came of it; `gone`: there is no such message any more. */
export type ResendAnswer = { readonly kind: 'done' } | { readonly kind: 'gone' } | ResendRefusal;

/** The queue. The only real one is SQLite in a worker thread; tests use the real one on a temporary file. */
export interface QueueStore {
  /** A place to write a message's octets to. Cheap; nothing happens until the first write or commit. */
  stage(id: QueueId): ClaimableMessage;
  /**
   * Marks up to `limit` due recipients (nextAt <= now, pending, not in flight) `attempting` and returns them grouped by
   * message, oldest due first. Recipients of `skipDomains` (lower case) are passed over: their hops are busy.
   */
  claimDue(query: {
    readonly now: number;
    readonly limit: number;
    readonly skipDomains: readonly string[];
  }): Promise<readonly ClaimedMessage[]>;
  /** Earliest nextAt of a pending recipient that is not in flight; null if there is none. */
  nextDueAt(): Promise<number | null>;
  /** Resolves once durable. Records that come together share one transaction. */
  record(record: AttemptRecord): Promise<void>;
  /** Messages with something to be told; `soon`: recipients due until then count as about to be claimed. */
  pendingReports(soon: number): Promise<readonly PendingReport[]>;
  /** What is to be told of a message; null if there is nothing (any more). */
  reportMatter(id: QueueId): Promise<ReportMatter | null>;
  /**
   * Makes a message of a report and crosses off what it tells, in one transaction; durable once it resolves. Nothing
   * happens if all of it was crossed off before, so that the same report can safely be handed over again.
   */
  report(report: FinishedReport): Promise<void>;
  /** Gives claimed recipients back untouched: queue holds, or was stopped before anything was tried. */
  release(recipients: readonly number[], hold: { readonly nextAt: number; readonly held: boolean }): Promise<void>;
  /** How many recipients were woken. */
  wake(filter: WakeFilter, now: number): Promise<number>;
  /**
   * Tries messages of the selection again, now, through this gateway if one is given: from the Outbox the recipients that
   * wait, from Bad and Bounced those that failed. `sending`: left as they are, since all that could be tried is being tried.
   */
  retry(selection: Selection, forcedGateway: string | null, now: number): Promise<ActionDone>;
  /** Clamps "not before" times that a changed clock left too far away (retried soon, spec §5). */
  clampNextAt(latest: number): Promise<number>;
  /** The message's octets in chunks of at most 256 KiB. Throws StoreError 'corrupt' if octets are missing. */
  read(id: QueueId, offset?: number): AsyncIterable<Uint8Array>;
  /** First `limit` octets (header) in one go. */
  head(id: QueueId, limit: number): Promise<Uint8Array>;

  counts(): Promise<FolderCounts>;
  list(query: ListQuery): Promise<ListPage>;
  /** Details without the `why` phrases; `facts` per recipient as they were recorded. */
  details(id: QueueId): Promise<StoredDetails | null>;
  /**
   * `flying`: messages that were moved while they are being sent; what comes of that is recorded.
   * `at`: the moment under which they lie in Deleted; no other deletion of this run has the same.
   */
  move(
    selection: Selection,
    to: 'deleted' | 'back',
  ): Promise<{ readonly count: number; readonly flying: readonly QueueId[]; readonly at: number }>;
  /** Removes for good: messages in Deleted of the selection. `sending`: stay, their attempt still needs them. */
  purge(selection: Selection): Promise<ActionDone>;
  /** Removes sent and deleted mail past its keeping time, but not while it is being sent; returns how many messages went. */
  expireKept(limits: { readonly sentBefore: number | null; readonly deletedBefore: number | null }): Promise<number>;
  markSeen(selection: Selection): Promise<number>;
  /** In one transaction: the new message is made, and who is replaced by it is closed; or nothing is done. */
  resend(resend: Resend): Promise<ResendAnswer>;
  invalidAddresses(): Promise<readonly InvalidAddress[]>;
  clearInvalidAddresses(): Promise<number>;
  activity(query: { readonly from: number; readonly to: number; readonly bucketMs: number }): Promise<Activity>;
  noteNetwork(network: { readonly id: string; readonly name: string | null; readonly at: number }): Promise<void>;
  knownNetworks(): Promise<readonly KnownNetwork[]>;
  /** Small values that must survive a restart (per-network memory, policy caches); JSON text. */
  getMemo(key: string): Promise<string | null>;
  setMemo(key: string, value: string | null): Promise<void>;
  forgetNetwork(id: string): Promise<void>;

  /** What start-up found: how many in-flight recipients were given back, whether a broken file was set aside. */
  readonly recovery: StoreRecovery;
  /** Called (coalesced by the caller) after every change that a window could show. Returns its unsubscribe. */
  onChange(listener: () => void): () => void;
  /** Waits for what is being written, then closes. */
  close(): Promise<void>;
}

export interface StoreRecovery {
  readonly requeued: number;
  /** Path of the broken database that was set aside, null if all was well. */
  readonly setAside: string | null;
  readonly salvaged: number;
}

export interface StoredDetails extends Omit<MessageDetails, 'recipients'> {
  /** Since when it lies in Deleted; null = it does not. */
  readonly deletedAt: number | null;
  readonly body8bit: boolean;
  readonly smtputf8: boolean;
  readonly recipients: readonly (Omit<MessageDetails['recipients'][number], 'why'> & { readonly facts: unknown })[];
}
