/** Opens the database file, or sets a broken one aside and begins anew with what can be read of it. */
import { chmodSync, closeSync, existsSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { StoreError } from '../queue-store.ts';
import type { Database } from './database.ts';
import { openDatabase, toStoreError } from './database.ts';
import { APPLICATION_ID, SCHEMA_VERSION, migrate, schemaVersion } from '../migrations/schema.ts';
import { salvage } from '../salvage/salvage.ts';
import type { OpenInput } from '../store-protocol.ts';

const HEADER = 'SQLite format 3\u0000';
/** Up to this size a database that was not closed properly is looked through as a whole at start. */
const CHECK_BYTES = 32 * 1024 * 1024;
const PRIVATE = 0o600;

export interface OpenedDatabase {
  readonly db: Database;
  readonly recovery: { readonly setAside: string | null; readonly salvaged: number };
}

/** How a connection to the queue is set up, in this order, before anything is read. Pure. */
export function openingPragmas(platform: NodeJS.Platform): readonly string[] {
  return [
    'busy_timeout = 2000',
    // Until the end: a second program on this profile fails as busy instead of delivering everything twice.
    'locking_mode = EXCLUSIVE',
    'auto_vacuum = INCREMENTAL', // only before the first table
    'journal_mode = WAL',
    'synchronous = FULL',
    // There fsync leaves what was written in the drive's own memory (fsync(2)); only F_FULLFSYNC outlives a power cut.
    ...(platform === 'darwin' ? ['fullfsync = 1', 'checkpoint_fullfsync = 1'] : []),
    'foreign_keys = ON',
    'cache_size = -8192',
    'journal_size_limit = 16777216',
    'wal_autocheckpoint = 2000',
    'trusted_schema = OFF',
  ];
}

/** Opens the queue. Throws StoreError; damage is not an error but is reported in `recovery`. */
export function openQueueDatabase(
  input: Pick<OpenInput, 'path' | 'now' | 'suspect'>,
  platform: NodeJS.Platform = process.platform,
): OpenedDatabase {
  try {
    return { db: openSound(input.path, input.suspect, platform), recovery: { setAside: null, salvaged: 0 } };
  } catch (error) {
    if (toStoreError(error).reason !== 'corrupt') throw toStoreError(error);
  }
  const setAside = freeName(
    `${input.path}.broken-${new Date(input.now).toISOString().slice(0, 19).replaceAll(':', '')}`,
  );
  try {
    for (const suffix of ['', '-wal']) {
      if (existsSync(input.path + suffix)) renameSync(input.path + suffix, setAside + suffix);
    }
    const db = openSound(input.path, false, platform);
    return { db, recovery: { setAside, salvaged: salvage(setAside, db) } };
  } catch (error) {
    throw toStoreError(error);
  }
}

function freeName(wanted: string): string {
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? wanted : `${wanted}-${n}`;
    if (!existsSync(name) && !existsSync(`${name}-wal`)) return name;
  }
}

/** Opens, checks and migrates. Throws; a StoreError 'corrupt' means: set it aside. */
function openSound(path: string, suspect: boolean, platform: NodeJS.Platform): Database {
  const unclean = existsSync(`${path}-wal`);
  checkHeader(path);
  createPrivate(path);
  const db = openDatabase(path);
  try {
    for (const pragma of openingPragmas(platform)) db.exec(`PRAGMA ${pragma}`);
    db.exec('BEGIN IMMEDIATE; COMMIT'); // takes the lock, or fails with BUSY
    checkVersion(db);
    checkContents(db, suspect || (unclean && statSync(path).size <= CHECK_BYTES));
    migrate(db);
    chmodSync(path, PRIVATE);
    for (const suffix of ['-wal', '-shm']) if (existsSync(path + suffix)) chmodSync(path + suffix, PRIVATE);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** SQLite creates its files with the mode of the database file: this one is for its owner alone from the start. */
function createPrivate(path: string): void {
  if (existsSync(path)) return;
  closeSync(openSync(path, 'wx', PRIVATE));
}

/** A file that is no database, or shorter than its header says (and no log holds the rest), is damaged. */
function checkHeader(path: string): void {
  if (!existsSync(path)) return;
  const { size } = statSync(path);
  if (size === 0) return;
  const head = Buffer.alloc(100);
  const file = openSync(path, 'r');
  try {
    readSync(file, head, 0, 100, 0);
  } finally {
    closeSync(file);
  }
  if (head.toString('latin1', 0, 16) !== HEADER) throw new StoreError('corrupt', 'the file is not a database');
  const pageSize = head.readUInt16BE(16) === 1 ? 65536 : head.readUInt16BE(16);
  const pages = head.readUInt32BE(28);
  // Before SQLite has changed anything: a newer program's file stays as it is.
  if (!existsSync(`${path}-wal`)) refuseNewer(head.readUInt32BE(60));
  if (!existsSync(`${path}-wal`) && size < pages * pageSize)
    throw new StoreError('corrupt', 'the file has been cut short');
}

function refuseNewer(version: number): void {
  if (version <= SCHEMA_VERSION) return;
  throw new StoreError(
    'other',
    `the queue was written by a newer version of the program (its format is ${version}, this program knows up to ${SCHEMA_VERSION})`,
  );
}

function checkVersion(db: Database): void {
  const version = schemaVersion(db);
  const { application_id: application } = db.prepare('PRAGMA application_id').get() as { application_id: number };
  const { tables } = db.prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE type = 'table'").get() as {
    tables: number;
  };
  refuseNewer(version);
  if (tables > 0 && application !== APPLICATION_ID) throw new StoreError('corrupt', 'the file is not a queue');
  if (tables === 0) db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  if (version > 0 && tables === 0) throw new StoreError('corrupt', 'the tables are missing');
}

function checkContents(db: Database, thorough: boolean): void {
  if (schemaVersion(db) === 0) return;
  if (thorough) {
    const rows = db.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[];
    if (rows[0]?.quick_check !== 'ok')
      throw new StoreError('corrupt', rows[0]?.quick_check ?? 'the check found nothing');
    return;
  }
  // Both ends of the trees that everything hangs from.
  for (const [table, key] of [
    ['message', 'seq'],
    ['recipient', 'id'],
    ['envelope', 'seq'],
    ['search', 'seq'],
    ['timeline', 'id'],
    ['chunk', 'id'],
  ] as const) {
    db.prepare(`SELECT (SELECT min(${key}) FROM ${table}), (SELECT max(${key}) FROM ${table})`).get();
  }
}
