/**
 * Saves messages out of a damaged database, row by row, into a new one. Works on a copy: the file that was set aside
 * stays as it was found.
 */
import { copyFileSync, constants, existsSync, rmSync } from 'node:fs';
import type { Database, Row, SqlValue } from '../sqlite/database.ts';
import { openDatabase } from '../sqlite/database.ts';
import { keysInTable, mendHeader, mendTrees, replaceSchema } from './mend-pages.ts';
import { CHUNK_FACTOR, RECIPIENT_FACTOR, migrate } from '../migrations/schema.ts';

/**
 * Copies every message that is whole (row, envelope, a recipient, all octets) into `target`; returns how many.
 *
 * Of a file that was cut, the messages of which a page with rows lies behind the cut cannot be saved. That can be all of
 * them: the octets of the first messages move behind others' when their page is split, and then are in the middle of a file
 * of some dozen pages; and the tables' first pages, which come before everything, fill the first half of a small file.
 */
export function salvage(brokenPath: string, target: Database): number {
  const copy = `${brokenPath}.salvage`;
  const empty = `${copy}-empty`;
  const remove = () => {
    for (const path of [copy, empty])
      for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true });
  };
  try {
    remove();
    for (const suffix of ['', '-wal']) {
      if (existsSync(brokenPath + suffix)) copyFileSync(brokenPath + suffix, copy + suffix, constants.COPYFILE_FICLONE);
    }
    const keys = mend(copy, empty);
    const source = openDatabase(copy);
    try {
      return copyMessages(source, target, keys);
    } finally {
      source.close();
    }
  } catch {
    // Nothing can be read of it at all; it is kept, and reported.
    return 0;
  } finally {
    remove();
  }
}

/** Makes of the copy what SQLite reads; returns the keys of the messages that its pages hold, as far as they are known. */
function mend(copy: string, empty: string): readonly number[] {
  if (!mendHeader(copy)) {
    createEmpty(empty);
    replaceSchema(copy, empty);
  }
  let roots = mergeLog(copy);
  if (roots === null) {
    createEmpty(empty);
    replaceSchema(copy, empty);
    roots = mergeLog(copy);
  }
  if (roots === null) return [];
  const tables = roots;
  attempt(() => {
    mendTrees(copy, [...tables.values()]);
  });
  return attempt(() => keysInTable(copy, tables.get('message') ?? 0)) ?? [];
}

function createEmpty(path: string): void {
  const empty = openDatabase(path);
  try {
    empty.exec('PRAGMA auto_vacuum = INCREMENTAL');
    empty.exec('PRAGMA journal_mode = WAL');
    migrate(empty);
    empty.exec('PRAGMA journal_mode = DELETE');
  } finally {
    empty.close();
  }
}

/** Moves what the log holds into the file. Returns the first page of each table; null if there is no telling. */
function mergeLog(copy: string): ReadonlyMap<string, number> | null {
  const db = openDatabase(copy);
  try {
    // A schema that cannot be read fails the first command after this one, and counts as read for the next.
    db.exec('PRAGMA writable_schema = ON');
    for (let n = 0; n < 2; n += 1) attempt(() => db.exec('PRAGMA journal_mode = DELETE'));
    const rows = db.prepare("SELECT name, rootpage FROM sqlite_schema WHERE type = 'table'").all() as {
      name: string;
      rootpage: number;
    }[];
    db.exec('PRAGMA writable_schema = RESET');
    // Throws unless the whole schema can be read: without any of these tables there is no message.
    db.prepare('SELECT 1 FROM message, envelope, recipient, chunk');
    return new Map(rows.map(({ name, rootpage }) => [name, rootpage]));
  } catch {
    return null;
  } finally {
    db.close();
  }
}

function attempt<T>(run: () => T): T | null {
  try {
    return run();
  } catch {
    return null;
  }
}

/** Beside the keys that were found in the pages, those that SQLite finds from both ends. */
function readableKeys(source: Database, found: readonly number[]): readonly number[] {
  const keys = new Set(found);
  for (const direction of ['ASC', 'DESC']) {
    attempt(() => {
      for (const row of source.prepare(`SELECT seq FROM message ORDER BY seq ${direction}`).iterate())
        keys.add((row as { seq: number }).seq);
    });
  }
  return [...keys].sort((a, b) => a - b);
}

function insertRow(target: Database, table: string, row: Row): void {
  const columns = Object.keys(row);
  const values: readonly SqlValue[] = Object.values(row);
  target
    .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
    .run(...values);
}

function rowsOf(source: Database, table: string, from: number, to: number): readonly Row[] {
  return source.prepare(`SELECT * FROM ${table} WHERE id >= ? AND id < ? ORDER BY id`).all(from, to) as Row[];
}

function copyMessages(source: Database, target: Database, found: readonly number[]): number {
  // Schema of an older version: brought up to ours before anything is read; if that fails it is read as it is.
  attempt(() => migrate(source));
  let saved = 0;
  const bodies = new Set<number>();
  for (const seq of readableKeys(source, found)) {
    target.exec('BEGIN IMMEDIATE');
    const done = attempt(() => copyMessage(source, target, seq, bodies));
    target.exec(done === true ? 'COMMIT' : 'ROLLBACK');
    if (done === true) saved += 1;
  }
  for (const table of ['activity', 'network', 'network_change', 'invalid_address', 'memo']) {
    attempt(() => {
      for (const row of source.prepare(`SELECT * FROM ${table}`).iterate())
        attempt(() => insertRow(target, table, row as Row));
    });
  }
  return saved;
}

/** Copies one message if it is whole. Throws or answers false if it is not. */
function copyMessage(source: Database, target: Database, seq: number, bodies: Set<number>): boolean {
  const message = source.prepare('SELECT * FROM message WHERE seq = ?').get(seq) as Row | undefined;
  if (message === undefined) return false;
  const recipients = rowsOf(source, 'recipient', seq * RECIPIENT_FACTOR, (seq + 1) * RECIPIENT_FACTOR);
  if (recipients.length === 0 || recipients.length !== message['recipient_count']) return false;
  const envelope = source.prepare('SELECT * FROM envelope WHERE seq = ?').get(seq) as Row | undefined;
  if (envelope === undefined) return false;
  const body = Number(message['body']);
  if (!bodies.has(body)) {
    let size = 0;
    for (let n = 0; size < Number(message['size']); n += 1) {
      const chunk = source.prepare('SELECT * FROM chunk WHERE id = ?').get(body * CHUNK_FACTOR + n) as Row | undefined;
      if (!(chunk?.['data'] instanceof Uint8Array)) return false;
      size += chunk['data'].byteLength;
      insertRow(target, 'chunk', chunk);
    }
    if (size !== message['size']) return false;
  }
  insertRow(target, 'message', message);
  insertRow(target, 'envelope', envelope);
  for (const recipient of recipients) insertRow(target, 'recipient', recipient);
  const search = attempt(() => source.prepare('SELECT * FROM search WHERE seq = ?').get(seq) as Row | undefined);
  insertRow(target, 'search', search ?? { seq, text: String(message['subject']).toLowerCase(), words: '' });
  attempt(() => {
    for (const row of rowsOf(source, 'timeline', seq * CHUNK_FACTOR, (seq + 1) * CHUNK_FACTOR))
      insertRow(target, 'timeline', row);
  });
  bodies.add(body);
  return true;
}
