/**
 * What the changes of one transaction leave to be done at its end: rows of messages worked out anew from their recipients,
 * the activity of each minute, and what may only happen once the transaction is committed.
 */
import { isPending } from '../../../shared/mail.ts';
import { folderOf, mostUrgentState } from '../../policy/folder.ts';
import { RECIPIENT_FACTOR } from '../migrations/schema.ts';
import type { MessageColumns, RecipientColumns } from './queue-rows.ts';
import { FOLDER_CODES, STATE_CODES, stateFrom } from './queue-rows.ts';
import type { Prepare } from './store-context.ts';

const ACTIVITY_KEPT_MS = 40 * 24 * 60 * 60 * 1000;

/** What is to be written into a message's own row besides what follows from its recipients. */
export interface MessageChange {
  /** Attempts to add. */
  attempts: number;
  /** Null: stays as it is. */
  via: string | null;
  /** Null: stay as they are. */
  lastWords: string | null;
}

interface MinuteOfActivity {
  accepted: number;
  delivered: number;
  deferred: number;
}

/** The effects on one connection, which has one transaction at a time. */
export function createTransactionEffects(prepare: Prepare) {
  /** Messages whose row must be worked out anew before the transaction ends. */
  const changes = new Map<number, MessageChange>();
  /** What the transaction adds to the activity of each minute. */
  const activity = new Map<number, MinuteOfActivity>();
  let afterCommit: (() => void)[] = [];

  return {
    /** The row of this message has to be brought up to date; the caller adds what is known besides. */
    messageChanged(seq: number): MessageChange {
      const known = changes.get(seq);
      if (known !== undefined) return known;
      const change: MessageChange = { attempts: 0, via: null, lastWords: null };
      changes.set(seq, change);
      return change;
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

    /** Removes activity from before what the window can show, counted from the newest minute there is. */
    forgetOldActivity(): void {
      const newest = prepare('SELECT max(minute) AS minute FROM activity').get() as { minute: number | null };
      if (newest.minute !== null) {
        prepare('DELETE FROM activity WHERE minute < ?').run(newest.minute - ACTIVITY_KEPT_MS / 60_000);
      }
    },

    /** `run` is called after COMMIT, and never if the transaction is rolled back. */
    onCommit(run: () => void): void {
      afterCommit.push(run);
    },

    /** Writes what is left to be done. To be called before COMMIT. */
    apply(): void {
      for (const [seq, change] of changes) updateMessage(prepare, seq, change);
      changes.clear();
      writeActivity(prepare, activity);
      activity.clear();
    },

    /** To be called after COMMIT. */
    committed(): void {
      const todo = afterCommit;
      afterCommit = [];
      for (const run of todo) run();
    },

    /** To be called after ROLLBACK: everything is forgotten. */
    rolledBack(): void {
      afterCommit = [];
      changes.clear();
      activity.clear();
    },
  };
}
export type TransactionEffects = ReturnType<typeof createTransactionEffects>;

function writeActivity(prepare: Prepare, activity: ReadonlyMap<number, MinuteOfActivity>): void {
  for (const [minute, sum] of activity) {
    prepare(
      `INSERT INTO activity (minute, accepted, delivered, deferred) VALUES (?, ?, ?, ?) ON CONFLICT (minute) DO UPDATE SET
        accepted = accepted + excluded.accepted, delivered = delivered + excluded.delivered, deferred = deferred + excluded.deferred`,
    ).run(minute, sum.accepted, sum.delivered, sum.deferred);
  }
}

/** Works the message's own row out from its recipients (spec §2). */
function updateMessage(prepare: Prepare, seq: number, change: MessageChange): void {
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
  // A recipient that the user replaced is dealt with: what is shown of the others must not depend on it.
  const mayHaveArrived = rows.some((row) => row.unknown_outcomes !== null && stateFrom(row.state) !== 'replaced');
  // Failed mail is unseen again even if the message was looked at while it waited.
  const hasFailed =
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
    hasFailed ? 0 : message.seen,
    change.attempts,
    change.via,
    change.lastWords,
    mayHaveArrived ? 1 : 0,
    seq,
  );
}
