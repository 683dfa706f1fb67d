/** A copy of `target` with the value at `path` replaced. Pure; arrays stay arrays. */
export function setPath(target: unknown, path: readonly string[], value: unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  if (Array.isArray(target)) {
    const copy: unknown[] = [...(target as readonly unknown[])];
    copy[Number(head)] = setPath(copy[Number(head)], rest, value);
    return copy;
  }
  const source = (typeof target === 'object' && target !== null ? target : {}) as Readonly<Record<string, unknown>>;
  return { ...source, [head]: setPath(source[head], rest, value) };
}

/** The value at `path`, undefined if there is none. */
export function getPath(target: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined,
    target,
  );
}
