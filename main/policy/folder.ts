/** SPEC §2: the folder of a message follows from its recipients' states; `deleted` is the user's decision, not made here. */
import type { Folder, RecipientState } from '../../shared/mail.ts';
import { isPending } from '../../shared/mail.ts';

/** Any pending → outbox; else any bounced → bounced; else any bad → bad; else sent. */
export function folderOf(states: readonly RecipientState[]): Folder {
  if (states.some(isPending)) return 'outbox';
  if (states.includes('bounced')) return 'bounced';
  if (states.includes('bad')) return 'bad';
  return 'sent';
}
