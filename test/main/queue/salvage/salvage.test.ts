/** What is saved of damaged queue files: everything whose pages are there, and nothing else. */
import { copyFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../../../main/queue/sqlite/database.ts';
import { accept, newMessage, openStore, readAll, tempFolder } from '../support.ts';

const PAGE = 4096;

function octetsOf(id: string, size: number): Buffer {
  return Buffer.alloc(size, `${id} `);
}

async function filled(sizes: readonly number[]): Promise<string> {
  const { store, path: file } = await openStore();
  await Promise.all(sizes.map(async (size, n) => accept(store, newMessage(`m${n}`), octetsOf(`m${n}`, size))));
  await store.close();
  return file;
}

function copyOf(file: string): string {
  const copy = path.join(tempFolder(), 'queue.db');
  for (const suffix of ['', '-wal']) if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
  return copy;
}

/** Writes over whole pages, counted from 1. */
function overwrite(file: string, pages: readonly number[], octet: number): void {
  const octets = readFileSync(file);
  for (const page of pages) octets.fill(octet, (page - 1) * PAGE, page * PAGE);
  writeFileSync(file, octets);
}

/** The ids that a start with this file brings back; their octets are looked at. */
async function savedFrom(file: string, sizeOf: (id: string) => number): Promise<readonly string[]> {
  const { store } = await openStore({ path: file });
  expect(store.recovery.setAside).not.toBeNull();
  const query = { folder: 'outbox', search: '', sort: 'age', descending: false, offset: 0, limit: 5000 } as const;
  const { rows } = await store.list(query);
  expect(rows).toHaveLength(store.recovery.salvaged);
  for (const { id } of rows) expect((await readAll(store, id)).equals(octetsOf(id, sizeOf(id)))).toBe(true);
  await store.close();
  return rows.map(({ id }) => id).sort();
}

interface Pages {
  readonly pageno: number;
  readonly pagetype: string;
}

function pagesOf(file: string, tables: readonly string[]): readonly Pages[] {
  const db = openDatabase(file);
  const names = tables.map((name) => `'${name}'`).join(', ');
  const pages = db.prepare(`SELECT pageno, pagetype FROM dbstat WHERE name IN (${names}) ORDER BY pageno`).all();
  db.close();
  return pages as Pages[];
}

/** For each message the last page that rows of it stand in, found out by taking one page after the other away. */
function lastPages(file: string, count: number): ReadonlyMap<string, number> {
  const last = new Map<string, number>();
  for (const { pageno, pagetype } of pagesOf(file, ['message', 'envelope', 'recipient', 'chunk'])) {
    if (pagetype === 'internal') continue;
    const copy = copyOf(file);
    overwrite(copy, [pageno], 0);
    const db = openDatabase(copy);
    const read = db.prepare(
      `SELECT *, (SELECT hex(data) FROM chunk WHERE id >= m.seq * 1048576 ORDER BY id LIMIT 1),
       (SELECT rcpt_to FROM recipient WHERE id >= m.seq * 65536 ORDER BY id LIMIT 1) FROM message m JOIN envelope USING (seq) WHERE m.seq = ?`,
    );
    for (let seq = 1; seq <= count; seq += 1) {
      try {
        read.get(seq);
      } catch {
        last.set(`m${seq - 1}`, pageno);
      }
    }
    db.close();
  }
  return last;
}

/** Their octets fit into one page; a page more, and all octets stand behind what the cut takes. */
const small = [500, 300, 700, 900];
const mixed = [300, 5000, 60_000, 900, 20_000, 100, 9000, 40_000, 3000, 12_000];

describe('a queue that was cut', () => {
  test.each([
    ['small ones', small, ''],
    ['mixed ones', mixed, ''],
    ['mixed ones, listed in another order', mixed, 'CREATE INDEX message_by_size ON message (folder, size, seq)'],
  ])('brings back the messages whose pages are left: %s', async (_, sizes, sql) => {
    const file = await filled(sizes);
    const db = openDatabase(file);
    db.exec(sql);
    db.close();
    const last = lastPages(file, sizes.length);
    expect(last.size).toBe(sizes.length);
    let most = 0;
    for (const percent of [50, 55, 70, 80, 90, 95]) {
      const copy = copyOf(file);
      const size = Math.floor((statSync(copy).size * percent) / 100);
      truncateSync(copy, size);
      const left = [...last].filter(([, page]) => page * PAGE <= size).map(([id]) => id);
      const saved = await savedFrom(copy, (id) => sizes[Number(id.slice(1))] ?? 0);
      expect([percent, saved]).toEqual([percent, left.sort()]);
      most = Math.max(most, saved.length);
    }
    expect(most).toBeGreaterThan(sizes.length / 2);
  });

  test('loses no more than the pages behind the cut when a page that led to hundreds is one of them', async () => {
    // One page of octets each.
    const sizes = Array<number>(700).fill(3900);
    const file = await filled(sizes);
    const inner = pagesOf(file, ['chunk']).filter(({ pagetype }) => pagetype === 'internal');
    // The first one is the table's own; those below it were made when it was full.
    const cut = inner[1]?.pageno ?? 0;
    const leaves = pagesOf(file, ['chunk']).filter(({ pageno, pagetype }) => pagetype === 'leaf' && pageno < cut);
    expect(leaves.length).toBeGreaterThan(300);
    const others = pagesOf(file, ['message', 'envelope', 'recipient']);
    const rowsOfPage = Math.ceil((3 * sizes.length) / others.length);
    truncateSync(file, (cut - 1) * PAGE);
    const saved = await savedFrom(file, () => 3900);
    expect(saved.length).toBeGreaterThan(leaves.length - 3 * rowsOfPage);
    expect(saved.length).toBeLessThanOrEqual(leaves.length);
  });

  test('reads what the log holds, too', async () => {
    const file = await filled(Array<number>(20).fill(20_000));
    const { store } = await openStore({ path: file });
    for (let n = 20; n < 30; n += 1) await accept(store, newMessage(`m${n}`), octetsOf(`m${n}`, 20_000));
    const copy = copyOf(file);
    truncateSync(copy, Math.floor(statSync(copy).size * 0.6));
    const saved = await savedFrom(copy, () => 20_000);
    expect(saved).toEqual(expect.arrayContaining(Array.from({ length: 10 }, (_, n) => `m${n + 20}`)));
    expect(saved.length).toBeGreaterThan(15);
  });
});

describe('a damaged queue', () => {
  const sizes = Array<number>(60).fill(20_000);

  /** The page that stands above all octets. */
  const rootOfOctets = (file: string): number =>
    pagesOf(file, ['chunk']).find(({ pagetype }) => pagetype === 'internal')?.pageno ?? 0;

  test.each([
    ['zeros', 0],
    ['noise', 0xa5],
  ])('brings everything back where only pages above the rows became %s', async (_, octet) => {
    const file = await filled(sizes);
    const schema = pagesOf(file, ['sqlite_schema']).map(({ pageno }) => pageno);
    overwrite(file, [...schema, rootOfOctets(file)], octet);
    expect(await savedFrom(file, () => 20_000)).toHaveLength(60);
  });

  test('brings back what stands on both sides of lost rows', async () => {
    const count = 150;
    const file = await filled(Array<number>(count).fill(500));
    const rows = pagesOf(file, ['message']).filter(({ pagetype }) => pagetype === 'leaf');
    expect(rows.length).toBeGreaterThan(2);
    overwrite(file, [1, rows[1]?.pageno ?? 0], 0);
    const saved = await savedFrom(file, () => 500);
    expect(saved).toEqual(expect.arrayContaining(['m0', `m${count - 1}`]));
    expect(saved.length).toBeGreaterThan(count - 1.5 * (count / (rows.length - 1)));
    expect(saved.length).toBeLessThan(count);
  });

  test('brings back what an older version wrote, whose rows have fewer columns', async () => {
    const file = await filled(sizes);
    const db = openDatabase(file);
    db.exec('ALTER TABLE recipient DROP COLUMN unknown_outcomes; ALTER TABLE message DROP COLUMN may_have_arrived');
    db.exec('PRAGMA user_version = 3');
    db.close();
    overwrite(file, [1, rootOfOctets(file)], 0);
    expect(await savedFrom(file, () => 20_000)).toHaveLength(60);
  });

  test('needs no pointer map where the tables can be read', async () => {
    const file = await filled(sizes);
    const search = pagesOf(file, ['search']).map(({ pageno }) => pageno);
    overwrite(file, [2, ...search], 0xa5);
    expect(await savedFrom(file, () => 20_000)).toHaveLength(60);
  });

  test('brings no mail back that was removed before', async () => {
    const { store, path: file } = await openStore();
    for (const [n, size] of sizes.entries()) await accept(store, newMessage(`m${n}`), octetsOf(`m${n}`, size));
    const removed = Array.from({ length: 50 }, (_, n) => `m${n}`);
    await store.move({ ids: removed }, 'deleted');
    await store.purge({ ids: removed });
    await store.close();
    const db = openDatabase(file);
    expect(db.prepare('PRAGMA freelist_count').get()).not.toEqual({ freelist_count: 0 });
    db.close();
    overwrite(file, [1, rootOfOctets(file)], 0);
    expect(await savedFrom(file, () => 20_000)).toEqual(Array.from({ length: 10 }, (_, n) => `m${n + 50}`));
  });
});
