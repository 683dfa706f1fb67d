/** What comes next for a recipient after a step of its attempt (spec §3.5, §4.3). docs/outcomes.md is this file as a table. */
import type { Verdict } from '../../shared/mail.ts';
import { DELAY_REPORT_AFTER_MS } from './bounce-decision.ts';
import { isNamesReason } from './classify-dns.ts';
import { domainOf } from './domain-match.ts';
import { deadline, limitReached } from './limit.ts';
import { nextRetryIndex, retryDelay, SOON_MS } from './retry-schedule.ts';
import type { NextStep, RecipientHistory, Route, StepOutcome, Environment } from './model.ts';
import { isOutOfHops, mayHaveArrived, NO_OTHER_HOP } from './unknown-outcome.ts';
import { failureFolder, usageFor } from './usage-mode.ts';

/** Gateway passes in all in the mode `undelivered` (spec §3.5). */
export const MAX_GATEWAY_PASSES = 3;
/** Given up after trying: RFC 3463 "message delivery time expired". */
const EXPIRED = '4.4.7';
const MINUTE_MS = 60_000;
/** What waits for names is woken when they resolve again; it is tried this often in case that goes unnoticed. */
const NAMES_RETRY_MS = 15 * MINUTE_MS;

/** What an earlier step of the same attempt said. */
export type EarlierStep = Pick<StepOutcome, 'step' | 'verdict'> & Partial<Pick<StepOutcome, 'nothingReached'>>;

/** Everything that the decision depends on. */
interface Case {
  readonly history: RecipientHistory;
  readonly route: Route;
  readonly outcome: StepOutcome;
  readonly environment: Environment;
  readonly random: number;
  /** Every step of this attempt ended in a permanent refusal. */
  readonly refusedForGood: boolean;
  readonly counted: boolean;
  /** Nothing was left to try: at every remaining hop the outcome was unknown too often already (spec §3.2). */
  readonly waitsForHop: boolean;
}

/**
 * Decides. For a recipient without any step (no gateway usable) the outcome's step is null.
 * @param history as it was before the attempt; `undeliverable` as the last decision of this attempt left it
 * @param random 0 <= x < 1
 * @param earlier steps of the same attempt that failed before this one: a refusal is final only if all were refusals
 */
export function nextStep(
  history: RecipientHistory,
  route: Route,
  outcome: StepOutcome,
  environment: Environment,
  random: number,
  earlier: readonly EarlierStep[] = [],
): NextStep {
  const { verdict, step } = outcome;
  if (verdict.kind === 'delivered') return { kind: 'delivered', relayed: step?.kind === 'gateways' };
  const tried = [...earlier, outcome];
  const waitsForHop =
    isOutOfHops(verdict) && tried.every((t) => t.verdict.kind === 'rejected' || isOutOfHops(t.verdict));
  const c: Case = {
    history,
    route,
    outcome,
    environment,
    random,
    refusedForGood: tried.every((t) => t.verdict.kind === 'rejected'),
    counted: waitsForHop || tried.some((t) => counts(t, environment)),
    waitsForHop,
  };
  if (route.kind === 'hold') return retry({ ...c, counted: false });
  if (verdict.kind === 'deferred' && verdict.why === 'too-many-recipients') {
    return { ...retry({ ...c, counted: false }), at: environment.now + SOON_MS, retryIndex: history.retryIndex };
  }
  // Our own disk, memory or a bug ended the attempt: no message is given up for that.
  if (isLocalTrouble(verdict)) return retry(c);
  return followingStep(c) ?? (waitsForNames(outcome) ? retryForNames(c) : conclude(c));
}

/** No name can be looked up on this network (spec §4.4). */
function waitsForNames({ step, verdict, nothingReached }: EarlierStep): boolean {
  return (
    nothingReached === true && step?.kind === 'direct' && verdict.kind === 'deferred' && isNamesReason(verdict.why)
  );
}

/** Its place in the schedule stays: once names resolve again, it goes on as if this attempt had not been made. */
function retryForNames(c: Case): NextStep {
  const { retryMinutes } = c.environment.settings.connection;
  const longest = retryDelay(retryMinutes.length - 1, retryMinutes, c.random);
  return { ...retry(c), at: c.environment.now + Math.min(NAMES_RETRY_MS, longest), retryIndex: c.history.retryIndex };
}

function isLocalTrouble(verdict: Verdict): boolean {
  return verdict.kind === 'deferred' && verdict.scope === 'local' && verdict.why === 'local';
}

/** spec §4.3: nothing is wrong with the message if nothing could be reached, or if by now the queue holds. */
function counts(tried: EarlierStep, environment: Environment): boolean {
  const { verdict, step, nothingReached = false } = tried;
  if (verdict.kind !== 'deferred') return true;
  // Nothing was tried. If that is so for every step it counts all the same (`waitsForHop`): the limit runs while it waits.
  if (isLocalTrouble(verdict) || isOutOfHops(verdict)) return false;
  if (
    environment.hold !== null &&
    environment.hold !== 'paused' &&
    (verdict.scope === 'host' || verdict.scope === 'gateway')
  )
    return false;
  if (!nothingReached) return true;
  return step !== null && step.kind !== 'gateways' && !isNamesReason(verdict.why);
}

/** The next step of the same attempt, null if there is none to take. */
function followingStep(c: Case): NextStep | null {
  const { route, outcome, history } = c;
  if (route.kind !== 'steps' || outcome.step === null || !mayTryAnotherHop(outcome.verdict)) return null;
  const index = outcome.stepIndex + 1;
  const next = route.steps[index];
  if (next === undefined) return null;
  if (next.kind !== 'gateways') return { kind: 'step', index, undeliverable: history.undeliverable };
  if (route.because === 'mode-on-error') {
    return isSelectedError(c) ? { kind: 'step', index, undeliverable: history.undeliverable } : null;
  }
  if (route.because === 'mode-undelivered')
    return isUndeliverable(c) ? { kind: 'step', index, undeliverable: true } : null;
  return null;
}

/** Not if the message may have been accepted already (that would make two copies), and not if the trouble is our own. */
function mayTryAnotherHop(verdict: Verdict): boolean {
  return verdict.kind !== 'deferred' || (!mayHaveArrived(verdict) && verdict.scope !== 'local');
}

function isSelectedError({ outcome, environment }: Case): boolean {
  const selected = environment.settings.gateways.onErrors;
  const kind = outcome.step?.kind === 'lan' ? 'lan' : outcome.errorKind;
  return kind !== null && selected[kind];
}

function isUndeliverable(c: Case): boolean {
  return (
    c.refusedForGood ||
    limitReached(c.environment.settings.administration.undeliverableAfter, c.history, c.environment.now, c.counted)
  );
}

/** No step is left: wait or give up. */
function conclude(c: Case): NextStep {
  const { route, history, outcome, environment } = c;
  const because = route.kind === 'hold' ? null : route.because;
  if (because === 'user-chose-gateway') {
    // The user's choice is for one attempt. The limit applies from the next one on, which takes the usual route.
    return c.refusedForGood ? fail(c, folderFor(history, environment)) : retry(c);
  }
  const counted = c.counted || (outcome.step === null && hasNoEnabledGateway(c));
  if (
    because === 'undelivered-pass' ||
    (because === 'mode-undelivered' && (history.undeliverable || outcome.step?.kind === 'gateways'))
  ) {
    // A pass that reached no gateway does not count, whatever a direct step of the same attempt did (spec §4.3).
    return concludePass({ ...c, counted }, outcome.step === null ? counted : counts(outcome, environment));
  }
  if (because === 'mode-undelivered' && isUndeliverable(c)) {
    // Its gateway pass is due, but no gateway is usable now, or the message may have been accepted a moment ago.
    return concludePass(c, hasNoEnabledGateway(c));
  }
  if (c.refusedForGood) return fail(c, folderFor(history, environment));
  if (
    because !== 'mode-undelivered' &&
    limitReached(environment.settings.administration.undeliverableAfter, history, environment.now, counted)
  ) {
    return { kind: 'fail', folder: folderFor(history, environment), expired: true, status: EXPIRED };
  }
  return retry({ ...c, counted });
}

/** After a gateway pass in the mode `undelivered`: refused for good, or temporary for the first, second, third time. */
function concludePass(c: Case, passCounts: boolean): NextStep {
  const { outcome, history } = c;
  if (outcome.step?.kind === 'gateways' && outcome.verdict.kind === 'rejected') return fail(c, 'bounced');
  const gatewayPasses = history.gatewayPasses + (passCounts ? 1 : 0);
  if (gatewayPasses >= MAX_GATEWAY_PASSES) return { kind: 'fail', folder: 'bounced', expired: true, status: EXPIRED };
  return { ...retry(c), gatewayPasses, undeliverable: true };
}

/**
 * Waiting does not help if no gateway is enabled, so such a failure counts. A gateway that is limited to other networks or
 * senders may become usable, like one that cannot be reached.
 */
function hasNoEnabledGateway({ route, environment }: Case): boolean {
  return route.kind !== 'hold' && !environment.settings.gateways.list.some((g) => g.enabled);
}

function folderFor(history: RecipientHistory, environment: Environment): 'bounced' | 'bad' {
  return failureFolder(usageFor(domainOf(history.rcptTo), environment.settings.gateways));
}

function fail({ outcome }: Case, folder: 'bounced' | 'bad'): NextStep {
  const { verdict } = outcome;
  return { kind: 'fail', folder, expired: false, status: verdict.kind === 'rejected' ? verdict.status : EXPIRED };
}

function retry(c: Case): Extract<NextStep, { kind: 'retry' }> {
  const { history, environment, random, counted } = c;
  const { retryMinutes } = environment.settings.connection;
  const delay = retryDelay(history.retryIndex, retryMinutes, random);
  const due = deadline(environment.settings.administration.undeliverableAfter, history.countedFrom);
  // The attempt that gives up is made when the limit falls due, not up to an hour later.
  const sooner =
    due === null || due <= environment.now || history.undeliverable
      ? delay
      : Math.max(due - environment.now, Math.min(delay, MINUTE_MS));
  return {
    kind: 'retry',
    at:
      c.waitsForHop && !history.undeliverable && due !== null && due > environment.now
        ? checkWhileWaiting(c, due)
        : environment.now + Math.min(delay, sooner),
    counted,
    retryIndex: nextRetryIndex(history.retryIndex, retryMinutes),
    gatewayPasses: history.gatewayPasses,
    undeliverable: history.undeliverable,
    waitsFor: null,
  };
}

/** Nothing can be tried until something changes, and the change wakes it. It is checked for the delay report and at the limit. */
function checkWhileWaiting({ history, environment }: Case, due: number): number {
  const report = history.acceptedAt + DELAY_REPORT_AFTER_MS;
  return report > environment.now ? Math.min(due, report) : due;
}

/** The verdict on a recipient that has no step to take (spec §3.5). */
export function verdictWithoutStep(route: Route): Verdict {
  const isDoubted = route.kind === 'no-gateway' && route.leftOut.some((g) => g.reason === 'unknown-outcomes');
  return isDoubted ? NO_OTHER_HOP : { kind: 'deferred', scope: 'local', status: '4.4.0', why: 'no-gateway' };
}
