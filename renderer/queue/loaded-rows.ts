/** The rows of one list that are loaded: pages of a table that lies in the database. Pure; use-message-list.ts loads them. */
import type { MessageRow, QueueId } from '../../shared/mail.ts';

export const PAGE_SIZE = 100;
/** Pages kept; the ones farthest from the view go first. */
const MAX_PAGES = 40;

/** Rows by index, the last one included. */
export interface RowRange {
  readonly first: number;
  readonly last: number;
}

export interface LoadedRows {
  /** Rows of the whole list. */
  readonly total: number;
  /** By page number. */
  readonly pages: Readonly<Record<number, readonly MessageRow[]>>;
  /** How often the list was read again: a page that was asked for before does not fit the rows of now. */
  readonly generation: number;
}

/** The row at `index`, if it is loaded. */
export function rowAt(rows: LoadedRows, index: number): MessageRow | undefined {
  return rows.pages[Math.floor(index / PAGE_SIZE)]?.[index % PAGE_SIZE];
}

/** The pages that a range needs and that are not loaded. */
export function missingPages(rows: LoadedRows, { first, last }: RowRange): number[] {
  const missing: number[] = [];
  const end = Math.max(0, Math.min(last, rows.total - 1));
  for (let page = Math.floor(first / PAGE_SIZE); page <= Math.floor(end / PAGE_SIZE); page++) {
    if (rows.pages[page] === undefined) missing.push(page);
  }
  return missing;
}

/** Adds one page that was asked for. */
export function addPage(old: LoadedRows, page: number, rows: readonly MessageRow[], total: number): LoadedRows {
  const pages: Record<number, readonly MessageRow[]> = { ...old.pages, [page]: rows };
  const numbers = Object.keys(pages).map(Number);
  if (numbers.length <= MAX_PAGES) return { ...old, total, pages };
  const nearest = numbers.sort((a, b) => Math.abs(a - page) - Math.abs(b - page)).slice(0, MAX_PAGES);
  return { ...old, total, pages: Object.fromEntries(nearest.map((number) => [number, pages[number] ?? []])) };
}

/** The rows to read again after a change: whole pages around the view, one page more on both sides. */
export function refreshWindow({ first, last }: RowRange): { readonly offset: number; readonly limit: number } {
  const from = Math.max(0, Math.floor(first / PAGE_SIZE) - 1);
  const to = Math.floor(Math.max(first, last) / PAGE_SIZE) + 1;
  return { offset: from * PAGE_SIZE, limit: Math.min(1000, (to - from + 1) * PAGE_SIZE) };
}

/** The list after it was read again: one window only, everything else may have changed and is forgotten. */
export function replaceWindow(
  old: LoadedRows | undefined,
  offset: number,
  rows: readonly MessageRow[],
  total: number,
): LoadedRows {
  const pages: Record<number, readonly MessageRow[]> = {};
  for (let i = 0; i < rows.length; i += PAGE_SIZE) pages[(offset + i) / PAGE_SIZE] = rows.slice(i, i + PAGE_SIZE);
  return { total, pages, generation: (old?.generation ?? 0) + 1 };
}

/** A row whose place on the screen should not change, and where it was. */
export interface ScrollAnchor {
  readonly id: QueueId;
  readonly index: number;
}

/**
 * By how many rows the list moved under the user's eyes.
 * @param anchors rows that were to be seen, the most important (under the pointer, focused) first
 * @returns 0 if none of them is loaded any more
 */
export function anchorShift(anchors: readonly ScrollAnchor[], rows: LoadedRows): number {
  const indexes = new Map<QueueId, number>();
  for (const [page, list] of Object.entries(rows.pages)) {
    list.forEach(({ id }, i) => indexes.set(id, Number(page) * PAGE_SIZE + i));
  }
  for (const anchor of anchors) {
    const index = indexes.get(anchor.id);
    if (index !== undefined) return index - anchor.index;
  }
  return 0;
}
