import {
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../../main/queue/sqlite/database.ts';
import { openQueueDatabase } from '../../../main/queue/sqlite/open-queue-database.ts';
import { openQueueStore } from '../../../main/queue/open-queue-store.ts';
import { pageSql } from '../../../main/queue/sqlite/queue-reads.ts';
import { MIGRATIONS, SCHEMA_VERSION, migrate, schemaVersion } from '../../../main/queue/migrations/schema.ts';
import { SORTED_UNINDEXED, createSortIndex } from '../../../main/queue/sqlite/sort-index.ts';
import { SORT_KEYS, type SortKey } from '../../../shared/ipc-contract.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';
import { accept, claim, newMessage, openStore, readAll, recordOf, tempFolder, update } from './support.ts';

/** What a power cut leaves: the files as they are while the program runs. */
function crashCopy(from: string): string {
  const to = path.join(tempFolder(), 'queue.db');
  for (const suffix of ['', '-wal']) if (existsSync(from + suffix)) copyFileSync(from + suffix, to + suffix);
  return to;
}

/** What this process has open of a database, its log and its copies; only Linux tells. */
function openFiles(start: string): readonly string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const name = readlinkSync(`/proc/self/fd/${fd}`);
      return name.startsWith(start) ? [name] : [];
    } catch {
      // The one that the folder was read with.
      return [];
    }
  });
}

async function filled(count: number, bytes = 20_000): Promise<string> {
  const { store, path: file } = await openStore();
  for (let i = 0; i < count; i += 1) await accept(store, newMessage(`m${i}`), Buffer.alloc(bytes, i));
  await store.close();
  return file;
}

test('what was in flight when the program died is due at once, with its outcome told as unknown', async () => {
  const { store, path: file } = await openStore();
  await accept(store, newMessage('a', { to: ['1@x.test', '2@x.test'] }));
  await accept(store, newMessage('b'));
  await claim(store, 10_000, 2);
  const copy = crashCopy(file);
  const { store: again, clock } = await openStore({ path: copy });
  expect(again.recovery).toEqual({ requeued: 2, setAside: null, salvaged: 0 });
  const claimed = await claim(again, clock.now());
  expect(claimed.map(({ id, recipients }) => [id, recipients.length])).toEqual([
    ['b', 1],
    ['a', 2],
  ]);
  const timeline = (await again.details('a'))?.timeline ?? [];
  expect(timeline.flatMap(({ outcomes }) => outcomes.map(({ verdict }) => verdict))).toMatchObject([
    { kind: 'deferred', why: 'crashed' },
    { kind: 'deferred', why: 'crashed' },
  ]);
  const details = await again.details('a');
  expect([details?.mayHaveArrived, details?.recipients.map((r) => r.mayHaveArrived)]).toEqual([true, [true, true]]);
  expect(claimed[1]?.recipients[0]?.unknownOutcomes).toEqual([{ hop: null, network: null, count: 1 }]);
  const [first, second] = details?.recipients ?? [];
  await again.record(recordOf('a', [update(first?.id ?? 0), update(second?.id ?? 0)]));
  expect(await again.details('a')).toMatchObject({ folder: 'sent', mayHaveArrived: false });
});

test('half-written octets of a dead program are removed', async () => {
  const { store, path: file } = await openStore();
  const staged = store.stage('a');
  await staged.write(Buffer.alloc(1_000_000));
  await store.counts();
  const copy = crashCopy(file);
  const { store: again } = await openStore({ path: copy });
  await again.close();
  const db = openDatabase(copy);
  expect(db.prepare('SELECT count(*) AS n FROM chunk').get()).toEqual({ n: 0 });
  db.close();
});

describe('a damaged file is set aside, kept as it was, and what can be read is saved', () => {
  function damage(file: string, at: number, length: number): void {
    const bytes = readFileSync(file);
    for (let i = at; i < Math.min(at + length, bytes.length); i += 1) bytes[i] = (i * 7919) & 0xff;
    writeFileSync(file, bytes);
  }

  test.each([
    ['cut in half', (file: string) => truncateSync(file, Math.floor(statSync(file).size / 8192) * 4096), 1],
    ['first page gone', (file: string) => damage(file, 0, 4096), 40],
    ['noise everywhere', (file: string) => damage(file, 0, 100_000_000), 0],
    ['HTML', (file: string) => writeFileSync(file, '<html>'.repeat(1000)), 0],
  ])('%s', async (_, harm, atLeast) => {
    const file = await filled(40);
    harm(file);
    const harmed = readFileSync(file);
    const { store } = await openStore({ path: file });
    const { setAside, salvaged } = store.recovery;
    expect(setAside).toMatch(/queue\.db\.broken-2026-01-05T/);
    expect(readFileSync(setAside ?? '').equals(harmed)).toBe(true);
    expect(salvaged).toBeGreaterThanOrEqual(atLeast);
    const { total, rows } = await store.list({
      folder: 'outbox',
      search: '',
      sort: 'age',
      descending: true,
      offset: 0,
      limit: 100,
    });
    expect(total).toBe(salvaged);
    for (const { id } of rows) {
      expect((await readAll(store, id)).equals(Buffer.alloc(20_000, Number(id.slice(1))))).toBe(true);
    }
    await accept(store, newMessage('new'));
    expect(await store.counts()).toMatchObject({ outbox: salvaged + 1 });
    expect(readdirSync(path.dirname(file)).filter((name) => name.includes('salvage'))).toEqual([]);
  });

  test('and is open nowhere any more: what is open cannot be renamed or removed on Windows', async () => {
    const file = await filled(40);
    damage(file, 5 * 4096, 20 * 4096);
    const { db, recovery } = openQueueDatabase({ path: file, now: 0, suspect: true });
    expect(recovery.setAside).not.toBeNull();
    expect(openFiles(recovery.setAside ?? '')).toEqual([]);
    db.close();
    expect(openFiles(file)).toEqual([]);
    expect(readdirSync(path.dirname(file)).filter((name) => name.includes('salvage'))).toEqual([]);
  });

  test('a log that was cut loses its tail only', async () => {
    const { store, path: file } = await openStore();
    for (let i = 0; i < 20; i += 1) await accept(store, newMessage(`m${i}`));
    const copy = crashCopy(file);
    truncateSync(`${copy}-wal`, Math.floor(statSync(`${copy}-wal`).size * 0.7));
    const { store: again } = await openStore({ path: copy });
    expect(again.recovery.setAside).toBeNull();
    const { outbox } = await again.counts();
    expect(outbox).toBeGreaterThan(5);
    await accept(again, newMessage('new'));
  });

  test('damage that is met later: the store comes back by itself with what can be saved', async () => {
    const file = await filled(40);
    const db = openDatabase(file);
    const { rootpage } = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'message_by_age'").get() as {
      rootpage: number;
    };
    db.close();
    damage(file, (rootpage - 1) * 4096, 4096);
    const clock = new VirtualClock();
    const { store } = await openStore({ path: file, clock });
    expect(store.recovery.setAside).toBeNull(); // not seen at start: it was closed properly
    const query = { folder: 'outbox', search: '', sort: 'age', descending: true, offset: 0, limit: 100 } as const;
    await expect(store.list(query)).rejects.toMatchObject({ reason: 'corrupt' });
    await clock.advance(1000, async () => new Promise((done) => setTimeout(done, 0)));
    expect((await store.list(query)).total).toBe(40);
    expect(readdirSync(path.dirname(file)).some((name) => name.includes('broken-'))).toBe(true);
  });
});

test('a database of a newer version is refused in words and left alone', async () => {
  const file = await filled(1);
  const db = openDatabase(file);
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  db.close();
  const before = readFileSync(file);
  await expect(openStore({ path: file })).rejects.toThrow(/newer version of the program/);
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('a second program on the same profile is told that it is busy', async () => {
  const { path: file } = await openStore();
  await expect(openStore({ path: file })).rejects.toMatchObject({ reason: 'busy' });
});

test('a folder that does not exist is a clear error', async () => {
  const clock = new VirtualClock();
  const open = openQueueStore({ path: path.join(tempFolder(), 'no', 'queue.db'), runId: 'r', clock, inThread: true });
  await expect(open).rejects.toMatchObject({ name: 'StoreError' });
});

test('no room: new mail is refused as full, and taken again once there is room', async () => {
  const { store } = await openStore({ reserveBytes: Number.MAX_SAFE_INTEGER });
  await expect(accept(store, newMessage('a'))).rejects.toMatchObject({ reason: 'full' });
  await expect(accept(store, newMessage('b'), Buffer.alloc(600_000))).rejects.toMatchObject({ reason: 'full' });
  expect(await store.counts()).toMatchObject({ outbox: 0 });
  await store.setMemo('k', 'small changes still go through');
});

test.each([
  ['linux', 0],
  ['win32', 0],
  // Not run on macOS: elsewhere SQLite takes the values and has nothing to do with them.
  ['darwin', 1],
] as const)('on %s the drive is told to empty its own memory at each sync: %i', (platform, full) => {
  const file = path.join(tempFolder(), 'queue.db');
  const { db } = openQueueDatabase({ path: file, now: 0, suspect: false }, platform);
  const value = (name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get() as object)[0];
  expect([value('fullfsync'), value('checkpoint_fullfsync')]).toEqual([full, full]);
  expect([value('synchronous'), value('journal_mode'), value('locking_mode')]).toEqual([2, 'wal', 'exclusive']);
  db.close();
});

test('migration 1 makes the tables', () => {
  expect(MIGRATIONS).toHaveLength(SCHEMA_VERSION);
  const db = openDatabase(':memory:');
  migrate(db, 1);
  expect(schemaVersion(db)).toBe(1);
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all() as {
    name: string;
  }[];
  expect(tables.map(({ name }) => name)).toEqual([
    'activity',
    'chunk',
    'envelope',
    'folder_count',
    'invalid_address',
    'memo',
    'message',
    'network',
    'network_change',
    'recipient',
    'search',
    'staging',
    'timeline',
  ]);
  migrate(db);
  expect(schemaVersion(db)).toBe(SCHEMA_VERSION);
  db.close();
});

test('what a version wrote that knew of no unknown outcomes is in no doubt', async () => {
  const file = await filled(2);
  const db = openDatabase(file);
  db.exec('ALTER TABLE recipient DROP COLUMN unknown_outcomes; ALTER TABLE message DROP COLUMN may_have_arrived');
  db.exec('PRAGMA user_version = 3');
  db.close();
  const { store, clock } = await openStore({ path: file });
  expect(await store.details('m0')).toMatchObject({ mayHaveArrived: false, recipients: [{ mayHaveArrived: false }] });
  expect((await claim(store, clock.now()))[0]?.recipients[0]?.unknownOutcomes).toEqual([]);
});

test('a large folder gets an index for the order that is asked for, one at a time', async () => {
  const { store, path: file } = await openStore();
  const octets = Buffer.from('Subject: x\r\n\r\nhello\r\n');
  const ids = Array.from({ length: SORTED_UNINDEXED + 1 }, (_, n) => `m${n}`);
  await Promise.all(ids.map(async (id, n) => accept(store, newMessage(id, { subject: `s${ids.length - n}` }), octets)));
  const page = async (sort: SortKey) =>
    store.list({ folder: 'outbox', search: '', sort, descending: false, offset: 0, limit: 1 });
  expect((await page('size')).total).toBe(ids.length);
  expect((await page('subject')).rows[0]?.subject).toBe('s1');
  await store.close();
  const db = openDatabase(file);
  const indexes = db.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'message_by_%' ORDER BY name").all();
  db.close();
  expect(indexes).toEqual([{ name: 'message_by_age' }, { name: 'message_by_subject' }]);
});

describe('query plans', () => {
  const plan = (sql: string, values: readonly (string | number)[], sort: SortKey = 'age') => {
    const db = openDatabase(':memory:');
    migrate(db);
    createSortIndex(
      (text) => db.prepare(text),
      (text) => db.exec(text),
    )(sort);
    const rows = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) as { detail: string }[];
    db.close();
    return rows.map(({ detail }) => detail).join('\n');
  };

  test.each(SORT_KEYS.flatMap((sort) => [[sort, true] as const, [sort, false] as const]))(
    'a page by %s (descending: %j) reads an index in order',
    (sort, descending) => {
      const details = plan(pageSql(sort, descending, 0), [0, 100, 0], sort);
      expect(details).toMatch(/^SEARCH m USING COVERING INDEX message_by_\w+ \(folder=\?\)$/);
      expect(plan(pageSql(sort, descending, 1), [0, 'a', 'a'], sort)).not.toMatch(/TEMP B-TREE/);
    },
  );
});
