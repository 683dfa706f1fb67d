/** The settings as the engine has them, one copy for the window; changes are sent at once and shown at once. */
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import type { Settings, SettingsProblem } from '../shared/settings.ts';
import { drop, useBridge } from './bridge.ts';
import { useFirstAnswers } from './first-answers.ts';
import { setPath } from './set-path.ts';

export interface Change {
  readonly path: string;
  readonly value: unknown;
}

export interface SettingsStore {
  /** Null until read. */
  readonly settings: Settings | null;
  /** Why the last change of these paths was not saved. */
  readonly problems: readonly SettingsProblem[];
  /** Saves all or nothing. @returns the problems; empty = saved */
  readonly save: (changes: readonly Change[]) => Promise<readonly SettingsProblem[]>;
}

const SettingsContext = createContext<SettingsStore | null>(null);

/** @throws outside of a SettingsProvider */
export function useSettingsStore(): SettingsStore {
  const store = useContext(SettingsContext);
  if (store === null) throw new Error('no settings');
  return store;
}

export function SettingsProvider({ children }: { readonly children: ReactNode }) {
  const bridge = useBridge();
  const first = useFirstAnswers();
  const [settings, setSettings] = useState<Settings | null>(() => first.get('settings.get', {}));
  const known = useRef(settings !== null);
  const [problems, setProblems] = useState<readonly SettingsProblem[]>([]);
  const saving = useRef(0);

  const read = useCallback(() => {
    drop(
      bridge.call('settings.get', {}).then((result) => {
        // What the user has just clicked is newer than this answer.
        if (result.ok && saving.current === 0) setSettings(result.value);
      }),
    );
  }, [bridge]);

  useEffect(() => {
    if (!known.current || !first.fresh()) read();
    known.current = false;
    return bridge.on('settings:changed', read);
  }, [bridge, read, first]);

  const save = useCallback(
    async (changes: readonly Change[]) => {
      saving.current++;
      setSettings((old) =>
        old === null
          ? old
          : changes.reduce<Settings>((all, { path, value }) => setPath(all, path.split('.'), value) as Settings, old),
      );
      const result = await bridge.call('settings.set', { changes: [...changes] });
      saving.current--;
      const touched = (problem: SettingsProblem) =>
        changes.some(({ path }) => problem.path === path || problem.path.startsWith(`${path}.`));
      if (result.ok && result.value.saved) {
        if (saving.current === 0) setSettings(result.value.settings);
        setProblems((old) => old.filter((problem) => !touched(problem)));
        return [];
      }
      const found: readonly SettingsProblem[] = !result.ok
        ? changes.map(({ path }) => ({ path, message: result.error.message }))
        : result.value.saved
          ? []
          : result.value.problems;
      setProblems((old) => [...old.filter((problem) => !touched(problem)), ...found]);
      if (saving.current === 0) read();
      return found;
    },
    [bridge, read],
  );

  const store = useMemo(() => ({ settings, problems, save }), [settings, problems, save]);
  return <SettingsContext.Provider value={store}>{children}</SettingsContext.Provider>;
}
