/**
 * Reports to senders (delivery status notifications): what is due after an attempt, and the message that tells it. When it
 * is made: report-scheduler.ts.
 */
import { assertNever } from '../../shared/result.ts';
import type { Settings } from '../../shared/settings.ts';
import type { ConcludedRecipient } from '../attempt/attempt.ts';
import { buildReport, headerOf, type ReportedRecipient } from './build-dsn.ts';
import { reportAction } from '../policy/bounce-decision.ts';
import { deadline } from '../policy/limit.ts';
import { reportSentence } from '../policy/report-sentence.ts';
import { StoreError } from '../queue/queue-store.ts';
import type { ClaimedMessage, DueReport, FinishedReport, QueueStore, ReportMatter } from '../queue/queue-store.ts';
import type { Clock, Random } from '../runtime/clock.ts';

/** What a report says of one recipient, without who it is: kept with the recipient in the queue until the report is made. */
export type RecipientReport = Omit<ReportedRecipient, 'rcptTo' | 'dsn'>;

export interface Reporter {
  /** What the sender is to be told of a recipient whose attempt is over; null = nothing. */
  dueFor(
    message: ClaimedMessage,
    concluded: ConcludedRecipient,
  ): { readonly action: RecipientReport['action']; readonly due: DueReport } | null;
  /** One report for all these recipients of one message (standards 49). Rejects with StoreError. */
  reportOf(matter: ReportMatter): Promise<FinishedReport>;
}

/** A larger original is returned by its header only: a bounce must not be harder to deliver than the message was. */
const MAX_ATTACHED = 1024 * 1024;
const HEADER_OCTETS = 64 * 1024;

export interface ReporterDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Pick<QueueStore, 'head' | 'read'>;
  readonly settings: () => Settings;
  readonly hostname: () => string;
  readonly newQueueId: () => string;
}

export function createReporter(deps: ReporterDeps): Reporter {
  return {
    dueFor: (message, concluded) => dueReport(message, concluded, deps.settings().administration, deps.clock.now()),
    reportOf: (matter) => finishedReport(deps, matter),
  };
}

function dueReport(
  message: ClaimedMessage,
  concluded: ConcludedRecipient,
  administration: Settings['administration'],
  now: number,
): ReturnType<Reporter['dueFor']> {
  const { verdict, decision, hopAttempt, recipient, dsnPassedOn } = concluded;
  const action = reportAction({
    mailFrom: message.mailFrom,
    dsn: recipient.dsn,
    decision,
    dsnPassedOn,
    delaySent: recipient.delaySent,
    acceptedAt: message.acceptedAt,
    now,
    returnUndeliverable: administration.returnUndeliverable,
  });
  if (action === null) return null;
  const hop = hopAttempt?.hop ?? null;
  const mayHaveArrived = concluded.unknownOutcomes.length > 0;
  const facts: RecipientReport = {
    action,
    status: statusOf(concluded),
    reply: verdict.reply ?? null,
    remoteMta: hop?.host ?? null,
    lastAttemptAt: now,
    willRetryUntil: deadline(administration.undeliverableAfter, recipient.countedFrom),
    sentence: reportSentence(verdict, decision, hop, recipient.rcptTo, mayHaveArrived),
  };
  return { action, due: { at: now, facts } };
}

async function finishedReport(deps: ReporterDeps, { message, recipients }: ReportMatter): Promise<FinishedReport> {
  const now = deps.clock.now();
  const sender = message.mailFrom;
  if (sender === null) throw new Error('a report on a message with the null reverse-path');
  // `facts` is stored by us alone, from `dueFor`.
  const reported = recipients.map(({ rcptTo, dsn, facts }): ReportedRecipient => ({
    ...(facts as RecipientReport),
    rcptTo,
    dsn,
  }));
  const isFailure = reported.some(({ action }) => action === 'failed');
  const built = buildReport({
    reportingMta: deps.hostname(),
    sender,
    originalDsn: message.dsn,
    originalSubject: message.subject,
    arrivedAt: message.acceptedAt,
    now,
    unique: deps.random.hex(12),
    recipients: reported,
    original: await originalOrNothing(deps, message, isFailure),
  });
  return {
    bytes: built.bytes,
    told: recipients.map(({ id, at }) => ({ recipient: id, at })),
    message: {
      id: deps.newQueueId(),
      acceptedAt: now,
      mailFrom: null,
      // NOTIFY=NEVER: no report about a report, whoever is asked to make it (RFC 3461 §7.2).
      recipients: [{ rcptTo: sender, dsn: { notify: ['never'] } }],
      dsn: {},
      body8bit: built.body8bit,
      smtputf8: built.smtputf8,
      origin: { kind: 'report', about: message.id },
      subject: built.subject,
      headerFrom: `MAILER-DAEMON@${deps.hostname()}`,
      messageId: built.messageId,
    },
  };
}

/** The original message, or its header, to be returned with the report. */
interface ReturnedOriginal {
  readonly kind: 'full' | 'header';
  readonly bytes: Uint8Array;
}

/** Octets that are gone for good must not keep the sender from being told. */
async function originalOrNothing(
  deps: ReporterDeps,
  message: ReportMatter['message'],
  isFailure: boolean,
): Promise<ReturnedOriginal> {
  try {
    return await originalOf(deps, message, isFailure);
  } catch (error) {
    if (error instanceof StoreError && (error.reason === 'corrupt' || error.reason === 'other'))
      return { kind: 'header', bytes: new Uint8Array(0) };
    throw error;
  }
}

async function originalOf(
  { store, settings }: ReporterDeps,
  { id, dsn, size }: ReportMatter['message'],
  isFailure: boolean,
): Promise<ReturnedOriginal> {
  // RET is the sender's wish, the setting is the default, success never returns the text (RFC 3461 §4.3).
  const isFullWanted = dsn.ret === undefined ? settings().administration.attachOriginal : dsn.ret === 'full';
  if (!isFailure || !isFullWanted || size > MAX_ATTACHED) {
    return { kind: 'header', bytes: headerOf(await store.head(id, HEADER_OCTETS)) };
  }
  const bytes = new Uint8Array(size);
  let filled = 0;
  for await (const chunk of store.read(id)) {
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  return { kind: 'full', bytes };
}

function statusOf({ decision, verdict }: ConcludedRecipient): string {
  switch (decision.kind) {
    case 'fail':
      return decision.status;
    case 'delivered':
      return '2.0.0';
    case 'retry':
      return verdict.kind === 'deferred' ? verdict.status : '4.0.0';
    default:
      return assertNever(decision);
  }
}
