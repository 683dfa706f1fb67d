/** The settings as the engine has them, one copy for the window; changes are sent at once and shown at once. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react';
import type { Settings, SettingsProblem } from '../shared/settings.ts';
import { useBridge } from './bridge.ts';
import { answerQuery, setAnswer, useAnswer } from './server-cache.ts';
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
  const cache = useQueryClient();
  const { value: settings } = useAnswer('settings.get', {});
  const [problems, setProblems] = useState<readonly SettingsProblem[]>([]);
  const { mutateAsync } = useMutation({
    mutationFn: (changes: readonly Change[]) => bridge.call('settings.set', { changes: [...changes] }),
  });

  const save = useCallback(
    async (changes: readonly Change[]) => {
      const { queryKey } = answerQuery(bridge, 'settings.get', {});
      setAnswer(cache, queryKey, (old) => (old === undefined ? old : withChanges(old, changes)));
      const result = await mutateAsync(changes);
      const savingMore = cache.isMutating() > 0;
      const isTouched = (problem: SettingsProblem) =>
        changes.some(({ path }) => problem.path === path || problem.path.startsWith(`${path}.`));
      if (result.ok && result.value.saved) {
        const saved = result.value.settings;
        if (!savingMore) setAnswer(cache, queryKey, () => saved);
        setProblems((old) => old.filter((problem) => !isTouched(problem)));
        return [];
      }
      const found: readonly SettingsProblem[] = !result.ok
        ? changes.map(({ path }) => ({ path, message: result.error.message }))
        : result.value.saved
          ? []
          : result.value.problems;
      setProblems((old) => [...old.filter((problem) => !isTouched(problem)), ...found]);
      if (!savingMore) void cache.invalidateQueries({ queryKey });
      return found;
    },
    [bridge, cache, mutateAsync],
  );

  const store = useMemo(() => ({ settings, problems, save }), [settings, problems, save]);
  return <SettingsContext.Provider value={store}>{children}</SettingsContext.Provider>;
}

function withChanges(settings: Settings, changes: readonly Change[]): Settings {
  return changes.reduce<Settings>((all, { path, value }) => setPath(all, path.split('.'), value) as Settings, settings);
}
