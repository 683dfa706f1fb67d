/** Settings to take along and to bring back (spec §10), without anything secret. Pure. */
import { parseSettings, settingsSchema, type Settings, type SettingsProblem } from '../../shared/settings.ts';
import { UNDECIDED } from './read-settings.ts';
import { normaliseHandWritten } from './understand.ts';

/** Names under which a person might have written a secret into the file by hand: nothing of that kind leaves. */
const SECRET_NAME = /^(pass(word|wd|phrase)?|secret|token|.*(password|secret|token|privatekey))$/i;

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !SECRET_NAME.test(name))
      .map(([name, inner]) => [name, withoutSecrets(inner)]),
  );
}

/** JSON text: names of the listener's users, but not their hashes; passwords are not in the settings anyway. */
export function exportSettings(settings: Settings): string {
  const users = settings.server.users.map(({ hash: _hash, ...user }) => user);
  const { [UNDECIDED]: _undecided, ...decided } = settings;
  const copy = withoutSecrets({ ...decided, server: { ...settings.server, users } });
  return `${JSON.stringify(copy, null, 2)}\n`;
}

/**
 * Takes exported text. Users known here keep their password; others come without one and cannot sign in until they get
 * one (`hash: ''`). Nothing is guessed: an invalid file is refused with every reason.
 */
export function importSettings(
  json: string,
  current: Settings,
):
  | { readonly ok: true; readonly next: Settings }
  | { readonly ok: false; readonly problems: readonly SettingsProblem[] } {
  let value: unknown;
  try {
    value = JSON.parse(json.startsWith('\ufeff') ? json.slice(1) : json);
  } catch {
    return { ok: false, problems: [{ path: '', message: 'This is not a settings file: it is not JSON.' }] };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { ok: false, problems: [{ path: '', message: 'This is not a settings file.' }] };
  }
  const draft = structuredClone(value) as Record<string, unknown>;
  const server = draft['server'];
  if (typeof server === 'object' && server !== null && Array.isArray((server as Record<string, unknown>)['users'])) {
    const hashes = new Map(current.server.users.map((user) => [user.name, user.hash]));
    for (const user of (server as { users: unknown[] }).users) {
      if (typeof user !== 'object' || user === null) continue;
      const named = user as Record<string, unknown>;
      // A hash out of a foreign file would be a way to plant a password.
      named['hash'] = hashes.get(String(named['name'])) ?? '';
    }
  }
  Reflect.deleteProperty(draft, UNDECIDED);
  // What is understood in the file of the program is understood in one that comes along.
  const parsed = parseSettings(normaliseHandWritten(settingsSchema, draft));
  return parsed.ok ? { ok: true, next: parsed.settings } : parsed;
}
