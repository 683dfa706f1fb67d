import { useRef, type PointerEvent } from 'react';

/**
 * Dragging changes a length.
 * @param value the length now, px
 * @param onChange gets the length at the start of the drag plus the way of the pointer (right or down), px
 */
export function useDrag(axis: 'horizontal' | 'vertical', value: number, onChange: (next: number) => void) {
  const start = useRef<{ readonly at: number; readonly value: number } | null>(null);
  const position = (event: PointerEvent) => (axis === 'horizontal' ? event.clientX : event.clientY);
  return {
    onPointerDown: (event: PointerEvent) => {
      event.currentTarget.setPointerCapture(event.pointerId);
      start.current = { at: position(event), value };
    },
    onPointerMove: (event: PointerEvent) => {
      if (start.current !== null) onChange(start.current.value + position(event) - start.current.at);
    },
    onPointerUp: () => {
      start.current = null;
    },
  };
}
