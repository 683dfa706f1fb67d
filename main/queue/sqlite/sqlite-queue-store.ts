/**
 * The queue in SQLite, synchronously; it lives in a thread of its own (store-worker.ts) or, for tests, in the caller's.
 * All that arrives together is one transaction: one sync of the disk for many messages (group commit).
 */
import { statfsSync } from 'node:fs';
import path from 'node:path';
import { StoreError, type StoreRecovery } from '../queue-store.ts';
import type { Database } from './database.ts';
import { needsReopening, sqliteEngine, toStoreError } from './database.ts';
import { openQueueDatabase } from './open-queue-database.ts';
import { createQueueReads, statementCache } from './queue-reads.ts';
import { createQueueWrites } from './queue-writes.ts';
import { createSortIndex } from './sort-index.ts';
import type { OpInput, OpName, OpOutput, OpenInput, Request, Response } from '../store-protocol.ts';
import { OP_KIND } from '../store-protocol.ts';

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

type Handlers = { readonly [K in OpName]: (input: OpInput<K>) => OpOutput<K> };

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
  const prepare = statementCache(db);
  const folder = path.dirname(input.path);
  let checksUntilLook = 0;
  let roomLeft = true;

  /** Bounces and state changes need room too: new mail is refused before the disk is full. */
  function checkSpace(): void {
    if (input.reserveBytes <= 0) return;
    if (checksUntilLook <= 0 || !roomLeft) {
      const disk = statfsSync(folder);
      roomLeft = disk.bavail * disk.bsize >= input.reserveBytes;
      checksUntilLook = SPACE_CHECK_EVERY;
    }
    checksUntilLook -= 1;
    if (!roomLeft) throw new StoreError('full', 'the disk is nearly full');
  }

  const exec = (sql: string): void => {
    db.exec(sql);
  };
  const reads = createQueueReads(prepare, createSortIndex(prepare, exec));
  const writes = createQueueWrites({ prepare, reads, runId: input.runId, seqAbove: input.seqAbove, checkSpace });
  let damaged = false;
  let synchronous = '';

  const handlers: Handlers = {
    accept: (op) => writes.accept(op),
    chunk: (op) => writes.chunk(op),
    discard: (op) => writes.discard(op),
    claimDue: (op) => writes.claimDue(op),
    record: (op) => writes.record(op),
    report: (op) => writes.report(op),
    release: (op) => writes.release(op),
    reclaim: (op) => writes.reclaim(op),
    wakeDue: (op) => writes.wakeDue(op),
    retry: (op) => writes.retry(op),
    clampNextAt: (op) => writes.clampNextAt(op),
    move: (op) => writes.move(op),
    purge: (op) => writes.purge(op),
    markSeen: (op) => writes.markSeen(op),
    expireKept: (op) => writes.expireKept(op),
    resend: (op) => writes.resend(op),
    clearInvalidAddresses: (op) => writes.clearInvalidAddresses(op),
    noteNetwork: (op) => writes.noteNetwork(op),
    forgetNetwork: (op) => writes.forgetNetwork(op),
    setMemo: (op) => writes.setMemo(op),
    tidy: ({ pages }) => {
      // The answer of the pragma is a row per page; they must be read for it to do its work.
      db.prepare(`PRAGMA incremental_vacuum(${Math.max(1, Math.floor(pages))})`).all();
      return (prepare('PRAGMA freelist_count').get() as { freelist_count: number }).freelist_count;
    },
    select: ({ selection }) => reads.select(selection),
    nextDueAt: () => reads.nextDueAt(),
    pendingReports: ({ soon }) => reads.pendingReports(soon),
    reportMatter: ({ id }) => reads.reportMatter(id),
    bytes: ({ id, n }) => reads.bytes(id, n),
    counts: () => reads.counts(),
    list: (op) => reads.list(op),
    details: ({ id }) => reads.details(id),
    invalidAddresses: () => reads.invalidAddresses(),
    activity: (op) => reads.activity(op),
    knownNetworks: () => reads.knownNetworks(),
    getMemo: ({ key }) => reads.getMemo(key),
  };

  function perform(request: Request): unknown {
    return (handlers[request.op] as (op: unknown) => unknown)(request.input);
  }

  function failed(n: number, error: unknown): Response {
    const { reason, message } = toStoreError(error);
    if (needsReopening(error)) damaged = true;
    return { n, ok: false, error: { reason, message } };
  }

  function setSynchronous(mode: 'FULL' | 'NORMAL'): void {
    if (synchronous === mode) return;
    db.exec(`PRAGMA synchronous = ${mode}`);
    synchronous = mode;
  }

  /** One transaction for all. Null: one of them failed, so nothing was done. */
  function together(requests: readonly Request[]): readonly Response[] | null {
    const responses: Response[] = [];
    try {
      setSynchronous(requests.some(({ op }) => OP_KIND[op] === 'durable') ? 'FULL' : 'NORMAL');
      prepare('BEGIN IMMEDIATE').run();
      for (const request of requests) responses.push({ n: request.n, ok: true, value: perform(request) });
      writes.applyEffects();
      prepare('COMMIT').run();
    } catch {
      rollBack();
      writes.rolledBack();
      return null;
    }
    writes.committed();
    return responses;
  }

  /** One transaction for all; each request in a savepoint, so that one that fails leaves its neighbours alone. */
  function transaction(requests: readonly Request[]): readonly Response[] {
    const responses: Response[] = [];
    try {
      setSynchronous(requests.some(({ op }) => OP_KIND[op] === 'durable') ? 'FULL' : 'NORMAL');
      prepare('BEGIN IMMEDIATE').run();
      for (const request of requests) {
        prepare('SAVEPOINT one').run();
        try {
          responses.push({ n: request.n, ok: true, value: perform(request) });
        } catch (error) {
          // Fails if SQLite ended the whole transaction (disk full, I/O error): then nothing of it counts.
          prepare('ROLLBACK TO one').run();
          responses.push(failed(request.n, error));
        }
        prepare('RELEASE one').run();
      }
      writes.applyEffects();
      prepare('COMMIT').run();
    } catch (error) {
      rollBack();
      writes.rolledBack();
      const only = requests[0];
      if (only === undefined) return [];
      if (requests.length === 1) return [failed(only.n, error)];
      // Perhaps only one of them is too much for the disk: each on its own.
      return requests.flatMap((request) => transaction([request]));
    }
    writes.committed();
    return responses;
  }

  function rollBack(): void {
    try {
      db.exec('ROLLBACK');
    } catch {
      // SQLite had ended the transaction already.
    }
  }

  // Recovery is a transaction like any other.
  let requeued: number;
  setSynchronous('FULL');
  db.exec('BEGIN IMMEDIATE');
  try {
    requeued = writes.recoverCrashed(input.now);
    writes.removeOrphans();
    writes.applyEffects();
    db.exec('COMMIT');
    writes.committed();
  } catch (error) {
    rollBack();
    throw error;
  }

  return {
    recovery: { ...found, requeued },
    engine: sqliteEngine,
    damaged: () => damaged,
    execute(requests) {
      const changes = requests.filter(({ op }) => OP_KIND[op] !== 'read');
      // Savepoints cost a quarter of the work and are of use only when something fails, which is rare.
      const responses = changes.length === 0 ? [] : [...(together(changes) ?? transaction(changes))];
      for (const request of requests) {
        if (OP_KIND[request.op] !== 'read') continue;
        try {
          responses.push({ n: request.n, ok: true, value: perform(request) });
        } catch (error) {
          responses.push(failed(request.n, error));
        }
      }
      return responses;
    },
    close() {
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
    },
  };
}
