import { useLayoutEffect, useRef, type RefObject } from 'react';
import { anchorShift, type LoadedRows, type ScrollAnchor } from './loaded-rows.ts';
import type { TableRow } from './columns.tsx';
import { ROW_HEIGHT } from './message-row.tsx';

interface Drawn {
  readonly key: string;
  readonly rows: LoadedRows | null;
  readonly tableRows: readonly TableRow[];
}

interface Options extends Drawn {
  /** Index of the row under the pointer. */
  readonly pointerRef: RefObject<number | null>;
  /** Index of the focused row. */
  readonly focused: number | undefined;
  /** After the scroll position was changed. */
  readonly onScrolled: () => void;
  /** By how many rows the list moved, and how many rows it has now; after every answer. */
  readonly onMoved: (shift: number, total: number) => void;
}

/** The rows that should stay where they are; null while new rows may push the others down: scrolled to the top, pointer elsewhere. */
function anchorsOf(
  tableRows: readonly TableRow[],
  top: number,
  pointer: number | null,
  focused: number | undefined,
): readonly ScrollAnchor[] | null {
  if (top < ROW_HEIGHT / 2 && pointer === null) return null;
  const seen = tableRows.filter(({ index }) => index * ROW_HEIGHT >= top);
  const underPointer = tableRows.find(({ index }) => index === pointer);
  const withFocus = seen.find(({ index }) => index === focused);
  return [underPointer, withFocus, ...seen].flatMap((one) =>
    one?.row === undefined ? [] : [{ id: one.row.id, index: one.index }],
  );
}

/**
 * Keeps the rows in their places on the screen when the list is read again: the scroll position moves with them.
 * @param frameRef what scrolls
 */
export function useScrollAnchor(frameRef: RefObject<HTMLElement | null>, options: Options): void {
  const { key, rows, tableRows, pointerRef, focused, onScrolled, onMoved } = options;
  const before = useRef<Drawn | null>(null);
  // Before the new rows are painted.
  useLayoutEffect(() => {
    const { current: old } = before;
    const { current: frame } = frameRef;
    before.current = { key, rows, tableRows };
    if (rows === null || rows === old?.rows) return;
    const anchors =
      old?.key === key ? anchorsOf(old.tableRows, frame?.scrollTop ?? 0, pointerRef.current, focused) : null;
    const shift = anchors === null ? 0 : anchorShift(anchors, rows);
    if (shift !== 0 && frame !== null) {
      frame.scrollTop += shift * ROW_HEIGHT;
      onScrolled();
    }
    onMoved(shift, rows.total);
  });
}
