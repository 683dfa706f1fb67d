/**
 * Saves messages out of a damaged database into a new one: first what SQLite still reads of it, then what stands in pages
 * that SQLite does not come to any more. The file that was set aside stays as it was found.
 */
import { copyFileSync, constants, existsSync, rmSync } from 'node:fs';
import { CHUNK_FACTOR, MIGRATIONS, RECIPIENT_FACTOR, migrate } from '../migrations/schema.ts';
import type { Database, Row, SqlValue } from '../sqlite/database.ts';
import { openDatabase } from '../sqlite/database.ts';
import { openPageFile } from './page-file.ts';
import { findRows, rowAt, type TableShape } from './read-rows.ts';

/** Tables that hold mail, by key. */
const MAIL = ['message', 'envelope', 'search', 'recipient', 'timeline', 'chunk'] as const;
type MailTable = (typeof MAIL)[number];
/** Tables that hold what is remembered besides. */
const MEMORY = ['activity', 'network', 'network_change', 'invalid_address', 'memo'] as const;

/** Where rows are read from. Its functions throw, or leave rows out, where damage is. */
interface RowSource {
  /** Keys of messages. */
  keys(): Iterable<number>;
  row(table: MailTable, key: number): Row | undefined;
  /** Rows with keys from `from` to below `to`, in order. */
  rows(table: MailTable, from: number, to: number): readonly Row[];
  all(table: (typeof MEMORY)[number]): Iterable<Row>;
  close(): void;
}

/**
 * Copies every message that is whole (row, envelope, a recipient, all octets) into `target`; returns how many.
 *
 * Of a file that was cut, the messages of which a page with rows lies behind the cut cannot be saved. That can be all of
 * them: the octets of the first messages move behind others' when their page is split, and then are in the middle of a file
 * of some dozen pages.
 */
export function salvage(brokenPath: string, target: Database): number {
  const saved = new Set<number>();
  const copy = `${brokenPath}.salvage`;
  try {
    for (const open of [() => openTables(brokenPath, copy), () => openPages(brokenPath, target)])
      attempt(() => {
        const source = open();
        try {
          copyAll(source, target, saved);
        } finally {
          source.close();
        }
      });
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(copy + suffix, { force: true });
  }
  return saved.size;
}

/** What SQLite reads, of a copy: it writes into what it opens. */
function openTables(brokenPath: string, copy: string): RowSource {
  for (const suffix of ['', '-wal']) {
    if (existsSync(brokenPath + suffix)) copyFileSync(brokenPath + suffix, copy + suffix, constants.COPYFILE_FICLONE);
  }
  const db = openDatabase(copy);
  // Schema of an older version: brought up to ours before anything is read; if that fails it is read as it is.
  attempt(() => migrate(db));
  return {
    /** From both ends, up to what cannot be read. */
    *keys() {
      for (const direction of ['ASC', 'DESC']) {
        try {
          for (const row of db.prepare(`SELECT seq FROM message ORDER BY seq ${direction}`).iterate())
            yield (row as { seq: number }).seq;
        } catch {
          // A page that cannot be read.
        }
      }
    },
    row: (table, key) => db.prepare(`SELECT * FROM ${table} WHERE ${keyColumn(table)} = ?`).get(key) as Row | undefined,
    rows: (table, from, to) =>
      db.prepare(`SELECT * FROM ${table} WHERE id >= ? AND id < ? ORDER BY id`).all(from, to) as Row[],
    all: (table) => db.prepare(`SELECT * FROM ${table}`).iterate() as Iterable<Row>,
    close: () => db.close(),
  };
}

function keyColumn(table: MailTable): string {
  return table === 'message' || table === 'envelope' || table === 'search' ? 'seq' : 'id';
}

/** What the pages hold. `like`: a database of the present version. */
function openPages(path: string, like: Database): RowSource {
  const file = openPageFile(path);
  const shapes = new Map([...MAIL, ...MEMORY].map((name) => [name, shapeOf(like, name)] as const));
  const places = findRows(file, [...shapes.values()]);
  const row = (table: string, key: number): Row | undefined => {
    const place = places.get(table)?.get(key);
    const shape = shapes.get(table as MailTable);
    return place === undefined || shape === undefined ? undefined : (rowAt(file, place, shape) ?? undefined);
  };
  const sorted = new Map<string, readonly number[]>();
  const keysOf = (table: string): readonly number[] => {
    const keys = sorted.get(table) ?? [...(places.get(table)?.keys() ?? [])].sort((a, b) => a - b);
    sorted.set(table, keys);
    return keys;
  };
  const rowsAt = (table: string, keys: readonly number[]): readonly Row[] =>
    keys.map((key) => row(table, key)).filter((one) => one !== undefined);
  return {
    keys: () => keysOf('message'),
    row,
    rows(table, from, to) {
      const keys = keysOf(table);
      return rowsAt(table, keys.slice(firstFrom(keys, from), firstFrom(keys, to)));
    },
    all: (table) => rowsAt(table, keysOf(table)),
    close: () => file.close(),
  };
}

/** Index of the first key that is not below `from`. */
function firstFrom(keys: readonly number[], from: number): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((keys[middle] ?? from) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A table's columns; those that a migration added may be missing in rows that were written before. */
function shapeOf(db: Database, name: string): TableShape {
  const columns = db.prepare(`PRAGMA table_info(${name})`).all() as {
    name: string;
    type: string;
    notnull: number;
    pk: number;
  }[];
  const added = MIGRATIONS.join('\n').split(`ALTER TABLE ${name} ADD COLUMN`).length - 1;
  return {
    name,
    columns: columns.map((one) => ({ name: one.name, type: one.type, notNull: one.notnull === 1 })),
    hasKey: columns[0]?.pk === 1 && columns[0].type === 'INTEGER',
    optional: columns.length - added,
  };
}

function attempt<T>(run: () => T): T | null {
  try {
    return run();
  } catch {
    return null;
  }
}

function insertRow(target: Database, table: string, row: Row): void {
  const columns = Object.keys(row);
  const values: readonly SqlValue[] = Object.values(row);
  target
    .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
    .run(...values);
}

/** Copies what is not in `saved` yet, and adds it there. */
function copyAll(source: RowSource, target: Database, saved: Set<number>): void {
  const keys = new Set(source.keys());
  for (const seq of [...keys].sort((a, b) => a - b)) {
    if (saved.has(seq)) continue;
    target.exec('BEGIN IMMEDIATE');
    const done = attempt(() => copyMessage(source, target, seq)) === true;
    target.exec(done ? 'COMMIT' : 'ROLLBACK');
    if (done) saved.add(seq);
  }
  for (const table of MEMORY)
    attempt(() => {
      // What another source has copied is refused as a duplicate.
      for (const row of source.all(table)) attempt(() => insertRow(target, table, row));
    });
}

/** Copies one message if it is whole. Throws or answers false if it is not. */
function copyMessage(source: RowSource, target: Database, seq: number): boolean {
  const message = source.row('message', seq);
  if (message === undefined) return false;
  const count = Number(message['recipient_count']);
  const recipients = source.rows('recipient', seq * RECIPIENT_FACTOR, (seq + 1) * RECIPIENT_FACTOR);
  if (recipients.length === 0 || recipients.length !== count) return false;
  const envelope = source.row('envelope', seq);
  if (envelope === undefined || !copyOctets(source, target, Number(message['body']), Number(message['size'])))
    return false;
  insertRow(target, 'message', message);
  insertRow(target, 'envelope', envelope);
  for (const recipient of recipients) insertRow(target, 'recipient', recipient);
  const search = attempt(() => source.row('search', seq)) ?? undefined;
  insertRow(target, 'search', search ?? { seq, text: String(message['subject']).toLowerCase(), words: '' });
  attempt(() => {
    for (const row of source.rows('timeline', seq * CHUNK_FACTOR, (seq + 1) * CHUNK_FACTOR))
      insertRow(target, 'timeline', row);
  });
  return true;
}

/** A message that was sent again shares its octets with its source: they may be there already. */
function copyOctets(source: RowSource, target: Database, body: number, expected: number): boolean {
  const there = target
    .prepare('SELECT sum(length(data)) AS size FROM chunk WHERE id >= ? AND id < ?')
    .get(body * CHUNK_FACTOR, (body + 1) * CHUNK_FACTOR) as { size: number | null };
  if (there.size === expected) return true;
  let size = 0;
  for (let n = 0; size < expected; n += 1) {
    const chunk = source.row('chunk', body * CHUNK_FACTOR + n);
    if (!(chunk?.['data'] instanceof Uint8Array)) return false;
    size += chunk['data'].byteLength;
    insertRow(target, 'chunk', chunk);
  }
  return size === expected;
}
