/** Words of the command line to a command. Pure. */

/** Options that every command knows. */
export interface Common {
  readonly json: boolean;
  /** As written; null = the default profile. */
  readonly profile: string | null;
}

/** What is asked for. */
export type Command =
  | { readonly kind: 'help'; readonly topic: string | null }
  | { readonly kind: 'version' }
  | { readonly kind: 'status' }
  | { readonly kind: 'list'; readonly folder: 'outbox' | 'sent' | 'bad' | 'bounced' | 'deleted' }
  | { readonly kind: 'show'; readonly id: string; readonly raw: boolean }
  | { readonly kind: 'retry'; readonly ids: readonly string[] | 'all' }
  | { readonly kind: 'delete'; readonly ids: readonly string[] }
  | { readonly kind: 'send-now' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'settings-get'; readonly path: string | null }
  | { readonly kind: 'settings-set'; readonly path: string; readonly value: string }
  | { readonly kind: 'settings-export'; readonly file: string | null }
  | { readonly kind: 'settings-import'; readonly file: string | null }
  | { readonly kind: 'settings-go-on' }
  | { readonly kind: 'secret-set'; readonly gateway: string; readonly acceptObfuscated: boolean }
  | { readonly kind: 'secret-remove'; readonly gateway: string }
  | { readonly kind: 'quit' };

/** Understood, or why not. */
export type ParsedCommand =
  | { readonly ok: true; readonly command: Command; readonly common: Common }
  | { readonly ok: false; readonly message: string };

const FOLDERS = ['outbox', 'sent', 'bad', 'bounced', 'deleted'] as const;

class Usage extends Error {}

/**
 * The arguments of `postcast sendmail`, global options that stand before it included; null if it is another command. Its
 * own options mean other things than ours and are left to it.
 */
export function sendmailArguments(argv: readonly string[]): readonly string[] | null {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === 'sendmail') return [...argv.slice(0, i), ...argv.slice(i + 1)];
    if (word === '--profile') i++;
    else if (word !== '--json' && word !== '--' && !word.startsWith('--profile=')) return null;
  }
  return null;
}

/** `argv`: without node and the script's name. `postcast sendmail` is parsed in sendmail.ts: it has rules of its own. */
export function parseCommand(argv: readonly string[]): ParsedCommand {
  try {
    return parse(argv);
  } catch (error) {
    if (error instanceof Usage) return { ok: false, message: error.message };
    throw error;
  }
}

function parse(argv: readonly string[]): ParsedCommand {
  const words: string[] = [];
  const flags = new Map<string, string | true>();
  let onlyWords = false;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (onlyWords || !word.startsWith('-') || word === '-') {
      words.push(word);
      continue;
    }
    if (word === '--') {
      onlyWords = true;
      continue;
    }
    const [name, inline] = split(word === '-h' ? '--help' : word);
    if (name === '--profile' || name === '--folder') {
      const value = inline ?? argv[++i];
      if (value === undefined || value === '') throw new Usage(`${name} needs a value`);
      flags.set(name, value);
    } else if (inline !== undefined) throw new Usage(`${name} takes no value`);
    // A negative number is a value, not an option: `settings set general.keepSent -1`.
    else if (/^-\d/.test(word)) words.push(word);
    else flags.set(name, true);
  }
  const take = (name: string): boolean => flags.delete(name);
  const takeValue = (name: string): string | null => {
    const value = flags.get(name);
    flags.delete(name);
    return typeof value === 'string' ? value : null;
  };
  const common: Common = { json: take('--json'), profile: takeValue('--profile') };
  const [verb, ...rest] = words;
  const done = (command: Command): ParsedCommand => {
    const [unknown] = flags.keys();
    if (unknown !== undefined) throw new Usage(`Unknown option ${unknown}`);
    return { ok: true, command, common };
  };
  if (take('--version')) return done({ kind: 'version' });
  if (take('--help')) return { ok: true, command: { kind: 'help', topic: verb ?? null }, common };
  const none = (command: Command): ParsedCommand => {
    if (rest.length > 0) throw new Usage(`"${verb ?? ''}" takes no arguments`);
    return done(command);
  };
  const one = (what: string): string => {
    if (rest.length !== 1 || rest[0] === undefined || rest[0] === '') throw new Usage(`"${verb ?? ''}" needs ${what}`);
    return rest[0];
  };
  switch (verb) {
    case undefined:
      return done({ kind: 'help', topic: null });
    case 'help':
      return done({ kind: 'help', topic: rest[0] ?? null });
    case 'version':
      return none({ kind: 'version' });
    case 'status':
    case 'send-now':
    case 'pause':
    case 'resume':
    case 'quit':
      return none({ kind: verb });
    case 'list': {
      const written = takeValue('--folder') ?? 'outbox';
      const folder = FOLDERS.find((known) => known === written.toLowerCase());
      if (folder === undefined) throw new Usage(`There is no folder "${written}"; there are ${FOLDERS.join(', ')}`);
      return none({ kind: 'list', folder });
    }
    case 'show': {
      const raw = take('--raw');
      return done({ kind: 'show', id: one('the id of a message'), raw });
    }
    case 'retry': {
      if (take('--all')) return none({ kind: 'retry', ids: 'all' });
      if (rest.length === 0) throw new Usage('"retry" needs ids of messages, or --all');
      return done({ kind: 'retry', ids: rest });
    }
    case 'delete':
      if (rest.length === 0) throw new Usage('"delete" needs ids of messages');
      return done({ kind: 'delete', ids: rest });
    case 'settings':
      return done(settings(rest));
    case 'secret': {
      const [what, gateway, ...more] = rest;
      if (gateway === undefined || more.length > 0) {
        throw new Usage(
          'Say "secret set GATEWAY-ID" (the password is read from standard input) or "secret remove GATEWAY-ID"',
        );
      }
      if (what === 'set') return done({ kind: 'secret-set', gateway, acceptObfuscated: take('--accept-obfuscated') });
      if (what === 'remove') return done({ kind: 'secret-remove', gateway });
      throw new Usage(`There is no "secret ${what ?? ''}"; there are set and remove`);
    }
    default:
      throw new Usage(`There is no command "${verb}"`);
  }
}

function settings([what, ...rest]: readonly string[]): Command {
  const [first, second, ...more] = rest;
  if (more.length > 0)
    throw new Usage(`Too many arguments for "settings ${what ?? ''}"; put a value with blanks into quotes`);
  switch (what) {
    case 'get':
      if (second !== undefined) throw new Usage('"settings get" takes one name at most');
      return { kind: 'settings-get', path: first ?? null };
    case 'set':
      if (first === undefined || second === undefined) throw new Usage('"settings set" needs a name and a value');
      return { kind: 'settings-set', path: first, value: second };
    case 'export':
    case 'import':
      if (second !== undefined) throw new Usage(`"settings ${what}" takes one file at most`);
      return {
        kind: what === 'export' ? 'settings-export' : 'settings-import',
        file: first === '-' ? null : (first ?? null),
      };
    case 'go-on':
      if (first !== undefined) throw new Usage('"settings go-on" takes nothing more');
      return { kind: 'settings-go-on' };
    default:
      throw new Usage('"settings" needs one of get, set, export, import, go-on');
  }
}

function split(word: string): readonly [string, string | undefined] {
  const equals = word.indexOf('=');
  return word.startsWith('--') && equals > 0 ? [word.slice(0, equals), word.slice(equals + 1)] : [word, undefined];
}

/** A value as written on the command line: JSON if it is JSON, else the text itself (`always`, `mail.example.com`). */
export function parseValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
