/** Which recipients of one message share a transaction on a hop (standards 47, 37). */
import type { RecipientDsn } from '../../shared/mail.ts';

/** Most recipients in one transaction: what every server has to take (RFC 5321 §4.5.3.1.8). */
export const MAX_RECIPIENTS = 100;

/**
 * Splits recipients into transactions, in their order. Recipients that ask for different DSN parameters are kept apart
 * where the hop takes such parameters: the SMTP client sends one set for all (standards N1).
 * @param dsnOffered whether the hop offers DSN; without it no parameters are sent, and nothing has to be kept apart
 */
export function groupRecipients<R extends { readonly dsn: RecipientDsn }>(
  recipients: readonly R[],
  dsnOffered: boolean,
  most = MAX_RECIPIENTS,
): readonly (readonly R[])[] {
  const open = new Map<string, R[]>();
  const groups: R[][] = [];
  for (const recipient of recipients) {
    const key = dsnOffered
      ? JSON.stringify([[...(recipient.dsn.notify ?? [])].sort(), recipient.dsn.orcpt ?? null])
      : '';
    const group = open.get(key);
    if (group !== undefined && group.length < most) group.push(recipient);
    else {
      const fresh = [recipient];
      groups.push(fresh);
      open.set(key, fresh);
    }
  }
  return groups;
}
