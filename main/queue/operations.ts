/**
 * The operations of the queue's store, each in one line: arguments and answer, how durable it is, whether windows show what
 * it changes. The asynchronous client (call-operations.ts), the dispatch in the store's thread (sqlite/sqlite-queue-store.ts)
 * and the types of both follow from this table.
 *
 * A new operation is written in two places. Here, in the group of those who use it:
 *
 *     subjectOf: read<(id: QueueId) => string | null>(),
 *
 * and, as a function of the same name, in the file under sqlite/ that carries the group out:
 *
 *     subjectOf: (id) => rows.messageById(id)?.subject ?? null,
 *
 * Arguments and answers are copied between threads (structured clone). An argument that is itself a Uint8Array is handed
 * over: the caller must not use it any more.
 */
import type {
  Activity,
  InvalidAddress,
  KnownNetwork,
  ListPage,
  ListQuery,
  Selection,
} from '../../shared/ipc-contract.ts';
import type { FolderCounts, QueueId } from '../../shared/mail.ts';
import type {
  ActionDone,
  AttemptRecord,
  ClaimQuery,
  ClaimedMessage,
  FinishedReport,
  MovedMessages,
  NewMessage,
  PendingReport,
  ReleaseTo,
  ReportMatter,
  Resend,
  ResendAnswer,
  StoredDetails,
  WakeFilter,
} from './queue-model.ts';

/**
 * `durable`: a change that is on the disk before it is answered. `lazy`: a change that a power cut may undo, since start-up
 * leads to the same end. `read`: no change.
 */
export type Durability = 'durable' | 'lazy' | 'read';

/**
 * A change to many messages is made in slices, so that new mail gets its turn in between. `selection`: the caller names a
 * Selection, the store gets the keys of some of its messages at a time. `limit`: the store changes up to a number of rows
 * and answers how many; it is asked until that is less.
 */
export type Slices = 'none' | 'selection' | 'limit';

/** Any function. */
type AnyFunction = (...args: never[]) => unknown;

/** One operation: its arguments and its answer are those of `F`. */
export interface Operation<F extends AnyFunction, S extends Slices = 'none'> {
  readonly durability: Durability;
  /** Windows are told of it. */
  readonly shown: boolean;
  readonly slices: S;
  /** Never there: carries the types. */
  readonly types?: F;
}

function read<F extends AnyFunction>(): Operation<F> {
  return { durability: 'read', shown: false, slices: 'none' };
}

function durable<F extends AnyFunction>(): Operation<F> {
  return { durability: 'durable', shown: true, slices: 'none' };
}

function lazy<F extends AnyFunction>(): Operation<F> {
  return { durability: 'lazy', shown: true, slices: 'none' };
}

/** No window shows what it changes. */
function unseen<O extends { readonly shown: boolean }>(operation: O): O {
  return { ...operation, shown: false };
}

/** Its answers can be added up. */
function bySelection<F extends (...args: never[]) => number | { readonly count: number }>(
  operation: Operation<F>,
): Operation<F, 'selection'> {
  return { ...operation, slices: 'selection' };
}

function byLimit<F extends (...args: never[]) => number>(operation: Operation<F>): Operation<F, 'limit'> {
  return { ...operation, slices: 'limit' };
}

/** A message on its way in; stage-message.ts makes StagedMessage of these. */
export const intake = {
  /** Answers the key of the first recipient if the message was claimed at once (`claim`), else null. */
  accept:
    durable<(message: NewMessage, octets: Uint8Array<ArrayBuffer> | StagedOctets, claim: boolean) => number | null>(),
  /** Chunk `n` of a message that is too large to come with its envelope; synced with the `accept` that names the token. */
  chunk: unseen(lazy<(token: string, n: number, octets: Uint8Array<ArrayBuffer>) => void>()),
  discard: unseen(lazy<(token: string) => void>()),
};

/** Octets that were written before, in chunks under a token. */
export interface StagedOctets {
  readonly token: string;
  readonly size: number;
}

/** When recipients are tried. */
export const schedule = {
  /**
   * Marks due recipients (nextAt <= now, pending, not in flight) `attempting` and answers them by message, oldest due
   * first. Recipients of `except` are not claimed, due or not. Undone by a power cut, they are still queued.
   */
  claimDue: lazy<(query: ClaimQuery, except: readonly number[]) => readonly ClaimedMessage[]>(),
  /** Earliest nextAt of a pending recipient that is not in flight; null if there is none. */
  nextDueAt: read<() => number | null>(),
  /** Makes recipients due now; answers how many. */
  wake: byLimit(durable<(filter: WakeFilter, now: number) => number>()),
  /** Brings "not before" times that a changed clock left too far away down to `latest` (spec §5); answers how many. */
  clampNextAt: byLimit(durable<(latest: number) => number>()),
  /**
   * Tries messages again, now, through this gateway if one is given: from the Outbox the recipients that wait, from Bad and
   * Bounced those that failed. `sending`: left as they are, since all that could be tried is being tried.
   */
  retry: bySelection(durable<(forcedGateway: string | null, now: number) => ActionDone>()),
};

/** What attempts tell. */
export const attempts = {
  /** Everything that one finished piece of an attempt changes. Records that come together share one transaction. */
  record: durable<(record: AttemptRecord) => void>(),
  /** Gives claimed recipients back untouched. Undone by a power cut, they are found in flight at start-up and given back then. */
  release: lazy<(recipients: readonly number[], to: ReleaseTo) => void>(),
  /** Gives back what is in flight for this run but not in the list: nobody works on it. Answers how many recipients. */
  reclaim: durable<(known: readonly number[]) => number>(),
};

/** What senders are told. */
export const reports = {
  /** Messages with something to be told; recipients that are due until `soon` count as about to be claimed. */
  pendingReports: read<(soon: number) => readonly PendingReport[]>(),
  /** What is to be told of a message; null if there is nothing (any more). */
  reportMatter: read<(id: QueueId) => ReportMatter | null>(),
  /**
   * Makes a message of a report and crosses off what it tells. Nothing happens if all of it was crossed off before, so that
   * the same report can safely be handed over again.
   */
  report: durable<(report: FinishedReport) => void>(),
};

/** What the user, and time, do to stored mail. */
export const folders = {
  /** `at`: the moment under which the messages lie in Deleted. */
  move: bySelection(durable<(to: 'deleted' | 'back', at: number) => MovedMessages>()),
  /** Removes for good: messages in Deleted of the selection. `sending`: stay, their attempt still needs them. */
  purge: bySelection(durable<() => ActionDone>()),
  markSeen: bySelection(lazy<() => number>()),
  /** Removes sent and deleted mail past its keeping time, but not while it is being sent; answers how many messages. */
  expireKept:
    byLimit(
      durable<(limits: { readonly sentBefore: number | null; readonly deletedBefore: number | null }) => number>(),
    ),
  /** The new message is made, and who is replaced by it is closed; or nothing is done. */
  resend: durable<(resend: Resend, deletedAt: number) => ResendAnswer>(),
  /** Keys of the selected messages. */
  select: read<(selection: Selection) => readonly number[]>(),
};

/** What windows show. */
export const views = {
  counts: read<() => FolderCounts>(),
  list: read<(query: ListQuery) => ListPage>(),
  /** Details without the `why` phrases; `facts` per recipient as they were recorded. Null: no such message. */
  details: read<(id: QueueId) => StoredDetails | null>(),
  activity: read<(query: { readonly from: number; readonly to: number; readonly bucketMs: number }) => Activity>(),
  /** Chunk `n` of a message, empty past the end; null if there is no such message. read-message.ts puts them together. */
  bytes: read<(id: QueueId, n: number) => { readonly bytes: Uint8Array<ArrayBuffer>; readonly size: number } | null>(),
};

/** What is remembered besides mail. */
export const memory = {
  invalidAddresses: read<() => readonly InvalidAddress[]>(),
  clearInvalidAddresses: durable<() => number>(),
  noteNetwork:
    unseen(lazy<(network: { readonly id: string; readonly name: string | null; readonly at: number }) => void>()),
  knownNetworks: read<() => readonly KnownNetwork[]>(),
  forgetNetwork: unseen(durable<(id: string) => void>()),
  /** Small values that must survive a restart (per-network memory, policy caches); JSON text. */
  getMemo: read<(key: string) => string | null>(),
  setMemo: unseen(lazy<(key: string, value: string | null) => void>()),
  /** Gives up to `pages` freed pages back to the file system; answers how many are left. */
  tidy: unseen(lazy<(pages: number) => number>()),
};

/** All operations. */
export const OPERATIONS = { ...intake, ...schedule, ...attempts, ...reports, ...folders, ...views, ...memory };

/** Name of an operation. */
export type OperationName = keyof typeof OPERATIONS;

/** What the caller names first. */
interface CallerSlice {
  readonly none: [];
  readonly selection: [selection: Selection];
  readonly limit: [];
}

/** What the store gets first. */
interface StoreSlice {
  readonly none: [];
  readonly selection: [seqs: readonly number[]];
  readonly limit: [limit: number];
}

/** The asynchronous functions for a group of operations. They reject with StoreError. */
export type Calls<Group> = {
  [Name in keyof Group]: Group[Name] extends Operation<infer F, infer S>
    ? (...args: [...CallerSlice[S], ...Parameters<F>]) => Promise<ReturnType<F>>
    : never;
};

/** The functions that carry a group of operations out, each inside a transaction that its caller opens and ends. */
export type Handlers<Group> = {
  readonly [Name in keyof Group]: Group[Name] extends Operation<infer F, infer S>
    ? (...args: [...StoreSlice[S], ...Parameters<F>]) => ReturnType<F>
    : never;
};
