/** The questions that windows and engine ask of the queue: no changes here. */
import type {
  Activity,
  InvalidAddress,
  KnownNetwork,
  ListPage,
  ListQuery,
  Selection,
  SortKey,
} from '../../../shared/ipc-contract.ts';
import type { FolderCounts, RecipientDsn } from '../../../shared/mail.ts';
import type { PendingReport, ReportMatter, StoredDetails } from '../queue-store.ts';
import type { Database, SqlValue, Statement } from './database.ts';
import type { EnvelopeColumns, MessageColumns, RecipientColumns } from './queue-rows.ts';
import {
  FOLDER_CODES,
  parseJson,
  searchWords,
  toEnvelope,
  toHopAttempts,
  toMessageRow,
  toStoredRecipient,
} from './queue-rows.ts';
import { CHUNK_FACTOR, DUE_SPAN_MS, NEVER, RECIPIENT_FACTOR } from '../migrations/schema.ts';
import { ORDER, SORTED_UNINDEXED } from './sort-index.ts';

/** Rows of busy domains that a claim looks at one by one; where there are more, it steps over them. */
const BUSY_LOOKED_AT = 250;
/** Then it looks at this many times as many others as it has places, and takes the oldest. */
const OTHERS_PER_PLACE = 4;

interface DueRow {
  readonly id: number;
  readonly domain: string;
  readonly due_at: number;
}

/** Prepares each statement once. */
export type Prepare = (sql: string) => Statement;

/** A statement cache for one connection. */
export function statementCache(db: Database): Prepare {
  const statements = new Map<string, Statement>();
  return (sql) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
}

/** SQL that gives the keys of a folder's page in order; exported for the test of its query plan. */
export function pageSql(sort: SortKey, descending: boolean, words: number): string {
  // The older message counts as the larger age: "age descending" shows the newest first, as mail programs do.
  const direction = descending ? 'DESC' : 'ASC';
  const order = `ORDER BY ${ORDER[sort]} ${direction}, m.seq ${direction}`;
  if (words === 0) return `SELECT m.seq FROM message AS m WHERE m.folder = ? ${order} LIMIT ? OFFSET ?`;
  return `SELECT m.seq FROM message AS m CROSS JOIN search AS s ON s.seq = m.seq WHERE m.folder = ?${matching(words)} ${order}`;
}

function matching(words: number): string {
  return ' AND (instr(s.text, ?) OR instr(s.words, ?))'.repeat(words);
}

/** SQL of the claim; exported for the test of its query plan. */
export const DUE_SQL = 'SELECT id, domain, due_at FROM recipient WHERE due_at <= ? ORDER BY due_at, id LIMIT ?';
/** What is due in a span, from a domain on, and the next span; exported for the test of their query plans. */
export const DUE_IN_SPAN_SQL = `SELECT id, domain, due_at FROM recipient
  WHERE due_at IS NOT NULL AND due_at / ${DUE_SPAN_MS} = ? AND domain > ? AND due_at <= ? ORDER BY domain, due_at`;
export const NEXT_SPAN_SQL = `SELECT due_at / ${DUE_SPAN_MS} AS span FROM recipient
  WHERE due_at IS NOT NULL AND due_at / ${DUE_SPAN_MS} > ? ORDER BY due_at / ${DUE_SPAN_MS} LIMIT 1`;

/** @param indexFor Makes sure that this order of the list has an index. */
export function createQueueReads(prepare: Prepare, indexFor: (sort: SortKey) => void = () => undefined) {
  function messageBySeq(seq: number): MessageColumns | undefined {
    return prepare('SELECT * FROM message WHERE seq = ?').get(seq) as MessageColumns | undefined;
  }

  function messageById(id: string): MessageColumns | undefined {
    return prepare('SELECT * FROM message WHERE id = ?').get(id) as MessageColumns | undefined;
  }

  function recipientsOf(seq: number): readonly RecipientColumns[] {
    return prepare('SELECT * FROM recipient WHERE id >= ? AND id < ? ORDER BY id').all(
      seq * RECIPIENT_FACTOR,
      (seq + 1) * RECIPIENT_FACTOR,
    ) as RecipientColumns[];
  }

  function pageKeys(
    query: Pick<ListQuery, 'folder' | 'search' | 'sort' | 'descending'>,
    limit: number,
    offset: number,
  ) {
    const words = searchWords(query.search);
    const values: SqlValue[] = [FOLDER_CODES[query.folder]];
    for (const word of words) values.push(word, word);
    if (words.length === 0) values.push(limit, offset);
    const rows = prepare(pageSql(query.sort, query.descending, words.length)).all(...values) as { seq: number }[];
    return { keys: rows.map((row) => row.seq), searched: words.length > 0 };
  }

  /** What is due and not of these domains, by span; within a span by domain. Costs nothing for rows of these domains. */
  function* dueElsewhere(now: number, skip: ReadonlySet<string>): Generator<DueRow> {
    const nextSpan = (after: number): number | undefined =>
      (prepare(NEXT_SPAN_SQL).get(after) as { span: number } | undefined)?.span;
    const last = Math.floor(now / DUE_SPAN_MS);
    for (let span = nextSpan(Number.MIN_SAFE_INTEGER); span !== undefined && span <= last; span = nextSpan(span)) {
      for (let from: string | null = ''; from !== null;) {
        const rows = prepare(DUE_IN_SPAN_SQL).iterate(span, from, now) as Iterable<DueRow>;
        from = null;
        for (const row of rows) {
          if (skip.has(row.domain)) {
            from = row.domain;
            break;
          }
          yield row;
        }
      }
    }
  }

  return {
    messageBySeq,
    messageById,
    recipientsOf,

    /**
     * Keys of up to `limit` due recipients, oldest due first; recipients of `skipDomains` are passed over. Behind very many
     * of those the order is one of spans (DUE_SPAN_MS) where more is due than can be looked at.
     */
    due(now: number, limit: number, skipDomains: readonly string[]): readonly number[] {
      const skip = new Set(skipDomains);
      const most = limit + (skip.size === 0 ? 0 : BUSY_LOOKED_AT);
      const first = prepare(DUE_SQL).all(now, most) as DueRow[];
      const free = first.filter(({ domain }) => !skip.has(domain));
      if (free.length >= limit || first.length < most) return free.slice(0, limit).map(({ id }) => id);
      const found: DueRow[] = [];
      for (const row of dueElsewhere(now, skip)) {
        found.push(row);
        if (found.length >= limit * OTHERS_PER_PLACE) break;
      }
      return found
        .sort((a, b) => a.due_at - b.due_at || a.id - b.id)
        .slice(0, limit)
        .map(({ id }) => id);
    },

    counts(): FolderCounts {
      const rows = prepare('SELECT folder, total, unseen FROM folder_count').all() as {
        folder: number;
        total: number;
        unseen: number;
      }[];
      const of = (folder: keyof typeof FOLDER_CODES) => rows.find((row) => row.folder === FOLDER_CODES[folder]);
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

    list(query: ListQuery): ListPage {
      const count = prepare('SELECT total FROM folder_count WHERE folder = ?').get(FOLDER_CODES[query.folder]) as {
        total: number;
      };
      if (count.total > SORTED_UNINDEXED) indexFor(query.sort);
      const { keys, searched } = pageKeys(query, query.limit, query.offset);
      const page = searched ? keys.slice(query.offset, query.offset + query.limit) : keys;
      return {
        total: searched ? keys.length : count.total,
        rows: page.flatMap((seq) => {
          const row = messageBySeq(seq);
          return row === undefined ? [] : [toMessageRow(row)];
        }),
      };
    },

    /** Keys of the selected messages. */
    select(selection: Selection): readonly number[] {
      if ('ids' in selection) {
        return selection.ids.flatMap((id) => {
          const row = prepare('SELECT seq FROM message WHERE id = ?').get(id) as { seq: number } | undefined;
          return row === undefined ? [] : [row.seq];
        });
      }
      if ('deletedFrom' in selection) {
        const rows = prepare('SELECT seq FROM message WHERE deleted_at >= ? AND deleted_at <= ? ORDER BY seq').all(
          selection.deletedFrom,
          selection.deletedTo,
        ) as { seq: number }[];
        return rows.map((row) => row.seq);
      }
      const { keys } = pageKeys({ ...selection, sort: 'age', descending: false }, -1, 0);
      if (selection.except.length === 0) return keys;
      const except = new Set(
        selection.except.map(
          (id) => (prepare('SELECT seq FROM message WHERE id = ?').get(id) as { seq: number } | undefined)?.seq,
        ),
      );
      return keys.filter((seq) => !except.has(seq));
    },

    details(id: string): StoredDetails | null {
      const row = messageById(id);
      if (row === undefined) return null;
      const envelope = toEnvelope(
        prepare('SELECT * FROM envelope WHERE seq = ?').get(row.seq) as EnvelopeColumns | undefined,
      );
      const timeline = prepare('SELECT try FROM timeline WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 500').all(
        row.seq * CHUNK_FACTOR,
        (row.seq + 1) * CHUNK_FACTOR,
      ) as { try: string }[];
      return {
        ...toMessageRow(row),
        messageId: envelope.messageId,
        headerFrom: envelope.headerFrom,
        origin: envelope.origin,
        deletedAt: row.deleted_at,
        body8bit: envelope.body8bit,
        smtputf8: envelope.smtputf8,
        recipients: recipientsOf(row.seq).map((one) => {
          const recipient = toStoredRecipient(one);
          return row.deleted_at === null ? recipient : { ...recipient, nextAt: null };
        }),
        timeline: timeline.flatMap((entry) => toHopAttempts(entry.try)).sort((a, b) => a.startedAt - b.startedAt),
      };
    },

    nextDueAt(): number | null {
      const row = prepare('SELECT min(due_at) AS due FROM recipient WHERE due_at IS NOT NULL').get() as {
        due: number | null;
      };
      return row.due === null || row.due >= NEVER ? null : row.due;
    },

    pendingReports(soon: number): readonly PendingReport[] {
      const rows = prepare(
        `SELECT id / ${RECIPIENT_FACTOR} AS seq, min(report_at) AS since FROM recipient WHERE report_at IS NOT NULL GROUP BY 1`,
      ).all() as { seq: number; since: number }[];
      return rows.flatMap(({ seq, since }) => {
        const message = messageBySeq(seq);
        const others = prepare(
          `SELECT count(claimed_by) AS inFlight, coalesce(sum(due_at <= ?3), 0) AS dueSoon FROM recipient
           WHERE id >= ?1 AND id < ?2`,
        ).get(seq * RECIPIENT_FACTOR, (seq + 1) * RECIPIENT_FACTOR, soon) as { inFlight: number; dueSoon: number };
        return message === undefined ? [] : [{ id: message.id, since, ...others }];
      });
    },

    reportMatter(id: string): ReportMatter | null {
      const row = messageById(id);
      if (row === undefined) return null;
      const told = prepare(
        'SELECT id, rcpt_to, dsn, report_at, report FROM recipient WHERE id >= ? AND id < ? AND report_at IS NOT NULL ORDER BY id',
      ).all(row.seq * RECIPIENT_FACTOR, (row.seq + 1) * RECIPIENT_FACTOR) as Pick<
        RecipientColumns,
        'id' | 'rcpt_to' | 'dsn' | 'report_at' | 'report'
      >[];
      if (told.length === 0) return null;
      const envelope = toEnvelope(
        prepare('SELECT * FROM envelope WHERE seq = ?').get(row.seq) as EnvelopeColumns | undefined,
      );
      const { accepted_at: acceptedAt, mail_from: mailFrom, size, subject } = row;
      return {
        message: { id, acceptedAt, mailFrom, size, dsn: envelope.dsn, subject },
        recipients: told.map((one) => ({
          id: one.id,
          rcptTo: one.rcpt_to,
          dsn: parseJson<RecipientDsn>(one.dsn, {}),
          at: one.report_at ?? 0,
          facts: parseJson<unknown>(one.report, null),
        })),
      };
    },

    /** Chunk n of a message; null if there is no such message. Empty past the end. */
    bytes(id: string, n: number): { readonly bytes: Uint8Array<ArrayBuffer>; readonly size: number } | null {
      const row = messageById(id);
      if (row === undefined) return null;
      const chunk = prepare('SELECT data FROM chunk WHERE id = ?').get(row.body * CHUNK_FACTOR + n) as
        { data: Uint8Array<ArrayBuffer> } | undefined;
      return { bytes: chunk?.data ?? new Uint8Array(0), size: row.size };
    },

    invalidAddresses(): readonly InvalidAddress[] {
      const rows = prepare(
        'SELECT address, reply, at, count FROM invalid_address ORDER BY at DESC, address',
      ).all() as InvalidAddress[];
      return rows.map((row) => ({ ...row }));
    },

    activity(query: { readonly from: number; readonly to: number; readonly bucketMs: number }): Activity {
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
    },

    knownNetworks(): readonly KnownNetwork[] {
      const current = prepare('SELECT network FROM network_change ORDER BY n DESC LIMIT 1').get() as
        { network: string } | undefined;
      const rows = prepare('SELECT id, name, last_seen FROM network ORDER BY last_seen DESC, id').all() as {
        id: string;
        name: string | null;
        last_seen: number;
      }[];
      return rows.map((row) => ({
        id: row.id,
        systemName: row.name,
        givenName: null,
        lastSeen: row.last_seen,
        current: row.id === current?.network,
        directBlocked: false,
      }));
    },

    getMemo(key: string): string | null {
      const row = prepare('SELECT value FROM memo WHERE key = ?').get(key) as { value: string } | undefined;
      return row?.value ?? null;
    },
  };
}
export type QueueReads = ReturnType<typeof createQueueReads>;
