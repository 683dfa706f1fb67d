/** What is wrong with a gateway as typed: the schema's word, in the window's language. */
import { gatewaySchema } from '../../../shared/settings.ts';
import { problemText } from '../problem-text.ts';
import type { Translate } from '../../i18n/locale.tsx';

/** Errors stand at the field; those of a list stand at the list. */
export function gatewayErrors(value: unknown, t: Translate): Readonly<Record<string, string>> {
  const parsed = gatewaySchema.safeParse(value);
  if (parsed.success) return {};
  const errors: Record<string, string> = {};
  for (const issue of parsed.error.issues) {
    const [field] = issue.path;
    if (typeof field !== 'string') continue;
    // Where nothing was entered, that is what is wrong, not its form.
    if (errors[field] === undefined || issue.message === 'Needed') errors[field] = problemText(issue, t);
  }
  return errors;
}
