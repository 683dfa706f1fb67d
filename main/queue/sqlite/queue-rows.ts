/** Between the rows of the database and the words of the contract. Pure. */
import type {
  HopAttempt,
  Folder,
  HopRef,
  MessageDsn,
  MessageOrigin,
  MessageRow,
  RecipientDsn,
  RecipientState,
  SmtpReply,
} from '../../../shared/mail.ts';
import { FOLDERS, isPending } from '../../../shared/mail.ts';
import type { UnknownOutcome } from '../../policy/unknown-outcome.ts';
import type { ClaimedMessage, ClaimedRecipient, NewMessage } from '../queue-store.ts';
import { RECIPIENT_FACTOR } from '../migrations/schema.ts';

/** Folders as numbers; the order is part of the file format: append only. */
const FOLDER_ORDER: readonly Folder[] = ['outbox', 'sent', 'bad', 'bounced', 'deleted'];
/** States as numbers; the order is part of the file format: append only. */
const STATE_ORDER: readonly RecipientState[] = [
  'queued',
  'attempting',
  'deferred',
  'held',
  'delivered',
  'relayed',
  'bounced',
  'bad',
  'replaced',
];

export const FOLDER_CODES = Object.fromEntries(
  FOLDERS.map((folder) => [folder, FOLDER_ORDER.indexOf(folder)]),
) as Readonly<Record<Folder, number>>;
export const STATE_CODES = Object.fromEntries(STATE_ORDER.map((state, code) => [state, code])) as Readonly<
  Record<RecipientState, number>
>;

/** Folder of a stored number; an unknown one (damage) counts as Bad, where the user sees it. */
export function folderFrom(code: number): Folder {
  return FOLDER_ORDER[code] ?? 'bad';
}

/** State of a stored number; an unknown one (damage) counts as bad. */
export function stateFrom(code: number): RecipientState {
  return STATE_ORDER[code] ?? 'bad';
}

/** Key of the message that a recipient's key belongs to. */
export function seqOfRecipient(id: number): number {
  return Math.floor(id / RECIPIENT_FACTOR);
}

/** Columns of `message` that a list row is made of. */
export interface MessageColumns {
  readonly seq: number;
  readonly id: string;
  readonly folder: number;
  readonly state: number;
  readonly seen: number;
  readonly size: number;
  readonly next_at: number | null;
  readonly recipient_count: number;
  readonly attempts: number;
  readonly accepted_at: number;
  readonly deleted_at: number | null;
  readonly body: number;
  readonly via: string | null;
  readonly mail_from: string | null;
  readonly to_text: string;
  readonly subject: string;
  readonly last_words: string | null;
  readonly may_have_arrived: number;
}

export interface EnvelopeColumns {
  readonly dsn: string | null;
  readonly body8bit: number;
  readonly smtputf8: number;
  readonly origin: string;
  readonly header_from: string | null;
  readonly message_id: string | null;
}

export interface RecipientColumns {
  readonly id: number;
  readonly state: number;
  readonly due_at: number | null;
  readonly next_at: number | null;
  readonly attempts: number;
  readonly retry_index: number;
  readonly gateway_passes: number;
  readonly undeliverable: number;
  readonly delay_sent: number;
  readonly counted_from: number;
  readonly last_counted_at: number | null;
  readonly done_at: number | null;
  readonly claimed_at: number | null;
  readonly claimed_by: string | null;
  readonly waits_for: string | null;
  readonly forced_gateway: string | null;
  readonly via: string | null;
  readonly status: string | null;
  readonly domain: string;
  readonly rcpt_to: string;
  readonly dsn: string | null;
  readonly reply: string | null;
  readonly hop: string | null;
  readonly facts: string | null;
  readonly report_at: number | null;
  readonly report: string | null;
  readonly unknown_outcomes: string | null;
}

/** A column that parseJson reads; nothing = null. */
export function toJson(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/** Parses JSON that we wrote; `otherwise` if it was damaged. */
export function parseJson<T>(text: string | null, otherwise: T): T {
  if (text === null) return otherwise;
  try {
    return JSON.parse(text) as T;
  } catch {
    return otherwise;
  }
}

/** A row of the timeline; none if it was damaged. Older versions wrote `passedOver` for `skipped`. */
export function toHopAttempts(text: string): readonly HopAttempt[] {
  return parseJson<(HopAttempt & { readonly passedOver?: boolean })[]>(`[${text}]`, []).map(({ passedOver, ...row }) =>
    passedOver === undefined ? row : { ...row, skipped: passedOver },
  );
}

export function toMessageRow(row: MessageColumns): MessageRow {
  return {
    id: row.id,
    folder: folderFrom(row.folder),
    state: stateFrom(row.state),
    mailFrom: row.mail_from,
    to: row.to_text.split('\n'),
    recipientCount: row.recipient_count,
    subject: row.subject,
    size: row.size,
    acceptedAt: row.accepted_at,
    mayHaveArrived: row.may_have_arrived === 1,
    nextAt: row.next_at,
    via: row.via,
    lastWords: row.last_words,
    seen: row.seen === 1,
  };
}

export function toClaimedRecipient(row: RecipientColumns, acceptedAt: number): ClaimedRecipient {
  return {
    id: row.id,
    rcptTo: row.rcpt_to,
    domain: row.domain,
    dsn: parseJson<RecipientDsn>(row.dsn, {}),
    delaySent: row.delay_sent === 1,
    state: 'attempting',
    acceptedAt,
    countedFrom: row.counted_from,
    attempts: row.attempts,
    retryIndex: row.retry_index,
    gatewayPasses: row.gateway_passes,
    undeliverable: row.undeliverable === 1,
    forcedGateway: row.forced_gateway,
    lastCountedAt: row.last_counted_at,
    unknownOutcomes: unknownOutcomesFrom(row.unknown_outcomes),
  };
}

/** What is kept of a recipient's unknown outcomes. */
export function unknownOutcomesFrom(text: string | null): readonly UnknownOutcome[] {
  const kept = parseJson<unknown>(text, []);
  return Array.isArray(kept) ? (kept as readonly UnknownOutcome[]) : [];
}

/** The column for `unknownOutcomesFrom`; null says that nothing is in doubt. */
export function unknownOutcomesText(known: readonly UnknownOutcome[]): string | null {
  return known.length === 0 ? null : JSON.stringify(known);
}

/** A message that was claimed as it was accepted; its recipients have the keys from `first` on. */
export function newlyClaimed(message: NewMessage, first: number, size: number): ClaimedMessage {
  const { id, acceptedAt, mailFrom, dsn, body8bit, smtputf8, origin } = message;
  return {
    id,
    acceptedAt,
    mailFrom,
    size,
    dsn,
    body8bit,
    smtputf8,
    origin,
    attempt: 1,
    recipients: message.recipients.map((recipient, position) => ({
      id: first + position,
      rcptTo: recipient.rcptTo,
      domain: domainOf(recipient.rcptTo),
      dsn: recipient.dsn,
      delaySent: false,
      state: 'attempting',
      acceptedAt,
      countedFrom: acceptedAt,
      attempts: 0,
      retryIndex: 0,
      gatewayPasses: 0,
      undeliverable: false,
      forcedGateway: null,
      lastCountedAt: null,
      unknownOutcomes: [],
    })),
  };
}

/** Details of one recipient without the `why` phrases. */
export function toStoredRecipient(row: RecipientColumns) {
  const state = stateFrom(row.state);
  return {
    id: row.id,
    rcptTo: row.rcpt_to,
    state,
    mayHaveArrived: row.unknown_outcomes !== null,
    attempts: row.attempts,
    nextAt: isPending(state) && state !== 'attempting' ? row.next_at : null,
    doneAt: row.done_at,
    reply: parseJson<SmtpReply | null>(row.reply, null),
    status: row.status,
    hop: parseJson<HopRef | null>(row.hop, null),
    facts: parseJson<unknown>(row.facts, null),
  };
}

export function toEnvelope(row: EnvelopeColumns | undefined) {
  return {
    dsn: parseJson<MessageDsn>(row?.dsn ?? null, {}),
    body8bit: row?.body8bit === 1,
    smtputf8: row?.smtputf8 === 1,
    origin: parseJson<MessageOrigin>(row?.origin ?? null, { kind: 'smtp', client: '' }),
    headerFrom: row?.header_from ?? null,
    messageId: row?.message_id ?? null,
  };
}

/** Domain of an address in lower case; the whole address if it has none ("postmaster"). */
export function domainOf(rcptTo: string): string {
  return rcptTo.slice(rcptTo.lastIndexOf('@') + 1).toLowerCase();
}

const SEARCH_LIMIT = 16_384;

/** What a search looks through, in lower case. Very long recipient lists are cut. */
export function searchText(message: NewMessage): string {
  const parts = [message.subject, message.mailFrom ?? '', message.headerFrom ?? ''];
  for (const { rcptTo } of message.recipients) parts.push(rcptTo);
  return parts.join('\n').slice(0, SEARCH_LIMIT).toLowerCase();
}

/** The words of a search, in lower case: each must occur. */
export function searchWords(search: string): readonly string[] {
  return search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .slice(0, 16);
}

/** One line of a server's or our own words about it. */
export function wordsOf(reply: SmtpReply | null, error: string | null): string | null {
  if (reply !== null) {
    const enhanced = reply.enhanced === undefined ? '' : `${reply.enhanced} `;
    return oneLine(`${reply.code} ${enhanced}${reply.text}`);
  }
  return error === null ? null : oneLine(error);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 500);
}
