/** One setting: its value, what is being typed, and why that cannot be saved. */
import { useCallback, useEffect, useEffectEvent, useState, type KeyboardEvent } from 'react';
import { settingsSchema, type Settings } from '../../shared/settings.ts';
import { fireAndForget } from '../bridge.ts';
import { getPath, setPath } from '../set-path.ts';
import { useSettingsStore } from '../settings-store.tsx';
import { problemText } from './problem-text.ts';
import { useLocale } from '../i18n/locale.tsx';

type Section = Exclude<keyof typeof settingsSchema.shape, 'version'>;

/** The settings. @throws before they are read: pages are drawn only then */
export function useSettings(): Settings {
  const { settings } = useSettingsStore();
  if (settings === null) throw new Error('settings are not read yet');
  return settings;
}

/** The issues that the schema has with `value` at `path`, as [path below `path`, issue]. */
export function issuesOf(settings: Settings, path: string, value: unknown) {
  const [section = '', ...rest] = path.split('.');
  const schema = settingsSchema.shape[section as Section];
  const parsed = schema.safeParse(setPath(getPath(settings, [section]), rest, value));
  if (parsed.success) return [];
  return parsed.error.issues.filter((issue) => rest.every((key, i) => String(issue.path[i]) === key));
}

export interface SettingField<T> {
  /** What the field shows: the draft while it cannot be saved, else the saved value. */
  readonly value: T;
  /** Reason beside the field, undefined = fine. */
  readonly problem: string | undefined;
  /** Checks at once and saves at once if it can be saved. */
  readonly set: (next: T) => void;
}

/**
 * @param path dotted, without list indexes that may shift
 */
export function useSetting<T>(path: string): SettingField<T> {
  const { t } = useLocale();
  const settings = useSettings();
  const { save, problems } = useSettingsStore();
  const [draft, setDraft] = useState<{ readonly value: T; readonly problem: string } | null>(null);
  const saved = getPath(settings, path.split('.')) as T;
  const refused = problems.find((problem) => problem.path === path || problem.path.startsWith(`${path}.`));

  const set = useCallback(
    (next: T) => {
      const [issue] = issuesOf(settings, path, next);
      if (issue !== undefined) {
        setDraft({ value: next, problem: problemText(issue, t) });
        return;
      }
      setDraft(null);
      fireAndForget(
        save([{ path, value: next }]).then(([problem]) => {
          if (problem !== undefined) setDraft({ value: next, problem: problem.message });
        }),
      );
    },
    [path, save, t, settings],
  );
  return { value: draft?.value ?? saved, problem: draft?.problem ?? refused?.message, set };
}

/** Between a setting and the text of its field. */
export interface Spelling<T> {
  readonly show: (value: T) => string;
  /** What cannot be read becomes something that the schema refuses. */
  readonly read: (text: string) => T;
}

export interface TypedField {
  /** Reason beside the field, as typed; undefined = fine. */
  readonly problem: string | undefined;
  /** What the input is given. */
  readonly input: {
    readonly value: string;
    readonly onChange: (event: unknown, data: { readonly value: string }) => void;
    readonly onBlur: () => void;
    readonly onKeyDown: (event: KeyboardEvent) => void;
  };
}

/**
 * A setting that is typed (spec §9): checked with every key, saved with Enter or when the field is left, its page and its
 * window included, and only if it is valid: 25 on the way to 2526 is not what anybody wants. Escape brings back the saved one.
 */
export function useTypedSetting<T>(path: string, { show, read }: Spelling<T>): TypedField {
  const { t } = useLocale();
  const settings = useSettings();
  const { save, problems } = useSettingsStore();
  const [typed, setTyped] = useState<string | null>(null);
  const saved = show(getPath(settings, path.split('.')) as T);
  const [issue] = typed === null ? [] : issuesOf(settings, path, read(typed));
  const refused = problems.find((problem) => problem.path === path || problem.path.startsWith(`${path}.`));

  const commit = () => {
    if (typed === null || issue !== undefined) return;
    setTyped(null);
    if (typed === saved) return;
    fireAndForget(
      save([{ path, value: read(typed) }]).then(([problem]) => {
        // What was refused stays in the field with the reason, unless something else was typed meanwhile.
        if (problem !== undefined) setTyped((now) => now ?? typed);
      }),
    );
  };
  const leave = useEffectEvent(commit);
  useEffect(() => {
    const listener = () => leave();
    window.addEventListener('pagehide', listener);
    return () => {
      window.removeEventListener('pagehide', listener);
      leave();
    };
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') commit();
    if (event.key !== 'Escape' || typed === null) return;
    event.stopPropagation();
    setTyped(null);
  };
  return {
    problem: issue === undefined ? refused?.message : problemText(issue, t),
    input: {
      value: typed ?? saved,
      onChange: (_, data) => setTyped(data.value),
      onBlur: commit,
      onKeyDown,
    },
  };
}

/** Text as it is. */
export const asText: Spelling<string> = { show: (value) => value, read: (text) => text };

/** A number, shown as so many times less. An empty field is no number. */
export function asNumber(factor = 1): Spelling<number> {
  return {
    show: (value) => String(Math.round((value / factor) * 100) / 100),
    read: (text) => {
      if (text.trim() === '') return Number.NaN;
      return factor === 1 ? Number(text) : Math.round(Number(text) * factor);
    },
  };
}

/** Numbers parted by commas or blanks. */
export const asNumbers: Spelling<readonly number[]> = {
  show: (values) => values.join(', '),
  read: (text) =>
    text
      .split(/[\s,;]+/)
      .filter((part) => part !== '')
      .map(Number),
};
