/** Small things a window keeps about itself (widths, columns) in localStorage; it works as well without them. */
import { useCallback, useState } from 'react';

/** Reads what is stored under `name`; anything that `parse` does not know counts as nothing. */
export function readStored<T>(name: string, parse: (value: unknown) => T | null, fallback: T): T {
  try {
    const text = localStorage.getItem(name);
    return text === null ? fallback : (parse(JSON.parse(text)) ?? fallback);
  } catch {
    return fallback;
  }
}

/** State that outlives the window. `parse` and `fallback` count at the first drawing only. */
export function useLocalStorage<T>(
  name: string,
  parse: (value: unknown) => T | null,
  fallback: T,
): readonly [T, (next: T) => void] {
  const [value, setValue] = useState(() => readStored(name, parse, fallback));
  const store = useCallback(
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
  return [value, store];
}
