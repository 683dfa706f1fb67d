/** What windows show, and the octets of messages. */
import type { Activity, ListQuery, SortKey } from '../../../shared/ipc-contract.ts';
import type { HopAttempt } from '../../../shared/mail.ts';
import { CHUNK_FACTOR } from '../migrations/schema.ts';
import type { Handlers, views } from '../operations.ts';
import type { SqlValue } from './database.ts';
import type { MessageColumns } from './queue-rows.ts';
import { FOLDER_CODES, searchWords, toHopAttempts, toMessageRow, toStoredRecipient } from './queue-rows.ts';
import { ORDER, SORTED_UNINDEXED } from './sort-index.ts';
import type { Prepare, StoreContext } from './store-context.ts';

/** SQL that gives the keys of a folder's page in order; exported for the test of its query plan. */
export function pageSql(sort: SortKey, descending: boolean, words: number): string {
  // The older message counts as the larger age: "age descending" shows the newest first, as mail programs do.
  const direction = descending ? 'DESC' : 'ASC';
  const order = `ORDER BY ${ORDER[sort]} ${direction}, m.seq ${direction}`;
  if (words === 0) return `SELECT m.seq FROM message AS m WHERE m.folder = ? ${order} LIMIT ? OFFSET ?`;
  const matching = ' AND (instr(s.text, ?) OR instr(s.words, ?))'.repeat(words);
  return `SELECT m.seq FROM message AS m CROSS JOIN search AS s ON s.seq = m.seq WHERE m.folder = ?${matching} ${order}`;
}

/** Keys of messages of a folder, in order. Those of a search are all answered, whatever `limit` and `offset` say. */
export function pageKeys(
  prepare: Prepare,
  query: Pick<ListQuery, 'folder' | 'search' | 'sort' | 'descending'>,
  limit: number,
  offset: number,
): { readonly keys: readonly number[]; readonly searched: boolean } {
  const words = searchWords(query.search);
  const values: SqlValue[] = [FOLDER_CODES[query.folder]];
  for (const word of words) values.push(word, word);
  if (words.length === 0) values.push(limit, offset);
  const rows = prepare(pageSql(query.sort, query.descending, words.length)).all(...values) as { seq: number }[];
  return { keys: rows.map((row) => row.seq), searched: words.length > 0 };
}

/** Chunk `n` of the octets under a key; empty past the end. */
export function chunkOf(prepare: Prepare, body: number, n: number): Uint8Array<ArrayBuffer> {
  const chunk = prepare('SELECT data FROM chunk WHERE id = ?').get(body * CHUNK_FACTOR + n) as
    { data: Uint8Array<ArrayBuffer> } | undefined;
  return chunk?.data ?? new Uint8Array(0);
}

/**
 * Carries out the operations for windows.
 * @param indexFor makes sure that this order of the list has an index
 */
export function viewHandlers(context: StoreContext, indexFor: (sort: SortKey) => void): Handlers<typeof views> {
  const { prepare, rows } = context;
  return {
    counts() {
      const counted = prepare('SELECT folder, total, unseen FROM folder_count').all() as {
        folder: number;
        total: number;
        unseen: number;
      }[];
      const of = (folder: keyof typeof FOLDER_CODES) => counted.find((row) => row.folder === FOLDER_CODES[folder]);
      return {
        outbox: of('outbox')?.total ?? 0,
        sent: of('sent')?.total ?? 0,
        bad: of('bad')?.total ?? 0,
        bounced: of('bounced')?.total ?? 0,
        deleted: of('deleted')?.total ?? 0,
        unseenBad: of('bad')?.unseen ?? 0,
        unseenBounced: of('bounced')?.unseen ?? 0,
      };
    },

    list(query) {
      const { total } = prepare('SELECT total FROM folder_count WHERE folder = ?').get(FOLDER_CODES[query.folder]) as {
        total: number;
      };
      if (total > SORTED_UNINDEXED) indexFor(query.sort);
      const { keys, searched } = pageKeys(prepare, query, query.limit, query.offset);
      const page = searched ? keys.slice(query.offset, query.offset + query.limit) : keys;
      return {
        total: searched ? keys.length : total,
        rows: page.flatMap((seq) => {
          const row = rows.messageBySeq(seq);
          return row === undefined ? [] : [toMessageRow(row)];
        }),
      };
    },

    details(id) {
      const row = rows.messageById(id);
      if (row === undefined) return null;
      const { messageId, headerFrom, origin, body8bit, smtputf8 } = rows.envelopeOf(row.seq);
      return {
        ...toMessageRow(row),
        ...{ messageId, headerFrom, origin, body8bit, smtputf8, deletedAt: row.deleted_at },
        recipients: rows.recipientsOf(row.seq).map((one) => {
          const recipient = toStoredRecipient(one);
          return row.deleted_at === null ? recipient : { ...recipient, nextAt: null };
        }),
        timeline: timelineOf(prepare, row),
      };
    },

    activity: (query) => activityOf(prepare, query),

    bytes(id, n) {
      const row = rows.messageById(id);
      return row === undefined ? null : { bytes: chunkOf(prepare, row.body, n), size: row.size };
    },
  };
}

function timelineOf(prepare: Prepare, { seq }: MessageColumns): readonly HopAttempt[] {
  const entries = prepare('SELECT try FROM timeline WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 500').all(
    seq * CHUNK_FACTOR,
    (seq + 1) * CHUNK_FACTOR,
  ) as { try: string }[];
  return entries.flatMap((entry) => toHopAttempts(entry.try)).sort((a, b) => a.startedAt - b.startedAt);
}

function activityOf(
  prepare: Prepare,
  query: { readonly from: number; readonly to: number; readonly bucketMs: number },
): Activity {
  const bucketMs = Math.max(60_000, Math.ceil(query.bucketMs / 60_000) * 60_000);
  const start = Math.floor(query.from / bucketMs) * bucketMs;
  const rows = prepare(
    `SELECT minute * 60000 / ?1 * ?1 AS at, sum(accepted) AS accepted, sum(delivered) AS delivered, sum(deferred) AS deferred
     FROM activity WHERE minute >= ?2 AND minute <= ?3 GROUP BY at`,
  ).all(bucketMs, Math.floor(start / 60_000), Math.floor(query.to / 60_000)) as Activity['points'][number][];
  const found = new Map(rows.map((row) => [row.at, row]));
  const points: Activity['points'][number][] = [];
  // Bounded: no window asks for more points than it can draw.
  for (let at = start; at <= query.to && points.length < 10_000; at += bucketMs) {
    points.push({ ...(found.get(at) ?? { at, accepted: 0, delivered: 0, deferred: 0 }) });
  }
  const changes = prepare('SELECT at, name FROM network_change WHERE at >= ? AND at <= ? ORDER BY at, n').all(
    query.from,
    query.to,
  ) as { at: number; name: string | null }[];
  return { bucketMs, points, networkChanges: changes.map((change) => ({ ...change })) };
}
