/**
 * The queue in SQLite, synchronously; it lives in a thread of its own (store-worker.ts) or, for tests, in the caller's.
 * All that arrives together is one transaction: one sync of the disk for many messages (group commit).
 */
import { statfsSync } from 'node:fs';
import path from 'node:path';
import { OPERATIONS, type Handlers } from '../operations.ts';
import { StoreError, type StoreRecovery } from '../queue-store.ts';
import type { OpenInput, Request, Response } from '../store-protocol.ts';
import { attemptHandlers, recoverCrashed } from './attempts.ts';
import type { Database } from './database.ts';
import { needsReopening, sqliteEngine, toStoreError } from './database.ts';
import { folderHandlers } from './folders.ts';
import { intakeHandlers, removeUnownedOctets } from './intake.ts';
import { memoryHandlers } from './memory.ts';
import { openQueueDatabase } from './open-queue-database.ts';
import { reportHandlers } from './reports.ts';
import { scheduleHandlers } from './schedule.ts';
import { createSortIndex } from './sort-index.ts';
import { createStoreContext, type StoreContext } from './store-context.ts';
import { viewHandlers } from './views.ts';

/** The store as its thread sees it. */
export interface StoreCore {
  readonly recovery: StoreRecovery;
  readonly engine: string;
  /** Does all requests, the changes in one transaction, and answers each. Never throws. */
  execute(requests: readonly Request[]): readonly Response[];
  /** True once damage was met, or the file could not be read or written: the database must be closed and opened anew, with `suspect`. */
  damaged(): boolean;
  close(): void;
}

/** The space on the disk is asked for this seldom at most. */
const SPACE_CHECK_EVERY = 64;

/**
 * Opens the queue. Throws StoreError: 'busy' (another program has it), 'read-only', 'full', 'other' (a database of a
 * newer version of the program). Damage is no error: the broken file is set aside (see `recovery`).
 */
export function openSqliteQueueStore(input: OpenInput): StoreCore {
  const opened = openQueueDatabase(input);
  try {
    return createCore(opened.db, input, opened.recovery);
  } catch (error) {
    opened.db.close();
    throw toStoreError(error);
  }
}

function createCore(db: Database, input: OpenInput, found: Omit<StoreRecovery, 'requeued'>): StoreCore {
  let now = input.now;
  const context = createStoreContext({
    db,
    runId: input.runId,
    seqAbove: input.seqAbove,
    now: () => now,
    checkSpace: createSpaceCheck(path.dirname(input.path), input.reserveBytes),
  });
  const handlers = createHandlers(db, context);
  const transactions = createTransactions(db, context);
  const executor = createExecutor(transactions, ({ operation, now: askedAt, args }) => {
    now = askedAt;
    const handler = handlers[operation] as unknown as (...args: readonly unknown[]) => unknown;
    return handler(...args);
  });
  // Recovery is a transaction like any other.
  const requeued = transactions.run(true, () => {
    const count = recoverCrashed(context);
    removeUnownedOctets(context);
    return count;
  });
  return {
    recovery: { ...found, requeued },
    engine: sqliteEngine,
    ...executor,
    close: () => closeDatabase(db),
  };
}

/** Carries requests out in transactions. `perform` does one, inside of one. */
function createExecutor(
  transactions: Transactions,
  perform: (request: Request) => unknown,
): Pick<StoreCore, 'execute' | 'damaged'> {
  let damaged = false;
  const answer = (request: Request): Response => ({ n: request.n, ok: true, value: perform(request) });

  function failed({ n }: Request, error: unknown): Response {
    const { reason, message } = toStoreError(error);
    if (needsReopening(error)) damaged = true;
    return { n, ok: false, error: { reason, message } };
  }

  /** One transaction for all. Savepoints cost a quarter of the work and are of use only when something fails, which is rare. */
  function change(requests: readonly Request[]): readonly Response[] {
    if (requests.length === 0) return [];
    try {
      return transactions.run(isDurable(requests), () => requests.map(answer));
    } catch {
      return changeEach(requests);
    }
  }

  /** One transaction for all, each request in a savepoint, so that one that fails leaves its neighbours alone. */
  function changeEach(requests: readonly Request[]): readonly Response[] {
    try {
      return transactions.run(isDurable(requests), () =>
        requests.map((request) =>
          transactions.savepoint(
            () => answer(request),
            (error) => failed(request, error),
          ),
        ),
      );
    } catch (error) {
      // Perhaps only one of them is too much for the disk: each on its own.
      return requests.length === 1
        ? requests.map((request) => failed(request, error))
        : requests.flatMap((request) => changeEach([request]));
    }
  }

  function read(request: Request): Response {
    try {
      return answer(request);
    } catch (error) {
      return failed(request, error);
    }
  }

  return {
    damaged: () => damaged,
    execute(requests) {
      const isRead = ({ operation }: Request): boolean => OPERATIONS[operation].durability === 'read';
      return [...change(requests.filter((request) => !isRead(request))), ...requests.filter(isRead).map(read)];
    },
  };
}

function createHandlers(db: Database, context: StoreContext): Handlers<typeof OPERATIONS> {
  const exec = (sql: string): void => {
    db.exec(sql);
  };
  return {
    ...intakeHandlers(context),
    ...scheduleHandlers(context),
    ...attemptHandlers(context),
    ...reportHandlers(context),
    ...folderHandlers(context),
    ...viewHandlers(context, createSortIndex(context.prepare, exec)),
    ...memoryHandlers(context),
  };
}

function isDurable(requests: readonly Request[]): boolean {
  return requests.some(({ operation }) => OPERATIONS[operation].durability === 'durable');
}

type Transactions = ReturnType<typeof createTransactions>;

/** Transactions of one connection. */
function createTransactions(db: Database, { prepare, effects }: StoreContext) {
  let synchronous = '';

  function setSynchronous(mode: 'FULL' | 'NORMAL'): void {
    if (synchronous === mode) return;
    db.exec(`PRAGMA synchronous = ${mode}`);
    synchronous = mode;
  }

  return {
    /** Runs `work` in a transaction; `durable`: on the disk once it returns. Throws what it throws, with nothing done. */
    run<T>(durable: boolean, work: () => T): T {
      let done: T;
      try {
        setSynchronous(durable ? 'FULL' : 'NORMAL');
        prepare('BEGIN IMMEDIATE').run();
        done = work();
        effects.apply();
        prepare('COMMIT').run();
      } catch (error) {
        try {
          db.exec('ROLLBACK');
        } catch {
          // SQLite had ended the transaction already.
        }
        effects.rolledBack();
        throw error;
      }
      effects.committed();
      return done;
    },

    /** Runs `work`; if it throws, nothing of it is done, and `otherwise` says what came of it. */
    savepoint<T>(work: () => T, otherwise: (error: unknown) => T): T {
      prepare('SAVEPOINT one').run();
      let done: T;
      try {
        done = work();
      } catch (error) {
        // Fails if SQLite ended the whole transaction (disk full, I/O error): then nothing of it counts.
        prepare('ROLLBACK TO one').run();
        done = otherwise(error);
      }
      prepare('RELEASE one').run();
      return done;
    },
  };
}

/** Bounces and state changes need space too: new mail is refused before the disk is full. */
function createSpaceCheck(folder: string, reserveBytes: number): () => void {
  let untilNextLook = 0;
  let enough = true;
  return () => {
    if (reserveBytes <= 0) return;
    if (untilNextLook <= 0 || !enough) {
      const disk = statfsSync(folder);
      enough = disk.bavail * disk.bsize >= reserveBytes;
      untilNextLook = SPACE_CHECK_EVERY;
    }
    untilNextLook -= 1;
    if (!enough) throw new StoreError('full', 'the disk is nearly full');
  };
}

function closeDatabase(db: Database): void {
  try {
    // Leaves one file, and no lock: the drop-in's close() alone keeps it for as long as a statement is not
    // garbage-collected, and the lock can only be given up outside of WAL mode.
    db.exec('PRAGMA journal_mode = DELETE');
    db.exec('PRAGMA locking_mode = NORMAL');
    db.exec('SELECT 1 FROM sqlite_schema');
  } catch {
    // A full disk: the log is read at the next start.
  }
  db.close();
}
