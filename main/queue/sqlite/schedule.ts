/** When recipients are tried: claimed because they are due, made due because something woke them, or no later than the clock allows. */
import { resetUnknownCounts } from '../../policy/unknown-outcome.ts';
import { decideAction } from '../../policy/user-actions.ts';
import { INLINE_BYTES, NEVER } from '../migrations/schema.ts';
import type { Handlers, schedule } from '../operations.ts';
import type { ClaimedMessage } from '../queue-store.ts';
import { dueRecipients } from './due-recipients.ts';
import type { MessageColumns, RecipientColumns } from './queue-rows.ts';
import {
  STATE_CODES,
  seqOfRecipient,
  stateFrom,
  toClaimedRecipient,
  unknownOutcomesFrom,
  unknownOutcomesText,
} from './queue-rows.ts';
import type { StoreContext } from './store-context.ts';
import { chunkOf } from './views.ts';

/** Carries out the operations that decide when recipients are tried. */
export function scheduleHandlers(context: StoreContext): Handlers<typeof schedule> {
  const { prepare, rows, effects } = context;
  return {
    claimDue({ now, limit, skipDomains }, except) {
      const bySeq = new Map<number, number[]>();
      for (const id of dueRecipients(prepare, now, limit, skipDomains)) {
        if (except.includes(id)) continue;
        const seq = seqOfRecipient(id);
        bySeq.set(seq, [...(bySeq.get(seq) ?? []), id]);
      }
      return [...bySeq].flatMap(([seq, ids]) => {
        const message = rows.messageBySeq(seq);
        return message === undefined ? [] : [claim(context, message, ids, now)];
      });
    },

    nextDueAt() {
      const { due } = prepare('SELECT min(due_at) AS due FROM recipient WHERE due_at IS NOT NULL').get() as {
        due: number | null;
      };
      return due === null || due >= NEVER ? null : due;
    },

    wake(limit, filter, now) {
      const due =
        filter.kind === 'all'
          ? prepare('SELECT * FROM recipient WHERE due_at > ? ORDER BY due_at LIMIT ?').all(now, limit)
          : prepare('SELECT * FROM recipient WHERE waits_for = ? AND due_at IS NOT NULL LIMIT ?').all(
              filter.waitsFor,
              limit,
            );
      for (const row of due as RecipientColumns[]) setDue(context, row, now);
      return due.length;
    },

    clampNextAt(limit, latest) {
      const late = prepare('SELECT * FROM recipient WHERE due_at > ? ORDER BY due_at LIMIT ?').all(
        latest,
        limit,
      ) as RecipientColumns[];
      for (const row of late) {
        prepare('UPDATE recipient SET due_at = ?1, next_at = ?1 WHERE id = ?2').run(latest, row.id);
        effects.messageChanged(seqOfRecipient(row.id));
      }
      return late.length;
    },

    retry(seqs, forcedGateway, now) {
      let count = 0;
      let sending = 0;
      for (const seq of seqs) {
        const message = rows.messageBySeq(seq);
        if (message === undefined) continue;
        const recipients = rows.recipientsOf(seq);
        const decision = decideAction('retry', {
          deleted: message.deleted_at !== null,
          states: recipients.map((row) => stateFrom(row.state)),
        });
        if (decision.kind === 'waits') sending += 1;
        if (decision.kind !== 'done') continue;
        recipients.forEach((row, i) => {
          const effect = decision.effects[i];
          if (effect === 'due') retryWaiting(context, row, now, forcedGateway);
          else if (effect === 'as-new') retryFailed(context, row, now, forcedGateway);
        });
        count += 1;
      }
      return { count, sending };
    },
  };
}

/** Marks these recipients of a message as being tried. */
function claim(
  { prepare, rows, effects, runId }: StoreContext,
  message: MessageColumns,
  ids: readonly number[],
  now: number,
): ClaimedMessage {
  const update = prepare('UPDATE recipient SET state = ?, due_at = NULL, claimed_by = ?, claimed_at = ? WHERE id = ?');
  const recipients = ids.flatMap((id) => {
    const row = rows.recipientById(id);
    if (row === undefined) return [];
    update.run(STATE_CODES.attempting, runId, now, id);
    return [toClaimedRecipient(row, message.accepted_at)];
  });
  const change = effects.messageChanged(message.seq);
  change.attempts += 1;
  const { dsn, body8bit, smtputf8, origin } = rows.envelopeOf(message.seq);
  return {
    ...{ id: message.id, acceptedAt: message.accepted_at, mailFrom: message.mail_from, size: message.size },
    ...{ dsn, body8bit, smtputf8, origin, recipients },
    attempt: message.attempts + change.attempts,
    ...octetsOf(prepare, message),
  };
}

/** Of a small message: fetched now, they need no second question. */
function octetsOf(prepare: StoreContext['prepare'], message: MessageColumns): Pick<ClaimedMessage, 'bytes'> {
  if (message.size > INLINE_BYTES) return {};
  const bytes = chunkOf(prepare, message.body, 0);
  return bytes.byteLength === message.size ? { bytes } : {};
}

function setDue({ prepare, effects }: StoreContext, row: RecipientColumns, dueAt: number): void {
  prepare('UPDATE recipient SET due_at = ?, next_at = ?, waits_for = NULL WHERE id = ?').run(dueAt, dueAt, row.id);
  effects.messageChanged(seqOfRecipient(row.id));
}

/** The user asks for this one: no hop is left out of it any more (spec §3.2). */
function outcomesAskedAgain(row: RecipientColumns): string | null {
  return unknownOutcomesText(resetUnknownCounts(unknownOutcomesFrom(row.unknown_outcomes)));
}

function retryWaiting(context: StoreContext, row: RecipientColumns, now: number, forcedGateway: string | null): void {
  setDue(context, row, now);
  context
    .prepare('UPDATE recipient SET forced_gateway = ?, unknown_outcomes = ? WHERE id = ?')
    .run(forcedGateway, outcomesAskedAgain(row), row.id);
}

/** One that was given up, as if it were new. */
function retryFailed(
  { prepare, effects }: StoreContext,
  row: RecipientColumns,
  now: number,
  forcedGateway: string | null,
): void {
  prepare(
    `UPDATE recipient SET state = ?1, due_at = ?2, next_at = ?2, counted_from = ?2, attempts = 0, retry_index = 0,
      gateway_passes = 0, undeliverable = 0, delay_sent = 0, report_at = NULL, report = NULL, last_counted_at = NULL, done_at = NULL, waits_for = NULL,
      forced_gateway = ?3, unknown_outcomes = ?5 WHERE id = ?4`,
  ).run(STATE_CODES.queued, now, forcedGateway, row.id, outcomesAskedAgain(row));
  effects.messageChanged(seqOfRecipient(row.id));
}
