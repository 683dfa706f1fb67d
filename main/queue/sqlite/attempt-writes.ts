/** What an attempt changes: recipients are claimed, their outcomes recorded, or they are given back. */
import type { HopAttempt, RecipientState } from '../../../shared/mail.ts';
import { isAccepted, isPending } from '../../../shared/mail.ts';
import { noteUnknown } from '../../policy/unknown-outcome.ts';
import type { AttemptRecord, ClaimedMessage, RecipientUpdate } from '../queue-store.ts';
import { StoreError } from '../queue-store.ts';
import type { MessageTables } from './message-tables.ts';
import type { Prepare, QueueReads } from './queue-reads.ts';
import type { EnvelopeColumns, MessageColumns, RecipientColumns } from './queue-rows.ts';
import {
  STATE_CODES,
  seqOfRecipient,
  stateFrom,
  toClaimedRecipient,
  toEnvelope,
  toJson,
  unknownOutcomesFrom,
  unknownOutcomesText,
  wordsOf,
} from './queue-rows.ts';
import { CHUNK_FACTOR, INLINE_BYTES, NEVER } from '../migrations/schema.ts';
import type { OpInput } from '../store-protocol.ts';
import type { TransactionEffects } from './transaction-effects.ts';

/** Timeline rows kept per message; the pane shows 500. */
const TIMELINE_KEPT = 1000;

/** Changes to recipients that are, or were, in flight. */
export function createAttemptWrites(options: {
  readonly prepare: Prepare;
  readonly reads: QueueReads;
  readonly books: TransactionEffects;
  readonly messages: MessageTables;
  readonly runId: string;
  /** Told of each address that a server does not know, with the server's reply. */
  readonly noteInvalidAddress: (address: string, reply: string, now: number) => void;
}) {
  const { prepare, reads, books, messages, runId, noteInvalidAddress } = options;

  function recipientById(id: number): RecipientColumns | undefined {
    return prepare('SELECT * FROM recipient WHERE id = ?').get(id) as RecipientColumns | undefined;
  }

  /** Of a small message: fetched now, they need no second question. */
  function octetsOf(message: MessageColumns): Pick<ClaimedMessage, 'bytes'> {
    if (message.size > INLINE_BYTES) return {};
    const found = reads.bytes(message.id, 0);
    return found?.bytes.byteLength === message.size ? { bytes: found.bytes } : {};
  }

  function addTries(seq: number, tries: readonly HopAttempt[]): void {
    if (tries.length === 0) return;
    const last = prepare('SELECT max(id) AS id FROM timeline WHERE id >= ? AND id < ?').get(
      seq * CHUNK_FACTOR,
      (seq + 1) * CHUNK_FACTOR,
    ) as { id: number | null };
    let id = (last.id ?? seq * CHUNK_FACTOR) + 1;
    const insert = prepare('INSERT INTO timeline (id, try) VALUES (?, ?)');
    for (const entry of tries) {
      insert.run(id, JSON.stringify(entry));
      id += 1;
    }
    if (id - seq * CHUNK_FACTOR > TIMELINE_KEPT) {
      prepare('DELETE FROM timeline WHERE id >= ? AND id < ?').run(seq * CHUNK_FACTOR, id - TIMELINE_KEPT);
    }
  }

  /**
   * The answer to a record may have been lost, and the record come again, when the user has done something about the
   * recipient or another attempt has: then it is old news. That a server has taken it is true whenever it is said, and once
   * it is, no word about another attempt counts.
   */
  function isNews(update: RecipientUpdate, row: RecipientColumns): boolean {
    const before = stateFrom(row.state);
    return isAccepted(update.state) ? !isAccepted(before) : before === 'attempting' && row.claimed_by === runId;
  }

  function applyUpdate(update: RecipientUpdate, message: MessageColumns, now: number): void {
    const row = recipientById(update.recipient);
    if (row === undefined || !isNews(update, row)) return;
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
      pending ? null : (row.done_at ?? now),
      toJson(update.hop),
      ...reportOf(row, update),
      unknownOutcomesText(update.unknownOutcomes),
      update.recipient,
    );
    const news = books.touch(message.seq);
    if (update.via !== null) news.via = update.via;
    const words = wordsOf(update.reply, update.error);
    if (words !== null) {
      news.words = words;
      prepare('UPDATE search SET words = ? WHERE seq = ?').run(words.toLowerCase(), message.seq);
    }
  }

  /**
   * `report_at` and `report` after an update. Something new takes the place of the old; "delayed" is not told any more of
   * a recipient that is done with. The same record may come again after its answer was lost: it tells nothing new.
   */
  function reportOf(row: RecipientColumns, update: RecipientUpdate): readonly [number | null, string | null] {
    const repeated = row.claimed_by === null && stateFrom(row.state) === update.state;
    if (repeated || (isPending(update.state) && !update.report)) return [row.report_at, row.report];
    return update.report ? [update.report.at, toJson(update.report.facts)] : [null, null];
  }

  function giveBack(row: RecipientColumns, now: number, crashed: boolean): void {
    const seq = seqOfRecipient(row.id);
    const message = reads.messageBySeq(seq);
    prepare(
      `UPDATE recipient SET state = ?, due_at = ?, next_at = ?, unknown_outcomes = ?, claimed_by = NULL, claimed_at = NULL
        WHERE id = ?`,
    ).run(
      row.attempts > 0 || crashed ? STATE_CODES.deferred : STATE_CODES.queued,
      message?.deleted_at === null ? now : null,
      now,
      // Which hop had it at that moment stands nowhere.
      crashed
        ? unknownOutcomesText(noteUnknown(unknownOutcomesFrom(row.unknown_outcomes), null, null))
        : row.unknown_outcomes,
      row.id,
    );
    books.touch(seq);
  }

  return {
    claimDue({ now, limit, skipDomains, except }: OpInput<'claimDue'>): readonly ClaimedMessage[] {
      const bySeq = new Map<number, number[]>();
      for (const id of reads.due(now, limit, skipDomains)) {
        if (except.includes(id)) continue;
        const seq = seqOfRecipient(id);
        bySeq.set(seq, [...(bySeq.get(seq) ?? []), id]);
      }
      const claimed: ClaimedMessage[] = [];
      for (const [seq, ids] of bySeq) {
        const message = reads.messageBySeq(seq);
        if (message === undefined) continue;
        const claim = prepare(
          'UPDATE recipient SET state = ?, due_at = NULL, claimed_by = ?, claimed_at = ? WHERE id = ?',
        );
        const recipients = ids.flatMap((id) => {
          const row = recipientById(id);
          if (row === undefined) return [];
          claim.run(STATE_CODES.attempting, runId, now, id);
          return [toClaimedRecipient(row, message.accepted_at)];
        });
        const news = books.touch(seq);
        news.attempts += 1;
        const envelope = toEnvelope(
          prepare('SELECT * FROM envelope WHERE seq = ?').get(seq) as EnvelopeColumns | undefined,
        );
        claimed.push({
          id: message.id,
          acceptedAt: message.accepted_at,
          mailFrom: message.mail_from,
          size: message.size,
          dsn: envelope.dsn,
          body8bit: envelope.body8bit,
          smtputf8: envelope.smtputf8,
          origin: envelope.origin,
          attempt: message.attempts + news.attempts,
          recipients,
          ...octetsOf(message),
        });
      }
      return claimed;
    },

    record({ record, now }: { readonly record: AttemptRecord; readonly now: number }): null {
      const message = reads.messageById(record.messageId);
      if (message !== undefined) {
        addTries(message.seq, record.tries);
        for (const update of record.updates) {
          if (seqOfRecipient(update.recipient) !== message.seq) {
            throw new StoreError('other', `recipient ${update.recipient} is not of message ${record.messageId}`);
          }
          applyUpdate(update, message, now);
        }
        books.touch(message.seq);
        const count = (states: readonly RecipientState[]) =>
          record.updates.filter((update) => states.includes(update.state)).length;
        const [delivered, deferred] = [count(['delivered', 'relayed']), count(['deferred'])];
        if (delivered + deferred > 0) books.countActivity(now, 0, delivered, deferred);
      }
      for (const { address, reply } of record.invalidAddresses) noteInvalidAddress(address, reply, now);
      return null;
    },

    report({ report: { message, bytes, told }, now }: OpInput<'report'>): null {
      const crossOff = prepare('UPDATE recipient SET report_at = NULL, report = NULL WHERE id = ? AND report_at = ?');
      const changes = told.reduce((sum, { recipient, at }) => sum + Number(crossOff.run(recipient, at).changes), 0);
      if (changes > 0) messages.insert(message, { kind: 'inline', bytes }, now);
      return null;
    },

    release({ recipients, nextAt, held }: OpInput<'release'>): null {
      for (const id of recipients) {
        const row = recipientById(id);
        if (row?.claimed_by !== runId) continue;
        const message = reads.messageBySeq(seqOfRecipient(id));
        const untouched =
          row.last_counted_at === null && row.attempts === 0 && row.retry_index === 0 ? 'queued' : 'deferred';
        prepare(
          'UPDATE recipient SET state = ?, due_at = ?, next_at = ?, claimed_by = NULL, claimed_at = NULL WHERE id = ?',
        ).run(STATE_CODES[held ? 'held' : untouched], message?.deleted_at === null ? nextAt : null, nextAt, id);
        books.touch(seqOfRecipient(id));
      }
      return null;
    },

    reclaim({ known, now }: OpInput<'reclaim'>): number {
      const keep = new Set(known);
      const rows = prepare('SELECT * FROM recipient WHERE claimed_by = ?').all(runId) as RecipientColumns[];
      const lost = rows.filter((row) => !keep.has(row.id));
      for (const row of lost) giveBack(row, now, false);
      return lost.length;
    },

    /** Recipients in flight under another run: that program is gone (RFC 5321 §6.1: a duplicate rather than a loss). */
    recoverCrashed(now: number): number {
      const rows = prepare('SELECT * FROM recipient WHERE claimed_by IS NOT NULL AND claimed_by <> ? ORDER BY id').all(
        runId,
      ) as RecipientColumns[];
      const bySeq = new Map<number, RecipientColumns[]>();
      for (const row of rows) bySeq.set(seqOfRecipient(row.id), [...(bySeq.get(seqOfRecipient(row.id)) ?? []), row]);
      for (const [seq, group] of bySeq) {
        for (const row of group) giveBack(row, now, true);
        const message = reads.messageBySeq(seq);
        const startedAt = group[0]?.claimed_at ?? now;
        addTries(seq, [
          {
            attempt: message?.attempts ?? 1,
            hop: { kind: 'mx', host: group[0]?.domain ?? '', port: 0 },
            startedAt: Math.min(startedAt, now),
            endedAt: now,
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
      return rows.length;
    },
  };
}
