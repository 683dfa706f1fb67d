/** What to make of the text of settings.json, whatever became of it. Pure. */
import * as z from 'zod';
import { ruleOf, settingsBelow } from '../../shared/setting-rules.ts';
import { defaultSettings, gatewaySchema, settingsSchema, type Settings } from '../../shared/settings.ts';
import { bareSchema, settingsIn, normaliseHandWritten } from './understand.ts';

/** A value of the file that cannot be read. */
export interface UnreadableSetting {
  /** Dotted path as it is said: "gateways.domains.1", "gateways.list.office.port". */
  readonly path: string;
  /** Why, in the words of the schema. */
  readonly message: string;
  /** It restricts where mail may go or who may hand it in: the queue holds. */
  readonly holds: boolean;
  /** What the file says, if it is short and cannot hold a secret. */
  readonly written?: string;
  /** What stands in its place, likewise. */
  readonly instead?: string;
}

/**
 * A place of the file that is kept as it was written, until a change decides it: a setting, a group, a gateway (`item` is
 * its id) or an entry of the list of gateways that is none (`item` is null).
 */
export interface KeptPlace {
  readonly path: string;
  readonly raw: unknown;
  readonly item?: string | null;
}

/** The outcome of reading. */
export type ReadSettings =
  /** No file yet. */
  | { readonly kind: 'none'; readonly settings: Settings }
  | { readonly kind: 'good'; readonly settings: Settings }
  /** Some values cannot be read; setting-rules.ts says what stands for those. All others survive. */
  | {
      readonly kind: 'mended';
      readonly settings: Settings;
      readonly problems: readonly UnreadableSetting[];
      readonly kept: readonly KeptPlace[];
    }
  /** Not a settings file at all: defaults. The file is to be kept aside, never overwritten. */
  | { readonly kind: 'broken'; readonly settings: Settings; readonly message: string };

/**
 * Top-level name in settings.json: the file whose place these settings took because it could not be read. While it stands
 * there the user has not decided, and the queue holds.
 */
export const UNDECIDED = 'undecided';
const LOOPBACK = ['127.0.0.1', '::1'];
/** A file can be wrong in many places; nobody reads a hundred. */
const MAX_PROBLEMS = 50;

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
  if ('version' in raw && raw['version'] !== 1 && raw['version'] !== '1') {
    return broken(`The file says version ${JSON.stringify(raw['version'])}, which this program does not know.`);
  }
  return readValues(raw);
}

/** Why the file as a whole has to be decided about: the name of the one that was set aside; null if it need not. */
export function undecidedIn(settings: Settings): string | null {
  const value = settings[UNDECIDED];
  if (value === undefined) return null;
  return typeof value === 'string' ? value : '?';
}

/** True while the queue holds for what stands in settings.json. */
export function settingsHold(store: {
  readonly problems?: readonly UnreadableSetting[];
  readonly undecided?: string | null;
}): boolean {
  return (store.undecided ?? null) !== null || (store.problems ?? []).some((problem) => problem.holds);
}

function broken(message: string): ReadSettings {
  return { kind: 'broken', settings: defaultSettings(), message };
}

/** What is found on the way through the file. */
interface Findings {
  readonly problems: UnreadableSetting[];
  readonly kept: KeptPlace[];
  /** A value that guards the listener cannot be read. */
  guardLost: boolean;
}

function readValues(raw: Json): ReadSettings {
  const findings: Findings = { problems: [], kept: [], guardLost: false };
  const draft = readGroup(settingsSchema, { ...raw, version: 1 }, '', findings);
  if (findings.guardLost) closeListener(draft, raw, findings);
  const parsed = settingsSchema.safeParse(draft);
  if (!parsed.success) return broken('Too much in the file is wrong.');
  const { problems, kept } = findings;
  if (kept.length === 0) return { kind: 'good', settings: parsed.data };
  return { kind: 'mended', settings: parsed.data, problems: problems.slice(0, MAX_PROBLEMS), kept };
}

function readGroup(schema: z.core.$ZodType, raw: Json, path: string, findings: Findings): Json {
  const out: Json = { ...raw };
  for (const [name, inner] of settingsIn(schema)) {
    if (!Object.hasOwn(raw, name)) continue;
    const at = path === '' ? name : `${path}.${name}`;
    const value = readOne(inner, raw[name], at, findings);
    if (value === undefined) Reflect.deleteProperty(out, name);
    else out[name] = value;
  }
  return out;
}

/** The value, or what stands for it; undefined = the default. */
function readOne(schema: z.core.$ZodType, raw: unknown, path: string, findings: Findings): unknown {
  const bare = bareSchema(schema);
  if (path === 'gateways.list' && Array.isArray(raw)) return readGateways(raw, findings);
  if (bare instanceof z.ZodObject) {
    if (isObject(raw)) return readGroup(bare, raw, path, findings);
    return standIns(bare, raw, path, findings);
  }
  const value = normaliseHandWritten(bare, raw);
  if (bare instanceof z.ZodArray && Array.isArray(value)) return readList(bare, value, raw, path, findings);
  if (bare instanceof z.ZodRecord && isObject(value)) return readRecord(bare, value, raw, path, findings);
  const parsed = z.safeParse(bare, value);
  if (parsed.success) return parsed.data;
  const { instead } = ruleOf(path);
  unreadable(findings, {
    path,
    raw,
    message: parsed.error.issues[0]?.message ?? '',
    ...(isPlainKind(bare) ? { said: { written: raw, instead: instead ?? defaultAt(path) } } : {}),
  });
  return instead;
}

/** Words, numbers and switches can be said again: what may hold anything might hold a password. */
function isPlainKind(bare: z.core.$ZodType): boolean {
  return bare instanceof z.ZodEnum || bare instanceof z.ZodNumber || bare instanceof z.ZodBoolean;
}

/** For a group that is none: what stands for each of its settings. */
function standIns(bare: z.ZodObject, raw: unknown, path: string, findings: Findings): Json {
  const rules = settingsBelow(path).map(ruleOf);
  if (rules.some((rule) => rule.guards)) findings.guardLost = true;
  findings.kept.push({ path, raw });
  findings.problems.push({
    path,
    message: 'This has to be a group of settings',
    holds: rules.some((rule) => rule.restricts),
  });
  const out: Json = {};
  for (const [name, inner] of settingsIn(bare)) {
    const at = `${path}.${name}`;
    const group = bareSchema(inner);
    const value =
      group instanceof z.ZodObject
        ? standIns(group, undefined, at, { problems: [], kept: [], guardLost: false })
        : ruleOf(at).instead;
    if (value !== undefined) out[name] = value;
  }
  return out;
}

/** Entries that cannot be read are left out; what the rule names is added. */
function readList(
  bare: z.ZodArray,
  items: readonly unknown[],
  raw: unknown,
  path: string,
  findings: Findings,
): unknown[] | undefined {
  const good: unknown[] = [];
  const wrong: { readonly index: number; readonly message: string }[] = [];
  for (const [index, item] of items.entries()) {
    const parsed = z.safeParse(bare.element, item);
    if (parsed.success) good.push(parsed.data);
    else wrong.push({ index, message: parsed.error.issues[0]?.message ?? '' });
  }
  // How long a list may be; everything else about it is said of its entries.
  const whole = z.safeParse(bare, good);
  if (wrong.length === 0 && whole.success) return good;
  const rule = ruleOf(path);
  const instead = (rule.instead ?? []) as readonly unknown[];
  const told =
    whole.success || wrong.length > 0 ? wrong : [{ index: -1, message: whole.error.issues[0]?.message ?? '' }];
  for (const { index, message } of told.slice(0, MAX_PROBLEMS)) {
    unreadable(findings, { path, raw, message, ...(index < 0 ? {} : { entry: index }) });
  }
  const kept = [...(whole.success ? good : []), ...instead];
  return kept.length > 0 ? kept : undefined;
}

function readRecord(bare: z.ZodRecord, value: Json, raw: unknown, path: string, findings: Findings): Json {
  const good: Json = {};
  for (const [key, inner] of Object.entries(value)) {
    const parsed = z.safeParse(bare.valueType, inner);
    if (parsed.success) good[key] = parsed.data;
    else unreadable(findings, { path, raw, message: parsed.error.issues[0]?.message ?? '' });
  }
  return good;
}

interface Unreadable {
  readonly path: string;
  readonly raw: unknown;
  readonly message: string;
  readonly entry?: number;
  readonly said?: { readonly written: unknown; readonly instead: unknown };
}

function unreadable(findings: Findings, { path, raw, message, entry, said }: Unreadable): void {
  const rule = ruleOf(path);
  if (rule.guards) findings.guardLost = true;
  findings.problems.push({
    path: entry === undefined ? path : `${path}.${entry}`,
    message,
    holds: rule.restricts,
    ...(said ? inWords(said.written, said.instead) : {}),
  });
  if (!findings.kept.some((place) => place.path === path && place.item === undefined))
    findings.kept.push({ path, raw });
}

function inWords(written: unknown, instead: unknown): { readonly written?: string; readonly instead?: string } {
  const short = (value: unknown): string | null =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null
      ? String(value).replaceAll(/\s+/g, ' ').slice(0, 40)
      : null;
  const [was, is] = [short(written), short(instead)];
  return { ...(was === null ? {} : { written: was }), ...(is === null ? {} : { instead: is }) };
}

function defaultAt(path: string): unknown {
  let at: unknown = defaultSettings();
  for (const name of path.split('.')) at = isObject(at) ? at[name] : undefined;
  return at;
}

/** Strangers must not come in by a rule that is lost. Where it listened stands in the file still. */
function closeListener(draft: Json, raw: Json, findings: Findings): void {
  const server = isObject(draft['server']) ? draft['server'] : {};
  draft['server'] = { ...server, host: LOOPBACK };
  const written = raw['server'];
  if (isObject(written) && Object.hasOwn(written, 'host') && !findings.kept.some((k) => k.path === 'server.host')) {
    findings.kept.push({ path: 'server.host', raw: written['host'] });
  }
}

const GATEWAYS = 'gateways.list';

function readGateways(items: readonly unknown[], findings: Findings): unknown[] {
  const out: Json[] = [];
  for (const [index, raw] of items.entries()) {
    const gateway = isObject(raw) ? readGateway(raw, index, findings) : null;
    if (gateway !== null && !out.some((other) => other['id'] === gateway['id']) && out.length < 500) out.push(gateway);
    else {
      findings.problems.push({
        path: `${GATEWAYS}.${index}`,
        message: gateway === null ? 'This is not a gateway that could be used' : 'Two gateways have the same id',
        holds: true,
      });
      findings.kept.push({ path: GATEWAYS, raw, item: null });
    }
  }
  return out;
}

/** Null: it has no host or no id that could be read. A gateway of which something else that restricts is lost is disabled. */
function readGateway(raw: Json, index: number, findings: Findings): Json | null {
  const draft = normaliseHandWritten(gatewaySchema, raw) as Json;
  const { shape } = gatewaySchema;
  const wrong: { readonly name: string; readonly message: string }[] = [];
  for (const [name, inner] of Object.entries(shape)) {
    if (!Object.hasOwn(draft, name)) continue;
    const parsed = z.safeParse(inner, draft[name]);
    if (parsed.success) continue;
    wrong.push({ name, message: parsed.error.issues[0]?.message ?? '' });
    const { instead } = ruleOf(`${GATEWAYS}[].${name}`);
    if (instead === undefined) Reflect.deleteProperty(draft, name);
    else draft[name] = instead;
  }
  if (!Object.hasOwn(draft, 'id') || !Object.hasOwn(draft, 'host')) return null;
  if (!Object.hasOwn(draft, 'name')) {
    if (!wrong.some(({ name }) => name === 'name')) wrong.push({ name: 'name', message: 'Give the gateway a name' });
    draft['name'] = String(draft['host']).slice(0, 100);
  }
  const restricting = wrong.filter(({ name }) => ruleOf(`${GATEWAYS}[].${name}`).restricts);
  if (restricting.length > 0) draft['enabled'] = false;
  const parsed = gatewaySchema.safeParse(draft);
  if (!parsed.success) return null;
  for (const { name, message } of wrong) {
    const value = shape[name as keyof typeof shape];
    findings.problems.push({
      path: `${GATEWAYS}.${index}.${name}`,
      message,
      holds: restricting.some((other) => other.name === name),
      ...(isPlainKind(bareSchema(value)) ? inWords(raw[name], undefined) : {}),
    });
  }
  if (wrong.length > 0) findings.kept.push({ path: GATEWAYS, raw, item: parsed.data.id });
  return parsed.data;
}
