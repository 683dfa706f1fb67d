/** Small things a window remembers about itself (widths, columns): kept in localStorage, never needed. */
import { useCallback, useState } from 'react';

/** Reads what was remembered under `name`; anything that `parse` does not know counts as nothing. */
export function recall<T>(name: string, parse: (value: unknown) => T | null, otherwise: T): T {
  try {
    const text = localStorage.getItem(name);
    return text === null ? otherwise : (parse(JSON.parse(text)) ?? otherwise);
  } catch {
    return otherwise;
  }
}

/** State that outlives the window. `parse` and `otherwise` count at the first drawing only. */
export function useRemembered<T>(
  name: string,
  parse: (value: unknown) => T | null,
  otherwise: T,
): readonly [T, (next: T) => void] {
  const [value, setValue] = useState(() => recall(name, parse, otherwise));
  const remember = useCallback(
    (next: T) => {
      setValue(next);
      try {
        localStorage.setItem(name, JSON.stringify(next));
      } catch {
        // A full or forbidden store costs a width, nothing else.
      }
    },
    [name],
  );
  return [value, remember];
}
