/** What users and time do to mail in its folders: moved, looked at, removed. */
import { decideAction, type Effect } from '../../policy/user-actions.ts';
import type { ActionDone } from '../queue-store.ts';
import type { MessageTables } from './message-tables.ts';
import type { Prepare, QueueReads } from './queue-reads.ts';
import type { MessageColumns, RecipientColumns } from './queue-rows.ts';
import { FOLDER_CODES, stateFrom } from './queue-rows.ts';
import { NEVER, RECIPIENT_FACTOR } from '../migrations/schema.ts';
import type { OpInput, OpOutput } from '../store-protocol.ts';
import type { TransactionEffects } from './transaction-effects.ts';

/** Its sender has nothing to be told any more: what is still to be reported is made of the message. */
const ALL_TOLD = `NOT EXISTS (SELECT 1 FROM recipient WHERE report_at IS NOT NULL
  AND recipient.id >= message.seq * ${RECIPIENT_FACTOR} AND recipient.id < (message.seq + 1) * ${RECIPIENT_FACTOR})`;

/** As the table of user actions has it for what expires: what is with a server stays (Sent holds nothing that is). */
const NOT_SENDING = `seq NOT IN (SELECT id / ${RECIPIENT_FACTOR} FROM recipient WHERE claimed_by IS NOT NULL)`;

/** Changes to where stored mail is shown, and whether it is kept. */
export function createFolderWrites(options: {
  readonly prepare: Prepare;
  readonly reads: QueueReads;
  readonly books: TransactionEffects;
  readonly messages: MessageTables;
  /** Called with each expiry: what is kept besides mail has its bounds too. */
  readonly trimInvalidAddresses: () => void;
}) {
  const { prepare, reads, books, messages, trimInvalidAddresses } = options;

  /** When a recipient that rests, or is due again, is due; undefined = its time is not touched. */
  function dueAfter(effect: Effect | undefined, row: RecipientColumns): number | null | undefined {
    if (effect === 'suspend') return null;
    return effect === 'resume' ? (row.next_at ?? NEVER) : undefined;
  }

  return {
    move({ seqs, to, at }: OpInput<'move'>): OpOutput<'move'> {
      let count = 0;
      const flying: string[] = [];
      for (const seq of seqs) {
        const message = reads.messageBySeq(seq);
        if (message === undefined) continue;
        const rows = reads.recipientsOf(seq);
        const states = rows.map((row) => stateFrom(row.state));
        const decision = decideAction(to === 'deleted' ? 'delete' : 'restore', {
          deleted: message.deleted_at !== null,
          states,
        });
        if (decision.kind !== 'done') continue;
        prepare('UPDATE message SET deleted_at = ? WHERE seq = ?').run(to === 'deleted' ? at : null, seq);
        rows.forEach((row, i) => {
          const due = dueAfter(decision.effects[i], row);
          if (due !== undefined) prepare('UPDATE recipient SET due_at = ? WHERE id = ?').run(due, row.id);
        });
        books.touch(seq);
        count += 1;
        if (states.includes('attempting')) flying.push(message.id);
      }
      return { count, flying };
    },

    purge({ seqs }: OpInput<'purge'>): ActionDone {
      let count = 0;
      let sending = 0;
      for (const seq of seqs) {
        const message = reads.messageBySeq(seq);
        if (message === undefined) continue;
        const states = reads.recipientsOf(seq).map((row) => stateFrom(row.state));
        const decision = decideAction('purge', { deleted: message.deleted_at !== null, states });
        if (decision.kind === 'waits') sending += 1;
        if (decision.kind !== 'done') continue;
        messages.remove(message);
        count += 1;
      }
      return { count, sending };
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
          : prepare(`SELECT * FROM message WHERE deleted_at < ? AND ${ALL_TOLD} AND ${NOT_SENDING} LIMIT ?`).all(
              deletedBefore,
              limit,
            );
      const rows = [...sent, ...deleted].slice(0, limit) as MessageColumns[];
      for (const row of rows) messages.remove(row);
      books.forgetOldActivity();
      trimInvalidAddresses();
      return rows.length;
    },
  };
}
