/** Facts of the engine, said in the language of the window. */
import type { Phrase } from '../../shared/mail.ts';
import { say } from '../../shared/phrases.ts';

/** Says one phrase. */
export function sayPhrase(phrase: Phrase): string {
  return say(phrase);
}
