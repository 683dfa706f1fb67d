/** What to make of the text of settings.json, whatever became of it. Pure. */
import { defaultSettings, settingsSchema, type Settings, type SettingsProblem } from '../../shared/settings.ts';

/** The outcome of reading. */
export type ReadSettings =
  /** No file yet. */
  | { readonly kind: 'none'; readonly settings: Settings }
  | { readonly kind: 'good'; readonly settings: Settings }
  /** Some values were wrong: defaults stand for those, all others survive. */
  | { readonly kind: 'mended'; readonly settings: Settings; readonly problems: readonly SettingsProblem[] }
  /** Not a settings file at all: defaults. The file is to be set aside, never overwritten. */
  | { readonly kind: 'broken'; readonly settings: Settings; readonly message: string };

/**
 * Values that decide who may hand mail in. If one of them cannot be read, its default could let strangers in: the listener
 * then stays on this computer until a person has looked.
 */
const GUARDS = ['requireAuth', 'deny', 'allow', 'users', 'tls'];

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Takes the text of the file, null if there is none. Never throws. */
export function readSettings(text: string | null): ReadSettings {
  if (text === null) return { kind: 'none', settings: defaultSettings() };
  const bare = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (bare.trim() === '') return broken('The file is empty.');
  let raw: unknown;
  try {
    raw = JSON.parse(bare);
  } catch (error) {
    return broken(
      `The file is not JSON: ${error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').slice(0, 200) : ''}`,
    );
  }
  if (!isObject(raw)) return broken('The file does not hold settings.');
  if ('version' in raw && raw['version'] !== 1) {
    return broken(`The file says version ${JSON.stringify(raw['version'])}, which this program does not know.`);
  }
  const first = settingsSchema.safeParse(raw);
  if (first.success) return { kind: 'good', settings: first.data };
  return mend(raw);
}

function broken(message: string): ReadSettings {
  return { kind: 'broken', settings: defaultSettings(), message };
}

/** Removes what is wrong, deepest first, until the rest is valid. */
function mend(raw: Json): ReadSettings {
  const draft = structuredClone(raw);
  const problems: SettingsProblem[] = [];
  const wrongGateways = new Set<unknown>();
  let guardLost = false;
  // Every round removes at least one value; a file can only hold so many.
  for (let round = 0; round < 50; round++) {
    const parsed = settingsSchema.safeParse(draft);
    if (parsed.success) return { kind: 'mended', settings: parsed.data, problems };
    // List items from the back, so that positions stay true while items go.
    const issues = [...parsed.error.issues].sort((a, b) => comparePaths(b.path, a.path));
    for (const issue of issues) {
      problems.push({ path: issue.path.join('.'), message: issue.message });
      if (issue.path[0] === 'server' && (issue.path.length < 2 || GUARDS.includes(String(issue.path[1]))))
        guardLost = true;
      if (issue.path[0] === 'gateways' && issue.path[1] === 'list' && issue.path.length > 3) {
        wrongGateways.add(at(draft, issue.path.slice(0, 3)));
      }
      remove(draft, issue.path);
    }
    // A gateway that was limited, secured or named in a way that cannot be read is kept, but not used.
    for (const gateway of wrongGateways) if (isObject(gateway)) gateway['enabled'] = false;
    if (guardLost) {
      const server = isObject(draft['server']) ? draft['server'] : (draft['server'] = {});
      server['host'] = ['127.0.0.1', '::1'];
    }
  }
  return broken('Too much in the file is wrong.');
}

function comparePaths(a: readonly PropertyKey[], b: readonly PropertyKey[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [left, right] = [a[i], b[i]];
    if (left === right) continue;
    if (typeof left === 'number' && typeof right === 'number') return left - right;
    return String(left) < String(right) ? -1 : 1;
  }
  return a.length - b.length;
}

function at(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** Removes the value at the path; if there is none (something needed is missing), the item or group that lacks it. */
function remove(root: Json, path: readonly PropertyKey[]): void {
  for (let length = path.length; length > 0; length--) {
    const key = path[length - 1];
    const parent = at(root, path.slice(0, length - 1));
    if (key === undefined || typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, key)) continue;
    // A rule over a whole list (two gateways with one id) is cured by its last item, not by losing the list.
    const value = (parent as Record<PropertyKey, unknown>)[key];
    if (length === path.length && Array.isArray(value) && value.length > 0) {
      value.pop();
      return;
    }
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else Reflect.deleteProperty(parent, key);
    return;
  }
}
