/** Small things a window remembers about itself (widths, columns): kept in localStorage, never needed. */
import { useCallback, useState } from 'react';
import type * as z from 'zod';

/** Reads what was remembered under `name`; anything unreadable counts as nothing. */
function recall<S extends z.ZodType>(name: string, schema: S, otherwise: z.output<S>): z.output<S> {
  try {
    const text = localStorage.getItem(name);
    if (text === null) return otherwise;
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : otherwise;
  } catch {
    return otherwise;
  }
}

/** State that outlives the window. `schema` and `otherwise` must be constants. */
export function useRemembered<S extends z.ZodType>(
  name: string,
  schema: S,
  otherwise: z.output<S>,
): readonly [z.output<S>, (next: z.output<S>) => void] {
  const [value, setValue] = useState(() => recall(name, schema, otherwise));
  const remember = useCallback(
    (next: z.output<S>) => {
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
