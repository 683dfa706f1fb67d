/**
 * The one seam to SQLite: `node:sqlite` where the runtime has it, else `@photostructure/sqlite`, which offers the same
 * calls. Nothing else in the program may import either.
 */
import { createRequire } from 'node:module';
import { StoreError } from '../queue-store.ts';

/** What can be bound to a statement. */
export type SqlValue = null | number | string | Uint8Array;
/** One row by column name. */
export type Row = Readonly<Record<string, SqlValue>>;

/** The part of a prepared statement that the store uses. */
export interface Statement {
  run(...values: readonly SqlValue[]): { readonly changes: number | bigint };
  get(...values: readonly SqlValue[]): unknown;
  all(...values: readonly SqlValue[]): unknown[];
  iterate(...values: readonly SqlValue[]): Iterable<unknown>;
}

/** The part of a connection that the store uses. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

interface SqliteModule {
  readonly DatabaseSync: new (path: string, options?: { readonly readOnly?: boolean }) => Database;
}

/** Which implementation this runtime uses. */
export type SqliteEngine = 'node:sqlite' | '@photostructure/sqlite';

/** Older Node lines announce `node:sqlite` as experimental on standard error; users need not read that. */
function loadQuietly<T>(load: () => T): T {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function load(): { readonly engine: SqliteEngine; readonly module: SqliteModule } {
  // Node before 20.16 lacks getBuiltinModule, and lines without SQLite answer undefined.
  const getBuiltin = (process as { getBuiltinModule?: (id: string) => unknown }).getBuiltinModule;
  const builtin = loadQuietly(() => getBuiltin?.call(process, 'node:sqlite')) as SqliteModule | undefined;
  if (builtin !== undefined) return { engine: 'node:sqlite', module: builtin };
  const require = createRequire(import.meta.url);
  return { engine: '@photostructure/sqlite', module: require('@photostructure/sqlite') as SqliteModule };
}

const loaded = load();

/** Which of the two is in use. */
export const sqliteEngine: SqliteEngine = loaded.engine;

/** Opens (and creates) a database file. Throws what the engine throws: see `toStoreError`. */
export function openDatabase(path: string): Database {
  return new loaded.module.DatabaseSync(path);
}

const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
const MESSAGES: readonly (readonly [string, number])[] = [
  ['disk image is malformed', CORRUPT],
  ['not a database', NOTADB],
  ['disk is full', FULL],
  ['readonly database', READONLY],
  ['database is locked', BUSY],
  ['disk I/O error', IOERR],
];

/** SQLite's primary result code of an error, null if the error is not SQLite's. */
export function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error)) return null;
  const details = error as { errcode?: unknown; sqliteExtendedCode?: unknown; sqliteCode?: unknown };
  for (const code of [details.errcode, details.sqliteExtendedCode, details.sqliteCode]) {
    if (typeof code === 'number') return code & 0xff;
  }
  // The drop-in's all() and iterate() give the message alone (sqlite3_errstr, or sqlite3_errmsg).
  return MESSAGES.find(([text]) => error.message.includes(text))?.[1] ?? null;
}

/** True if the database must be opened anew: what this connection remembers of the file may not be true any more. */
export function needsReopening(error: unknown): boolean {
  return toStoreError(error).reason === 'corrupt' || sqliteCode(error) === IOERR;
}

/** Turns anything thrown into a StoreError; one that is already comes back as it is. */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const system = (error as { code?: unknown } | null)?.code;
  if (system === 'ENOSPC' || system === 'EDQUOT') return new StoreError('full', message);
  if (system === 'EROFS' || system === 'EACCES' || system === 'EPERM') return new StoreError('read-only', message);
  switch (sqliteCode(error)) {
    case FULL:
      return new StoreError('full', 'the disk is full');
    case READONLY:
    case PERM:
    case CANTOPEN:
      return new StoreError('read-only', `the queue cannot be written to (${message})`);
    case BUSY:
    case LOCKED:
      return new StoreError('busy', 'the queue is in use by another program');
    case CORRUPT:
    case NOTADB:
      return new StoreError('corrupt', `the queue database is damaged (${message})`);
    default:
      return new StoreError('other', message);
  }
}
