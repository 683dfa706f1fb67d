/**
 * Indexes for the orders of the list. Age always has one. Of the others one is kept at a time, made when a window first
 * asks for that order: each index is written twice on every message's way, and all of them together cost as much as the
 * rest of the store's work.
 */
import type { SortKey } from '../../../shared/ipc-contract.ts';
import type { Prepare } from './store-context.ts';

/** What a page is ordered by. */
export const ORDER: Readonly<Record<SortKey, string>> = {
  age: 'accepted_at',
  state: 'state',
  size: 'size',
  next: 'next_at',
  via: 'via COLLATE NOCASE',
  from: 'substr(mail_from, 1, 64) COLLATE NOCASE',
  to: 'substr(to_text, 1, 64) COLLATE NOCASE',
  subject: 'substr(subject, 1, 64) COLLATE NOCASE',
};

/** A folder of up to this many messages is sorted for each page, within a few milliseconds. */
export const SORTED_UNINDEXED = 2000;

/** Makes the index for an order, and drops the one that another order had. Nothing to do for `age`. */
export function createSortIndex(prepare: Prepare, exec: (sql: string) => void): (sort: SortKey) => void {
  return (sort) => {
    if (sort === 'age') return;
    const wanted = `message_by_${sort}`;
    const rows = prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'message\\_by\\_%' ESCAPE '\\' AND name <> 'message_by_age'`,
    ).all() as { name: string }[];
    if (rows.some(({ name }) => name === wanted)) return;
    try {
      for (const { name } of rows) exec(`DROP INDEX ${name}`);
      exec(`CREATE INDEX ${wanted} ON message (folder, ${ORDER[sort]}, seq)`);
    } catch {
      // No space on the disk for it: the page is sorted without.
    }
  };
}
