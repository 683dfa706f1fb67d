/**
 * Every judgement on what servers and networks answer. One verdict per recipient; whatever is not known is temporary.
 *
 * | point of failure | MX or LAN host | gateway |
 * |---|---|---|
 * | cannot connect, time-out, connection lost | host, deferred | host, deferred |
 * | greeting or EHLO 4yz/5yz, no SMTP | host, deferred: the next host, never a bounce (standards 38) | the same |
 * | TLS | host, deferred | gateway, deferred |
 * | sign-in, no password, interception | (not used) | gateway, deferred |
 * | 421 anywhere | host, deferred | host, deferred |
 * | MAIL 4yz / 5yz | message, deferred / rejected | deferred / gateway, deferred unless it names the message (5.1.x, 5.2.x, 5.3.4, 5.6.x) |
 * | RCPT 4yz / 5yz | recipient, deferred / rejected | the same, but for the gateway's own faults |
 * | DATA, final dot 4yz / 5yz | message, deferred / rejected | the same, but for the gateway's own faults |
 * | 500, 502, 503, 504, 555 to MAIL or RCPT, 503 to DATA | host, deferred: a quarrel over the protocol is not about the mail | the same |
 * | 5.7.x, 530, 534, 535, 538, "relaying denied" | rejected (530 before TLS: host, deferred) | gateway, deferred (spec §3.2) |
 * | 452, 552 without or with x.5.3 to RCPT after others were accepted | too many recipients: the rest soon (RFC 5321 §4.5.3.1.10) | the same |
 * | final dot sent, no reply | lost after the dot: perhaps delivered (RFC 1047) | the same |
 * | larger than SIZE; 8-bit or UTF-8 where not offered | rejected 5.3.4; 5.6.3; 5.6.7 | the same |
 * | malformed or missing reply | deferred (standards 39) | deferred |
 * | our own disk, a bug | local, deferred | local, deferred |
 */
import type { DeferReason, EnhancedStatus, SmtpPhase, SmtpReply, Verdict } from '../../shared/mail.ts';
import { assertNever } from '../../shared/result.ts';
import type { RecipientFact, SessionReport, SessionTrouble } from './model.ts';
import { mayHaveArrived } from './unknown-outcome.ts';

export type HopKind = SessionReport['hop']['kind'];
type Deferred = Extract<Verdict, { kind: 'deferred' }>;
type Scope = Deferred['scope'];
/** Commands whose reply speaks of mail. */
type MailPhase = 'mail' | 'rcpt' | 'data';

const PHASES: readonly SmtpPhase[] = [
  'dns', 'connect', 'greeting', 'ehlo', 'starttls', 'tls', 'auth', 'mail', 'rcpt', 'data', 'body', 'final',
]; // prettier-ignore

/** Replies to commands that the server did not understand or expect (RFC 5321 §4.2.4; 555 §4.1.1.11). */
const PROTOCOL_CODES: readonly number[] = [500, 502, 503, 504, 555];
/** Sign-in and encryption wanted or refused (RFC 4954 §6, RFC 3207 §4). */
const SIGN_IN_CODES: readonly number[] = [530, 534, 535, 538, 454];
/** How servers without enhanced codes say that this client may not send through them. */
const RELAYING_DENIED =
  /relay(?:ing)?(?: access)?(?: is| was)?(?: not)? (?:denied|permitted|allowed|prohibited|forbidden|disabled)|(?:unable|not (?:allowed|permitted)|denied|refus\w+|won't|cannot|do(?:es)? not) (?:to )?(?:\w+ )?relay|no relay|rcpthosts|not (?:a )?local (?:user|host|domain)|not (?:an )?open relay/i;
const SIGN_IN_WANTED =
  /authentication (?:is )?(?:required|needed|failed)|auth(?:enticate)? (?:first|required)|must (?:first )?(?:authenticate|log ?in|sign ?in)|not authenticated|client was not authenticated|pop before smtp/i;

/**
 * One verdict for every recipient of the report, in its order.
 * @param hopKind whose fault a policy reply is: an MX refuses the mail, a gateway refuses us
 */
export function classifyReport(
  report: SessionReport,
  hopKind: HopKind = report.hop.kind,
): ReadonlyMap<number, Verdict> {
  const last = afterDot(report) ? finalVerdict(report, hopKind) : null;
  const delivered = last?.kind === 'delivered';
  const verdicts = new Map<number, Verdict>();
  for (const fact of report.recipients) {
    const own = ownVerdict(fact, report, hopKind, delivered);
    verdicts.set(fact.recipient, own ?? last ?? sharedVerdict(report, hopKind));
  }
  return verdicts;
}

/**
 * True if the hop was reached and let us in: only then does its failure count against the mail (spec §4.3). A gateway that
 * asks for a sign-in only when the mail comes (530 to MAIL or RCPT) did not.
 */
export function sessionEstablished(report: SessionReport, hopKind: HopKind = report.hop.kind): boolean {
  if (PHASES.indexOf(report.phase) < PHASES.indexOf('mail')) return false;
  const verdicts = [...classifyReport(report, hopKind).values()];
  return verdicts.length === 0 || !verdicts.every((v) => v.kind === 'deferred' && v.why === 'auth');
}

/**
 * True if the next host (or the next address) for the same recipient may be tried in the same step: not after a refusal,
 * not when the mail may have been accepted, not when the trouble is ours, not when the same host will take it in a moment.
 */
export function mayTryNextHost(verdict: Verdict): boolean {
  return (
    verdict.kind === 'deferred' &&
    verdict.scope !== 'local' &&
    !mayHaveArrived(verdict) &&
    verdict.why !== 'too-many-recipients'
  );
}

/** The verdict of the RCPT reply alone; null if the recipient shares the fate of the transaction. */
function ownVerdict(fact: RecipientFact, report: SessionReport, hopKind: HopKind, delivered: boolean): Verdict | null {
  const reply = fact.rcptReply;
  if (reply === null) {
    // The transaction went on without this one: its reply was malformed or is missing.
    return afterDot(report) ? deferred('recipient', 'unsupported-reply', '4.5.0') : null;
  }
  if (isPositive(reply)) return null;
  if (!isFailure(reply)) return deferred('recipient', 'unsupported-reply', '4.5.0', reply);
  if (isTooManyRecipients(reply)) {
    // Nothing was delivered in this transaction: coming back at once would go round in circles.
    return delivered
      ? deferred('recipient', 'too-many-recipients', '4.5.3', reply)
      : deferred('recipient', 'reply', '4.5.3', reply);
  }
  return replyVerdict(reply, 'rcpt', report, hopKind);
}

/** What the reply to the final dot (or its absence) means for the recipients that were accepted. */
function finalVerdict(report: SessionReport, hopKind: HopKind): Verdict {
  const { reply, phase } = report;
  if (reply === null || phase !== 'final') return deferred('host', 'lost-after-dot', '4.4.2');
  if (isPositive(reply)) return { kind: 'delivered', reply };
  // Neither yes nor no: it may have been taken.
  if (!isFailure(reply)) return deferred('host', 'lost-after-dot', '4.5.0', reply);
  return replyVerdict(reply, 'data', report, hopKind);
}

/** What the end of the session means for recipients that have no verdict of their own. */
function sharedVerdict(report: SessionReport, hopKind: HopKind): Verdict {
  const { reply, trouble, phase } = report;
  if (trouble !== null) return troubleVerdict(trouble, report, hopKind);
  if (reply === null || !isFailure(reply)) return deferred('host', 'unsupported-reply', '4.5.0', reply);
  switch (phase) {
    case 'dns':
    case 'connect':
    case 'greeting':
    case 'ehlo':
      return deferred('host', 'greeting', statusOf(reply, '4.4.1'), reply);
    case 'starttls':
    case 'tls':
      if (reply.code === 421) return deferred('host', 'reply', statusOf(reply, '4.4.2'), reply);
      return deferred(ownScope(hopKind), 'tls', '4.7.5', reply);
    case 'auth':
      if (reply.code === 421) return deferred('host', 'reply', statusOf(reply, '4.4.2'), reply);
      return deferred(ownScope(hopKind), 'auth', '4.7.8', reply);
    case 'mail':
      return replyVerdict(reply, 'mail', report, hopKind);
    case 'rcpt':
      // The reply is another recipient's: it ended the transaction, but says nothing about this one.
      return deferred('host', 'reply', statusOf(reply, '4.4.2'), reply);
    case 'data':
    case 'body':
    case 'final':
      return replyVerdict(reply, 'data', report, hopKind);
    default:
      return assertNever(phase);
  }
}

/** A 4yz or 5yz to a command that speaks of mail. */
function replyVerdict(reply: SmtpReply, phase: MailPhase, report: SessionReport, hopKind: HopKind): Verdict {
  if (reply.code === 421) return deferred('host', 'reply', statusOf(reply, '4.4.2'), reply);
  if (hopKind === 'gateway') {
    const fault = gatewayFault(reply);
    if (fault !== null) return deferred('gateway', fault, statusOf(reply, '4.7.1'), reply);
  } else if (SIGN_IN_CODES.includes(reply.code) && report.tls === null && reply.code !== 454) {
    return deferred('host', 'tls-required', '4.7.10', reply);
  }
  const scope: 'recipient' | 'message' = phase === 'rcpt' ? 'recipient' : 'message';
  if (reply.code < 500) return deferred(scope, 'reply', statusOf(reply, '4.0.0'), reply);
  const named = enhancedOf(reply);
  if (isProtocolQuarrel(reply, phase, named)) return deferred('host', 'unsupported-reply', '4.5.0', reply);
  const status = rejectedStatus(reply, phase);
  if (hopKind === 'gateway' && !refusesTheMail(phase, named, status)) {
    return named?.startsWith('5.') === true && phase !== 'mail'
      ? deferred('host', 'reply', statusOf(reply, '4.3.0'), reply)
      : deferred('gateway', 'policy', statusOf(reply, '4.7.1'), reply);
  }
  return { kind: 'rejected', scope, status, reply };
}

/** spec §3.2: what lets a gateway's refusal speak of the recipient or the message. */
function refusesTheMail(phase: MailPhase, named: string | null, status: EnhancedStatus): boolean {
  const subject = named === null || named === '5.0.0' ? (status === '5.3.4' ? status : null) : named;
  if (subject === null) return phase !== 'mail'; // a plain 5yz to RCPT or DATA
  return /^5\.[126]\./.test(subject) || subject === '5.3.4';
}

/** Why a reply of a gateway is the gateway's (or our sign-in's) fault and says nothing about the mail; null if it is not. */
function gatewayFault(reply: SmtpReply): DeferReason | null {
  const named = enhancedOf(reply);
  if (RELAYING_DENIED.test(reply.text)) return 'relaying-denied';
  if (SIGN_IN_CODES.includes(reply.code) || SIGN_IN_WANTED.test(reply.text)) return 'auth';
  if (named === '5.7.8') return 'auth';
  if (named?.startsWith('5.7.') === true) return 'policy';
  return null;
}

/** A reply about our commands instead of the mail. An enhanced code that names the address or the message says otherwise. */
function isProtocolQuarrel(reply: SmtpReply, phase: MailPhase, named: string | null): boolean {
  if (named !== null && /^5\.[12346]\./.test(named)) return false;
  if (PROTOCOL_CODES.includes(reply.code)) return true;
  // "501 syntax error" to RCPT means the address; to MAIL it may be a parameter of ours.
  return reply.code === 501 && phase === 'mail';
}

/** 452, or 552 as old servers say it, to RCPT; a 552 that means a full mailbox says so with x.2.2. */
function isTooManyRecipients(reply: SmtpReply): boolean {
  const named = enhancedOf(reply);
  const subject = named?.slice(2) ?? null;
  if (subject === '5.3') return true;
  return (reply.code === 452 || reply.code === 552) && subject === null;
}

function troubleVerdict(trouble: SessionTrouble, report: SessionReport, hopKind: HopKind): Verdict {
  const reply = report.reply !== null && isFailure(report.reply) ? report.reply : null;
  switch (trouble.kind) {
    case 'refused':
      return deferred('host', 'connection-refused', '4.4.1', reply);
    case 'unreachable':
    case 'proxy':
      return deferred('host', 'unreachable', '4.4.1', reply);
    case 'token-later':
      return deferred(ownScope(hopKind), 'unreachable', '4.7.0', reply);
    case 'timeout':
      return deferred(
        'host',
        'timeout',
        PHASES.indexOf(report.phase) <= PHASES.indexOf('greeting') ? '4.4.1' : '4.4.2',
        reply,
      );
    case 'connection-lost':
      return deferred('host', 'connection-lost', '4.4.2', reply);
    case 'malformed':
      return deferred('host', 'unsupported-reply', '4.5.0', reply);
    case 'not-smtp':
      return deferred('host', 'greeting', '4.5.0', reply);
    case 'tls':
      return deferred(ownScope(hopKind), trouble.problem === 'not-offered' ? 'tls-required' : 'tls', '4.7.5', reply);
    case 'auth-not-possible':
      return deferred(ownScope(hopKind), 'auth', '4.7.0', reply);
    case 'no-secret':
      return deferred(ownScope(hopKind), 'no-secret', '4.7.0', reply);
    case 'intercepted':
      return deferred(ownScope(hopKind), 'intercepted', '4.7.0', reply);
    case 'too-large':
      return { kind: 'rejected', scope: 'message', status: '5.3.4' };
    case 'needs-8bitmime':
      return { kind: 'rejected', scope: 'message', status: '5.6.3' };
    case 'needs-smtputf8':
      return { kind: 'rejected', scope: 'message', status: '5.6.7' };
    case 'local':
      return deferred('local', 'local', '4.3.0', reply);
    default:
      return assertNever(trouble);
  }
}

function ownScope(hopKind: HopKind): Scope {
  return hopKind === 'gateway' ? 'gateway' : 'host';
}

function deferred(scope: Scope, why: DeferReason, status: EnhancedStatus, reply: SmtpReply | null = null): Deferred {
  return reply === null ? { kind: 'deferred', scope, status, why } : { kind: 'deferred', scope, status, why, reply };
}

/** The final dot was sent, or the reply to it is there. */
function afterDot(report: SessionReport): boolean {
  return report.dotSent || (report.phase === 'final' && report.reply !== null && isPositive(report.reply));
}

function isPositive(reply: SmtpReply): boolean {
  return reply.code >= 200 && reply.code <= 299;
}

function isFailure(reply: SmtpReply): boolean {
  return reply.code >= 400 && reply.code <= 599;
}

/** The enhanced status that a server gave, if it is well-formed and its class fits the code (RFC 2034 §4); else null. */
function enhancedOf(reply: SmtpReply): string | null {
  const text = reply.enhanced;
  if (text === undefined || !/^[245]\.\d{1,3}\.\d{1,3}$/.test(text)) return null;
  return text.startsWith(`${Math.trunc(reply.code / 100)}.`) ? text : null;
}

/** A status of class 4 for a deferral: the server's own words where they fit. */
function statusOf(reply: SmtpReply, fallback: EnhancedStatus): EnhancedStatus {
  const named = enhancedOf(reply);
  // A deferral is reported as one, however final the code was (spec §3.2).
  return named === null ? fallback : (`4${named.slice(1)}` as EnhancedStatus);
}

/** RFC 3463 status for a plain code, as far as RFC 5321 §4.2.3 lets it be told. */
function rejectedStatus(reply: SmtpReply, phase: MailPhase): EnhancedStatus {
  const named = enhancedOf(reply);
  if (named !== null) return named as EnhancedStatus;
  switch (phase) {
    case 'rcpt':
      return RCPT_STATUS[reply.code] ?? '5.0.0';
    case 'mail':
    case 'data':
      return reply.code === 552 ? '5.3.4' : '5.0.0';
    default:
      return assertNever(phase);
  }
}

/** 550 no such mailbox, 551 moved, 553 and 501 name not allowed, 556 takes no mail (RFC 7504). */
const RCPT_STATUS: Readonly<Record<number, EnhancedStatus>> = {
  501: '5.1.3',
  550: '5.1.1',
  551: '5.1.6',
  553: '5.1.3',
  556: '5.1.10',
};
