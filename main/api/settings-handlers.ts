/** Calls that read, change, export and import the settings. */
import type { Output } from '../../shared/ipc-contract.ts';
import { ok } from '../../shared/result.ts';
import type { SettingsStore } from '../settings/settings-store.ts';
import { notSaved, type SettingsAnswer } from './failures.ts';
import type { HandlersOf } from './handlers.ts';

export interface SettingsDeps {
  readonly settings: Pick<SettingsStore, 'get'>;
  readonly exportSettings: () => string;
  /** Sets values by dotted path (SettingPath of shared/settings.ts once they have been looked up), all or none. */
  readonly applyChanges: (
    changes: readonly { readonly path: string; readonly value: unknown }[],
  ) => Promise<SettingsAnswer>;
  readonly importSettings: (json: string) => Promise<SettingsAnswer>;
  /** Saves what stands in the place of values that cannot be read. */
  readonly acceptStandIns: () => Promise<SettingsAnswer>;
}

export function settingsHandlers(deps: SettingsDeps): HandlersOf<'settings'> {
  return {
    'settings.get': async () => ok(withoutHashes(deps.settings.get())),
    'settings.set': async ({ changes }) => ok(withoutHashesIn(await deps.applyChanges(changes))),
    'settings.goOn': async () => {
      const answer = await deps.acceptStandIns();
      return answer.saved ? ok({}) : notSaved(answer);
    },
    'settings.export': async () => ok({ json: deps.exportSettings() }),
    'settings.import': async ({ json }) => ok(withoutHashesIn(await deps.importSettings(json))),
  };
}

/** Password hashes of listener accounts are secrets too: windows and command line see that an account exists, not its hash. */
function withoutHashes(settings: Output<'settings.get'>): Output<'settings.get'> {
  return { ...settings, server: { ...settings.server, users: settings.server.users.map((u) => ({ ...u, hash: '' })) } };
}

function withoutHashesIn(answer: SettingsAnswer): SettingsAnswer {
  return answer.saved ? { saved: true, settings: withoutHashes(answer.settings) } : answer;
}
