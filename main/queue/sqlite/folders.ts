/** What users and time do to mail in its folders: selected, moved, looked at, sent again, removed. */
import { decideAction, type Effect } from '../../policy/user-actions.ts';
import { NEVER, RECIPIENT_FACTOR } from '../migrations/schema.ts';
import type { Handlers, folders } from '../operations.ts';
import { trimInvalidAddresses } from './memory.ts';
import type { MessageColumns, RecipientColumns } from './queue-rows.ts';
import { FOLDER_CODES, stateFrom } from './queue-rows.ts';
import { resend } from './resend.ts';
import type { StoreContext } from './store-context.ts';
import { pageKeys } from './views.ts';

/** Nothing is left to be reported to its sender: a report is made of the message. */
const NOTHING_TO_REPORT = `NOT EXISTS (SELECT 1 FROM recipient WHERE report_at IS NOT NULL
  AND recipient.id >= message.seq * ${RECIPIENT_FACTOR} AND recipient.id < (message.seq + 1) * ${RECIPIENT_FACTOR})`;

/** As the table of user actions has it for what expires: what is with a server stays (Sent holds nothing that is). */
const NOT_SENDING = `seq NOT IN (SELECT id / ${RECIPIENT_FACTOR} FROM recipient WHERE claimed_by IS NOT NULL)`;

/** Carries out the operations on folders. */
export function folderHandlers(context: StoreContext): Handlers<typeof folders> {
  const { prepare, rows, effects, messages } = context;
  return {
    move(seqs, to, at) {
      let count = 0;
      const sending: string[] = [];
      for (const seq of seqs) {
        const message = rows.messageBySeq(seq);
        if (message === undefined) continue;
        const recipients = rows.recipientsOf(seq);
        const states = recipients.map((row) => stateFrom(row.state));
        const deleted = message.deleted_at !== null;
        const decision = decideAction(to === 'deleted' ? 'delete' : 'restore', { deleted, states });
        if (decision.kind !== 'done') continue;
        prepare('UPDATE message SET deleted_at = ? WHERE seq = ?').run(to === 'deleted' ? at : null, seq);
        recipients.forEach((row, i) => {
          const due = dueAfter(decision.effects[i], row);
          if (due !== undefined) prepare('UPDATE recipient SET due_at = ? WHERE id = ?').run(due, row.id);
        });
        effects.messageChanged(seq);
        count += 1;
        if (states.includes('attempting')) sending.push(message.id);
      }
      return { count, sending };
    },

    purge(seqs) {
      let count = 0;
      let sending = 0;
      for (const seq of seqs) {
        const message = rows.messageBySeq(seq);
        if (message === undefined) continue;
        const states = rows.recipientsOf(seq).map((row) => stateFrom(row.state));
        const decision = decideAction('purge', { deleted: message.deleted_at !== null, states });
        if (decision.kind === 'waits') sending += 1;
        if (decision.kind !== 'done') continue;
        messages.remove(message);
        count += 1;
      }
      return { count, sending };
    },

    markSeen(seqs) {
      const update = prepare('UPDATE message SET seen = 1 WHERE seq = ? AND seen = 0');
      return seqs.reduce((count, seq) => count + Number(update.run(seq).changes), 0);
    },

    expireKept(limit, { sentBefore, deletedBefore }) {
      const expired = expiredMessages(context, limit, sentBefore, deletedBefore);
      for (const row of expired) messages.remove(row);
      effects.forgetOldActivity();
      trimInvalidAddresses(prepare);
      return expired.length;
    },

    resend: (request, deletedAt) => resend(context, request, deletedAt),

    select(selection) {
      if ('ids' in selection) return selection.ids.flatMap((id) => rows.seqOf(id) ?? []);
      if ('deletedFrom' in selection) {
        const found = prepare('SELECT seq FROM message WHERE deleted_at >= ? AND deleted_at <= ? ORDER BY seq').all(
          selection.deletedFrom,
          selection.deletedTo,
        ) as { seq: number }[];
        return found.map((row) => row.seq);
      }
      const { keys } = pageKeys(prepare, { ...selection, sort: 'age', descending: false }, -1, 0);
      if (selection.except.length === 0) return keys;
      const except = new Set(selection.except.map((id) => rows.seqOf(id)));
      return keys.filter((seq) => !except.has(seq));
    },
  };
}

/** When a recipient that is suspended, or resumed, is due; undefined = its time is not touched. */
function dueAfter(effect: Effect | undefined, row: RecipientColumns): number | null | undefined {
  if (effect === 'suspend') return null;
  return effect === 'resume' ? (row.next_at ?? NEVER) : undefined;
}

function expiredMessages(
  { prepare }: StoreContext,
  limit: number,
  sentBefore: number | null,
  deletedBefore: number | null,
): readonly MessageColumns[] {
  const sent =
    sentBefore === null
      ? []
      : prepare(`SELECT * FROM message WHERE finished_at < ? AND folder = ? AND ${NOTHING_TO_REPORT} LIMIT ?`).all(
          sentBefore,
          FOLDER_CODES.sent,
          limit,
        );
  const deleted =
    deletedBefore === null
      ? []
      : prepare(`SELECT * FROM message WHERE deleted_at < ? AND ${NOTHING_TO_REPORT} AND ${NOT_SENDING} LIMIT ?`).all(
          deletedBefore,
          limit,
        );
  return [...sent, ...deleted].slice(0, limit) as MessageColumns[];
}
