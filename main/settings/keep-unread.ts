/**
 * What of settings.json stays as it was written although it cannot be read. Saving another setting must not decide about
 * it: it would then stand in the file as something that nobody wrote, and the queue would go on. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Settings } from '../../shared/settings.ts';
import type { KeptPlace } from './read-settings.ts';

type Json = Record<string, unknown>;

const covers = (outer: string, inner: string): boolean => inner === outer || inner.startsWith(`${outer}.`);

/** True if the change decides about the place. */
function isDecided(place: KeptPlace, before: Settings, next: Settings, touched: readonly string[]): boolean {
  if (place.item === undefined) return touched.some((path) => covers(path, place.path) || covers(place.path, path));
  // A list of gateways comes back whole: only one that is another now, or gone, was meant.
  if (place.item === null) return false;
  const find = (settings: Settings): unknown => settings.gateways.list.find((g) => g.id === place.item);
  return touched.includes(`${place.path}.${place.item}`) || !isDeepStrictEqual(find(before), find(next));
}

/**
 * The object to write: `next`, with all that cannot be read and is not decided about as it stood in the file.
 * @param before The settings in effect, of which `next` was made
 * @param touched Dotted paths that the user set
 */
export function withUnread(
  next: Settings,
  before: Settings,
  kept: readonly KeptPlace[],
  touched: readonly string[],
): Json {
  const out: Json = structuredClone(next);
  for (const place of kept) if (!isDecided(place, before, next, touched)) putBack(out, place);
  return out;
}

function putBack(out: Json, { path, raw, item }: KeptPlace): void {
  const names = path.split('.');
  const last = names.pop() ?? '';
  const parent = names.reduce<Json>((at, name) => at[name] as Json, out);
  if (item === undefined) {
    parent[last] = raw;
    return;
  }
  const list = parent[last] as unknown[];
  const index = item === null ? -1 : list.findIndex((one) => (one as Json)['id'] === item);
  if (index >= 0) list[index] = raw;
  else list.push(raw);
}
