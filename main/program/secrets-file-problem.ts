import { phrase } from '../../shared/phrases.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import type { Problems } from './problems.ts';

/** What is wrong with the file of the secrets, as a problem: raised once, until it is another fault. */
export function createSecretsFileProblem(
  secrets: Pick<SecretStore, 'fault'>,
  problems: Pick<Problems, 'raise' | 'clear'>,
): { readonly check: () => void } {
  let last = '';
  return {
    check() {
      const fault = secrets.fault();
      const now = JSON.stringify(fault);
      if (now === last) return;
      last = now;
      if (fault === null) problems.clear('secrets-file');
      else if (fault.kind === 'unreadable')
        problems.raise('secrets-file', 'error', phrase('problem.secretsUnreadable', { why: fault.why }));
      else problems.raise('secrets-file', 'error', phrase('problem.secretsSetAside', { file: fault.file }));
    },
  };
}
