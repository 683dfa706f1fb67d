/**
 * settings.json behind the SettingsStore port. The file is read by itself at start, which costs next to nothing;
 * electron-store (atomic, synced writes) is loaded with the first write.
 */
import type ElectronStore from 'electron-store';
import { existsSync, readdirSync, readFileSync, renameSync, copyFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import path from 'node:path';
import type { SettingsStore } from '../main/ports.ts';
import { readSettings } from '../main/settings/read-settings.ts';
import { watchForChanges, type WatchedFile } from '../main/settings/watch-file.ts';
import { parseSettings, type Settings, type SettingsProblem } from '../shared/settings.ts';

/** The port, and what only the shell needs. */
export interface SettingsFile extends SettingsStore {
  /** What is wrong with single values in the file; defaults stand for them. */
  readonly problems: readonly SettingsProblem[];
  /** Why the file was set aside at start, or cannot be read now; null if neither. */
  readonly message: string | null;
  /**
   * They are as the user left them: the file was there at start, every value in it was right, and no file that was set
   * aside lies beside it, whose gateways he may want back.
   */
  readonly whole: boolean;
  /** Begins to notice changes made by hand. Call once start-up is over. */
  watch(): Promise<void>;
  close(): void;
}

/** Seams for tests: electron-store needs Electron around it. */
export interface SettingsFileOptions {
  /** The profile folder; it exists. */
  readonly profile: string;
  readonly now: () => number;
  readonly note: (event: string, facts: Readonly<Record<string, string>>) => void;
  /** Opens the writer; `electron-store` unless a test says otherwise. */
  readonly openWriter?: (profile: string) => Promise<SettingsWriter>;
}

/** The part of electron-store that is used. */
export interface SettingsWriter {
  store: Record<string, unknown>;
}

async function openElectronStore(profile: string): Promise<SettingsWriter> {
  const { default: Store } = await import('electron-store');
  const store: ElectronStore = new Store({
    cwd: profile,
    name: 'settings',
    // Not `watch`: on Linux that looks at the file every five seconds for ever (watch-file.ts does not).
    // A file that cannot be read is set aside by us; electron-store must never clear it.
    clearInvalidConfig: false,
    accessPropertiesByDotNotation: false,
    configFileMode: 0o600,
    serialize: (value) => `${JSON.stringify(value, null, 2)}\n`,
    // Its first look parses the file: broken text is ours to judge, so it is never an exception here.
    deserialize: (text) => {
      try {
        return JSON.parse(text.replace(/^\ufeff/, '')) as Record<string, unknown>;
      } catch {
        return { [UNREADABLE]: text };
      }
    },
  });
  return store;
}

const UNREADABLE = '__unreadable__';

/** Reads the file, whatever state it is in. Never throws for what is in the file. */
export function openSettingsFile(options: SettingsFileOptions): SettingsFile {
  const file = path.join(options.profile, 'settings.json');
  const { note } = options;
  let text = readText();
  const first = readSettings(text);
  let current: Settings = first.settings;
  let problems = first.kind === 'mended' ? first.problems : [];
  let message = first.kind === 'broken' ? first.message : null;
  let setAside = first.kind === 'broken' ? putAside() : null;
  // Wrong values would be gone with the next write: a copy is kept before it.
  let copyFirst = first.kind === 'mended';
  const listeners = new Set<(settings: Settings) => void>();
  let writer: Promise<SettingsWriter> | undefined;
  let watched: WatchedFile | undefined;
  let closed = false;
  let queue: Promise<unknown> = Promise.resolve();

  function readText(): string | null {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  function asideName(): string {
    const stamp = new Date(options.now()).toISOString().replaceAll(/[:.]/g, '-');
    let name = `${file}.broken-${stamp}`;
    for (let n = 2; existsSync(name); n++) name = `${file}.broken-${stamp}-${n}`;
    return name;
  }

  function putAside(): string | null {
    const name = asideName();
    try {
      renameSync(file, name);
      return name;
    } catch (error) {
      note('settings could not be set aside', { error: String(error) });
      return file;
    }
  }

  function openWriter(): Promise<SettingsWriter> {
    writer ??= (options.openWriter ?? openElectronStore)(options.profile);
    return writer;
  }

  /** Takes over what somebody wrote into the file; a broken text changes nothing and is not overwritten unseen. */
  function reload(): void {
    if (closed) return;
    let now: string | null;
    try {
      now = readText();
    } catch (error) {
      note('settings.json was changed by hand and cannot be read', { why: String(error) });
      return;
    }
    if (now === null || now === text) return;
    text = now;
    const before = [problems, message];
    const read = readSettings(now);
    switch (read.kind) {
      case 'none':
        return;
      case 'broken':
        copyFirst = true;
        message = read.message;
        note('settings.json was changed by hand and cannot be read', { why: read.message });
        for (const listener of listeners) listener(current);
        return;
      case 'mended':
        copyFirst = true;
        problems = read.problems;
        message = null;
        note('settings.json was changed by hand; some values are wrong', {
          values: read.problems.map((p) => p.path).join(' '),
        });
        break;
      case 'good':
        problems = [];
        message = null;
        break;
    }
    // What is said of the file may be news though its settings are not.
    if (!isDeepStrictEqual(read.settings, current)) current = read.settings;
    else if (isDeepStrictEqual([problems, message], before)) return;
    for (const listener of listeners) listener(current);
  }

  async function write(next: unknown): ReturnType<SettingsStore['replace']> {
    const parsed = parseSettings(next);
    if (!parsed.ok) return parsed;
    const opened = await openWriter();
    const onDisk = readText();
    if (onDisk !== text && onDisk !== null) {
      // Changed by hand since it was read: what stands there now is kept beside it.
      copyFirst = true;
    }
    if (copyFirst && onDisk !== null) {
      const name = asideName();
      copyFileSync(file, name);
      note('a copy of settings.json was kept', { file: name });
      copyFirst = false;
      setAside ??= name;
    }
    opened.store = parsed.settings;
    text = readText();
    current = parsed.settings;
    problems = [];
    message = null;
    for (const listener of listeners) listener(current);
    return { ok: true, settings: current };
  }

  return {
    get: () => current,
    replace: (next) => {
      const done = queue.then(() => write(next));
      queue = done.catch(() => undefined);
      return done;
    },
    get setAside() {
      return setAside;
    },
    get problems() {
      return problems;
    },
    get message() {
      return message;
    },
    get whole() {
      const aside = `${path.basename(file)}.broken-`;
      return first.kind === 'good' && !readdirSync(options.profile).some((name) => name.startsWith(aside));
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    watch: () => {
      watched ??= watchForChanges(file, reload, {
        looksInstead: (why) => note('settings.json is looked at every few seconds', { why: String(why) }),
      });
      reload();
      return Promise.resolve();
    },
    close: () => {
      closed = true;
      watched?.close();
    },
  };
}
