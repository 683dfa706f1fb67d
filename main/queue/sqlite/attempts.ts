/** What an attempt changes: its outcomes are recorded, or its recipients given back. */
import type { HopAttempt, RecipientState } from '../../../shared/mail.ts';
import { isAccepted, isPending } from '../../../shared/mail.ts';
import { noteUnknown } from '../../policy/unknown-outcome.ts';
import { CHUNK_FACTOR, NEVER } from '../migrations/schema.ts';
import type { Handlers, attempts } from '../operations.ts';
import type { RecipientUpdate } from '../queue-store.ts';
import { StoreError } from '../queue-store.ts';
import { noteInvalidAddress } from './memory.ts';
import type { MessageColumns, RecipientColumns } from './queue-rows.ts';
import {
  STATE_CODES,
  seqOfRecipient,
  stateFrom,
  toJson,
  unknownOutcomesFrom,
  unknownOutcomesText,
  lastWordsOf,
} from './queue-rows.ts';
import type { StoreContext } from './store-context.ts';

/** Timeline rows kept per message; the pane shows 500. */
const TIMELINE_KEPT = 1000;

/** Carries out the operations on recipients that are, or were, in flight. */
export function attemptHandlers(context: StoreContext): Handlers<typeof attempts> {
  const { prepare, rows, effects, runId, now } = context;
  return {
    record(record) {
      const message = rows.messageById(record.messageId);
      if (message !== undefined) {
        addToTimeline(context, message.seq, record.tries);
        for (const update of record.updates) {
          if (seqOfRecipient(update.recipient) !== message.seq) {
            throw new StoreError('other', `recipient ${update.recipient} is not of message ${record.messageId}`);
          }
          applyUpdate(context, update, message);
        }
        effects.messageChanged(message.seq);
        const count = (states: readonly RecipientState[]) =>
          record.updates.filter((update) => states.includes(update.state)).length;
        const [delivered, deferred] = [count(['delivered', 'relayed']), count(['deferred'])];
        if (delivered + deferred > 0) effects.countActivity(now(), 0, delivered, deferred);
      }
      for (const { address, reply } of record.invalidAddresses) noteInvalidAddress(prepare, address, reply, now());
    },

    release(recipients, { nextAt, held }) {
      for (const id of recipients) {
        const row = rows.recipientById(id);
        if (row?.claimed_by !== runId) continue;
        const message = rows.messageBySeq(seqOfRecipient(id));
        const untouched =
          row.last_counted_at === null && row.attempts === 0 && row.retry_index === 0 ? 'queued' : 'deferred';
        prepare(
          'UPDATE recipient SET state = ?, due_at = ?, next_at = ?, claimed_by = NULL, claimed_at = NULL WHERE id = ?',
        ).run(STATE_CODES[held ? 'held' : untouched], message?.deleted_at === null ? nextAt : null, nextAt, id);
        effects.messageChanged(seqOfRecipient(id));
      }
    },

    reclaim(known) {
      const keep = new Set(known);
      const claimed = prepare('SELECT * FROM recipient WHERE claimed_by = ?').all(runId) as RecipientColumns[];
      const unknown = claimed.filter((row) => !keep.has(row.id));
      for (const row of unknown) giveBack(context, row, false);
      return unknown.length;
    },
  };
}

function addToTimeline({ prepare }: StoreContext, seq: number, entries: readonly HopAttempt[]): void {
  if (entries.length === 0) return;
  const last = prepare('SELECT max(id) AS id FROM timeline WHERE id >= ? AND id < ?').get(
    seq * CHUNK_FACTOR,
    (seq + 1) * CHUNK_FACTOR,
  ) as { id: number | null };
  let id = (last.id ?? seq * CHUNK_FACTOR) + 1;
  const insert = prepare('INSERT INTO timeline (id, try) VALUES (?, ?)');
  for (const entry of entries) {
    insert.run(id, JSON.stringify(entry));
    id += 1;
  }
  if (id - seq * CHUNK_FACTOR > TIMELINE_KEPT) {
    prepare('DELETE FROM timeline WHERE id >= ? AND id < ?').run(seq * CHUNK_FACTOR, id - TIMELINE_KEPT);
  }
}

/**
 * The answer to a record may have been lost, and the record come again, when the user has done something about the
 * recipient or another attempt has: then it is out of date. That a server has accepted the message is true whenever it is
 * recorded, and once it is, no outcome of another attempt counts.
 */
function isCurrent(update: RecipientUpdate, row: RecipientColumns, runId: string): boolean {
  const before = stateFrom(row.state);
  return isAccepted(update.state) ? !isAccepted(before) : before === 'attempting' && row.claimed_by === runId;
}

function applyUpdate(context: StoreContext, update: RecipientUpdate, message: MessageColumns): void {
  const { prepare, rows, effects, runId, now } = context;
  const row = rows.recipientById(update.recipient);
  if (row === undefined || !isCurrent(update, row, runId)) return;
  const pending = isPending(update.state);
  if (update.state === 'attempting') throw new StoreError('other', 'only claimDue marks recipients as attempting');
  prepare(
    `UPDATE recipient SET state = ?, due_at = ?, next_at = ?, attempts = ?, retry_index = ?, gateway_passes = ?, undeliverable = ?,
      last_counted_at = ?, waits_for = ?, reply = ?, status = ?, facts = ?, via = coalesce(?, via), delay_sent = ?, done_at = ?,
      hop = coalesce(?, hop), report_at = ?, report = ?, unknown_outcomes = ?, forced_gateway = NULL, claimed_by = NULL, claimed_at = NULL
      WHERE id = ?`,
  ).run(
    STATE_CODES[update.state],
    pending && message.deleted_at === null ? (update.nextAt ?? NEVER) : null,
    update.nextAt,
    update.attempts,
    update.retryIndex,
    update.gatewayPasses,
    update.undeliverable ? 1 : 0,
    update.lastCountedAt,
    pending ? update.waitsFor : null,
    toJson(update.reply),
    update.status,
    toJson(update.facts),
    update.via,
    (update.delaySent ?? row.delay_sent === 1) ? 1 : 0,
    pending ? null : (row.done_at ?? now()),
    toJson(update.hop),
    ...reportAfter(row, update),
    unknownOutcomesText(update.unknownOutcomes),
    update.recipient,
  );
  const change = effects.messageChanged(message.seq);
  if (update.via !== null) change.via = update.via;
  const words = lastWordsOf(update.reply, update.error);
  if (words !== null) {
    change.lastWords = words;
    prepare('UPDATE search SET words = ? WHERE seq = ?').run(words.toLowerCase(), message.seq);
  }
}

/**
 * `report_at` and `report` after an update. Something new takes the place of the old; "delayed" is not told any more of a
 * recipient that has come to its end. The same record may come again after its answer was lost: it tells nothing new.
 */
function reportAfter(row: RecipientColumns, update: RecipientUpdate): readonly [number | null, string | null] {
  const repeated = row.claimed_by === null && stateFrom(row.state) === update.state;
  if (repeated || (isPending(update.state) && !update.report)) return [row.report_at, row.report];
  return update.report ? [update.report.at, toJson(update.report.facts)] : [null, null];
}

/** @param crashed the program ended during the attempt: what came of it is not known */
function giveBack({ prepare, rows, effects, now }: StoreContext, row: RecipientColumns, crashed: boolean): void {
  const seq = seqOfRecipient(row.id);
  prepare(
    `UPDATE recipient SET state = ?, due_at = ?, next_at = ?, unknown_outcomes = ?, claimed_by = NULL, claimed_at = NULL
      WHERE id = ?`,
  ).run(
    row.attempts > 0 || crashed ? STATE_CODES.deferred : STATE_CODES.queued,
    rows.messageBySeq(seq)?.deleted_at === null ? now() : null,
    now(),
    // Which hop had it at that moment is not recorded.
    crashed
      ? unknownOutcomesText(noteUnknown(unknownOutcomesFrom(row.unknown_outcomes), null, null))
      : row.unknown_outcomes,
    row.id,
  );
  effects.messageChanged(seq);
}

/**
 * Gives back the recipients that are in flight under another run: that program has ended (RFC 5321 §6.1: a duplicate rather
 * than a loss). At start. Returns how many.
 */
export function recoverCrashed(context: StoreContext): number {
  const { prepare, rows, runId, now } = context;
  const crashed = prepare('SELECT * FROM recipient WHERE claimed_by IS NOT NULL AND claimed_by <> ? ORDER BY id').all(
    runId,
  ) as RecipientColumns[];
  const bySeq = new Map<number, RecipientColumns[]>();
  for (const row of crashed) bySeq.set(seqOfRecipient(row.id), [...(bySeq.get(seqOfRecipient(row.id)) ?? []), row]);
  for (const [seq, group] of bySeq) {
    for (const row of group) giveBack(context, row, true);
    addToTimeline(context, seq, [
      {
        attempt: rows.messageBySeq(seq)?.attempts ?? 1,
        hop: { kind: 'mx', host: group[0]?.domain ?? '', port: 0 },
        startedAt: Math.min(group[0]?.claimed_at ?? now(), now()),
        endedAt: now(),
        network: null,
        phase: 'dns',
        tls: null,
        error: 'the program ended in mid-attempt; the outcome is not known',
        outcomes: group.map((row) => ({
          recipient: row.id,
          verdict: { kind: 'deferred', scope: 'local', status: '4.3.0', why: 'crashed' },
        })),
      },
    ]);
  }
  return crashed.length;
}
