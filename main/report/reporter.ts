/**
 * Reports to senders: asks bounce-decision who is told, and has the report built. When it is made: report-scheduler.ts.
 */
import type { HopAttempt, Verdict } from '../../shared/mail.ts';
import type { Settings } from '../../shared/settings.ts';
import { buildReport, headerOf, type ReportedRecipient } from './build-dsn.ts';
import { reportAction } from '../policy/bounce-decision.ts';
import type { StepFact } from '../policy/explain.ts';
import { deadline } from '../policy/limit.ts';
import { reportSentence } from '../policy/report-sentence.ts';
import type { NextStep, Route } from '../policy/model.ts';
import type { UnknownOutcome } from '../policy/unknown-outcome.ts';
import { StoreError } from '../queue/queue-store.ts';
import type {
  ClaimedMessage,
  ClaimedRecipient,
  DueReport,
  FinishedReport,
  QueueStore,
  ReportMatter,
} from '../queue/queue-store.ts';
import type { Clock, Random } from '../runtime/clock.ts';

/** One recipient whose attempt is over, with all that led there. */
export interface ConcludedRecipient {
  readonly recipient: ClaimedRecipient;
  readonly route: Route;
  readonly trail: readonly StepFact[];
  readonly verdict: Verdict;
  /** As they stand after this attempt. */
  readonly unknownOutcomes: readonly UnknownOutcome[];
  readonly decision: Exclude<NextStep, { kind: 'step' }>;
  /** The timeline row that the verdict comes from; null if nobody was asked. */
  readonly row: Omit<HopAttempt, 'attempt' | 'network'> | null;
  readonly waitsFor: string | null;
  readonly dsnPassedOn: boolean;
  /** Wall clock less monotonic clock when it was decided, ms: tells whether the clock was set since. */
  readonly clockOffset: number;
}

/** A message whose folder became Bad or Bounced just now, for a notification. */
export interface FailedMessage {
  readonly id: string;
  readonly folder: 'bad' | 'bounced';
  readonly subject: string;
  /** First recipient that failed. */
  readonly to: string;
  /** Some recipient that failed may have got it all the same (spec §2). */
  readonly mayHaveArrived: boolean;
  /** The server's words, one line, or null. */
  readonly words: string | null;
}

/** What is told of one recipient, without who it is: kept with it in the queue until the report is made. */
export type ReportFacts = Omit<ReportedRecipient, 'rcptTo' | 'dsn'>;

export interface Reporter {
  /** What the sender is to be told of a recipient whose attempt is over; null = nothing. */
  dueFor(
    message: ClaimedMessage,
    finished: ConcludedRecipient,
  ): { readonly action: ReportFacts['action']; readonly due: DueReport } | null;
  /** One report for all these recipients of one message (standards 49). */
  reportOf(matter: ReportMatter): Promise<FinishedReport>;
}

/** A larger original is returned by its header only: a bounce must not be harder to deliver than the message was. */
const MAX_ATTACHED = 1024 * 1024;
const HEADER_OCTETS = 64 * 1024;

export interface ReporterDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: QueueStore;
  readonly settings: () => Settings;
  readonly hostname: () => string;
  readonly newQueueId: () => string;
}

export function createReporter(deps: ReporterDeps): Reporter {
  const original = async (
    message: ReportMatter['message'],
    failed: boolean,
  ): Promise<{ kind: 'full' | 'header'; bytes: Uint8Array }> => {
    // RET is the sender's wish, the setting is the default, success never returns the text (RFC 3461 §4.3).
    const wanted =
      message.dsn.ret === undefined ? deps.settings().administration.attachOriginal : message.dsn.ret === 'full';
    if (!failed || !wanted || message.size > MAX_ATTACHED) {
      return { kind: 'header', bytes: headerOf(await deps.store.head(message.id, HEADER_OCTETS)) };
    }
    const bytes = new Uint8Array(message.size);
    let filled = 0;
    for await (const chunk of deps.store.read(message.id)) {
      bytes.set(chunk, filled);
      filled += chunk.length;
    }
    return { kind: 'full', bytes };
  };

  /** Octets that are gone for good must not keep the sender from being told. */
  const originalOrNothing = async (...args: Parameters<typeof original>): ReturnType<typeof original> => {
    try {
      return await original(...args);
    } catch (error) {
      if (error instanceof StoreError && (error.reason === 'corrupt' || error.reason === 'other'))
        return { kind: 'header', bytes: new Uint8Array(0) };
      throw error;
    }
  };

  return {
    dueFor(message, finished) {
      const { administration } = deps.settings();
      const now = deps.clock.now();
      const action = reportAction({
        mailFrom: message.mailFrom,
        dsn: finished.recipient.dsn,
        decision: finished.decision,
        dsnPassedOn: finished.dsnPassedOn,
        delaySent: finished.recipient.delaySent,
        acceptedAt: message.acceptedAt,
        now,
        returnUndeliverable: administration.returnUndeliverable,
      });
      if (action === null) return null;
      const { verdict, decision, row, recipient } = finished;
      const facts: ReportFacts = {
        action,
        status: statusOf(finished),
        reply: verdict.reply ?? null,
        remoteMta: row?.hop.host ?? null,
        lastAttemptAt: now,
        willRetryUntil: deadline(administration.undeliverableAfter, recipient.countedFrom),
        sentence: reportSentence(
          verdict,
          decision,
          row?.hop ?? null,
          recipient.rcptTo,
          finished.unknownOutcomes.length > 0,
        ),
      };
      return { action, due: { at: now, facts } };
    },

    async reportOf({ message, recipients }) {
      const now = deps.clock.now();
      const sender = message.mailFrom;
      if (sender === null) throw new Error('a message without a sender has nobody to be told');
      // Only what dueFor made is stored.
      const reported = recipients.map(({ rcptTo, dsn, facts }): ReportedRecipient => ({
        ...(facts as ReportFacts),
        rcptTo,
        dsn,
      }));
      const failed = reported.some((r) => r.action === 'failed');
      const built = buildReport({
        reportingMta: deps.hostname(),
        sender,
        originalDsn: message.dsn,
        originalSubject: message.subject,
        arrivedAt: message.acceptedAt,
        now,
        unique: deps.random.hex(12),
        recipients: reported,
        original: await originalOrNothing(message, failed),
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
    },
  };
}

function statusOf(f: ConcludedRecipient): string {
  switch (f.decision.kind) {
    case 'fail':
      return f.decision.status;
    case 'delivered':
      return '2.0.0';
    case 'retry':
      return f.verdict.kind === 'deferred' ? f.verdict.status : '4.0.0';
  }
}
