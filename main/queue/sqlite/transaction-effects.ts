/**
 * What the changes of one transaction leave to be done at its end: rows of messages worked out anew from their recipients,
 * the activity of each minute, and what may only happen once all of it is safe.
 */
import { isPending } from '../../../shared/mail.ts';
import { folderOf, mostUrgentState } from '../../policy/folder.ts';
import type { Prepare } from './queue-reads.ts';
import type { MessageColumns, RecipientColumns } from './queue-rows.ts';
import { FOLDER_CODES, STATE_CODES, stateFrom } from './queue-rows.ts';
import { RECIPIENT_FACTOR } from '../migrations/schema.ts';

const ACTIVITY_KEPT_MS = 40 * 24 * 60 * 60 * 1000;

/** What is still to be written into a message's own row. */
export interface RowNews {
  attempts: number;
  via: string | null;
  words: string | null;
}

/** The books of one connection, which has one transaction at a time. */
export function createTransactionEffects(prepare: Prepare) {
  /** Messages whose row must be worked out anew from their recipients before the transaction ends. */
  const dirty = new Map<number, RowNews>();
  /** What the present transaction adds to the activity of each minute. */
  const activity = new Map<number, { accepted: number; delivered: number; deferred: number }>();
  /** To be done once the transaction is safe. */
  let afterCommit: (() => void)[] = [];

  function writeActivity(): void {
    for (const [minute, sum] of activity) {
      prepare(
        `INSERT INTO activity (minute, accepted, delivered, deferred) VALUES (?, ?, ?, ?) ON CONFLICT (minute) DO UPDATE SET
          accepted = accepted + excluded.accepted, delivered = delivered + excluded.delivered, deferred = deferred + excluded.deferred`,
      ).run(minute, sum.accepted, sum.delivered, sum.deferred);
    }
    activity.clear();
  }

  /** Works the message's own row out from its recipients (spec §2). */
  function refresh(seq: number, news: RowNews): void {
    const message = prepare('SELECT folder, seen, deleted_at FROM message WHERE seq = ?').get(seq) as
      Pick<MessageColumns, 'folder' | 'seen' | 'deleted_at'> | undefined;
    if (message === undefined) return;
    const rows = prepare(
      'SELECT state, next_at, done_at, claimed_by, unknown_outcomes FROM recipient WHERE id >= ? AND id < ? ORDER BY id',
    ).all(seq * RECIPIENT_FACTOR, (seq + 1) * RECIPIENT_FACTOR) as Pick<
      RecipientColumns,
      'state' | 'next_at' | 'done_at' | 'claimed_by' | 'unknown_outcomes'
    >[];
    const states = rows.map((row) => stateFrom(row.state));
    const folder = message.deleted_at === null ? folderOf(states) : 'deleted';
    const pending = rows.filter((row) => isPending(stateFrom(row.state)));
    // In Deleted nothing is tried, whatever time it would have.
    const due = message.deleted_at === null ? pending : [];
    const times = due.flatMap((row) => (row.claimed_by === null && row.next_at !== null ? [row.next_at] : []));
    const finished = pending.length > 0 ? null : Math.max(...rows.map((row) => row.done_at ?? 0));
    // Whom the user replaced is dealt with: what is shown of the others must not hang on that one.
    const doubted = rows.some((row) => row.unknown_outcomes !== null && stateFrom(row.state) !== 'replaced');
    // Failed mail is news even if the message was looked at while it waited.
    const isNews =
      FOLDER_CODES[folder] !== message.folder &&
      (folder === 'bad' || folder === 'bounced') &&
      message.folder !== FOLDER_CODES.deleted;
    prepare(
      `UPDATE message SET folder = ?, state = ?, next_at = ?, finished_at = ?, seen = ?, attempts = attempts + ?,
        via = coalesce(?, via), last_words = coalesce(?, last_words), may_have_arrived = ? WHERE seq = ?`,
    ).run(
      FOLDER_CODES[folder],
      STATE_CODES[mostUrgentState(states)],
      times.length === 0 ? null : Math.min(...times),
      finished,
      isNews ? 0 : message.seen,
      news.attempts,
      news.via,
      news.words,
      doubted ? 1 : 0,
      seq,
    );
  }

  return {
    /** The row of this message has to be brought up to date; what is known besides goes into the answer. */
    touch(seq: number): RowNews {
      const known = dirty.get(seq);
      if (known !== undefined) return known;
      const news: RowNews = { attempts: 0, via: null, words: null };
      dirty.set(seq, news);
      return news;
    },

    /** Adds to the activity of the minute of `now` (ms). */
    countActivity(now: number, accepted: number, delivered: number, deferred: number): void {
      const minute = Math.floor(now / 60_000);
      const sum = activity.get(minute) ?? { accepted: 0, delivered: 0, deferred: 0 };
      sum.accepted += accepted;
      sum.delivered += delivered;
      sum.deferred += deferred;
      activity.set(minute, sum);
    },

    /** Activity from before what the window can show, counted from the newest minute there is. */
    forgetOldActivity(): void {
      const newest = prepare('SELECT max(minute) AS minute FROM activity').get() as { minute: number | null };
      if (newest.minute !== null) {
        prepare('DELETE FROM activity WHERE minute < ?').run(newest.minute - ACTIVITY_KEPT_MS / 60_000);
      }
    },

    /** `run` is called once the transaction is safe, and never if it is not. */
    onCommit(run: () => void): void {
      afterCommit.push(run);
    },

    /** Ends a transaction's books: brings message rows up to date. To be called before COMMIT. */
    apply(): void {
      for (const [seq, news] of dirty) refresh(seq, news);
      dirty.clear();
      writeActivity();
    },

    /** To be called after COMMIT. */
    committed(): void {
      const todo = afterCommit;
      afterCommit = [];
      for (const run of todo) run();
    },

    /** To be called after ROLLBACK: nothing of it counts. */
    rolledBack(): void {
      afterCommit = [];
      dirty.clear();
      activity.clear();
    },
  };
}
export type TransactionEffects = ReturnType<typeof createTransactionEffects>;
