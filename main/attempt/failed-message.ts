/** What the user is told when a message failed. Pure. */
import { failedFolder } from '../policy/bounce-decision.ts';
import type { ConcludedRecipient } from './conclude.ts';

/** A message that went to Bad or Bounced just now, for a notification. */
export interface FailedMessage {
  readonly id: string;
  readonly folder: 'bad' | 'bounced';
  readonly subject: string;
  /** First recipient that failed. */
  readonly to: string;
  /** Some recipient that failed may have got it all the same (spec §2). */
  readonly mayHaveArrived: boolean;
  /** The server's words, one line, or null. */
  readonly words: string | null;
}

/**
 * One notification for all recipients that failed in an attempt; null if none did.
 * @param concluded recipients of the message in the order of their conclusion
 */
export function failedMessage(
  message: { readonly id: string; readonly mailFrom: string | null; readonly subject: string },
  concluded: readonly ConcludedRecipient[],
): FailedMessage | null {
  const failed = concluded.filter(({ decision }) => decision.kind === 'fail');
  const [first] = failed;
  if (first?.decision.kind !== 'fail') return null;
  const { reply } = first.verdict;
  return {
    id: message.id,
    folder: failedFolder(first.decision.folder, message.mailFrom),
    subject: message.subject,
    to: first.recipient.rcptTo,
    mayHaveArrived: failed.some(({ unknownOutcomes }) => unknownOutcomes.length > 0),
    words: reply === undefined ? null : `${reply.code} ${reply.text.replaceAll('\n', ' ')}`,
  };
}
