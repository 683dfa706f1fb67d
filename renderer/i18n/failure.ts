/** Why a call failed, in the language of the window. */
import type { Failure } from '../../shared/result.ts';
import { en } from './en.ts';
import type { Say } from './i18n.ts';

/** English is exact: what the engine said. In other languages what its code means, if that is known. */
export function failureText(failure: Failure, say: Say, language: string): string {
  if (/^en\b/i.test(language) || !Object.hasOwn(en.failure, failure.code)) return failure.message;
  return say(`failure.${failure.code as keyof typeof en.failure}`);
}
