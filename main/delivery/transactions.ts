/** One message for some recipients over one session: as many transactions as it takes, and what they said. */
import type { HopAttempt, Verdict } from '../../shared/mail.ts';
import { classifyReport } from '../policy/classify.ts';
import type { SessionReport } from '../policy/model.ts';
import { mayBeDelivered } from '../policy/unknown-outcome.ts';
import type { SessionFailure } from '../smtp/open-session.ts';
import type { SmtpSession } from '../smtp/session.ts';
import { troubleWords } from '../smtp/trouble-words.ts';
import type { OutgoingRecipient, MessageInDelivery } from './delivery-port.ts';

export type HopAttemptDraft = Omit<HopAttempt, 'attempt' | 'network'>;

/** What the hops of a step said so far. */
export interface StepOutcomeSoFar {
  /** Timeline rows. */
  readonly tries: HopAttemptDraft[];
  /** By recipient; of several hops the last one counts. */
  readonly verdicts: Map<number, Verdict>;
  /** Recipients whose next hop took DSN parameters over. */
  readonly dsnPassedOn: Set<number>;
}

export function newOutcome(): StepOutcomeSoFar {
  return { tries: [], verdicts: new Map(), dsnPassedOn: new Set() };
}

/** Takes in what one more hop said. */
export function addOutcome(outcome: StepOutcomeSoFar, more: StepOutcomeSoFar): void {
  outcome.tries.push(...more.tries);
  for (const [id, verdict] of more.verdicts) outcome.verdicts.set(id, verdict);
  for (const id of more.dsnPassedOn) outcome.dsnPassedOn.add(id);
}

/** What happened at one hop; one verdict for each recipient that went in. */
export interface HopOutcome extends StepOutcomeSoFar {
  readonly reports: SessionReport[];
}

/** Trouble of our own (a bug, the disk), or the message was deleted before it was sent: no hop is at fault. */
export const LOCAL_TROUBLE: Verdict = { kind: 'deferred', scope: 'local', status: '4.3.0', why: 'local' };
/** The session ended before these recipients were sent to. */
export const SESSION_LOST: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.2', why: 'connection-lost' };

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
  const verdicts = new Map(classifyReport(report));
  return { reports: [report], tries: [tryOf(report, verdicts)], verdicts, dsnPassedOn: new Set() };
}

/** Most recipients in one transaction: what every server has to accept (RFC 5321 §4.5.3.1.8). */
const MAX_RECIPIENTS = 100;
/** Connections that replace one which the server closed before it was used: at most this many for one message. */
const MAX_REPLACEMENTS = 3;

/** The sending of one message over one hop. */
interface Sending extends HopOutcome {
  readonly message: MessageInDelivery;
  readonly recipients: readonly OutgoingRecipient[];
  readonly signal: AbortSignal;
  readonly reconnect: () => Promise<SmtpSession | SessionFailure>;
  session: SmtpSession;
  /** Recipients without a transaction yet, in order. */
  left: readonly OutgoingRecipient[];
  replacementsLeft: number;
}

/**
 * Sends the message to all recipients, at most 100 in a transaction. Those that the server has no more room for (452
 * after others were accepted) follow in a further transaction, as long as each one gets some through (standards 40). A
 * session that the server closed while it was idle is replaced, and does not count as a failure.
 *
 * Returns without giving back its place in the limit of unrecorded messages (`AttemptProgress.begin`) only if every recipient was
 * taken, or may have been: to wait for a connection with such a place would be to wait for those who have the connections
 * and wait for a place.
 * @param reconnect another session to the same hop. May reject once `signal` aborts.
 * @param before timeline rows of this step at other hops
 */
export async function sendOver(
  first: SmtpSession,
  reconnect: () => Promise<SmtpSession | SessionFailure>,
  message: MessageInDelivery,
  recipients: readonly OutgoingRecipient[],
  before: readonly HopAttemptDraft[],
  signal: AbortSignal,
): Promise<HopOutcome & { readonly session: SmtpSession }> {
  const { progress } = message;
  const sending: Sending = {
    ...newOutcome(),
    reports: [],
    message,
    recipients,
    signal,
    reconnect,
    session: first,
    left: recipients,
    replacementsLeft: MAX_REPLACEMENTS,
  };
  while (sending.left.length > 0) {
    const now = sending.left.slice(0, MAX_RECIPIENTS);
    const done = await transactOnce(sending, now);
    if (done.kind === 'over') break;
    if (done.kind === 'reconnected') continue;
    const delivered = takeInReport(sending, now, done.report, done.dsnPassedOn);
    sending.left = leftAfter(sending, now, done.report, delivered);
    if (recipients.every(({ id }) => mayBeDelivered(sending.verdicts.get(id)))) break;
    if (delivered === 0) progress.nobodyAccepted();
    else {
      const { tries, verdicts, dsnPassedOn } = sending;
      await progress.accepted({ tries: [...before, ...tries], verdicts, dsnPassedOn });
    }
  }
  return sending;
}

/** What came of starting one transaction. */
type Transacted =
  | { readonly kind: 'answered'; readonly report: SessionReport; readonly dsnPassedOn: boolean }
  /** The session was stale; another one took its place, and nothing has been sent. */
  | { readonly kind: 'reconnected' }
  /** Nothing more can be sent: deleted meanwhile, or no other session could be had. Verdicts are noted. */
  | { readonly kind: 'over' };

async function transactOnce(sending: Sending, now: readonly OutgoingRecipient[]): Promise<Transacted> {
  const { message, session, signal } = sending;
  const { progress } = message;
  const wasAlive = session.alive;
  if (!(await progress.begin(signal))) {
    for (const { id } of sending.left) sending.verdicts.set(id, LOCAL_TROUBLE);
    return { kind: 'over' };
  }
  const mayBeStale = session.used > 0 || (wasAlive && !sending.session.alive && sending.replacementsLeft-- > 0);
  const { report, dsnPassedOn } = await session.transact(message, now, signal);
  const answered: Transacted = { kind: 'answered', report, dsnPassedOn };
  if (!mayBeStale || session.alive || !endedBeforeFirstReply(report) || signal.aborted) return answered;
  progress.nobodyAccepted();
  const other = await sending.reconnect().catch((error: unknown) => {
    if (sending.reports.length === 0) throw error;
    return null;
  });
  if (other === null) return answered;
  if (other.kind === 'ready') {
    sending.session = other;
    return { kind: 'reconnected' };
  }
  const failed = outcomeOfFailure(other, sending.left);
  sending.reports.push(...failed.reports);
  addOutcome(sending, failed);
  return { kind: 'over' };
}

/** Notes what a transaction said; returns how many of its recipients were delivered to. */
function takeInReport(
  sending: Sending,
  now: readonly OutgoingRecipient[],
  report: SessionReport,
  dsnPassedOn: boolean,
): number {
  const said = classifyReport(report);
  sending.reports.push(report);
  sending.tries.push(tryOf(report, said));
  let delivered = 0;
  for (const { id } of now) {
    const verdict = said.get(id) ?? LOCAL_TROUBLE;
    sending.verdicts.set(id, verdict);
    if (verdict.kind !== 'delivered') continue;
    delivered++;
    if (dsnPassedOn) sending.dsnPassedOn.add(id);
  }
  return delivered;
}

/** Who needs a further transaction. Where none is possible, notes the verdicts of those who will not get one. */
function leftAfter(
  { session, left, verdicts }: Sending,
  now: readonly OutgoingRecipient[],
  report: SessionReport,
  delivered: number,
): readonly OutgoingRecipient[] {
  const rest = left.slice(MAX_RECIPIENTS);
  if (delivered > 0 && session.alive) return [...now.filter((r) => isTooMany(verdicts.get(r.id))), ...rest];
  if (session.alive && report.phase !== 'mail') return rest;
  // MAIL was refused: the rest would get the same reply. A session that ended says nothing about them.
  const [first] = now;
  const same = report.phase === 'mail' && first ? verdicts.get(first.id) : undefined;
  for (const { id } of rest) verdicts.set(id, same ?? SESSION_LOST);
  return [];
}

/** The connection was gone before the first command was answered. */
function endedBeforeFirstReply({ phase, trouble, reply }: SessionReport): boolean {
  return phase === 'mail' && (trouble?.kind === 'connection-lost' || reply?.code === 421);
}

function isTooMany(verdict: Verdict | undefined): boolean {
  return verdict?.kind === 'deferred' && verdict.why === 'too-many-recipients';
}
