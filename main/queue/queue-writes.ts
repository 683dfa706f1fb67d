/** The changes that can be made to the queue. Each runs inside a transaction that its caller opens and ends. */
import type { HopTry, RecipientState } from '../../shared/mail.ts';
import { isPending } from '../../shared/mail.ts';
import { folderOf } from '../policy/folder.ts';
import type { AttemptRecord, ClaimedMessage, NewMessage, RecipientUpdate } from '../ports.ts';
import { StoreError } from '../ports.ts';
import type { QueueReads, Prepare } from './queue-reads.ts';
import { dueSql } from './queue-reads.ts';
import type { EnvelopeColumns, MessageColumns, RecipientColumns } from './queue-rows.ts';
import {
  FOLDER_CODES,
  STATE_CODES,
  domainOf,
  mostUrgent,
  searchText,
  seqOfRecipient,
  stateFrom,
  toClaimedRecipient,
  toEnvelope,
  wordsOf,
} from './queue-rows.ts';
import { CHUNK_BYTES, CHUNK_FACTOR, INLINE_BYTES, NEVER, RECIPIENT_FACTOR } from './schema.ts';
import type { OpInput, OpOutput } from './store-protocol.ts';

/** Timeline rows kept per message; the pane shows 500. */
const TIMELINE_KEPT = 1000;
const ACTIVITY_KEPT_MS = 40 * 24 * 60 * 60 * 1000;
const NETWORK_CHANGES_KEPT = 2000;
const INVALID_ADDRESSES_KEPT = 10_000;

/** What is still to be written into a message's own row. */
interface RowNews {
  attempts: number;
  via: string | null;
  words: string | null;
}

/** Where an accepted message's octets are: at hand, written before under this key, or another message's. */
type Body =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'staged' | 'shared'; readonly body: number; readonly size: number };

function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

export function createQueueWrites(options: {
  readonly prepare: Prepare;
  readonly reads: QueueReads;
  readonly runId: string;
  /** New messages get sequence numbers above this one and above all in the database. */
  readonly seqAbove: number;
  /** Called with each new message before anything is written; throws StoreError 'full' when space is short. */
  readonly checkSpace: () => void;
}) {
  const { prepare, reads, runId, seqAbove, checkSpace } = options;
  /** Messages whose row must be worked out anew from their recipients before the transaction ends. */
  const dirty = new Map<number, RowNews>();
  /** What the present transaction adds to the activity of each minute. */
  const activity = new Map<number, { accepted: number; delivered: number; deferred: number }>();
  /** Tokens of messages that are being staged -> key of their octets. */
  const staged = new Map<string, number>();
  /** To be done once the transaction is safe. */
  let afterCommit: (() => void)[] = [];
  let nextSeq = Math.max(highestSeq(), seqAbove) + 1;

  function highestSeq(): number {
    const row = prepare(
      `SELECT max(coalesce((SELECT max(seq) FROM message), 0), coalesce((SELECT max(id) FROM chunk), 0) / ${CHUNK_FACTOR},
        coalesce((SELECT max(id) FROM recipient), 0) / ${RECIPIENT_FACTOR}) AS seq`,
    ).get() as { seq: number };
    return row.seq;
  }

  function takeSeq(): number {
    const seq = nextSeq;
    nextSeq += 1;
    return seq;
  }

  function recipientById(id: number): RecipientColumns | undefined {
    return prepare('SELECT * FROM recipient WHERE id = ?').get(id) as RecipientColumns | undefined;
  }

  /** The message's own row has to be brought up to date. */
  function touch(seq: number): RowNews {
    const known = dirty.get(seq);
    if (known !== undefined) return known;
    const news: RowNews = { attempts: 0, via: null, words: null };
    dirty.set(seq, news);
    return news;
  }

  function countActivity(now: number, accepted: number, delivered: number, deferred: number): void {
    const minute = Math.floor(now / 60_000);
    const sum = activity.get(minute) ?? { accepted: 0, delivered: 0, deferred: 0 };
    sum.accepted += accepted;
    sum.delivered += delivered;
    sum.deferred += deferred;
    activity.set(minute, sum);
  }

  function writeActivity(): void {
    for (const [minute, sum] of activity) {
      prepare(
        `INSERT INTO activity (minute, accepted, delivered, deferred) VALUES (?, ?, ?, ?) ON CONFLICT (minute) DO UPDATE SET
          accepted = accepted + excluded.accepted, delivered = delivered + excluded.delivered, deferred = deferred + excluded.deferred`,
      ).run(minute, sum.accepted, sum.delivered, sum.deferred);
    }
    activity.clear();
  }

  /**
   * `claim`: as if it had been claimed at once, unless it has to wait for a time. Returns the key of its first recipient
   * if it was, else null.
   */
  function insertMessage(message: NewMessage, octets: Body, now: number, claim = false): number | null {
    const count = message.recipients.length;
    if (count === 0 || count > RECIPIENT_FACTOR)
      throw new StoreError('other', `a message cannot have ${count} recipients`);
    const seq = octets.kind === 'staged' ? octets.body : takeSeq();
    const nextAt = Math.min(...message.recipients.map((recipient) => recipient.notBefore ?? message.acceptedAt));
    const claimed = claim && message.recipients.every((recipient) => recipient.notBefore === undefined);
    const state = claimed ? STATE_CODES.attempting : STATE_CODES.queued;
    prepare(
      `INSERT INTO message (seq, id, folder, state, size, next_at, recipient_count, attempts, accepted_at, body, mail_from, to_text,
        subject) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      seq,
      message.id,
      FOLDER_CODES.outbox,
      state,
      octets.kind === 'inline' ? octets.bytes.byteLength : octets.size,
      claimed ? null : nextAt,
      count,
      claimed ? 1 : 0,
      message.acceptedAt,
      octets.kind === 'inline' ? seq : octets.body,
      message.mailFrom,
      message.recipients
        .slice(0, 3)
        .map((recipient) => recipient.rcptTo)
        .join('\n'),
      message.subject,
    );
    prepare(
      'INSERT INTO envelope (seq, dsn, body8bit, smtputf8, origin, header_from, message_id) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ).run(
      seq,
      json(message.dsn),
      message.body8bit ? 1 : 0,
      message.smtputf8 ? 1 : 0,
      JSON.stringify(message.origin),
      message.headerFrom,
      message.messageId,
    );
    prepare('INSERT INTO search (seq, text) VALUES (?, ?)').run(seq, searchText(message));
    const insertRecipient = prepare(
      `INSERT INTO recipient (id, state, due_at, next_at, counted_from, claimed_at, claimed_by, domain, rcpt_to, dsn)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    message.recipients.forEach((recipient, position) => {
      const due = recipient.notBefore ?? message.acceptedAt;
      insertRecipient.run(
        seq * RECIPIENT_FACTOR + position,
        state,
        claimed ? null : due,
        due,
        message.acceptedAt,
        claimed ? now : null,
        claimed ? runId : null,
        domainOf(recipient.rcptTo),
        recipient.rcptTo,
        json(recipient.dsn),
      );
    });
    if (octets.kind === 'inline') writeChunks(seq, octets.bytes);
    countActivity(now, 1, 0, 0);
    return claimed ? seq * RECIPIENT_FACTOR : null;
  }

  /** Of a small message: fetched now, they need no second question. */
  function octetsOf(message: MessageColumns): Pick<ClaimedMessage, 'bytes'> {
    if (message.size > INLINE_BYTES) return {};
    const found = reads.bytes(message.id, 0);
    return found?.bytes.byteLength === message.size ? { bytes: found.bytes } : {};
  }

  function inUse(seq: number): boolean {
    return prepare('SELECT 1 AS one FROM message WHERE seq = ?').get(seq) !== undefined;
  }

  function writeChunks(seq: number, bytes: Uint8Array): void {
    const insert = prepare('INSERT INTO chunk (id, data) VALUES (?, ?)');
    for (let n = 0; n * CHUNK_BYTES < bytes.byteLength; n += 1) {
      insert.run(seq * CHUNK_FACTOR + n, bytes.subarray(n * CHUNK_BYTES, (n + 1) * CHUNK_BYTES));
    }
  }

  /** Works the message's own row out from its recipients (SPEC §2). */
  function refresh(seq: number, news: RowNews): void {
    const message = prepare('SELECT folder, seen, deleted_at FROM message WHERE seq = ?').get(seq) as
      Pick<MessageColumns, 'folder' | 'seen' | 'deleted_at'> | undefined;
    if (message === undefined) return;
    const rows = prepare(
      'SELECT state, next_at, done_at, claimed_by FROM recipient WHERE id >= ? AND id < ? ORDER BY id',
    ).all(seq * RECIPIENT_FACTOR, (seq + 1) * RECIPIENT_FACTOR) as Pick<
      RecipientColumns,
      'state' | 'next_at' | 'done_at' | 'claimed_by'
    >[];
    const states = rows.map((row) => stateFrom(row.state));
    const folder = message.deleted_at === null ? folderOf(states) : 'deleted';
    const pending = rows.filter((row) => isPending(stateFrom(row.state)));
    const times = pending.flatMap((row) => (row.claimed_by === null && row.next_at !== null ? [row.next_at] : []));
    const finished = pending.length > 0 ? null : Math.max(...rows.map((row) => row.done_at ?? 0));
    // Failed mail is news even if the message was looked at while it waited.
    const isNews =
      FOLDER_CODES[folder] !== message.folder &&
      (folder === 'bad' || folder === 'bounced') &&
      message.folder !== FOLDER_CODES.deleted;
    prepare(
      `UPDATE message SET folder = ?, state = ?, next_at = ?, finished_at = ?, seen = ?, attempts = attempts + ?,
        via = coalesce(?, via), last_words = coalesce(?, last_words) WHERE seq = ?`,
    ).run(
      FOLDER_CODES[folder],
      STATE_CODES[mostUrgent(states)],
      times.length === 0 ? null : Math.min(...times),
      finished,
      isNews ? 0 : message.seen,
      news.attempts,
      news.via,
      news.words,
      seq,
    );
  }

  function addTries(seq: number, tries: readonly HopTry[]): void {
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

  function applyUpdate(update: RecipientUpdate, message: MessageColumns, tries: readonly HopTry[], now: number): void {
    const row = recipientById(update.recipient);
    if (row === undefined) return;
    const before = stateFrom(row.state);
    const pending = isPending(update.state);
    // Delivered is delivered: a late word about an earlier attempt must not send it again.
    if (pending && (before === 'delivered' || before === 'relayed')) return;
    if (update.state === 'attempting') throw new StoreError('other', 'only claimDue marks recipients as attempting');
    const hopTry = tries.findLast(
      (entry) => entry.passedOver !== true && entry.outcomes.some((outcome) => outcome.recipient === update.recipient),
    );
    prepare(
      `UPDATE recipient SET state = ?, due_at = ?, next_at = ?, attempts = ?, retry_index = ?, gateway_passes = ?, undeliverable = ?,
        last_counted_at = ?, waits_for = ?, reply = ?, status = ?, facts = ?, via = coalesce(?, via), delay_sent = ?, done_at = ?,
        hop = coalesce(?, hop), forced_gateway = NULL, claimed_by = NULL, claimed_at = NULL WHERE id = ?`,
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
      json(update.reply),
      update.status,
      json(update.facts),
      update.via,
      (update.delaySent ?? row.delay_sent === 1) ? 1 : 0,
      pending ? null : (row.done_at ?? now),
      json(hopTry?.hop),
      update.recipient,
    );
    const news = touch(message.seq);
    if (update.via !== null) news.via = update.via;
    const words = wordsOf(update.reply, hopTry ?? tries.at(-1));
    if (words !== null) {
      news.words = words;
      prepare('UPDATE search SET words = ? WHERE seq = ?').run(words.toLowerCase(), message.seq);
    }
  }

  function setSchedule(row: RecipientColumns, dueAt: number): void {
    prepare('UPDATE recipient SET due_at = ?, next_at = ?, waits_for = NULL WHERE id = ?').run(dueAt, dueAt, row.id);
    touch(seqOfRecipient(row.id));
  }

  function removeMessage(message: MessageColumns): void {
    const { seq, body } = message;
    prepare('DELETE FROM message WHERE seq = ?').run(seq);
    prepare('DELETE FROM envelope WHERE seq = ?').run(seq);
    prepare('DELETE FROM search WHERE seq = ?').run(seq);
    prepare('DELETE FROM recipient WHERE id >= ? AND id < ?').run(seq * RECIPIENT_FACTOR, (seq + 1) * RECIPIENT_FACTOR);
    prepare('DELETE FROM timeline WHERE id >= ? AND id < ?').run(seq * CHUNK_FACTOR, (seq + 1) * CHUNK_FACTOR);
    // A resent message shares the octets of its source.
    const copies = prepare('SELECT 1 AS one FROM message WHERE (body = ?1 AND body <> seq) OR seq = ?1 LIMIT 1').get(
      body,
    );
    if (copies === undefined) removeChunks(body);
  }

  function removeChunks(body: number): void {
    prepare('DELETE FROM chunk WHERE id >= ? AND id < ?').run(body * CHUNK_FACTOR, (body + 1) * CHUNK_FACTOR);
  }

  function giveBack(row: RecipientColumns, now: number, crashed: boolean): void {
    const seq = seqOfRecipient(row.id);
    const message = reads.messageBySeq(seq);
    prepare(
      'UPDATE recipient SET state = ?, due_at = ?, next_at = ?, claimed_by = NULL, claimed_at = NULL WHERE id = ?',
    ).run(
      row.attempts > 0 || crashed ? STATE_CODES.deferred : STATE_CODES.queued,
      message?.deleted_at === null ? now : null,
      now,
      row.id,
    );
    touch(seq);
  }

  return {
    dirty,
    staged,

    /** Ends a transaction's books: brings message rows up to date. To be called before COMMIT. */
    settle(): void {
      for (const [seq, news] of dirty) refresh(seq, news);
      dirty.clear();
      writeActivity();
    },

    committed(): void {
      const todo = afterCommit;
      afterCommit = [];
      for (const run of todo) run();
    },

    rolledBack(): void {
      afterCommit = [];
      dirty.clear();
      activity.clear();
    },

    accept({ message, octets, now, claim }: OpInput<'accept'>): OpOutput<'accept'> {
      checkSpace();
      if (octets.kind === 'inline') {
        return insertMessage(message, octets, now, claim);
      }
      const body = staged.get(octets.token);
      if (body === undefined) throw new StoreError('other', 'what was written of the message is gone');
      const found = prepare('SELECT sum(length(data)) AS size FROM chunk WHERE id >= ? AND id < ?').get(
        body * CHUNK_FACTOR,
        (body + 1) * CHUNK_FACTOR,
      ) as { size: number | null };
      if ((found.size ?? 0) !== octets.size) throw new StoreError('other', 'some of the message is missing');
      const first = insertMessage(message, { kind: 'staged', body, size: octets.size }, now, claim);
      prepare('DELETE FROM staging WHERE body = ?').run(body);
      afterCommit.push(() => staged.delete(octets.token));
      return first;
    },

    chunk({ token, n, bytes }: OpInput<'chunk'>): null {
      checkSpace();
      const known = staged.get(token);
      if (known === undefined && n > 0) throw new StoreError('other', 'what was written of the message is gone');
      const body = known ?? takeSeq();
      staged.set(token, body);
      prepare('INSERT OR IGNORE INTO staging (body) VALUES (?)').run(body);
      prepare('INSERT INTO chunk (id, data) VALUES (?, ?)').run(body * CHUNK_FACTOR + n, bytes);
      return null;
    },

    discard({ token }: OpInput<'discard'>): null {
      const body = staged.get(token);
      if (body === undefined) return null;
      removeChunks(body);
      prepare('DELETE FROM staging WHERE body = ?').run(body);
      afterCommit.push(() => staged.delete(token));
      return null;
    },

    claimDue({ now, limit, skipDomains }: OpInput<'claimDue'>): readonly ClaimedMessage[] {
      const rows =
        skipDomains.length === 0
          ? prepare(dueSql(false)).all(now, limit)
          : prepare(dueSql(true)).all(now, JSON.stringify(skipDomains), limit);
      const bySeq = new Map<number, number[]>();
      for (const { id } of rows as { id: number }[]) {
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
        const news = touch(seq);
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
          applyUpdate(update, message, [...record.earlier, ...record.tries], now);
        }
        touch(message.seq);
        const count = (states: readonly RecipientState[]) =>
          record.updates.filter((update) => states.includes(update.state)).length;
        const [delivered, deferred] = [count(['delivered', 'relayed']), count(['deferred'])];
        if (delivered + deferred > 0) countActivity(now, 0, delivered, deferred);
      }
      for (const { message: report, bytes } of record.reports) {
        // The same record may come again after its answer was lost: the report is there already.
        if (reads.messageById(report.id) === undefined) insertMessage(report, { kind: 'inline', bytes }, now);
      }
      for (const { address, reply } of record.invalidAddresses) {
        prepare(
          `INSERT INTO invalid_address (address, reply, at, count) VALUES (?, ?, ?, 1)
           ON CONFLICT (address) DO UPDATE SET reply = excluded.reply, at = excluded.at, count = count + 1`,
        ).run(address, reply, now);
      }
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
        touch(seqOfRecipient(id));
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

    /** Recipients in flight under another run: that program is gone (ARCHITECTURE §2, crash rule). */
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

    /** Octets that no message came to own. */
    removeOrphans(): void {
      const rows = prepare('SELECT body FROM staging').all() as { body: number }[];
      for (const { body } of rows) if (!inUse(body)) removeChunks(body);
      prepare('DELETE FROM staging').run();
    },

    wakeDue({ waitsFor, now, limit }: OpInput<'wakeDue'>): number {
      const rows =
        waitsFor === null
          ? prepare('SELECT * FROM recipient WHERE due_at > ? ORDER BY due_at LIMIT ?').all(now, limit)
          : prepare('SELECT * FROM recipient WHERE waits_for = ? AND due_at IS NOT NULL LIMIT ?').all(waitsFor, limit);
      for (const row of rows as RecipientColumns[]) setSchedule(row, now);
      return rows.length;
    },

    wakeMessages({ seqs, forcedGateway, now }: OpInput<'wakeMessages'>): number {
      let count = 0;
      for (const seq of seqs) {
        const message = reads.messageBySeq(seq);
        if (message?.deleted_at !== null) continue;
        const rows = reads.recipientsOf(seq);
        const waiting = rows.filter((row) => row.due_at !== null);
        const failed = rows.filter((row) => ['bounced', 'bad'].includes(stateFrom(row.state)));
        const inOutbox = rows.some((row) => isPending(stateFrom(row.state)));
        for (const row of inOutbox ? waiting : []) {
          setSchedule(row, now);
          prepare('UPDATE recipient SET forced_gateway = ? WHERE id = ?').run(forcedGateway, row.id);
          count += 1;
        }
        // SPEC §2: from Bad and Bounced only those that failed, as if they were new.
        for (const row of inOutbox ? [] : failed) {
          prepare(
            `UPDATE recipient SET state = ?1, due_at = ?2, next_at = ?2, counted_from = ?2, attempts = 0, retry_index = 0,
              gateway_passes = 0, undeliverable = 0, delay_sent = 0, last_counted_at = NULL, done_at = NULL, waits_for = NULL,
              forced_gateway = ?3 WHERE id = ?4`,
          ).run(STATE_CODES.queued, now, forcedGateway, row.id);
          touch(seq);
          count += 1;
        }
      }
      return count;
    },

    clampNextAt({ latest, limit }: OpInput<'clampNextAt'>): number {
      const rows = prepare('SELECT * FROM recipient WHERE due_at > ? ORDER BY due_at LIMIT ?').all(
        latest,
        limit,
      ) as RecipientColumns[];
      for (const row of rows) {
        prepare('UPDATE recipient SET due_at = ?1, next_at = ?1 WHERE id = ?2').run(latest, row.id);
        touch(seqOfRecipient(row.id));
      }
      return rows.length;
    },

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
        touch(seq);
        count += 1;
      }
      return count;
    },

    purge({ seqs }: OpInput<'purge'>): number {
      let count = 0;
      for (const seq of seqs) {
        const message = reads.messageBySeq(seq);
        if (message === undefined || message.deleted_at === null) continue;
        removeMessage(message);
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
          : prepare('SELECT * FROM message WHERE finished_at < ? AND folder = ? LIMIT ?').all(
              sentBefore,
              FOLDER_CODES.sent,
              limit,
            );
      const deleted =
        deletedBefore === null
          ? []
          : prepare('SELECT * FROM message WHERE deleted_at < ? LIMIT ?').all(deletedBefore, limit);
      const rows = [...sent, ...deleted].slice(0, limit) as MessageColumns[];
      for (const row of rows) removeMessage(row);
      const newest = prepare('SELECT max(minute) AS minute FROM activity').get() as { minute: number | null };
      if (newest.minute !== null) {
        prepare('DELETE FROM activity WHERE minute < ?').run(newest.minute - ACTIVITY_KEPT_MS / 60_000);
      }
      prepare(
        `DELETE FROM invalid_address WHERE address IN (SELECT address FROM invalid_address ORDER BY at DESC LIMIT -1 OFFSET ?)`,
      ).run(INVALID_ADDRESSES_KEPT);
      return rows.length;
    },

    duplicate({ source, message, now }: OpInput<'duplicate'>): null {
      const row = reads.messageById(source);
      if (row === undefined) throw new StoreError('other', 'the message is not in the queue any more');
      insertMessage(message, { kind: 'shared', body: row.body, size: row.size }, now);
      return null;
    },

    clearInvalidAddresses(_: null): number {
      return Number(prepare('DELETE FROM invalid_address').run().changes);
    },

    noteNetwork({ id, name, at }: OpInput<'noteNetwork'>): null {
      const last = prepare('SELECT network FROM network_change ORDER BY n DESC LIMIT 1').get() as
        { network: string } | undefined;
      prepare(
        `INSERT INTO network (id, name, last_seen) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET
          name = coalesce(excluded.name, name), last_seen = excluded.last_seen`,
      ).run(id, name, at);
      if (last?.network !== id) {
        prepare('INSERT INTO network_change (at, network, name) VALUES (?, ?, ?)').run(at, id, name);
        prepare('DELETE FROM network_change WHERE n <= (SELECT max(n) FROM network_change) - ?').run(
          NETWORK_CHANGES_KEPT,
        );
      }
      return null;
    },

    forgetNetwork({ id }: OpInput<'forgetNetwork'>): null {
      prepare('DELETE FROM network WHERE id = ?').run(id);
      prepare('DELETE FROM memo WHERE key = ?').run(`network:${id}`);
      return null;
    },

    setMemo({ key, value }: OpInput<'setMemo'>): null {
      if (value === null) prepare('DELETE FROM memo WHERE key = ?').run(key);
      else
        prepare(
          'INSERT INTO memo (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
        ).run(key, value);
      return null;
    },
  };
}
export type QueueWrites = ReturnType<typeof createQueueWrites>;
