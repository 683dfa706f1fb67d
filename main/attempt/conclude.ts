/** What a verdict means for a recipient: its next step, or the end of its attempt. Pure. */
import type { Verdict } from '../../shared/mail.ts';
import type { HopAttemptDraft, StepResult } from '../delivery/delivery-port.ts';
import { clockSetBy } from '../policy/clock-set.ts';
import type { StepFact } from '../policy/explain.ts';
import type { Decision, Environment, PlanStep, Route } from '../policy/model.ts';
import { nextStep, verdictWithoutStep } from '../policy/next-step.ts';
import { messageJitter } from '../policy/retry-schedule.ts';
import { hopKey, isOutOfHops, mayHaveArrived, noteUnknown, type UnknownOutcome } from '../policy/unknown-outcome.ts';
import type { ClaimedRecipient } from '../queue/queue-store.ts';
import type { RoutedRecipient } from './attempt-state.ts';

/** One recipient whose attempt is over, with everything that led to the decision. */
export interface ConcludedRecipient {
  readonly recipient: ClaimedRecipient;
  readonly route: Route;
  /** Oldest first; empty if there was no step to take. */
  readonly stepsTaken: readonly StepFact[];
  readonly verdict: Verdict;
  /** As they stand after this attempt. */
  readonly unknownOutcomes: readonly UnknownOutcome[];
  readonly decision: Decision;
  /** The try that the verdict comes from; null if no server was asked. */
  readonly hopAttempt: HopAttemptDraft | null;
  /** Key of the hop that the recipient waits for; null = it waits for its time alone. */
  readonly waitsFor: string | null;
  /** The hop took over the DSN parameters: the report is its business (RFC 3461 §5.2.2). */
  readonly dsnPassedOn: boolean;
  /** `clockOffset` when it was decided: tells whether the clock was set since. */
  readonly clockOffset: number;
}

/** What a step came to for one recipient. */
export type RecipientOutcome =
  /** Another step follows in the same attempt. */
  | { readonly kind: 'onward'; readonly routed: RoutedRecipient }
  /** Delivered, or to be tried again later. */
  | { readonly kind: 'done'; readonly concluded: ConcludedRecipient }
  /** Given up. */
  | { readonly kind: 'failed'; readonly concluded: ConcludedRecipient };

/** A step that was taken, and what delivery says of it. */
export interface TakenStep {
  readonly step: PlanStep;
  readonly result: StepResult;
  /** It was cut off before anything was sent: the result says nothing about the mail. */
  readonly interrupted: boolean;
}

/** The moment of a conclusion. */
export interface Moment {
  readonly messageId: string;
  readonly environment: Environment;
  /** The network that the route was planned for. */
  readonly plannedFor: string | null;
  /** The network changed since the attempt began. */
  readonly networkChanged: boolean;
  readonly clockOffset: number;
}

/** What a step that was taken means for one of its recipients. Throws if delivery left the recipient without a verdict. */
export function concludeStep(routed: RoutedRecipient, taken: TakenStep, moment: Moment): RecipientOutcome {
  const { recipient, route } = routed;
  const { step, result } = taken;
  const verdict = result.verdicts.get(recipient.id);
  if (verdict === undefined) throw new Error('a recipient came back from a step without a verdict');
  const errorKind = result.errorKinds.get(recipient.id) ?? null;
  const { nothingReached } = result;
  const fact: StepFact = {
    step,
    verdict,
    errorKind,
    hop: hopAttemptOf(result, recipient.id, verdict)?.hop ?? null,
    nothingReached,
    skipped: skippedGateways(result, recipient.id),
  };
  const after: RoutedRecipient = { ...routed, stepsTaken: [...routed.stepsTaken, fact] };
  const decision = nextStep(
    { ...recipient, undeliverable: routed.undeliverable },
    route,
    { step, stepIndex: routed.stepIndex, verdict, errorKind, nothingReached },
    moment.environment,
    messageJitter(moment.messageId),
    routed.stepsTaken,
  );
  if (decision.kind === 'step') {
    const { index, undeliverable } = decision;
    return { kind: 'onward', routed: { ...after, stepIndex: index, undeliverable } };
  }
  return outcomeOf(conclusionOf(after, taken, verdict, decision, moment));
}

/** A recipient without a step to take: no gateway is usable. A temporary failure (spec §3.5). */
export function concludeWithoutStep(routed: RoutedRecipient, moment: Moment): RecipientOutcome {
  const { recipient, route, stepIndex, stepsTaken } = routed;
  const verdict = verdictWithoutStep(route);
  const decision = nextStep(
    { ...recipient, undeliverable: routed.undeliverable },
    route,
    { step: null, stepIndex, verdict, errorKind: null, nothingReached: true },
    moment.environment,
    messageJitter(moment.messageId),
    stepsTaken,
  );
  if (decision.kind === 'step') throw new Error('policy sent a recipient without a step to another step');
  return outcomeOf({
    recipient,
    route,
    stepsTaken,
    verdict,
    unknownOutcomes: recipient.unknownOutcomes,
    decision,
    hopAttempt: null,
    waitsFor: null,
    dsnPassedOn: false,
    clockOffset: moment.clockOffset,
  });
}

/**
 * The conclusion as it is to be recorded now. If all waiting recipients were woken since it was made, a retry is due at
 * once, unless the message may have arrived; a clock that was set back meanwhile does not put a retry off.
 * @param woken all waiting recipients were woken since the attempt began (settings changed, *send now*)
 */
export function rescheduled(
  concluded: ConcludedRecipient,
  { now, clockOffset, woken }: { readonly now: number; readonly clockOffset: number; readonly woken: boolean },
): ConcludedRecipient {
  const { decision, verdict } = concluded;
  if (decision.kind !== 'retry') return concluded;
  const at = decision.at + Math.min(0, clockSetBy(concluded.clockOffset, clockOffset));
  return { ...concluded, decision: { ...decision, at: woken && !mayHaveArrived(verdict) ? Math.min(at, now) : at } };
}

function outcomeOf(concluded: ConcludedRecipient): RecipientOutcome {
  return { kind: concluded.decision.kind === 'fail' ? 'failed' : 'done', concluded };
}

function conclusionOf(
  { recipient, route, stepsTaken }: RoutedRecipient,
  { result, interrupted }: TakenStep,
  verdict: Verdict,
  decision: Decision,
  moment: Moment,
): ConcludedRecipient {
  const isOutdated = moment.networkChanged && isAboutTheWay(verdict);
  const hopAttempt = hopAttemptOf(result, recipient.id, verdict);
  // Where the outcome is unknown the hop's recovery is no reason to risk another copy before the schedule says so.
  const waitsForHop = !isOutdated && !mayHaveArrived(verdict) && !isOutOfHops(verdict);
  return {
    recipient,
    route,
    stepsTaken,
    verdict,
    unknownOutcomes: unknownOutcomesAfter(recipient, verdict, hopAttempt, moment.plannedFor),
    decision: isOutdated || interrupted ? retryAsBefore(recipient, moment.environment.now) : decision,
    hopAttempt,
    waitsFor: waitsForHop ? (result.waitsFor.get(recipient.id) ?? null) : null,
    dsnPassedOn: result.dsnPassedOn.has(recipient.id),
    clockOffset: moment.clockOffset,
  };
}

/** A temporary failure of the hop or of the network, not of this recipient or message, after which nothing can have arrived. */
function isAboutTheWay(verdict: Verdict): boolean {
  return (
    verdict.kind === 'deferred' &&
    !mayHaveArrived(verdict) &&
    verdict.scope !== 'recipient' &&
    verdict.scope !== 'message'
  );
}

/** Tried again at once, with the history as it was before the attempt. */
function retryAsBefore(
  { retryIndex, gatewayPasses, undeliverable }: ClaimedRecipient,
  now: number,
): Extract<Decision, { kind: 'retry' }> {
  return { kind: 'retry', at: now, counted: false, retryIndex, gatewayPasses, undeliverable, waitsFor: null };
}

/** Delivered leaves no outcome unknown; a refusal by another hop leaves them as they were. */
function unknownOutcomesAfter(
  recipient: ClaimedRecipient,
  verdict: Verdict,
  hopAttempt: HopAttemptDraft | null,
  networkId: string | null,
): readonly UnknownOutcome[] {
  if (verdict.kind === 'delivered') return [];
  if (!mayHaveArrived(verdict)) return recipient.unknownOutcomes;
  return noteUnknown(recipient.unknownOutcomes, hopAttempt === null ? null : hopKey(hopAttempt.hop), networkId);
}

/** The try that this verdict comes from. Of several gateways that is not always the one that was asked last. */
function hopAttemptOf(result: StepResult, recipientId: number, verdict: Verdict): HopAttemptDraft | null {
  const own = result.tries.filter((t) => t.outcomes.some((o) => o.recipient === recipientId));
  const source = own.findLast((t) => t.outcomes.some((o) => o.recipient === recipientId && o.verdict === verdict));
  return source ?? own.at(-1) ?? null;
}

/** Names of the gateways that were not tried for this recipient, because they failed here a moment ago (spec §3.3). */
function skippedGateways(result: StepResult, recipientId: number): readonly string[] {
  const tried = new Set(
    result.tries
      .filter((t) => t.skipped !== true && t.outcomes.some((o) => o.recipient === recipientId))
      .map((t) => t.hop.gatewayId),
  );
  return result.tries
    .filter((t) => t.skipped === true && t.hop.gatewayId !== undefined && !tried.has(t.hop.gatewayId))
    .map((t) => t.hop.gatewayName ?? t.hop.host);
}
