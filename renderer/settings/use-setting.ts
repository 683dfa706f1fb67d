/** One setting: its value, what is being typed, and why that cannot be saved. */
import { useCallback, useState } from 'react';
import { settingsSchema, type Settings } from '../../shared/settings.ts';
import { drop } from '../bridge.ts';
import { useSay } from '../i18n/i18n.ts';
import { getPath, setPath } from '../set-path.ts';
import { useSettingsStore } from '../settings-store.tsx';
import { problemText } from './problem-text.ts';

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
  const say = useSay();
  const settings = useSettings();
  const { save, problems } = useSettingsStore();
  const [draft, setDraft] = useState<{ readonly value: T; readonly problem: string } | null>(null);
  const saved = getPath(settings, path.split('.')) as T;
  const refused = problems.find((problem) => problem.path === path || problem.path.startsWith(`${path}.`));

  const set = useCallback(
    (next: T) => {
      const [issue] = issuesOf(settings, path, next);
      if (issue !== undefined) {
        setDraft({ value: next, problem: problemText(issue, say) });
        return;
      }
      setDraft(null);
      drop(
        save([{ path, value: next }]).then(([problem]) => {
          if (problem !== undefined) setDraft({ value: next, problem: problem.message });
        }),
      );
    },
    [path, save, say, settings],
  );
  return { value: draft?.value ?? saved, problem: draft?.problem ?? refused?.message, set };
}
