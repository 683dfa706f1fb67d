/** A queue that is full from the start: rows written in bulk into the tables that the store made. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { FOLDER_CODES, STATE_CODES } from '../../main/queue/sqlite/queue-rows.ts';
import { openQueueDatabase } from '../../main/queue/sqlite/open-queue-database.ts';
import { CHUNK_FACTOR, RECIPIENT_FACTOR } from '../../main/queue/migrations/schema.ts';

const SUBJECTS = ['Invoice', 'Minutes', 'Offer', 'Question', 'Invitation', 'Report', 'Reminder', 'Thank you'];

/**
 * Puts `count` waiting messages into the Outbox of a profile that no program uses, one a second in the past, the newest
 * accepted now. Subjects are `Invoice 1`, `Minutes 2`, …; every hundredth goes to `needle@customer.test`.
 * A process of its own writes them: on Node.js without SQLite the file stays locked until its process ends.
 */
export async function fillOutbox(profile: string, count: number): Promise<void> {
  const tsx = path.resolve(import.meta.dirname, '../../node_modules/tsx/dist/cli.mjs');
  await promisify(execFile)(process.execPath, [tsx, fileURLToPath(import.meta.url), profile, String(count)]);
}

function writeMessages(profile: string, count: number, now: number): void {
  const { db } = openQueueDatabase({ path: path.join(profile, 'queue.db'), now, suspect: false });
  try {
    db.exec('BEGIN IMMEDIATE');
    db.exec(`CREATE TEMP TABLE fresh AS
      WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ${count})
      SELECT n, ${now} - (${count} - n) * 1000 AS at,
        CASE WHEN n % 100 = 0 THEN 'needle' ELSE 'person' || (n * 7919 % 997) END || '@customer.test' AS rcpt,
        (json_extract('${JSON.stringify(SUBJECTS)}', '$[' || ((n - 1) % ${SUBJECTS.length}) || ']')) || ' ' || n AS subject
      FROM counted`);
    db.exec(`INSERT INTO message (seq, id, folder, state, size, next_at, recipient_count, accepted_at, body, mail_from, to_text, subject)
      SELECT n, 'bulk-' || n, ${FOLDER_CODES.outbox}, ${STATE_CODES.queued}, 60 + length(subject), at, 1, at, n,
        'ann@laptop.test', rcpt, subject FROM fresh`);
    db.exec(`INSERT INTO envelope (seq, dsn, body8bit, smtputf8, origin, header_from, message_id)
      SELECT n, '{}', 0, 0, '{"kind":"smtp","client":"127.0.0.1"}', 'Ann Miller <ann@laptop.test>', NULL FROM fresh`);
    db.exec(`INSERT INTO search (seq, text)
      SELECT n, lower(subject || char(10) || 'ann@laptop.test' || char(10) || rcpt) FROM fresh`);
    db.exec(`INSERT INTO recipient (id, state, due_at, next_at, counted_from, domain, rcpt_to)
      SELECT n * ${RECIPIENT_FACTOR}, ${STATE_CODES.queued}, at, at, at, 'customer.test', rcpt FROM fresh`);
    db.exec(`INSERT INTO chunk (id, data)
      SELECT n * ${CHUNK_FACTOR}, CAST('Subject: ' || subject || char(13, 10, 13, 10) || 'Hello.' || char(13, 10) AS BLOB) FROM fresh`);
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , profile = '', count = ''] = process.argv;
  writeMessages(profile, Number(count), Date.now());
}
