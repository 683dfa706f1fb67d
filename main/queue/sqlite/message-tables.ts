/** One message in all the tables that have rows of it: put in, and taken out. */
import { CHUNK_BYTES, CHUNK_FACTOR, RECIPIENT_FACTOR } from '../migrations/schema.ts';
import type { NewMessage } from '../queue-store.ts';
import { StoreError } from '../queue-store.ts';
import type { MessageColumns } from './queue-rows.ts';
import { FOLDER_CODES, STATE_CODES, domainOf, searchText, toJson } from './queue-rows.ts';
import type { Prepare } from './store-context.ts';
import type { TransactionEffects } from './transaction-effects.ts';

/** Where an accepted message's octets are: at hand, written before under this key, or another message's. */
export type Octets =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'staged' | 'shared'; readonly body: number; readonly size: number };

/** Writes of whole messages, and the keys they get. */
export function createMessageTables(options: {
  readonly prepare: Prepare;
  readonly effects: TransactionEffects;
  readonly runId: string;
  /** New messages get sequence numbers above this one and above all in the database. */
  readonly seqAbove: number;
  readonly now: () => number;
}) {
  const { prepare, effects, runId, now } = options;
  let nextSeq = Math.max(highestSeq(prepare), options.seqAbove) + 1;

  function takeSeq(): number {
    const seq = nextSeq;
    nextSeq += 1;
    return seq;
  }

  function removeChunks(body: number): void {
    prepare('DELETE FROM chunk WHERE id >= ? AND id < ?').run(body * CHUNK_FACTOR, (body + 1) * CHUNK_FACTOR);
  }

  return {
    /** The key of a message to be. */
    takeSeq,

    /**
     * A new message. Throws StoreError if it has no recipients or too many.
     * `claim`: as if it had been claimed at once, unless it has to wait for a time. Returns the key of its first recipient
     * if it was, else null.
     */
    insert(message: NewMessage, octets: Octets, claim = false): number | null {
      const count = message.recipients.length;
      if (count === 0 || count > RECIPIENT_FACTOR)
        throw new StoreError('other', `a message cannot have ${count} recipients`);
      const seq = octets.kind === 'staged' ? octets.body : takeSeq();
      const claimed = claim && message.recipients.every((recipient) => recipient.notBefore === undefined);
      insertMessage(prepare, seq, message, octets, claimed);
      insertEnvelope(prepare, seq, message);
      prepare('INSERT INTO search (seq, text) VALUES (?, ?)').run(seq, searchText(message));
      insertRecipients(prepare, seq, message, claimed ? { at: now(), by: runId } : null);
      if (octets.kind === 'inline') insertChunks(prepare, seq, octets.bytes);
      effects.countActivity(now(), 1, 0, 0);
      return claimed ? seq * RECIPIENT_FACTOR : null;
    },

    /** The octets under this key. */
    removeChunks,

    /** All of a message; octets that another one shares stay. */
    remove(message: MessageColumns): void {
      const { seq, body } = message;
      prepare('DELETE FROM message WHERE seq = ?').run(seq);
      prepare('DELETE FROM envelope WHERE seq = ?').run(seq);
      prepare('DELETE FROM search WHERE seq = ?').run(seq);
      prepare('DELETE FROM recipient WHERE id >= ? AND id < ?').run(
        seq * RECIPIENT_FACTOR,
        (seq + 1) * RECIPIENT_FACTOR,
      );
      prepare('DELETE FROM timeline WHERE id >= ? AND id < ?').run(seq * CHUNK_FACTOR, (seq + 1) * CHUNK_FACTOR);
      // A resent message shares the octets of its source.
      const copies = prepare('SELECT 1 AS one FROM message WHERE (body = ?1 AND body <> seq) OR seq = ?1 LIMIT 1').get(
        body,
      );
      if (copies === undefined) removeChunks(body);
    },
  };
}
export type MessageTables = ReturnType<typeof createMessageTables>;

function highestSeq(prepare: Prepare): number {
  const row = prepare(
    `SELECT max(coalesce((SELECT max(seq) FROM message), 0), coalesce((SELECT max(id) FROM chunk), 0) / ${CHUNK_FACTOR},
      coalesce((SELECT max(id) FROM recipient), 0) / ${RECIPIENT_FACTOR}) AS seq`,
  ).get() as { seq: number };
  return row.seq;
}

function insertMessage(prepare: Prepare, seq: number, message: NewMessage, octets: Octets, claimed: boolean): void {
  const nextAt = Math.min(...message.recipients.map((recipient) => recipient.notBefore ?? message.acceptedAt));
  const firstThree = message.recipients.slice(0, 3).map((recipient) => recipient.rcptTo);
  prepare(
    `INSERT INTO message (seq, id, folder, state, size, next_at, recipient_count, attempts, accepted_at, body, mail_from, to_text,
      subject) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    seq,
    message.id,
    FOLDER_CODES.outbox,
    claimed ? STATE_CODES.attempting : STATE_CODES.queued,
    octets.kind === 'inline' ? octets.bytes.byteLength : octets.size,
    claimed ? null : nextAt,
    message.recipients.length,
    claimed ? 1 : 0,
    message.acceptedAt,
    octets.kind === 'inline' ? seq : octets.body,
    message.mailFrom,
    firstThree.join('\n'),
    message.subject,
  );
}

function insertEnvelope(prepare: Prepare, seq: number, message: NewMessage): void {
  prepare(
    'INSERT INTO envelope (seq, dsn, body8bit, smtputf8, origin, header_from, message_id) VALUES (?, ?, ?, ?, ?, ?, ?)',
  ).run(
    seq,
    toJson(message.dsn),
    message.body8bit ? 1 : 0,
    message.smtputf8 ? 1 : 0,
    JSON.stringify(message.origin),
    message.headerFrom,
    message.messageId,
  );
}

function insertRecipients(
  prepare: Prepare,
  seq: number,
  message: NewMessage,
  claim: { readonly at: number; readonly by: string } | null,
): void {
  const insert = prepare(
    `INSERT INTO recipient (id, state, due_at, next_at, counted_from, claimed_at, claimed_by, domain, rcpt_to, dsn)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  message.recipients.forEach((recipient, position) => {
    const due = recipient.notBefore ?? message.acceptedAt;
    insert.run(
      seq * RECIPIENT_FACTOR + position,
      claim === null ? STATE_CODES.queued : STATE_CODES.attempting,
      claim === null ? due : null,
      due,
      message.acceptedAt,
      claim?.at ?? null,
      claim?.by ?? null,
      domainOf(recipient.rcptTo),
      recipient.rcptTo,
      toJson(recipient.dsn),
    );
  });
}

function insertChunks(prepare: Prepare, seq: number, bytes: Uint8Array): void {
  const insert = prepare('INSERT INTO chunk (id, data) VALUES (?, ?)');
  for (let n = 0; n * CHUNK_BYTES < bytes.byteLength; n += 1) {
    insert.run(seq * CHUNK_FACTOR + n, bytes.subarray(n * CHUNK_BYTES, (n + 1) * CHUNK_BYTES));
  }
}
