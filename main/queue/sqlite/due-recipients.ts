/** Which recipients are due, when many of them are of domains whose hops are busy. */
import { DUE_INTERVAL_MS } from '../migrations/schema.ts';
import type { Prepare } from './store-context.ts';

/** Rows of busy domains that a claim looks at one by one; where there are more, it steps over them. */
const BUSY_LOOKED_AT = 250;
/** Then it looks at this many times as many others as it may claim, and takes the oldest. */
const OTHERS_PER_CLAIM = 4;

interface DueRow {
  readonly id: number;
  readonly domain: string;
  readonly due_at: number;
}

/** SQL of the claim; exported for the test of its query plan. */
export const DUE_SQL = 'SELECT id, domain, due_at FROM recipient WHERE due_at <= ? ORDER BY due_at, id LIMIT ?';
/** What is due within one interval (DUE_INTERVAL_MS), from a domain on, and the next interval; exported for the test of their query plans. */
export const DUE_IN_INTERVAL_SQL = `SELECT id, domain, due_at FROM recipient
  WHERE due_at IS NOT NULL AND due_at / ${DUE_INTERVAL_MS} = ? AND domain > ? AND due_at <= ? ORDER BY domain, due_at`;
export const NEXT_INTERVAL_SQL = `SELECT due_at / ${DUE_INTERVAL_MS} AS interval FROM recipient
  WHERE due_at IS NOT NULL AND due_at / ${DUE_INTERVAL_MS} > ? ORDER BY due_at / ${DUE_INTERVAL_MS} LIMIT 1`;

/**
 * Keys of up to `limit` due recipients, oldest due first; recipients of `skipDomains` are passed over. Behind very many of
 * those the order is one of intervals (DUE_INTERVAL_MS) where more is due than can be looked at.
 */
export function dueRecipients(
  prepare: Prepare,
  now: number,
  limit: number,
  skipDomains: readonly string[],
): readonly number[] {
  const skip = new Set(skipDomains);
  const most = limit + (skip.size === 0 ? 0 : BUSY_LOOKED_AT);
  const first = prepare(DUE_SQL).all(now, most) as DueRow[];
  const free = first.filter(({ domain }) => !skip.has(domain));
  if (free.length >= limit || first.length < most) return free.slice(0, limit).map(({ id }) => id);
  const found: DueRow[] = [];
  for (const row of dueElsewhere(prepare, now, skip)) {
    found.push(row);
    if (found.length >= limit * OTHERS_PER_CLAIM) break;
  }
  return found
    .sort((a, b) => a.due_at - b.due_at || a.id - b.id)
    .slice(0, limit)
    .map(({ id }) => id);
}

/** What is due and not of these domains, by interval; within one by domain. Costs nothing for rows of these domains. */
function* dueElsewhere(prepare: Prepare, now: number, skip: ReadonlySet<string>): Generator<DueRow> {
  const nextInterval = (after: number): number | undefined =>
    (prepare(NEXT_INTERVAL_SQL).get(after) as { interval: number } | undefined)?.interval;
  const last = Math.floor(now / DUE_INTERVAL_MS);
  for (
    let interval = nextInterval(Number.MIN_SAFE_INTEGER);
    interval !== undefined && interval <= last;
    interval = nextInterval(interval)
  ) {
    for (let from: string | null = ''; from !== null;) {
      const rows = prepare(DUE_IN_INTERVAL_SQL).iterate(interval, from, now) as Iterable<DueRow>;
      from = null;
      for (const row of rows) {
        if (skip.has(row.domain)) {
          from = row.domain;
          break;
        }
        yield row;
      }
    }
  }
}
