/** When recipients are tried: at once, because something woke them, or no later than the clock allows. */
import { resetUnknownCounts } from '../../policy/unknown-outcome.ts';
import { decideAction } from '../../policy/user-actions.ts';
import type { ActionDone } from '../queue-store.ts';
import type { Prepare, QueueReads } from './queue-reads.ts';
import type { RecipientColumns } from './queue-rows.ts';
import { STATE_CODES, seqOfRecipient, stateFrom, unknownOutcomesFrom, unknownOutcomesText } from './queue-rows.ts';
import type { OpInput } from '../store-protocol.ts';
import type { TransactionEffects } from './transaction-effects.ts';

/** Changes to the times at which recipients that wait are due. */
export function createScheduleWrites(options: {
  readonly prepare: Prepare;
  readonly reads: QueueReads;
  readonly books: TransactionEffects;
}) {
  const { prepare, reads, books } = options;

  function setSchedule(row: RecipientColumns, dueAt: number): void {
    prepare('UPDATE recipient SET due_at = ?, next_at = ?, waits_for = NULL WHERE id = ?').run(dueAt, dueAt, row.id);
    books.touch(seqOfRecipient(row.id));
  }

  /** The user asks for this one: no hop is left out of it any more (spec §3.2). */
  function doubtsOfOldTries(row: RecipientColumns): string | null {
    return unknownOutcomesText(resetUnknownCounts(unknownOutcomesFrom(row.unknown_outcomes)));
  }

  function tryAt(row: RecipientColumns, now: number, forcedGateway: string | null): void {
    setSchedule(row, now);
    prepare('UPDATE recipient SET forced_gateway = ?, unknown_outcomes = ? WHERE id = ?').run(
      forcedGateway,
      doubtsOfOldTries(row),
      row.id,
    );
  }

  /** One that was given up, as if it were new. */
  function tryAfresh(row: RecipientColumns, now: number, forcedGateway: string | null): void {
    prepare(
      `UPDATE recipient SET state = ?1, due_at = ?2, next_at = ?2, counted_from = ?2, attempts = 0, retry_index = 0,
        gateway_passes = 0, undeliverable = 0, delay_sent = 0, report_at = NULL, report = NULL, last_counted_at = NULL, done_at = NULL, waits_for = NULL,
        forced_gateway = ?3, unknown_outcomes = ?5 WHERE id = ?4`,
    ).run(STATE_CODES.queued, now, forcedGateway, row.id, doubtsOfOldTries(row));
    books.touch(seqOfRecipient(row.id));
  }

  return {
    wakeDue({ waitsFor, now, limit }: OpInput<'wakeDue'>): number {
      const rows =
        waitsFor === null
          ? prepare('SELECT * FROM recipient WHERE due_at > ? ORDER BY due_at LIMIT ?').all(now, limit)
          : prepare('SELECT * FROM recipient WHERE waits_for = ? AND due_at IS NOT NULL LIMIT ?').all(waitsFor, limit);
      for (const row of rows as RecipientColumns[]) setSchedule(row, now);
      return rows.length;
    },

    retry({ seqs, forcedGateway, now }: OpInput<'retry'>): ActionDone {
      let count = 0;
      let sending = 0;
      for (const seq of seqs) {
        const message = reads.messageBySeq(seq);
        if (message === undefined) continue;
        const rows = reads.recipientsOf(seq);
        const decision = decideAction('retry', {
          deleted: message.deleted_at !== null,
          states: rows.map((row) => stateFrom(row.state)),
        });
        if (decision.kind === 'waits') sending += 1;
        if (decision.kind !== 'done') continue;
        rows.forEach((row, i) => {
          const effect = decision.effects[i];
          if (effect === 'due') tryAt(row, now, forcedGateway);
          else if (effect === 'as-new') tryAfresh(row, now, forcedGateway);
        });
        count += 1;
      }
      return { count, sending };
    },

    clampNextAt({ latest, limit }: OpInput<'clampNextAt'>): number {
      const rows = prepare('SELECT * FROM recipient WHERE due_at > ? ORDER BY due_at LIMIT ?').all(
        latest,
        limit,
      ) as RecipientColumns[];
      for (const row of rows) {
        prepare('UPDATE recipient SET due_at = ?1, next_at = ?1 WHERE id = ?2').run(latest, row.id);
        books.touch(seqOfRecipient(row.id));
      }
      return rows.length;
    },
  };
}
