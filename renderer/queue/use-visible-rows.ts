/** Which rows of a long list are drawn. All rows have the same height, so that nothing has to be measured or kept per row. */
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type RefObject } from 'react';
import { flushSync } from 'react-dom';
import type { RowRange } from './loaded-rows.ts';

/** Rows come and go in blocks of this many: while scrolling, most frames then draw nothing anew. */
const BLOCK = 8;

/** First and last row to draw; the last one may lie before the first: nothing to draw. */
export interface VisibleRows extends RowRange {
  /** Works out again what is to be seen; for a scroll position that was set just now. */
  readonly update: () => void;
  readonly scrollTo: (index: number, align: 'nearest' | 'center') => void;
}

/** The rows to draw around a view, in whole blocks, one block more on both sides. Pure; px. */
export function rowsAround(top: number, height: number, rowHeight: number): RowRange {
  const from = Math.floor(Math.max(0, top) / rowHeight / BLOCK) - 1;
  const to = Math.ceil((Math.max(0, top) + height) / rowHeight / BLOCK);
  return { first: Math.max(0, from * BLOCK), last: (to + 1) * BLOCK - 1 };
}

/**
 * @param frameRef what scrolls; its first `headHeight` px are covered by the heads of the columns
 * @param firstHeight its height as far as it can be guessed before it is drawn, px
 */
export function useVisibleRows(
  frameRef: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
  headHeight: number,
  firstHeight: number,
): VisibleRows {
  const [range, setRange] = useState(() => rowsAround(0, firstHeight, rowHeight));
  const current = useRef(range);

  /** @returns whether the rows to draw have changed */
  const measure = useCallback(() => {
    const frame = frameRef.current;
    if (frame === null) return false;
    const next = rowsAround(frame.scrollTop, frame.clientHeight, rowHeight);
    if (next.first === current.current.first && next.last === current.current.last) return false;
    current.current = next;
    return true;
  }, [frameRef, rowHeight]);

  useEffect(() => {
    const frame = frameRef.current;
    if (frame === null) return;
    const scrolled = () => {
      // Synchronously: rows that are drawn a frame later are seen as a gap.
      if (measure()) flushSync(() => setRange(current.current));
    };
    const sized = new ResizeObserver(() => {
      if (measure()) setRange(current.current);
    });
    frame.addEventListener('scroll', scrolled, { passive: true });
    sized.observe(frame);
    return () => {
      frame.removeEventListener('scroll', scrolled);
      sized.disconnect();
    };
  }, [frameRef, measure]);

  // A list that has become shorter changes the scroll position.
  const known = useRef(count);
  useLayoutEffect(() => {
    const shorter = count < known.current;
    known.current = count;
    if (shorter && measure()) setRange(current.current);
  }, [count, measure]);

  const scrollTo = useCallback(
    (index: number, align: 'nearest' | 'center') => {
      const frame = frameRef.current;
      if (frame === null) return;
      const seen = frame.clientHeight - headHeight;
      const top = index * rowHeight;
      if (align === 'center') frame.scrollTo({ top: top - (seen - rowHeight) / 2 });
      else if (top < frame.scrollTop) frame.scrollTo({ top });
      else if (top + rowHeight > frame.scrollTop + seen) frame.scrollTo({ top: top + rowHeight - seen });
    },
    [frameRef, headHeight, rowHeight],
  );

  const { first, last } = range;
  return useMemo(
    () => ({
      first,
      last: Math.min(last, count - 1),
      update: () => {
        if (measure()) setRange(current.current);
      },
      scrollTo,
    }),
    [first, last, count, measure, scrollTo],
  );
}
