/** What travels between the program's thread and the thread that holds the database. Structured-clone data only. */
import type {
  Activity,
  InvalidAddress,
  KnownNetwork,
  ListPage,
  ListQuery,
  Selection,
} from '../../shared/ipc-contract.ts';
import type { FolderCounts } from '../../shared/mail.ts';
import type {
  ActionDone,
  AttemptRecord,
  ClaimedMessage,
  FinishedReport,
  NewMessage,
  PendingReport,
  ReportMatter,
  Resend,
  ResendAnswer,
  StoreError,
  StoreRecovery,
  StoredDetails,
} from './queue-store.ts';

/** Octets of a message that is accepted: here in one piece, or staged before under a token. */
export type AcceptedBytes =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'staged'; readonly token: string; readonly size: number };

/** Every operation of the store: its argument and its answer. */
export interface StoreOps {
  /** Answers the key of the first recipient if the message was claimed at once (`claim`), else null. */
  accept(input: {
    readonly message: NewMessage;
    readonly octets: AcceptedBytes;
    readonly now: number;
    readonly claim: boolean;
  }): number | null;
  chunk(input: { readonly token: string; readonly n: number; readonly bytes: Uint8Array<ArrayBuffer> }): null;
  discard(input: { readonly token: string }): null;
  claimDue(input: {
    readonly now: number;
    readonly limit: number;
    readonly skipDomains: readonly string[];
    /** Recipients that are not to be claimed, due or not. */
    readonly except: readonly number[];
  }): readonly ClaimedMessage[];
  record(input: { readonly record: AttemptRecord; readonly now: number }): null;
  report(input: { readonly report: FinishedReport; readonly now: number }): null;
  release(input: { readonly recipients: readonly number[]; readonly nextAt: number; readonly held: boolean }): null;
  /** In flight for this run but not in the list: nobody works on them (their thread died). Given back. */
  reclaim(input: { readonly known: readonly number[]; readonly now: number }): number;
  wakeDue(input: { readonly waitsFor: string | null; readonly now: number; readonly limit: number }): number;
  retry(input: {
    readonly seqs: readonly number[];
    readonly forcedGateway: string | null;
    readonly now: number;
  }): ActionDone;
  clampNextAt(input: { readonly latest: number; readonly limit: number }): number;
  move(input: { readonly seqs: readonly number[]; readonly to: 'deleted' | 'back'; readonly at: number }): {
    readonly count: number;
    readonly flying: readonly string[];
  };
  purge(input: { readonly seqs: readonly number[] }): ActionDone;
  markSeen(input: { readonly seqs: readonly number[] }): number;
  expireKept(input: {
    readonly sentBefore: number | null;
    readonly deletedBefore: number | null;
    readonly limit: number;
  }): number;
  resend(input: { readonly resend: Resend; readonly now: number; readonly deletedAt: number }): ResendAnswer;
  clearInvalidAddresses(input: null): number;
  noteNetwork(input: { readonly id: string; readonly name: string | null; readonly at: number }): null;
  forgetNetwork(input: { readonly id: string }): null;
  setMemo(input: { readonly key: string; readonly value: string | null }): null;
  /** Gives some freed pages back to the file system; answers how many are left. */
  tidy(input: { readonly pages: number }): number;

  select(input: { readonly selection: Selection }): readonly number[];
  nextDueAt(input: null): number | null;
  pendingReports(input: { readonly soon: number }): readonly PendingReport[];
  reportMatter(input: { readonly id: string }): ReportMatter | null;
  bytes(input: {
    readonly id: string;
    readonly n: number;
  }): { readonly bytes: Uint8Array<ArrayBuffer>; readonly size: number } | null;
  counts(input: null): FolderCounts;
  list(input: ListQuery): ListPage;
  details(input: { readonly id: string }): StoredDetails | null;
  invalidAddresses(input: null): readonly InvalidAddress[];
  activity(input: { readonly from: number; readonly to: number; readonly bucketMs: number }): Activity;
  knownNetworks(input: null): readonly KnownNetwork[];
  getMemo(input: { readonly key: string }): string | null;
}
export type OpName = keyof StoreOps;
export type OpInput<K extends OpName> = Parameters<StoreOps[K]>[0];
export type OpOutput<K extends OpName> = ReturnType<StoreOps[K]>;

/**
 * `durable`: changes that must be on the disk before they are answered. `lazy`: changes that a power cut may undo,
 * since start-up leads to the same end. `read`: no change.
 */
export const OP_KIND: Readonly<Record<OpName, 'durable' | 'lazy' | 'read'>> = {
  accept: 'durable',
  chunk: 'lazy', // synced with the commit that makes a message of it
  discard: 'lazy',
  claimDue: 'lazy', // undone = still queued
  record: 'durable',
  report: 'durable',
  release: 'lazy', // undone = found in flight at start-up, and given back then
  reclaim: 'durable',
  wakeDue: 'durable',
  retry: 'durable',
  clampNextAt: 'durable',
  move: 'durable',
  purge: 'durable',
  markSeen: 'lazy',
  expireKept: 'durable',
  resend: 'durable',
  clearInvalidAddresses: 'durable',
  noteNetwork: 'lazy',
  forgetNetwork: 'durable',
  setMemo: 'lazy',
  tidy: 'lazy',
  select: 'read',
  nextDueAt: 'read',
  pendingReports: 'read',
  reportMatter: 'read',
  bytes: 'read',
  counts: 'read',
  list: 'read',
  details: 'read',
  invalidAddresses: 'read',
  activity: 'read',
  knownNetworks: 'read',
  getMemo: 'read',
};

/** Changes that no window shows. */
export const SILENT_OPS: ReadonlySet<OpName> = new Set<OpName>([
  'chunk',
  'discard',
  'setMemo',
  'tidy',
  'noteNetwork',
  'forgetNetwork',
]);

export interface Request<K extends OpName = OpName> {
  readonly n: number;
  readonly op: K;
  readonly input: OpInput<K>;
}

/** An error in a form that survives structured cloning. */
export interface StoreFailure {
  readonly reason: StoreError['reason'];
  readonly message: string;
}

export type Response =
  | { readonly n: number; readonly ok: true; readonly value: unknown }
  | { readonly n: number; readonly ok: false; readonly error: StoreFailure };

/** How to open the database. */
export interface OpenInput {
  readonly path: string;
  readonly runId: string;
  readonly now: number;
  /** The last one that had it open met damage: look through all of it. */
  readonly suspect: boolean;
  /** New messages get sequence numbers above this one. */
  readonly seqAbove: number;
  /** Free octets of the disk below which new messages are refused as `full`. */
  readonly reserveBytes: number;
}

/** Program's thread to store's thread. */
export type ToWorker =
  { readonly kind: 'requests'; readonly requests: readonly Request[] } | { readonly kind: 'close' };

/** Store's thread to program's thread. */
export type FromWorker =
  | { readonly kind: 'opened'; readonly recovery: StoreRecovery; readonly engine: string }
  | { readonly kind: 'refused'; readonly error: StoreFailure }
  | { readonly kind: 'responses'; readonly responses: readonly Response[] }
  | { readonly kind: 'closed' };
