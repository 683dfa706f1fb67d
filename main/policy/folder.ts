/** Where a message lies, from where its recipients stand (spec §2). */
import { isPending, type Folder, type RecipientState } from '../../shared/mail.ts';

/**
 * Any pending: Outbox; else any bounced: Bounced; else any bad: Bad; else Sent. Those that were replaced decide nothing.
 * Deleted is the user's decision, not this one.
 */
export function folderOf(states: readonly RecipientState[]): Exclude<Folder, 'deleted'> {
  if (states.some(isPending)) return 'outbox';
  if (states.includes('bounced')) return 'bounced';
  if (states.includes('bad')) return 'bad';
  return 'sent';
}

/** Most urgent first: what the row of a message with several recipients shows. */
const URGENCY: readonly RecipientState[] = [
  'attempting',
  'deferred',
  'held',
  'queued',
  'bounced',
  'bad',
  'relayed',
  'delivered',
  'replaced',
];

/** The one state that stands for all recipients; a message without recipients counts as delivered. */
export function mostUrgentState(states: readonly RecipientState[]): RecipientState {
  return URGENCY.find((state) => states.includes(state)) ?? 'delivered';
}
