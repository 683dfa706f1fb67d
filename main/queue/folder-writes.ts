/** What users and time do to mail in its folders: moved, looked at, removed. */
import { isPending } from '../../shared/mail.ts';
import type { MessageTables } from './message-tables.ts';
import type { Prepare, QueueReads } from './queue-reads.ts';
import type { MessageColumns } from './queue-rows.ts';
import { FOLDER_CODES, stateFrom } from './queue-rows.ts';
import { NEVER, RECIPIENT_FACTOR } from './schema.ts';
import type { OpInput } from './store-protocol.ts';
import type { TransactionBooks } from './transaction-books.ts';

/** Its sender has nothing to be told any more: what is still to be reported is made of the message. */
const ALL_TOLD = `NOT EXISTS (SELECT 1 FROM recipient WHERE report_at IS NOT NULL
  AND recipient.id >= message.seq * ${RECIPIENT_FACTOR} AND recipient.id < (message.seq + 1) * ${RECIPIENT_FACTOR})`;

/** Changes to where stored mail is shown, and whether it is kept. */
export function createFolderWrites(options: {
  readonly prepare: Prepare;
  readonly reads: QueueReads;
  readonly books: TransactionBooks;
  readonly messages: MessageTables;
  /** Called with each expiry: what is kept besides mail has its bounds too. */
  readonly trimInvalidAddresses: () => void;
}) {
  const { prepare, reads, books, messages, trimInvalidAddresses } = options;

  return {
    move({ seqs, to, now }: OpInput<'move'>): number {
      let count = 0;
      for (const seq of seqs) {
        const message = reads.messageBySeq(seq);
        if (message === undefined || (message.deleted_at === null) === (to === 'back')) continue;
        prepare('UPDATE message SET deleted_at = ? WHERE seq = ?').run(to === 'deleted' ? now : null, seq);
        for (const row of reads.recipientsOf(seq)) {
          const state = stateFrom(row.state);
          if (!isPending(state) || state === 'attempting') continue;
          prepare('UPDATE recipient SET due_at = ? WHERE id = ?').run(
            to === 'deleted' ? null : (row.next_at ?? NEVER),
            row.id,
          );
        }
        books.touch(seq);
        count += 1;
      }
      return count;
    },

    purge({ seqs }: OpInput<'purge'>): number {
      let count = 0;
      for (const seq of seqs) {
        const message = reads.messageBySeq(seq);
        if (message === undefined || message.deleted_at === null) continue;
        messages.remove(message);
        count += 1;
      }
      return count;
    },

    markSeen({ seqs }: OpInput<'markSeen'>): number {
      let count = 0;
      for (const seq of seqs)
        count += Number(prepare('UPDATE message SET seen = 1 WHERE seq = ? AND seen = 0').run(seq).changes);
      return count;
    },

    expireKept({ sentBefore, deletedBefore, limit }: OpInput<'expireKept'>): number {
      const sent =
        sentBefore === null
          ? []
          : prepare(`SELECT * FROM message WHERE finished_at < ? AND folder = ? AND ${ALL_TOLD} LIMIT ?`).all(
              sentBefore,
              FOLDER_CODES.sent,
              limit,
            );
      const deleted =
        deletedBefore === null
          ? []
          : prepare(`SELECT * FROM message WHERE deleted_at < ? AND ${ALL_TOLD} LIMIT ?`).all(deletedBefore, limit);
      const rows = [...sent, ...deleted].slice(0, limit) as MessageColumns[];
      for (const row of rows) messages.remove(row);
      books.forgetOldActivity();
      trimInvalidAddresses();
      return rows.length;
    },
  };
}
