/**
 * The queue's store, by who uses it. Everybody takes the part that they need; only the program's composition knows the
 * whole. What the operations mean stands in their table (operations.ts); those that need something of the client besides
 * are declared here. All reject with StoreError. Nothing else of this folder is imported from outside, but for
 * open-queue-store.ts by the composition.
 */
import type { QueueId } from '../../shared/mail.ts';
import type { Calls, attempts, folders, memory, reports, schedule, views } from './operations.ts';
import type { Selection } from '../../shared/ipc-contract.ts';
import type {
  ClaimQuery,
  ClaimableMessage,
  ClaimedMessage,
  MovedMessages,
  Resend,
  ResendAnswer,
  StoreRecovery,
} from './queue-model.ts';

/** Recipients of one message at most. */
export { RECIPIENT_FACTOR as MAX_RECIPIENTS } from './migrations/schema.ts';
export * from './queue-model.ts';

/** For those who bring mail in: listener, maildrop, test message. */
export interface IntakeStore {
  /** Begins a message. Costs nothing before the first write or commit. */
  stage(id: QueueId): ClaimableMessage;
}

/** For the scheduler. */
export interface ScheduleStore
  extends
    Omit<Calls<typeof schedule>, 'claimDue'>,
    Pick<Calls<typeof attempts>, 'release'>,
    Pick<Calls<typeof folders>, 'expireKept'>,
    Pick<Calls<typeof memory>, 'noteNetwork'> {
  /**
   * Marks up to `limit` due recipients (nextAt <= now, pending, not in flight) `attempting` and answers them by message,
   * oldest due first.
   */
  claimDue(query: ClaimQuery): Promise<readonly ClaimedMessage[]>;
}

/** For attempts: what came of them. */
export type AttemptStore = Omit<Calls<typeof attempts>, 'reclaim'>;

/** For reports to senders. */
export type ReportStore = Calls<typeof reports>;

/** For the octets of stored messages. */
export interface MessageReader {
  /** The message's octets from `offset` on, in chunks of at most 256 KiB. Throws StoreError 'corrupt' if octets are missing. */
  read(id: QueueId, offset?: number): AsyncIterable<Uint8Array>;
  /** First `limit` octets (header) in one go. */
  head(id: QueueId, limit: number): Promise<Uint8Array>;
}

/** For the user's actions on stored mail. */
export interface FolderStore
  extends Pick<Calls<typeof folders>, 'purge' | 'markSeen'>, Pick<Calls<typeof memory>, 'clearInvalidAddresses'> {
  /**
   * `sending`: messages that were moved while they are being sent; what comes of that is recorded.
   * `at`: the moment under which they lie in Deleted; no other deletion of this run has the same.
   */
  move(selection: Selection, to: 'deleted' | 'back'): Promise<MovedMessages & { readonly at: number }>;
  /** In one transaction: the new message is made, and who is replaced by it is closed; or nothing is done. */
  resend(resend: Resend): Promise<ResendAnswer>;
}

/** For windows. */
export type ViewStore = Omit<Calls<typeof views>, 'bytes'> & Pick<Calls<typeof memory>, 'invalidAddresses'>;

/** For the networks that the machine was on. */
export type NetworkStore = Pick<Calls<typeof memory>, 'noteNetwork' | 'knownNetworks' | 'forgetNetwork'>;

/** For small values that must survive a restart. */
export type MemoStore = Pick<Calls<typeof memory>, 'getMemo' | 'setMemo'>;

/** For whoever opened the store. */
export interface StoreLifeCycle {
  /** What was found when it was opened. */
  readonly recovery: StoreRecovery;
  /** Called after every change that a window could show; the caller coalesces. Returns its unsubscribe. */
  onChange(listener: () => void): () => void;
  /** Waits for what is being written, then closes. */
  close(): Promise<void>;
}

/** The whole. The only real one is SQLite in a thread of its own; tests use it on a temporary file. */
export interface QueueStore
  extends
    IntakeStore,
    ScheduleStore,
    AttemptStore,
    ReportStore,
    MessageReader,
    FolderStore,
    ViewStore,
    NetworkStore,
    MemoStore,
    StoreLifeCycle {}
