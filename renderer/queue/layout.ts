/** The stored layout of the message table. Pure; checked by hand, since zod would be the largest part of the window. */
import { SORT_KEYS, type SortKey } from '../../shared/mail.ts';

/** Widths of a column, px. */
export const MIN_WIDTH = 56;
export const MAX_WIDTH = 900;

export interface Layout {
  /** Widths that were changed, px. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly hidden: readonly SortKey[];
  readonly sort: SortKey;
  readonly descending: boolean;
}
export const DEFAULT_LAYOUT: Layout = { sizes: {}, hidden: [], sort: 'age', descending: true };

const isSortKey = (value: unknown): value is SortKey => SORT_KEYS.some((key) => key === value);
const isWidth = (value: unknown) => typeof value === 'number' && value >= MIN_WIDTH && value <= MAX_WIDTH;

/** A layout as it was stored; null if it is anything else. */
export function parseLayout(value: unknown): Layout | null {
  if (typeof value !== 'object' || value === null) return null;
  const { sizes, hidden, sort, descending } = value as Partial<Record<keyof Layout, unknown>>;
  if (typeof sizes !== 'object' || sizes === null || !Object.values(sizes).every(isWidth)) return null;
  if (!Array.isArray(hidden) || !hidden.every(isSortKey) || !isSortKey(sort) || typeof descending !== 'boolean') {
    return null;
  }
  return { sizes: sizes as Layout['sizes'], hidden, sort, descending };
}

/** Height of the pane below the table as it was stored, px. */
export function parsePaneHeight(value: unknown): number | null {
  return typeof value === 'number' && value >= 140 && value <= 2000 ? value : null;
}
