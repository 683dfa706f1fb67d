/** Which recipients a claim takes, and how many rows it reads for that. */
import { describe, expect, test } from 'vitest';
import { openDatabase, type Database, type Statement } from '../../../main/queue/sqlite/database.ts';
import {
  DUE_IN_INTERVAL_SQL,
  DUE_SQL,
  NEXT_INTERVAL_SQL,
  dueRecipients,
} from '../../../main/queue/sqlite/due-recipients.ts';
import { DUE_INTERVAL_MS, MIGRATIONS, migrate, schemaVersion } from '../../../main/queue/migrations/schema.ts';

const NOW = Date.UTC(2026, 0, 5, 9, 5);
const MINUTE = 60_000;

/** A queue with `rows` of recipients given as SQL: `n` counts from 1, `due_at` and `domain` are made of it. */
function queueWith(...groups: readonly { readonly count: number; readonly dueAt: string; readonly domain: string }[]) {
  const db = openDatabase(':memory:');
  migrate(db);
  let above = 0;
  for (const { count, dueAt, domain } of groups) {
    db.exec(`WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ${count})
      INSERT INTO recipient (id, state, due_at, counted_from, domain, rcpt_to)
      SELECT ${above} + n, 0, ${dueAt}, 0, ${domain}, 'x' FROM counted`);
    above += count;
  }
  return { db, ...countingReads(db) };
}

function countingReads(db: Database) {
  const seen = { rows: 0 };
  const counted = <T>(row: T): T => {
    seen.rows += 1;
    return row;
  };
  const prepare = (sql: string): Statement => {
    const statement = db.prepare(sql);
    return {
      run: (...values) => statement.run(...values),
      get: (...values) => counted(statement.get(...values)),
      all: (...values) => statement.all(...values).map(counted),
      *iterate(...values) {
        for (const row of statement.iterate(...values)) yield counted(row);
      },
    };
  };
  /** What is claimed, and how many rows were read for it. */
  const claim = (limit: number, skip: readonly string[]) => {
    seen.rows = 0;
    const ids = dueRecipients(prepare, NOW, limit, skip);
    return { ids, rows: seen.rows };
  };
  return { claim };
}

describe('the rows of busy domains', () => {
  const busy = (count: number, minutes: number) => ({
    count,
    dueAt: `${NOW} - n * ${minutes * MINUTE} / ${count}`,
    domain: `'busy.test'`,
  });

  test('cost a claim as much when there are a hundred times as many', () => {
    const others = { count: 50, dueAt: `${NOW} - n`, domain: `'d' || n || '.test'` };
    const read = [2_000, 200_000].map((count) => {
      const { db, claim } = queueWith(busy(count, 8), others);
      const { ids, rows } = claim(200, ['busy.test', 'absent.test']);
      db.close();
      expect(ids).toEqual(Array.from({ length: 50 }, (_, n) => count + 50 - n));
      return rows;
    });
    expect(read[1]).toBe(read[0]);
    expect(read[0]).toBeLessThan(1_000);
  });

  test('cost little when they were due over a whole day', () => {
    const { db, claim } = queueWith(busy(50_000, 1_440), { count: 1, dueAt: String(NOW), domain: `'a.test'` });
    const { ids, rows } = claim(200, ['busy.test']);
    db.close();
    expect(ids).toEqual([50_001]);
    expect(rows).toBeLessThan(1_000);
  });

  test('and of domains before and behind them in the alphabet', () => {
    const { db, claim } = queueWith(
      busy(3_000, 15),
      { count: 3_000, dueAt: `${NOW} - n`, domain: `'crowded.test'` },
      { count: 40, dueAt: `${NOW} - n * ${MINUTE}`, domain: `char(97 + n % 26) || '.test'` },
    );
    const { ids } = claim(100, ['busy.test', 'crowded.test']);
    db.close();
    // Oldest due first, whatever the domain.
    expect(ids).toEqual(Array.from({ length: 40 }, (_, n) => 6_040 - n));
  });
});

test('200,000 domains that are due are as quick with a busy one among them, and the oldest go first', () => {
  const { db, claim } = queueWith({ count: 200_000, dueAt: `${NOW} - n`, domain: `'d' || n || '.test'` });
  const { ids, rows } = claim(200, ['d200000.test']);
  expect(ids).toEqual(Array.from({ length: 200 }, (_, n) => 199_999 - n));
  expect(rows).toBeLessThan(1_000);
  expect(claim(200, []).rows).toBe(200);
  db.close();
});

test('behind many busy rows, of many others those of the oldest ten minutes go first', () => {
  const early = NOW - 5 * DUE_INTERVAL_MS;
  const { db, claim } = queueWith(
    { count: 1_000, dueAt: `${early} - n`, domain: `'busy.test'` },
    { count: 5_000, dueAt: String(NOW - 2 * DUE_INTERVAL_MS), domain: `'a' || n || '.test'` },
    { count: 300, dueAt: `${early} + n`, domain: `'z' || n || '.test'` },
  );
  expect(claim(200, ['busy.test']).ids).toEqual(Array.from({ length: 200 }, (_, n) => 6_001 + n));
  db.close();
});

test('what is due later, in this span or another, is not claimed', () => {
  const { db, claim } = queueWith(
    { count: 1_000, dueAt: `${NOW} - n`, domain: `'busy.test'` },
    { count: 100, dueAt: `${NOW} + n`, domain: `'d' || n || '.test'` },
    { count: 100, dueAt: `${NOW} + n * ${DUE_INTERVAL_MS}`, domain: `'d' || n || '.test'` },
    { count: 1, dueAt: String(NOW), domain: `'now.test'` },
    { count: 1, dueAt: 'NULL', domain: `'in-flight.test'` },
  );
  expect(claim(200, ['busy.test']).ids).toEqual([1_201]);
  db.close();
});

describe('indexes', () => {
  const plan = (sql: string, values: readonly number[] | readonly [number, string, number]): string => {
    const db = openDatabase(':memory:');
    migrate(db);
    const rows = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) as { detail: string }[];
    db.close();
    return rows.map(({ detail }) => detail).join('\n');
  };

  test('a claim reads them in order and sorts nothing', () => {
    expect(plan(DUE_SQL, [1, 10])).toBe('SEARCH recipient USING COVERING INDEX recipient_due (due_at<?)');
    expect(plan(NEXT_INTERVAL_SQL, [1])).toMatch(
      /^SEARCH recipient USING (COVERING )?INDEX recipient_due_by_domain \(<expr>>\?\)$/,
    );
    expect(plan(DUE_IN_INTERVAL_SQL, [1, 'a', 1])).toMatch(
      /^SEARCH recipient USING (COVERING )?INDEX recipient_due_by_domain \(<expr>=\? AND domain>\?\)$/,
    );
  });

  test('migration 2 adds the one by domain to a queue of version 0.1, and moves no table', () => {
    const db = openDatabase(':memory:');
    db.exec('PRAGMA auto_vacuum = INCREMENTAL');
    migrate(db, 1);
    db.exec('CREATE INDEX message_by_subject ON message (folder, subject, seq)');
    db.exec(
      "INSERT INTO recipient (id, state, due_at, counted_from, domain, rcpt_to) VALUES (7, 0, 1, 0, 'a.test', 'x')",
    );
    const roots = (): unknown[] => db.prepare("SELECT name, rootpage FROM sqlite_schema WHERE type = 'table'").all();
    const before = roots();
    migrate(db, 2);
    expect(MIGRATIONS.length).toBeGreaterThanOrEqual(2);
    expect(schemaVersion(db)).toBe(2);
    expect(roots()).toEqual(before);
    expect(db.prepare(DUE_IN_INTERVAL_SQL).all(0, '', 1)).toMatchObject([{ id: 7 }]);
    db.close();
  });
});
