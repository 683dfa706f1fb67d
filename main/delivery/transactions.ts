/** One message for some recipients over one session: as many transactions as it takes, and what they said. */
import type { Verdict } from '../../shared/mail.ts';
import { say } from '../../shared/phrases.ts';
import { assertNever } from '../../shared/result.ts';
import { misfitPhrase } from '../../shared/secret-binding.ts';
import { classifyReport } from '../policy/classify.ts';
import { MAX_RECIPIENTS } from '../policy/group-recipients.ts';
import type { SessionReport, SessionTrouble } from '../policy/model.ts';
import { mayBeDelivered } from '../policy/unknown-outcome.ts';
import type { SessionFailure, SmtpSession } from '../smtp/open-session.ts';
import type { HopAttemptDraft, MessageInDelivery, OutgoingRecipient } from './delivery-port.ts';

export type { HopAttemptDraft } from './delivery-port.ts';

/** What happened at one hop. */
export interface HopOutcome {
  readonly reports: readonly SessionReport[];
  readonly tries: readonly HopAttemptDraft[];
  /** One for each recipient that went in. */
  readonly verdicts: ReadonlyMap<number, Verdict>;
  readonly dsnPassedOn: ReadonlySet<number>;
}

/** In words, what went wrong when no server said it. Never a secret. */
export function troubleWords(trouble: SessionTrouble): string {
  switch (trouble.kind) {
    case 'refused':
      return 'connection refused';
    case 'unreachable':
      return 'not reachable';
    case 'timeout':
      return 'no answer in time';
    case 'connection-lost':
      return 'connection lost';
    case 'malformed':
      return 'answered in a way that is not SMTP';
    case 'tls':
    case 'auth-not-possible':
    case 'intercepted':
    case 'token-later':
    case 'proxy':
    case 'local':
      return trouble.detail;
    case 'no-secret':
      return trouble.why
        ? say(misfitPhrase(trouble.use ?? 'password', trouble.why))
        : 'the password or sign-in for this gateway is missing';
    case 'not-smtp':
      return 'no mail server answers there';
    case 'too-large':
      return `larger than the ${trouble.limit} octets that the server takes`;
    case 'needs-8bitmime':
      return 'the server does not take 8-bit text';
    case 'needs-smtputf8':
      return 'the server does not take addresses with non-ASCII characters';
    default:
      return assertNever(trouble);
  }
}

/** The timeline row of one report. */
export function tryOf(report: SessionReport, verdicts: ReadonlyMap<number, Verdict>): HopAttemptDraft {
  return {
    hop: report.hop,
    startedAt: report.startedAt,
    endedAt: report.endedAt,
    phase: report.phase,
    tls: report.tls,
    ...(report.trouble ? { error: troubleWords(report.trouble) } : {}),
    outcomes: report.recipients.flatMap(({ recipient }) => {
      const verdict = verdicts.get(recipient);
      return verdict ? [{ recipient, verdict }] : [];
    }),
  };
}

/** A session that could not be had, as a report for these recipients. */
export function reportOfFailure(
  failure: SessionFailure,
  recipients: readonly { readonly id: number }[],
): SessionReport {
  return {
    hop: failure.hop,
    phase: failure.phase,
    startedAt: failure.startedAt,
    endedAt: failure.endedAt,
    tls: failure.tls,
    reply: failure.reply,
    trouble: failure.trouble,
    dotSent: false,
    recipients: recipients.map((r) => ({ recipient: r.id, rcptReply: null })),
  };
}

/** A failure to get a session, as the outcome at that hop. */
export function outcomeOfFailure(failure: SessionFailure, recipients: readonly { readonly id: number }[]): HopOutcome {
  const report = reportOfFailure(failure, recipients);
  const verdicts = classifyReport(report);
  return { reports: [report], tries: [tryOf(report, verdicts)], verdicts, dsnPassedOn: new Set() };
}

/** Fresh connections in place of those that a server closed before we used them: this many for one message. */
const MAX_SPARE_SESSIONS = 3;

/**
 * Sends the message to all recipients, at most 100 in a transaction. Those that the server has no more room for (452
 * after others were accepted) follow in a further transaction, as long as each one gets some through (standards 40). A
 * session that the server closed while it idled is replaced, and nobody blamed.
 *
 * Comes back with a place (`AttemptProgress.begin`) only if nobody is left who could go on: waiting for a connection with one
 * would be waiting for those who have the connections and wait for a place.
 * @param again Another session to the same hop. May reject once `signal` aborts.
 * @param before Tries of this step at other hops.
 */
export async function sendOver(
  first: SmtpSession,
  again: () => Promise<SmtpSession | SessionFailure>,
  message: MessageInDelivery,
  recipients: readonly OutgoingRecipient[],
  before: readonly HopAttemptDraft[],
  signal: AbortSignal,
): Promise<HopOutcome & { readonly session: SmtpSession }> {
  const { progress } = message;
  const reports: SessionReport[] = [];
  const tries: HopAttemptDraft[] = [];
  const verdicts = new Map<number, Verdict>();
  const dsnPassedOn = new Set<number>();
  let session = first;
  let spare = MAX_SPARE_SESSIONS;
  let left = recipients;
  while (left.length > 0) {
    const now = left.slice(0, MAX_RECIPIENTS);
    const wasAlive = session.alive;
    if (!(await progress.begin(signal))) {
      for (const { id } of left) verdicts.set(id, NOT_WANTED);
      break;
    }
    const idledOut = session.used > 0 || (wasAlive && !session.alive && spare-- > 0);
    const { report, dsnPassedOn: passedOn } = await session.transact(message, now, signal);
    if (idledOut && !session.alive && wasStale(report) && !signal.aborted) {
      progress.nobodyAccepted();
      const other = await again().catch((error: unknown) => {
        if (reports.length === 0) throw error;
        return null;
      });
      if (other?.kind === 'ready') {
        session = other;
        continue;
      }
      if (other) {
        const failed = outcomeOfFailure(other, left);
        reports.push(...failed.reports);
        tries.push(...failed.tries);
        for (const [id, verdict] of failed.verdicts) verdicts.set(id, verdict);
        break;
      }
    }
    left = left.slice(MAX_RECIPIENTS);
    const said = classifyReport(report);
    reports.push(report);
    tries.push(tryOf(report, said));
    let delivered = 0;
    for (const { id } of now) {
      const verdict = said.get(id) ?? { kind: 'deferred', scope: 'local', status: '4.3.0', why: 'local' };
      verdicts.set(id, verdict);
      if (verdict.kind !== 'delivered') continue;
      delivered++;
      if (passedOn) dsnPassedOn.add(id);
    }
    const tooMany = now.filter((r) => isTooMany(verdicts.get(r.id)));
    if (delivered > 0 && session.alive) left = [...tooMany, ...left];
    else if (!session.alive || report.phase === 'mail') {
      // MAIL was refused: the rest would hear the same. A session that ended says nothing about them.
      const [heard] = now;
      const same = report.phase === 'mail' && heard ? verdicts.get(heard.id) : undefined;
      for (const { id } of left) verdicts.set(id, same ?? LOST);
      left = [];
    }
    if (recipients.every(({ id }) => mayBeDelivered(verdicts.get(id)))) break;
    if (delivered > 0) await progress.accepted({ tries: [...before, ...tries], verdicts, dsnPassedOn });
    else progress.nobodyAccepted();
  }
  return { reports, tries, verdicts, dsnPassedOn, session };
}

/** A kept connection that was gone before the first command was answered. */
function wasStale({ phase, trouble, reply }: SessionReport): boolean {
  return phase === 'mail' && (trouble?.kind === 'connection-lost' || reply?.code === 421);
}

/** Nobody's fault: the message was deleted before it was sent. */
const NOT_WANTED: Verdict = { kind: 'deferred', scope: 'local', status: '4.3.0', why: 'local' };
/** The session ended, and with it the way for whoever had not been sent yet. */
export const LOST: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.2', why: 'connection-lost' };

function isTooMany(verdict: Verdict | undefined): boolean {
  return verdict?.kind === 'deferred' && verdict.why === 'too-many-recipients';
}
