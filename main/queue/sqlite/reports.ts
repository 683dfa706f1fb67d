/** What senders are still to be told, and that they were. */
import type { RecipientDsn } from '../../../shared/mail.ts';
import { RECIPIENT_FACTOR } from '../migrations/schema.ts';
import type { Handlers, reports } from '../operations.ts';
import { parseJson, type RecipientColumns } from './queue-rows.ts';
import type { StoreContext } from './store-context.ts';

/** Carries out the operations for reports. */
export function reportHandlers({ prepare, rows, messages }: StoreContext): Handlers<typeof reports> {
  return {
    pendingReports(soon) {
      const pending = prepare(
        `SELECT id / ${RECIPIENT_FACTOR} AS seq, min(report_at) AS since FROM recipient WHERE report_at IS NOT NULL GROUP BY 1`,
      ).all() as { seq: number; since: number }[];
      return pending.flatMap(({ seq, since }) => {
        const message = rows.messageBySeq(seq);
        const others = prepare(
          `SELECT count(claimed_by) AS inFlight, coalesce(sum(due_at <= ?3), 0) AS dueSoon FROM recipient
           WHERE id >= ?1 AND id < ?2`,
        ).get(seq * RECIPIENT_FACTOR, (seq + 1) * RECIPIENT_FACTOR, soon) as { inFlight: number; dueSoon: number };
        return message === undefined ? [] : [{ id: message.id, since, ...others }];
      });
    },

    reportMatter(id) {
      const row = rows.messageById(id);
      if (row === undefined) return null;
      const told = prepare(
        'SELECT id, rcpt_to, dsn, report_at, report FROM recipient WHERE id >= ? AND id < ? AND report_at IS NOT NULL ORDER BY id',
      ).all(row.seq * RECIPIENT_FACTOR, (row.seq + 1) * RECIPIENT_FACTOR) as Pick<
        RecipientColumns,
        'id' | 'rcpt_to' | 'dsn' | 'report_at' | 'report'
      >[];
      if (told.length === 0) return null;
      const { accepted_at: acceptedAt, mail_from: mailFrom, size, subject } = row;
      return {
        message: { id, acceptedAt, mailFrom, size, dsn: rows.envelopeOf(row.seq).dsn, subject },
        recipients: told.map((one) => ({
          id: one.id,
          rcptTo: one.rcpt_to,
          dsn: parseJson<RecipientDsn>(one.dsn, {}),
          at: one.report_at ?? 0,
          facts: parseJson<unknown>(one.report, null),
        })),
      };
    },

    report({ message, bytes, told }) {
      const crossOff = prepare('UPDATE recipient SET report_at = NULL, report = NULL WHERE id = ? AND report_at = ?');
      const changes = told.reduce((sum, { recipient, at }) => sum + Number(crossOff.run(recipient, at).changes), 0);
      if (changes > 0) messages.insert(message, { kind: 'inline', bytes });
    },
  };
}
