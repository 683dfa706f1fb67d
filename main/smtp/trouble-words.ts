/** Why a session failed, in the words of the timeline and the log. Pure. */
import { say } from '../../shared/phrases.ts';
import { assertNever } from '../../shared/result.ts';
import { misfitPhrase } from '../../shared/secret-binding.ts';
import type { SessionTrouble } from '../policy/model.ts';

/** In words, what went wrong when no server said it. Never a secret. */
export function troubleWords(trouble: SessionTrouble): string {
  switch (trouble.kind) {
    case 'refused':
      return 'connection refused';
    case 'unreachable':
      return 'not reachable';
    case 'timeout':
      return 'no answer in time';
    case 'connection-lost':
      return 'connection lost';
    case 'malformed':
      return 'answered in a way that is not SMTP';
    case 'tls':
    case 'auth-not-possible':
    case 'intercepted':
    case 'token-later':
    case 'proxy':
    case 'local':
      return trouble.detail;
    case 'no-secret':
      return trouble.why
        ? say(misfitPhrase(trouble.use ?? 'password', trouble.why))
        : 'the password or sign-in for this gateway is missing';
    case 'not-smtp':
      return 'no mail server answers there';
    case 'too-large':
      return `larger than the ${trouble.limit} octets that the server takes`;
    case 'needs-8bitmime':
      return 'the server does not take 8-bit text';
    case 'needs-smtputf8':
      return 'the server does not take addresses with non-ASCII characters';
    default:
      return assertNever(trouble);
  }
}
