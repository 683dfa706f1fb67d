/** A message sent again: the copy is made and the recipients that it replaces are closed, in one step. */
import type { RecipientDsn } from '../../../shared/mail.ts';
import { mailboxKey } from '../../message/address-parser.ts';
import { decideResend, replacedFacts } from '../../policy/user-actions.ts';
import type { NewRecipient, Resend, ResendAnswer } from '../queue-store.ts';
import type { RecipientColumns } from './queue-rows.ts';
import { STATE_CODES, parseJson, stateFrom, toJson } from './queue-rows.ts';
import type { StoreContext } from './store-context.ts';

/**
 * RFC 5321 §2.4 lets a host tell `Bob@` from `bob@`. Hardly one does, and whoever types the other spelling means the same
 * person, who must not get it twice.
 */
function mailboxOf(address: string): string {
  return mailboxKey(address).toLowerCase();
}

/**
 * What the sender asked to be told of those who are replaced holds for their replacements, if it is the same for all; the
 * original address (ORCPT) does not.
 */
function recipientsFor(to: readonly string[], closed: readonly RecipientColumns[]): readonly NewRecipient[] {
  const asked = closed.map((row) => parseJson<RecipientDsn>(row.dsn, {}).notify);
  const [notify] = asked;
  const agreed = notify !== undefined && asked.every((other) => JSON.stringify(other) === JSON.stringify(notify));
  return to.map((rcptTo) => ({ rcptTo, dsn: agreed ? { notify } : {} }));
}

/** The server's words and the attempts stay: they say why the recipient was replaced. */
function close({ prepare, now }: StoreContext, row: RecipientColumns, to: readonly string[]): void {
  prepare(
    `UPDATE recipient SET state = ?, due_at = NULL, next_at = NULL, waits_for = NULL, forced_gateway = NULL,
      done_at = coalesce(done_at, ?), facts = ? WHERE id = ?`,
  ).run(STATE_CODES.replaced, now(), toJson(replacedFacts(parseJson<unknown>(row.facts, null), to)), row.id);
}

/** Sends a message again. `deletedAt`: the moment under which the source lies in Deleted if nothing is left of it to be done. */
export function resend(context: StoreContext, { source, replaces, id, to }: Resend, deletedAt: number): ResendAnswer {
  const { prepare, rows, messages, effects, now } = context;
  const message = rows.messageById(source);
  if (message === undefined) return { kind: 'not-found' };
  const recipients = rows.recipientsOf(message.seq);
  const decision = decideResend({
    recipients: recipients.map((row) => ({
      id: row.id,
      rcptTo: row.rcpt_to,
      mailbox: mailboxOf(row.rcpt_to),
      state: stateFrom(row.state),
    })),
    replaces,
    mailboxes: to.map(mailboxOf),
  });
  if (decision.kind === 'refused') return decision;
  const ids = new Set(decision.close);
  const closed = recipients.filter((row) => ids.has(row.id));
  const { dsn, body8bit, smtputf8, headerFrom, messageId } = rows.envelopeOf(message.seq);
  messages.insert(
    {
      ...{ id, acceptedAt: now(), mailFrom: message.mail_from, recipients: recipientsFor(to, closed) },
      ...{ dsn, body8bit, smtputf8, subject: message.subject, headerFrom, messageId },
      origin: { kind: 'resent', from: source },
    },
    { kind: 'shared', body: message.body, size: message.size },
  );
  for (const row of closed) close(context, row, to);
  if (decision.emptied && message.deleted_at === null)
    prepare('UPDATE message SET deleted_at = ? WHERE seq = ?').run(deletedAt, message.seq);
  effects.messageChanged(message.seq);
  return { kind: 'done' };
}
