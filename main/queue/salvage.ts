/**
 * Saves messages out of a damaged database, row by row, into a new one. Works on a copy: the file that was set aside
 * stays as it was found.
 */
import {
  closeSync,
  copyFileSync,
  constants,
  existsSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import type { Database, Row, SqlValue } from './database.ts';
import { openDatabase } from './database.ts';
import { CHUNK_FACTOR, RECIPIENT_FACTOR, migrate } from './schema.ts';

const PAGE_BYTES = 4096;

/** Copies every message that is whole (row, envelope, a recipient, all octets) into `target`; returns how many. */
export function salvage(brokenPath: string, target: Database): number {
  const copy = `${brokenPath}.salvage`;
  const remove = () => {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(copy + suffix, { force: true });
  };
  try {
    remove();
    for (const suffix of ['', '-wal']) {
      if (existsSync(brokenPath + suffix)) copyFileSync(brokenPath + suffix, copy + suffix, constants.COPYFILE_FICLONE);
    }
    mendFirstPages(copy);
    const source = openDatabase(copy);
    try {
      return copyMessages(source, target);
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

/**
 * The first pages say where each table begins. They are the same in every database that this program creates, so lost
 * ones are replaced by those of an empty database.
 */
function mendFirstPages(path: string): void {
  const { size } = statSync(path);
  if (size < 2 * PAGE_BYTES) return;
  const head = Buffer.alloc(PAGE_BYTES);
  const file = openSync(path, 'r+');
  const emptyPath = `${path}-empty`;
  try {
    readSync(file, head, 0, PAGE_BYTES, 0);
    const intact = head.toString('latin1', 0, 16) === 'SQLite format 3\u0000';
    if (!intact) {
      const empty = openDatabase(emptyPath);
      empty.exec('PRAGMA auto_vacuum = INCREMENTAL');
      empty.exec('PRAGMA journal_mode = WAL');
      migrate(empty);
      empty.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      const { rootpage } = empty
        .prepare('SELECT min(rootpage) AS rootpage FROM sqlite_schema WHERE rootpage > 0')
        .get() as {
        rootpage: number;
      };
      empty.close();
      const template = openSync(emptyPath, 'r');
      try {
        readSync(template, head, 0, PAGE_BYTES, 0);
      } finally {
        closeSync(template);
      }
      if (rootpage < 2) return;
    }
    // A database that was cut: SQLite will not read past the count in the header, nor start with a wrong one.
    head.writeUInt32BE(Math.floor(size / PAGE_BYTES), 28);
    head.copy(head, 92, 24, 28);
    head.writeUInt32BE(0, 32); // the list of free pages is of no use, and may point anywhere
    head.writeUInt32BE(0, 36);
    writeSync(file, head, 0, PAGE_BYTES, 0);
  } finally {
    closeSync(file);
    for (const suffix of ['', '-wal', '-shm']) rmSync(emptyPath + suffix, { force: true });
  }
}

function attempt<T>(run: () => T): T | null {
  try {
    return run();
  } catch {
    return null;
  }
}

/** Keys of a table that can be read: upwards, stepping over what cannot, in ever larger steps. */
function readableKeys(source: Database): readonly number[] {
  const keys = new Set<number>();
  const up = source.prepare('SELECT seq FROM message WHERE seq > ? ORDER BY seq LIMIT 1');
  let last = 0;
  let step = 1;
  // Bounded: 60 doublings reach past any key.
  for (let failures = 0; failures < 60;) {
    const found = attempt<{ row: { seq: number } | undefined }>(() => ({
      row: up.get(last) as { seq: number } | undefined,
    }));
    if (found === null) {
      failures += 1;
      last += step;
      step *= 2;
      if (last > 2 ** 40) break;
      continue;
    }
    if (found.row === undefined) break;
    last = found.row.seq;
    step = 1;
    keys.add(last);
  }
  // From the other end: what lies behind a damaged stretch.
  attempt(() => {
    for (const row of source.prepare('SELECT seq FROM message ORDER BY seq DESC').iterate())
      keys.add((row as { seq: number }).seq);
  });
  // The key of a recipient names its message too: found even where the table of messages cannot be walked.
  for (const direction of ['ASC', 'DESC']) {
    attempt(() => {
      for (const row of source.prepare(`SELECT id FROM recipient ORDER BY id ${direction}`).iterate()) {
        keys.add(Math.floor((row as { id: number }).id / RECIPIENT_FACTOR));
      }
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

function copyMessages(source: Database, target: Database): number {
  // Schema of an older version: brought up to ours before anything is read; if that fails it is read as it is.
  attempt(() => migrate(source));
  let saved = 0;
  const bodies = new Set<number>();
  for (const seq of readableKeys(source)) {
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
