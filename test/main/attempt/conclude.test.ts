import { describe, expect, it } from 'vitest';
import { concludeStep, concludeWithoutStep, rescheduled } from '../../../main/attempt/conclude.ts';
import type { ConcludedRecipient, Moment, RecipientOutcome, TakenStep } from '../../../main/attempt/conclude.ts';
import type { PlanStep } from '../../../main/policy/model.ts';
import { hopKey } from '../../../main/policy/unknown-outcome.ts';
import type { Verdict } from '../../../shared/mail.ts';
import { environment, gateway, NOW, settingsWith } from '../policy/support.ts';
import {
  concluded,
  DELIVERED,
  DIRECT,
  GATEWAYS,
  GREYLISTED,
  HOME,
  hopAttempt,
  LOCAL,
  moment,
  MX,
  OFFICE,
  REFUSED,
  retryAt,
  routed,
  stepResult,
  TIMEOUT,
  UNKNOWN,
} from './support.ts';

const onError = environment({
  settings: settingsWith({
    mode: 'onError',
    onErrors: { lan: true, dns: true, smtp: true },
    list: [gateway('home'), gateway('office')],
  }),
});

/** "retry counted", "delivered", "fail bounced 5.1.1", "onward to step 1". */
function inWords(outcome: RecipientOutcome): string {
  if (outcome.kind === 'onward') return `onward to step ${outcome.routed.stepIndex}`;
  const { decision } = outcome.concluded;
  switch (decision.kind) {
    case 'delivered':
      return `${outcome.kind}: ${decision.relayed ? 'relayed' : 'delivered'}`;
    case 'retry':
      return `${outcome.kind}: retry ${decision.counted ? 'counted' : 'not counted'}${decision.at === NOW ? ' now' : ''}`;
    case 'fail':
      return `${outcome.kind}: ${decision.folder} ${decision.status}`;
  }
}

function conclusionOf(outcome: RecipientOutcome): ConcludedRecipient {
  if (outcome.kind === 'onward') throw new Error('another step follows');
  return outcome.concluded;
}

function take(verdict: Verdict, { step = DIRECT, interrupted = false, ...more }: Partial<TakenStep> = {}): TakenStep {
  return { step, interrupted, result: stepResult(verdict), ...more };
}

describe('what a step means for its recipient', () => {
  const table: readonly [string, readonly PlanStep[], TakenStep, Partial<Moment>, string][] = [
    ['delivered', [DIRECT], take(DELIVERED), {}, 'done: delivered'],
    ['delivered by a gateway', [GATEWAYS], take(DELIVERED, { step: GATEWAYS }), {}, 'done: relayed'],
    ['refused, no other step', [DIRECT], take(REFUSED), {}, 'failed: bounced 5.1.1'],
    ['refused, gateways follow', [DIRECT, GATEWAYS], take(REFUSED), { environment: onError }, 'onward to step 1'],
    ['greylisted', [DIRECT], take(GREYLISTED), {}, 'done: retry counted'],
    ['host silent', [DIRECT], take(TIMEOUT), {}, 'done: retry counted'],
    ['host silent, network changed', [DIRECT], take(TIMEOUT), { networkChanged: true }, 'done: retry not counted now'],
    ['greylisted, network changed', [DIRECT], take(GREYLISTED), { networkChanged: true }, 'done: retry counted'],
    ['refused, network changed', [DIRECT], take(REFUSED), { networkChanged: true }, 'failed: bounced 5.1.1'],
    ['outcome unknown, network changed', [DIRECT], take(UNKNOWN), { networkChanged: true }, 'done: retry counted'],
    ['outcome unknown, gateways follow', [DIRECT, GATEWAYS], take(UNKNOWN), { environment: onError }, 'done: retry counted'],
    ['error of ours', [DIRECT], take(LOCAL), {}, 'done: retry not counted'],
    ['cut off', [DIRECT], take(LOCAL, { interrupted: true }), {}, 'done: retry not counted now'],
  ]; // prettier-ignore
  it.each(table)('%s', (_, steps, taken, when, expected) => {
    expect(inWords(concludeStep(routed(steps), taken, moment(when)))).toBe(expected);
  });

  it('keeps what the step said for the steps that follow', () => {
    const outcome = concludeStep(routed([DIRECT, GATEWAYS]), take(REFUSED), moment({ environment: onError }));
    expect(outcome).toMatchObject({
      kind: 'onward',
      routed: { stepIndex: 1, stepsTaken: [{ step: DIRECT, verdict: REFUSED, errorKind: 'smtp', hop: MX }] },
    });
  });

  it('throws for a recipient without a verdict', () => {
    const taken = { ...take(DELIVERED), result: stepResult(DELIVERED, { verdicts: new Map() }) };
    expect(() => concludeStep(routed(), taken, moment())).toThrow('without a verdict');
  });
});

describe('the hop that is waited for', () => {
  const waitsFor = new Map([[1, 'mx:example.test']]);
  it.each([
    ['a silent host', TIMEOUT, {}, 'mx:example.test'],
    ['a silent host on a network that is gone', TIMEOUT, { networkChanged: true }, null],
    ['an unknown outcome: waits for its time alone', UNKNOWN, {}, null],
  ])('%s', (_, verdict, when, expected) => {
    const taken = { ...take(verdict), result: stepResult(verdict, { waitsFor }) };
    expect(conclusionOf(concludeStep(routed(), taken, moment(when))).waitsFor).toBe(expected);
  });
});

describe('unknown outcomes', () => {
  const before = [{ hop: 'mx:other.test', network: 'net1', count: 1 }];
  it.each([
    ['delivered: none is left', DELIVERED, []],
    ['refused: they stay', REFUSED, before],
    ['one more', UNKNOWN, [...before, { hop: hopKey(MX), network: 'net1', count: 1 }]],
  ])('%s', (_, verdict, expected) => {
    const recipient = routed([DIRECT], { unknownOutcomes: before });
    expect(conclusionOf(concludeStep(recipient, take(verdict), moment())).unknownOutcomes).toEqual(expected);
  });
});

describe('of several gateways', () => {
  it('the verdict is attributed to the one that gave it, not to the one that was asked last', () => {
    const tries = [hopAttempt(HOME, REFUSED), hopAttempt(OFFICE, TIMEOUT)];
    const taken = { ...take(REFUSED, { step: GATEWAYS }), result: stepResult(REFUSED, { tries }) };
    expect(conclusionOf(concludeStep(routed([GATEWAYS]), taken, moment())).hopAttempt?.hop).toEqual(HOME);
  });

  it.each([
    ['one that was skipped is named', [hopAttempt(HOME, null, { skipped: true }), hopAttempt(OFFICE, DELIVERED)], ['Home']],
    ['one that was tried after all is not', [hopAttempt(HOME, null, { skipped: true }), hopAttempt(HOME, DELIVERED)], []],
  ])('%s', (_, tries, expected) => {
    const taken = { ...take(DELIVERED, { step: GATEWAYS }), result: stepResult(DELIVERED, { tries }) };
    expect(conclusionOf(concludeStep(routed([GATEWAYS]), taken, moment())).stepsTaken[0]?.skipped).toEqual(expected);
  }); // prettier-ignore
});

it('without a usable gateway the failure is temporary and names no hop', () => {
  const recipient = { ...routed(), route: { kind: 'no-gateway', because: 'mode-always', leftOut: [] } as const };
  expect(conclusionOf(concludeWithoutStep(recipient, moment()))).toMatchObject({
    verdict: { kind: 'deferred', why: 'no-gateway' },
    decision: { kind: 'retry' },
    hopAttempt: null,
    waitsFor: null,
  });
});

describe('a retry at the moment of its record', () => {
  const HOUR = 3_600_000;
  const at = NOW + HOUR;
  it.each([
    ['stays as it was decided', TIMEOUT, { now: NOW, clockOffset: NOW, woken: false }, at],
    ['is due now if everything was woken', TIMEOUT, { now: NOW, clockOffset: NOW, woken: true }, NOW],
    ['is not hurried if the message may have arrived', UNKNOWN, { now: NOW, clockOffset: NOW, woken: true }, at],
    ['moves back with the clock', TIMEOUT, { now: NOW - HOUR, clockOffset: NOW - HOUR, woken: false }, at - HOUR],
    ['does not move forward with the clock', TIMEOUT, { now: NOW + HOUR, clockOffset: NOW + HOUR, woken: false }, at],
  ])('%s', (_, verdict, when, expected) => {
    expect(rescheduled(concluded(retryAt(at), verdict), when).decision).toMatchObject({ kind: 'retry', at: expected });
  });

  it('anything but a retry stays as it is', () => {
    const delivered = concluded({ kind: 'delivered', relayed: false }, DELIVERED);
    expect(rescheduled(delivered, { now: NOW, clockOffset: 0, woken: true })).toBe(delivered);
  });
});
