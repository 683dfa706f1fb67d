import { useEffect, useLayoutEffect, useRef } from 'react';

/**
 * For a dialog that is there as long as its component: when it has gone, the keyboard is back on what had it before,
 * unless that has gone too or somebody else took it.
 */
export function useReturnFocus(): void {
  const before = useRef<Element | null>(null);
  // Layout effects run before the library takes the keyboard into the dialog.
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
