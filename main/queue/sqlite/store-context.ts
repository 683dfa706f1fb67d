/** What the functions that carry operations out share: one connection, and the request that is being carried out. */
import { RECIPIENT_FACTOR } from '../migrations/schema.ts';
import type { Database, Statement } from './database.ts';
import { createMessageTables, type MessageTables } from './message-tables.ts';
import { toEnvelope, type EnvelopeColumns, type MessageColumns, type RecipientColumns } from './queue-rows.ts';
import { createTransactionEffects, type TransactionEffects } from './transaction-effects.ts';

/** Prepares each statement once. */
export type Prepare = (sql: string) => Statement;

/** A statement cache for one connection. */
export function statementCache(db: Pick<Database, 'prepare'>): Prepare {
  const statements = new Map<string, Statement>();
  return (sql) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
}

/** Rows by their keys. */
export function createRowLookup(prepare: Prepare) {
  return {
    messageBySeq: (seq: number) =>
      prepare('SELECT * FROM message WHERE seq = ?').get(seq) as MessageColumns | undefined,
    messageById: (id: string) => prepare('SELECT * FROM message WHERE id = ?').get(id) as MessageColumns | undefined,
    seqOf: (id: string) =>
      (prepare('SELECT seq FROM message WHERE id = ?').get(id) as { readonly seq: number } | undefined)?.seq,
    envelopeOf: (seq: number) =>
      toEnvelope(prepare('SELECT * FROM envelope WHERE seq = ?').get(seq) as EnvelopeColumns | undefined),
    recipientById: (id: number) =>
      prepare('SELECT * FROM recipient WHERE id = ?').get(id) as RecipientColumns | undefined,
    recipientsOf: (seq: number) =>
      prepare('SELECT * FROM recipient WHERE id >= ? AND id < ? ORDER BY id').all(
        seq * RECIPIENT_FACTOR,
        (seq + 1) * RECIPIENT_FACTOR,
      ) as RecipientColumns[],
  };
}

/** The parts of an open store. */
export interface StoreContext {
  readonly prepare: Prepare;
  readonly rows: ReturnType<typeof createRowLookup>;
  readonly effects: TransactionEffects;
  readonly messages: MessageTables;
  readonly runId: string;
  /** The moment (ms) of the request that is being carried out. */
  readonly now: () => number;
  /** To be called with each new message before anything is written. Throws StoreError 'full' when space is short. */
  readonly checkSpace: () => void;
}

/** Puts the parts together. */
export function createStoreContext(options: {
  readonly db: Database;
  readonly runId: string;
  /** New messages get sequence numbers above this one and above all in the database. */
  readonly seqAbove: number;
  readonly now: () => number;
  readonly checkSpace: () => void;
}): StoreContext {
  const { db, runId, seqAbove, now, checkSpace } = options;
  const prepare = statementCache(db);
  const effects = createTransactionEffects(prepare);
  const messages = createMessageTables({ prepare, effects, runId, seqAbove, now });
  return { prepare, rows: createRowLookup(prepare), effects, messages, runId, now, checkSpace };
}
