/** What a failed call says: exceptions of the rooms below become Results, since nothing else crosses IPC. */
import { fail, type FailureCode, type Result } from '../../shared/result.ts';
import type { Output } from '../../shared/ipc-contract.ts';
import { StoreError } from '../queue/queue-store.ts';
import type { ProblemLog } from '../runtime/log-rejection.ts';
import { SecretError } from '../secrets/secret-store.ts';

type Failed = ReturnType<typeof fail>;

/** What became of a change of settings. */
export type SettingsAnswer = Output<'settings.set'>;

/** What a message that is not there any more is answered with. */
export const noSuchMessage = (): Failed => fail('not-found', 'There is no such message any more.', 'id');

/** What a gateway that is not there any more is answered with. @param field Name of the input that named it. */
export const noSuchGateway = (field = 'gatewayId'): Failed => fail('not-found', 'There is no such gateway.', field);

/** What an address that is none is answered with. @param field Name of the input. */
export const noAddress = (field: string): Failed => fail('bad-input', 'That is not an e-mail address.', field);

/** The first reason why settings were not saved. @param field Name of the input, if the setting's own path says nothing to the caller. */
export function notSaved(
  { problems }: Extract<SettingsAnswer, { saved: false }>,
  otherwise = 'That cannot be saved.',
  field?: string,
): Failed {
  return fail('bad-input', problems[0]?.message ?? otherwise, field ?? problems[0]?.path);
}

/** What a failed call of the store means to the user. */
function storeFailure(error: StoreError): Failed {
  const words: Readonly<Record<StoreError['reason'], string>> = {
    full: 'The disk is full. Free some space and try again.',
    'read-only': 'The profile folder cannot be written to.',
    corrupt: 'The queue file is damaged at this place.',
    busy: 'The queue is busy. Try again.',
    closed: 'The program is ending.',
    other: 'The queue could not do this.',
  };
  const code: FailureCode = `store-${error.reason}`;
  return fail(code, words[error.reason]);
}

type Handler = (input: never) => Promise<Result<unknown>>;

/** Turns what a handler throws into a Result. What the words do not say is in the log. */
export function guarded<H extends Handler>(name: string, log: ProblemLog, run: H): H {
  const guard = async (input: never): Promise<Result<unknown>> => {
    try {
      return await run(input);
    } catch (error) {
      if (error instanceof SecretError) return fail(`secret-${error.reason}`, error.message);
      const saysAll = error instanceof StoreError && error.reason !== 'other' && error.reason !== 'corrupt';
      if (!saysAll) log.problem(`call ${name}`, error);
      if (error instanceof StoreError) return storeFailure(error);
      return fail('internal', 'Something went wrong inside the program; the log has more.');
    }
  };
  return guard as H;
}
