/**
 * settings.json behind the SettingsStore port. It is read by a plain read; the shell's writer replaces it (electron-store, in
 * Electron's main thread).
 */
import { constants, copyFileSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import path from 'node:path';
import type { SettingsStore } from './settings-store.ts';
import { withUnread } from './keep-unread.ts';
import { readSettings, UNDECIDED, undecidedIn, type KeptPlace, type UnreadableSetting } from './read-settings.ts';
import { watchForChanges, type WatchedFile } from './watch-file.ts';
import { defaultSettings, parseSettings, settingsSchema, type Settings } from '../../shared/settings.ts';

/** The port, and what only its owner needs. */
export interface SettingsFile extends SettingsStore {
  readonly problems: readonly UnreadableSetting[];
  readonly undecided: string | null;
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

/** Options of openSettingsFile. */
export interface SettingsFileOptions {
  /** The profile folder; it exists. */
  readonly profile: string;
  readonly now: () => number;
  readonly note: (event: string, facts: Readonly<Record<string, string>>) => void;
  /** Replaces the file as a whole and syncs it. Absent: done here, where no shell is around (tests, benches, soak). */
  readonly write?: (stored: Readonly<Record<string, unknown>>) => Promise<void>;
}

/** Reads the file, whatever state it is in. Never throws for what is in the file, or for a file that cannot be read. */
export function openSettingsFile(options: SettingsFileOptions): SettingsFile {
  const file = path.join(options.profile, 'settings.json');
  const { note } = options;
  const begun = readAtStart();
  let text = begun.text;
  const first = begun.read;
  let current: Settings = first.settings;
  let problems = first.kind === 'mended' ? first.problems : [];
  let kept: readonly KeptPlace[] = first.kind === 'mended' ? first.kept : [];
  let message = first.kind === 'broken' ? first.message : null;
  let setAside: string | null = null;
  // Wrong values would be gone with the next write: a copy is kept before it.
  let copyFirst = first.kind === 'mended' || first.kind === 'broken';
  if (first.kind === 'broken') standIn();
  const listeners = new Set<(settings: Settings) => void>();
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

  function readAtStart(): { readonly text: string | null; readonly read: ReturnType<typeof readSettings> } {
    try {
      const found = readText();
      return { text: found, read: readSettings(found) };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { text: null, read: { kind: 'broken', settings: defaultSettings(), message: why } };
    }
  }

  /**
   * The broken file is kept under another name, and a file takes its place that says so: what the user has to decide is not
   * forgotten with a restart. If that cannot be written, all stays as it is, and is found again at the next start.
   */
  function standIn(): void {
    const name = asideName();
    const next = { version: 1, [UNDECIDED]: path.basename(name) };
    current = settingsSchema.parse(next);
    try {
      const fresh = `${file}.new`;
      writeFileSync(fresh, `${JSON.stringify(next, null, 2)}\n`, { mode: 0o600 });
      copyFileSync(file, name, constants.COPYFILE_EXCL);
      renameSync(fresh, file);
      text = readText();
      setAside = name;
      copyFirst = false;
    } catch (error) {
      note('settings could not be set aside', { error: String(error) });
      setAside = file;
    }
  }

  function asideName(): string {
    const stamp = new Date(options.now()).toISOString().replaceAll(/[:.]/g, '-');
    let name = `${file}.broken-${stamp}`;
    for (let n = 2; existsSync(name); n++) name = `${file}.broken-${stamp}-${n}`;
    return name;
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
    const before = [problems, kept, message];
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
        ({ problems, kept } = read);
        message = null;
        note('settings.json was changed by hand; some values are wrong', {
          values: read.problems.map((p) => p.path).join(' '),
        });
        break;
      case 'good':
        problems = [];
        kept = [];
        message = null;
        break;
    }
    // What is said of the file may be news though its settings are not.
    if (!isDeepStrictEqual(read.settings, current)) current = read.settings;
    else if (isDeepStrictEqual([problems, kept, message], before)) return;
    for (const listener of listeners) listener(current);
  }

  /** What the file says now; null if it cannot be read. */
  function lookAtFile(): string | null {
    try {
      return readText();
    } catch {
      copyFirst = true;
      return null;
    }
  }

  function keepCopy(): void {
    if (!existsSync(file)) return;
    const name = asideName();
    try {
      copyFileSync(file, name);
    } catch {
      // It cannot be read: it is moved out of the way.
      renameSync(file, name);
    }
    note('a copy of settings.json was kept', { file: name });
    setAside ??= name;
  }

  async function replaceFile(stored: Readonly<Record<string, unknown>>): Promise<void> {
    if (options.write !== undefined) return options.write(stored);
    const { writeFileSync: write } = await import('atomically');
    write(file, `${JSON.stringify(stored, null, 2)}\n`, { mode: 0o600 });
  }

  /** @param touched What the change names; null = the user has decided about everything. */
  async function write(next: unknown, touched: readonly string[] | null): ReturnType<SettingsStore['replace']> {
    const parsed = parseSettings(next);
    if (!parsed.ok) return parsed;
    const onDisk = lookAtFile();
    // Changed by hand since it was read: what stands there now is kept beside it.
    if (onDisk !== text && onDisk !== null) copyFirst = true;
    if (copyFirst) keepCopy();
    copyFirst = false;
    const { [UNDECIDED]: _decided, ...decided } = parsed.settings;
    const stored = touched === null ? decided : withUnread(parsed.settings, current, kept, touched);
    await replaceFile(stored);
    text = lookAtFile();
    // What stands for values that still cannot be read is worked out in one place.
    const read = readSettings(JSON.stringify(stored));
    current = read.settings;
    problems = read.kind === 'mended' ? read.problems : [];
    kept = read.kind === 'mended' ? read.kept : [];
    message = null;
    for (const listener of listeners) listener(current);
    return { ok: true, settings: current };
  }

  return {
    get: () => current,
    replace: (next, touched) => {
      const done = queue.then(() => write(next, touched ?? null));
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
    get undecided() {
      return undecidedIn(current);
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
