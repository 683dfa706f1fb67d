/** Changes of the settings by windows and command line: single values, all of a file, what stands in for unreadable ones. */
import type { Output } from '../../shared/ipc-contract.ts';
import { hashPassword } from '../listener/passwords.ts';
import { applyChanges, type SettingsChange } from '../settings/apply-changes.ts';
import { importSettings } from '../settings/export-settings.ts';
import type { Parts } from './build.ts';

type SettingsAnswer = Output<'settings.set'>;

export interface ChangeSettings {
  /** By dotted path, all or none. */
  apply(changes: readonly SettingsChange[]): Promise<SettingsAnswer>;
  /** @param json A file that was exported. */
  importFile(json: string): Promise<SettingsAnswer>;
  /** Saves the settings as they are in force now. */
  saveCurrent(): Promise<SettingsAnswer>;
  /** Gives an account of the listener this password; null removes it. */
  setListenerPassword(name: string, password: string | null): Promise<SettingsAnswer>;
}

export function createChangeSettings({ settings, secretBindings }: Parts): ChangeSettings {
  const save = async (next: unknown, touched?: readonly string[]): Promise<SettingsAnswer> => {
    const done = await settings.replace(next, touched);
    return done.ok ? { saved: true, settings: done.settings } : { saved: false, problems: done.problems };
  };

  const apply = async (changes: readonly SettingsChange[]): Promise<SettingsAnswer> => {
    const changed = applyChanges(settings.get(), changes);
    if (!changed.ok) return { saved: false, problems: changed.problems };
    const touched = changes.map((change) => change.path);
    const saved = secretBindings.byHand(changed.next);
    try {
      return await save(changed.next, touched);
    } finally {
      saved();
    }
  };

  return {
    apply,
    async importFile(json) {
      const read = importSettings(json, settings.get());
      return read.ok ? save(read.next) : { saved: false, problems: read.problems };
    },
    saveCurrent: async () => save(settings.get()),
    async setListenerPassword(name, password) {
      const others = settings.get().server.users.filter((user) => user.name !== name);
      const users = password === null ? others : [...others, { name, hash: await hashPassword(password) }];
      const change: SettingsChange = { path: 'server.users', value: users };
      return apply([change]);
    },
  };
}
