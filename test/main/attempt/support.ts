/** Facts for the tests of attempts, with everything that a case does not care about filled in. */
import type { RoutedRecipient } from '../../../main/attempt/attempt-state.ts';
import type { ConcludedRecipient, Moment } from '../../../main/attempt/conclude.ts';
import type { HopAttemptDraft, StepResult } from '../../../main/delivery/delivery-port.ts';
import type { Decision, PlanStep } from '../../../main/policy/model.ts';
import type { ClaimedRecipient } from '../../../main/queue/queue-store.ts';
import type { HopRef, Verdict } from '../../../shared/mail.ts';
import { environment, history, NOW, reply } from '../policy/support.ts';

export const DELIVERED: Verdict = { kind: 'delivered', reply: reply('250 ok') };
export const REFUSED: Verdict = {
  kind: 'rejected',
  scope: 'recipient',
  status: '5.1.1',
  reply: reply('550 5.1.1 no such user'),
};
export const GREYLISTED: Verdict = {
  kind: 'deferred',
  scope: 'recipient',
  status: '4.2.0',
  why: 'reply',
  reply: reply('450 4.2.0 later'),
};
export const TIMEOUT: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.1', why: 'timeout' };
export const UNKNOWN: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.2', why: 'lost-after-dot' };
export const LOCAL: Verdict = { kind: 'deferred', scope: 'local', status: '4.3.0', why: 'local' };

export const MX: HopRef = { kind: 'mx', host: 'mx.example.test', port: 25 };
export const OFFICE: HopRef = { kind: 'gateway', host: 'smtp.office.test', port: 587, gatewayId: 'office', gatewayName: 'Office' }; // prettier-ignore
export const HOME: HopRef = { kind: 'gateway', host: 'smtp.home.test', port: 587, gatewayId: 'home', gatewayName: 'Home' }; // prettier-ignore

export const DIRECT: PlanStep = { kind: 'direct', domain: 'example.test' };
export const GATEWAYS: PlanStep = { kind: 'gateways', ids: ['home', 'office'] };

export function claimed(more: Partial<ClaimedRecipient> = {}): ClaimedRecipient {
  return { ...history(), domain: 'example.test', dsn: {}, delaySent: false, ...more };
}

/** A recipient before the first of these steps. */
export function routed(steps: readonly PlanStep[] = [DIRECT], more: Partial<ClaimedRecipient> = {}): RoutedRecipient {
  const recipient = claimed(more);
  const route = { kind: 'steps', steps, because: 'mode-on-error', leftOut: [] } as const;
  return { recipient, route, stepIndex: 0, undeliverable: recipient.undeliverable, stepsTaken: [] };
}

/** A try at this hop, which said this to recipient 1. */
export function hopAttempt(hop: HopRef, verdict: Verdict | null, more: Partial<HopAttemptDraft> = {}): HopAttemptDraft {
  const outcomes = verdict === null ? [] : [{ recipient: 1, verdict }];
  return { hop, startedAt: NOW, endedAt: NOW + 100, phase: 'final', tls: null, outcomes, ...more };
}

/** A step's result for recipient 1. */
export function stepResult(verdict: Verdict, more: Partial<StepResult> = {}): StepResult {
  return {
    tries: [hopAttempt(MX, verdict)],
    verdicts: new Map([[1, verdict]]),
    errorKinds: verdict.kind === 'delivered' ? new Map() : new Map([[1, 'smtp']]),
    waitsFor: new Map(),
    nothingReached: false,
    dsnPassedOn: new Set(),
    ...more,
  };
}

export function moment(more: Partial<Moment> = {}): Moment {
  return {
    messageId: 'q1',
    environment: environment(),
    plannedFor: 'net1',
    networkChanged: false,
    clockOffset: NOW,
    ...more,
  };
}

export function concluded(
  decision: Decision,
  verdict: Verdict,
  more: Partial<ConcludedRecipient> = {},
): ConcludedRecipient {
  const { recipient, route } = routed();
  return {
    recipient,
    route,
    stepsTaken: [{ step: DIRECT, verdict, errorKind: null, hop: MX }],
    verdict,
    unknownOutcomes: [],
    decision,
    hopAttempt: hopAttempt(MX, verdict),
    waitsFor: null,
    dsnPassedOn: false,
    clockOffset: NOW,
    ...more,
  };
}

export function retryAt(at: number): Extract<Decision, { kind: 'retry' }> {
  return { kind: 'retry', at, counted: true, retryIndex: 3, gatewayPasses: 1, undeliverable: false, waitsFor: null };
}

export function fail(folder: 'bounced' | 'bad', status: string): Decision {
  return { kind: 'fail', folder, expired: false, status };
}
