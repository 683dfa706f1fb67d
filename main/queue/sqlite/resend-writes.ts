/** A message sent again: the copy is made and the recipients that it replaces are closed, in one step. */
import type { RecipientDsn } from '../../../shared/mail.ts';
import { mailboxKey } from '../../message/address-parser.ts';
import { decideResend, replacedFacts } from '../../policy/user-actions.ts';
import type { NewRecipient, ResendAnswer } from '../queue-store.ts';
import type { MessageTables } from './message-tables.ts';
import type { Prepare, QueueReads } from './queue-reads.ts';
import type { EnvelopeColumns, RecipientColumns } from './queue-rows.ts';
import { STATE_CODES, parseJson, stateFrom, toEnvelope, toJson } from './queue-rows.ts';
import type { OpInput } from '../store-protocol.ts';
import type { TransactionEffects } from './transaction-effects.ts';

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

/** The change by which a message is sent again. */
export function createResendWrites(options: {
  readonly prepare: Prepare;
  readonly reads: QueueReads;
  readonly books: TransactionEffects;
  readonly messages: MessageTables;
}) {
  const { prepare, reads, books, messages } = options;

  function close(row: RecipientColumns, to: readonly string[], now: number): void {
    // The server's words and the attempts stay: they say why it was replaced.
    prepare(
      `UPDATE recipient SET state = ?, due_at = NULL, next_at = NULL, waits_for = NULL, forced_gateway = NULL,
        done_at = coalesce(done_at, ?), facts = ? WHERE id = ?`,
    ).run(STATE_CODES.replaced, now, toJson(replacedFacts(parseJson<unknown>(row.facts, null), to)), row.id);
  }

  return {
    resend({ resend, now, deletedAt }: OpInput<'resend'>): ResendAnswer {
      const { source, replaces, id, to } = resend;
      const message = reads.messageById(source);
      if (message === undefined) return { kind: 'gone' };
      const rows = reads.recipientsOf(message.seq);
      const decision = decideResend({
        recipients: rows.map((row) => ({
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
      const closed = rows.filter((row) => ids.has(row.id));
      const { dsn, body8bit, smtputf8, headerFrom, messageId } = toEnvelope(
        prepare('SELECT * FROM envelope WHERE seq = ?').get(message.seq) as EnvelopeColumns | undefined,
      );
      messages.insert(
        {
          ...{ id, acceptedAt: now, mailFrom: message.mail_from, recipients: recipientsFor(to, closed) },
          ...{ dsn, body8bit, smtputf8, subject: message.subject, headerFrom, messageId },
          origin: { kind: 'resent', from: source },
        },
        { kind: 'shared', body: message.body, size: message.size },
        now,
      );
      for (const row of closed) close(row, to, now);
      if (decision.emptied && message.deleted_at === null)
        prepare('UPDATE message SET deleted_at = ? WHERE seq = ?').run(deletedAt, message.seq);
      books.touch(message.seq);
      return { kind: 'done' };
    },
  };
}
