/** What travels between the program's thread and the thread that holds the database. Structured-clone data only. */
import type { OperationName } from './operations.ts';
import type { StoreError, StoreRecovery } from './queue-model.ts';

/** One operation to be carried out. */
export interface Request {
  /** Named by the response. */
  readonly n: number;
  readonly operation: OperationName;
  /** The moment (ms) by the clock of whoever asks. */
  readonly now: number;
  readonly args: readonly unknown[];
}

/** An error in a form that survives structured cloning. */
export interface StoreFailure {
  readonly reason: StoreError['reason'];
  readonly message: string;
}

/** What came of the request with the same number. */
export type Response =
  | { readonly n: number; readonly ok: true; readonly value: unknown }
  | { readonly n: number; readonly ok: false; readonly error: StoreFailure };

/** How to open the database. */
export interface OpenInput {
  readonly path: string;
  readonly runId: string;
  readonly now: number;
  /** The last connection met damage: look through all of the file. */
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
