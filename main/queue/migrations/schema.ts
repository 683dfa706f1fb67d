/**
 * The queue's tables. Migrations are numbered and go forward only; a released one is never edited.
 *
 * Keys: a message has a sequence number `seq` that grows with acceptance. Its recipients, chunks and timeline rows have
 * the keys `seq * factor + n`, so that all that belongs to a message lies side by side and is found by a range of
 * primary keys, without a second index to be written for each message.
 */
import type { Database } from '../sqlite/database.ts';

/** Recipients of one message: position below this. */
export const RECIPIENT_FACTOR = 65_536;
/** Chunks, and timeline rows, of one message: number below this. */
export const CHUNK_FACTOR = 1_048_576;
/** Octets in one chunk at most. */
export const CHUNK_BYTES = 256 * 1024;
/** Octets of messages up to this size travel with their claim; all claimed ones together stay within a few MB. */
export const INLINE_BYTES = 32 * 1024;
/** `due_at` of a pending recipient without a time of its own: only a wake reaches it. Largest valid Date. */
export const NEVER = 8_640_000_000_000_000;
/** Recipients due within the same interval of this many ms are found by domain: see `recipient_due_by_domain`. Never changes. */
export const DUE_INTERVAL_MS = 600_000;
/** Marks the file as ours ("PCST"). */
export const APPLICATION_ID = 0x50435354;

// folder and state are stored as numbers: see FOLDER_CODES and STATE_CODES in queue-rows.ts.
const first = `
CREATE TABLE message (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  folder INTEGER NOT NULL,
  state INTEGER NOT NULL,
  seen INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL,
  next_at INTEGER,
  recipient_count INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  accepted_at INTEGER NOT NULL,
  finished_at INTEGER,
  deleted_at INTEGER,
  body INTEGER NOT NULL,
  via TEXT,
  mail_from TEXT,
  to_text TEXT NOT NULL,
  subject TEXT NOT NULL,
  last_words TEXT
) STRICT;
CREATE INDEX message_by_age ON message (folder, accepted_at, seq);
-- The other orders of the list: see sort-index.ts.
CREATE INDEX message_body_copy ON message (body) WHERE body <> seq;
CREATE INDEX message_finished ON message (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX message_deleted ON message (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE envelope (
  seq INTEGER PRIMARY KEY,
  dsn TEXT,
  body8bit INTEGER NOT NULL,
  smtputf8 INTEGER NOT NULL,
  origin TEXT NOT NULL,
  header_from TEXT,
  message_id TEXT
) STRICT;

CREATE TABLE search (seq INTEGER PRIMARY KEY, text TEXT NOT NULL, words TEXT NOT NULL DEFAULT '') STRICT;

CREATE TABLE recipient (
  id INTEGER PRIMARY KEY,
  state INTEGER NOT NULL,
  due_at INTEGER,
  next_at INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  retry_index INTEGER NOT NULL DEFAULT 0,
  gateway_passes INTEGER NOT NULL DEFAULT 0,
  undeliverable INTEGER NOT NULL DEFAULT 0,
  delay_sent INTEGER NOT NULL DEFAULT 0,
  counted_from INTEGER NOT NULL,
  last_counted_at INTEGER,
  done_at INTEGER,
  claimed_at INTEGER,
  claimed_by TEXT,
  waits_for TEXT,
  forced_gateway TEXT,
  via TEXT,
  status TEXT,
  domain TEXT NOT NULL,
  rcpt_to TEXT NOT NULL,
  dsn TEXT,
  reply TEXT,
  hop TEXT,
  facts TEXT
) STRICT;
-- Only what may be claimed has a due_at: pending, not in flight, not in Deleted.
CREATE INDEX recipient_due ON recipient (due_at, id, domain) WHERE due_at IS NOT NULL;
CREATE INDEX recipient_in_flight ON recipient (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX recipient_waits ON recipient (waits_for) WHERE waits_for IS NOT NULL;

CREATE TABLE chunk (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
-- Octets that no message owns yet.
CREATE TABLE staging (body INTEGER PRIMARY KEY) STRICT;
CREATE TABLE timeline (id INTEGER PRIMARY KEY, try TEXT NOT NULL) STRICT;

CREATE TABLE folder_count (folder INTEGER PRIMARY KEY, total INTEGER NOT NULL, unseen INTEGER NOT NULL) STRICT;
INSERT INTO folder_count VALUES (0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0), (4, 0, 0);
CREATE TRIGGER count_insert AFTER INSERT ON message BEGIN
  UPDATE folder_count SET total = total + 1, unseen = unseen + (NEW.seen = 0) WHERE folder = NEW.folder;
END;
CREATE TRIGGER count_delete AFTER DELETE ON message BEGIN
  UPDATE folder_count SET total = total - 1, unseen = unseen - (OLD.seen = 0) WHERE folder = OLD.folder;
END;
CREATE TRIGGER count_update AFTER UPDATE OF folder, seen ON message
WHEN OLD.folder <> NEW.folder OR OLD.seen <> NEW.seen BEGIN
  UPDATE folder_count SET total = total - 1, unseen = unseen - (OLD.seen = 0) WHERE folder = OLD.folder;
  UPDATE folder_count SET total = total + 1, unseen = unseen + (NEW.seen = 0) WHERE folder = NEW.folder;
END;

CREATE TABLE activity (
  minute INTEGER PRIMARY KEY,
  accepted INTEGER NOT NULL DEFAULT 0,
  delivered INTEGER NOT NULL DEFAULT 0,
  deferred INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE network (id TEXT PRIMARY KEY, name TEXT, last_seen INTEGER NOT NULL) STRICT;
CREATE TABLE network_change (n INTEGER PRIMARY KEY, at INTEGER NOT NULL, network TEXT NOT NULL, name TEXT) STRICT;
CREATE INDEX network_change_at ON network_change (at);
CREATE TABLE invalid_address (
  address TEXT PRIMARY KEY, reply TEXT NOT NULL, at INTEGER NOT NULL, count INTEGER NOT NULL
) STRICT;
CREATE TABLE memo (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;

/**
 * A second way to what is due: by ten minutes and domain, so that a claim steps over the rows of a busy domain at once,
 * however many they are (due-recipients.ts). The time in front keeps what is written together on the same few pages.
 */
const dueByDomain = `
CREATE INDEX recipient_due_by_domain ON recipient (due_at / ${DUE_INTERVAL_MS}, domain, due_at) WHERE due_at IS NOT NULL;
`;

/** What a sender is still to be told of a recipient, and since when. */
const dueReports = `
ALTER TABLE recipient ADD COLUMN report_at INTEGER;
ALTER TABLE recipient ADD COLUMN report TEXT;
CREATE INDEX recipient_report ON recipient (report_at) WHERE report_at IS NOT NULL;
`;

// What may have arrived although no server said so: list of UnknownOutcome as JSON, null = nothing.
const unknownOutcomes = `
ALTER TABLE recipient ADD COLUMN unknown_outcomes TEXT;
ALTER TABLE message ADD COLUMN may_have_arrived INTEGER NOT NULL DEFAULT 0;
`;

/** Step n (from 0) brings a database from version n to n + 1. */
export const MIGRATIONS: readonly string[] = [first, dueByDomain, dueReports, unknownOutcomes];

/** The version that this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** Version of an open database; 0 = empty. */
export function schemaVersion(db: Database): number {
  const row = db.prepare('PRAGMA user_version').get() as { user_version: number };
  return row.user_version;
}

/** Brings a database up to `target` (default: the newest), one transaction a step. */
export function migrate(db: Database, target = SCHEMA_VERSION): void {
  for (let version = schemaVersion(db); version < target; version += 1) {
    const step = MIGRATIONS[version];
    if (step === undefined) return;
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(step);
      db.exec(`PRAGMA user_version = ${version + 1}`);
      db.exec('COMMIT');
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  }
}
