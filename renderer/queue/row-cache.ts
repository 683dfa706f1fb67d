/**
 * The rows of one list that are known by now: pages of a table that lies in the database. Pure; the effects are in
 * use-message-list.ts.
 */
import type { MessageRow, QueueId } from '../../shared/mail.ts';

export const PAGE = 100;
/** Pages kept; the ones farthest from the view go first. */
const KEEP = 40;

export interface RowCache {
  /** Null until the first answer. */
  readonly total: number | null;
  readonly pages: ReadonlyMap<number, readonly MessageRow[]>;
}

export const EMPTY_CACHE: RowCache = { total: null, pages: new Map() };

/** The row at `index`, if it is known. */
export function rowAt(cache: RowCache, index: number): MessageRow | undefined {
  return cache.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
}

/** The pages that rows `first`..`last` need and that are not there. */
export function missingPages(cache: RowCache, first: number, last: number): number[] {
  const missing: number[] = [];
  const end = cache.total === null ? last : Math.min(last, cache.total - 1);
  for (let page = Math.floor(first / PAGE); page <= Math.floor(Math.max(0, end) / PAGE); page++) {
    if (!cache.pages.has(page)) missing.push(page);
  }
  return missing;
}

/** Adds one page that was asked for. */
export function addPage(cache: RowCache, page: number, rows: readonly MessageRow[], total: number): RowCache {
  const pages = new Map(cache.pages);
  pages.set(page, rows);
  if (pages.size > KEEP) {
    const far = [...pages.keys()].sort((a, b) => Math.abs(b - page) - Math.abs(a - page));
    for (const key of far.slice(0, pages.size - KEEP)) pages.delete(key);
  }
  return { total, pages };
}

/** The rows to read again after a change: whole pages around the view, one page more on both sides. */
export function refreshWindow(first: number, last: number): { readonly offset: number; readonly limit: number } {
  const from = Math.max(0, Math.floor(first / PAGE) - 1);
  const to = Math.floor(Math.max(first, last) / PAGE) + 1;
  return { offset: from * PAGE, limit: Math.min(1000, (to - from + 1) * PAGE) };
}

/** A cache made of one window only; everything else may have changed and is forgotten. */
export function replaceWindow(offset: number, rows: readonly MessageRow[], total: number): RowCache {
  const pages = new Map<number, readonly MessageRow[]>();
  const first = Math.floor(offset / PAGE);
  for (let i = 0; i * PAGE < rows.length; i++) pages.set(first + i, rows.slice(i * PAGE, (i + 1) * PAGE));
  return { total, pages };
}

/** A row whose place on the screen should not change, and where it was. */
export interface Landmark {
  readonly id: QueueId;
  readonly index: number;
}

/**
 * By how many rows the list moved under the user's eyes.
 * @param landmarks rows that were to be seen, the most precious (under the pointer, focused) first
 * @returns 0 if none of them is in the new window
 */
export function shiftOf(landmarks: readonly Landmark[], offset: number, rows: readonly MessageRow[]): number {
  const places = new Map(rows.map((row, i) => [row.id, offset + i]));
  for (const mark of landmarks) {
    const place = places.get(mark.id);
    if (place !== undefined) return place - mark.index;
  }
  return 0;
}
