import { useEffect, useLayoutEffect, useRef } from 'react';

/**
 * For a dialog that is mounted as long as it is open: when it closes, the focus returns to what had it before, unless that
 * is gone too or something else has taken the focus.
 */
export function useReturnFocus(): void {
  const before = useRef<Element | null>(null);
  // Layout effects run before the library moves the focus into the dialog.
  useLayoutEffect(() => {
    before.current = document.activeElement;
  }, []);
  useEffect(
    () => () => {
      const { current: place } = before;
      const free = document.activeElement === null || document.activeElement === document.body;
      if (free && place instanceof HTMLElement && place.isConnected) place.focus();
    },
    [],
  );
}
