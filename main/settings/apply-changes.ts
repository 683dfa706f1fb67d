/** Changes by dotted path, on plain JSON. Pure. */
import { parseSettings, type Settings, type SettingsProblem } from '../../shared/settings.ts';

/** One value to set; `undefined` removes it, so that the default holds again. */
export interface SettingsChange {
  /** "gateways.list.0.host"; an item with an id may be named by it: "gateways.list.office.host". */
  readonly path: string;
  readonly value?: unknown;
}

/** What came of changes: the whole new object, valid, or every reason against it. */
export type Changed =
  | { readonly ok: true; readonly next: Settings }
  | { readonly ok: false; readonly problems: readonly SettingsProblem[] };

type Container = Record<string, unknown> | unknown[];

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

/** The key of a list item: its position, the place after the last, or the position of the item with that id. */
function listKey(list: readonly unknown[], segment: string): number | null {
  if (/^\d{1,6}$/.test(segment)) {
    const index = Number(segment);
    return index <= list.length ? index : null;
  }
  const index = list.findIndex((item) => isContainer(item) && !Array.isArray(item) && item['id'] === segment);
  return index === -1 ? null : index;
}

function applyOne(root: Container, change: SettingsChange): string | null {
  const segments = change.path.split('.');
  if (segments.some((segment) => segment === '' || FORBIDDEN.has(segment))) return 'Not the name of a setting';
  let at = root;
  for (const [depth, segment] of segments.entries()) {
    const last = depth === segments.length - 1;
    if (Array.isArray(at)) {
      const index = listKey(at, segment);
      if (index === null) return `There is no item "${segment}"`;
      if (last) {
        if (change.value === undefined) at.splice(index, 1);
        else at[index] = structuredClone(change.value);
        return null;
      }
      at[index] ??= {};
      const child = at[index];
      if (!isContainer(child)) return 'Not the name of a setting';
      at = child;
    } else {
      if (last) {
        if (change.value === undefined) Reflect.deleteProperty(at, segment);
        else at[segment] = structuredClone(change.value);
        return null;
      }
      const child = Object.hasOwn(at, segment) ? at[segment] : (at[segment] = {});
      if (!isContainer(child)) return 'Not the name of a setting';
      at = child;
    }
  }
  return null;
}

/**
 * All changes or none, in order; `current` is not touched. Top-level names that the schema does not know are refused, so
 * that a slip of the pen on the command line is not kept as an unknown key.
 */
export function applyChanges(current: Settings, changes: readonly SettingsChange[]): Changed {
  const draft: Record<string, unknown> = structuredClone(current);
  const problems: SettingsProblem[] = [];
  for (const change of changes) {
    const message = isKnownPath(current, change.path) ? applyOne(draft, change) : 'There is no such setting';
    if (message !== null) problems.push({ path: change.path, message });
  }
  if (problems.length > 0) return { ok: false, problems };
  const parsed = parseSettings(draft);
  return parsed.ok ? { ok: true, next: withKnownHashes(parsed.settings, current) } : parsed;
}

/** Windows see users without their hashes (`''`) and may hand the list back like that: nobody loses a password by it. */
function withKnownHashes(next: Settings, current: Settings): Settings {
  const hashes = new Map(current.server.users.map((user) => [user.name, user.hash]));
  const users = next.server.users.map((user) =>
    user.hash === '' ? { ...user, hash: hashes.get(user.name) ?? '' } : user,
  );
  return { ...next, server: { ...next.server, users } };
}

/** Groups are fixed; inside a group a name must exist already (defaults are always there), inside a list item it need not. */
function isKnownPath(current: Settings, path: string): boolean {
  let at: unknown = current;
  for (const segment of path.split('.')) {
    if (Array.isArray(at)) return true;
    if (!isContainer(at)) return false;
    if (!Object.hasOwn(at, segment)) return at === current.security.networkNames;
    at = (at as Record<string, unknown>)[segment];
  }
  return true;
}

/**
 * The value at a dotted path, items by position or id; undefined if there is none.
 * @internal for tests
 */
export function valueAt(settings: Settings, path: string): unknown {
  let at: unknown = settings;
  for (const segment of path.split('.')) {
    if (Array.isArray(at)) {
      const index = listKey(at, segment);
      at = index === null ? undefined : at[index];
    } else if (isContainer(at) && Object.hasOwn(at, segment)) {
      at = (at as Record<string, unknown>)[segment];
    } else return undefined;
  }
  return at;
}
