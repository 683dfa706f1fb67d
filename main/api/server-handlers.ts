/** Calls about the listener, its accounts, and the keys that mail is signed with. */
import type { Output } from '../../shared/ipc-contract.ts';
import { ok, type Result } from '../../shared/result.ts';
import type { SettingPath } from '../../shared/settings.ts';
import { notSaved, type SettingsAnswer } from './failures.ts';
import type { HandlersOf } from './handlers.ts';

export interface ServerDeps {
  readonly applyChanges: (
    changes: readonly { readonly path: SettingPath; readonly value: unknown }[],
  ) => Promise<SettingsAnswer>;
  /** Null removes the account. */
  readonly setListenerPassword: (name: string, password: string | null) => Promise<SettingsAnswer>;
  readonly makeDkimKey: (domain: string, selector: string) => Promise<Result<Output<'security.makeDkimKey'>>>;
  readonly dkimRecord: (domain: string, selector: string) => Promise<Result<Output<'security.dkimRecord'>>>;
}

export function serverHandlers(deps: ServerDeps): HandlersOf<'server' | 'security'> {
  return {
    'server.setPassword': async ({ name, password }) => {
      const answer = await deps.setListenerPassword(name, password);
      return answer.saved ? ok({}) : notSaved(answer);
    },
    'server.usePort': async ({ port }) => {
      const answer = await deps.applyChanges([{ path: 'server.port', value: port }]);
      return answer.saved ? ok({ port }) : notSaved(answer, 'That port cannot be used.', 'port');
    },
    'security.makeDkimKey': async ({ domain, selector }) => deps.makeDkimKey(domain, selector),
    'security.dkimRecord': async ({ domain, selector }) => deps.dkimRecord(domain, selector),
  };
}
