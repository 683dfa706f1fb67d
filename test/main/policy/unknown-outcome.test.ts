import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DELAY_REPORT_AFTER_MS } from '../../../main/policy/bounce-decision.ts';
import { explain, factsOf } from '../../../main/policy/explain.ts';
import { nextStep, verdictWithoutStep } from '../../../main/policy/next-step.ts';
import { planRoute } from '../../../main/policy/plan-route.ts';
import type { NextStep, PlanStep, RecipientHistory, Route, Environment } from '../../../main/policy/model.ts';
import {
  resetUnknownCounts,
  doubtsOn,
  hopKey,
  isOutOfHops,
  mayBeDelivered,
  mayHaveArrived,
  MAX_UNKNOWN_OUTCOMES,
  NO_OTHER_HOP,
  noteUnknown,
  orderHops,
  type UnknownOutcome,
} from '../../../main/policy/unknown-outcome.ts';
import type { DeferReason, Verdict } from '../../../shared/mail.ts';
import { sayAll } from '../../../shared/phrases.ts';
import type { GatewayMode } from '../../../shared/settings.ts';
import { UNKNOWN, type UnknownRow } from './decision-table.ts';
import { DAY, gateway, history, HOUR, NOW, reply, settingsWith, environment } from './support.ts';

const PERHAPS: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.2', why: 'lost-after-dot' };
const deferred = (why: DeferReason): Verdict => ({ kind: 'deferred', scope: 'host', status: '4.4.2', why });

describe('may have arrived', () => {
  it.each<[string, Verdict | undefined, boolean, boolean]>([
    ['delivered', { kind: 'delivered', reply: reply('250 ok') }, false, true],
    ['refused', { kind: 'rejected', scope: 'message', status: '5.6.0' }, false, false],
    ['lost after the dot', PERHAPS, true, true],
    ['the program ended', deferred('crashed'), true, true],
    ['lost before the dot', deferred('connection-lost'), false, false],
    ['no hop is left', NO_OTHER_HOP, false, false],
    ['nothing was said', undefined, false, false],
  ])('%s', (_what, verdict, arrived, taken) => {
    expect([mayHaveArrived(verdict), mayBeDelivered(verdict)]).toEqual([arrived, taken]);
  });
});

describe('what is remembered', () => {
  it('counts by hop and network', () => {
    let known = noteUnknown([], 'mx:a', 'home');
    known = noteUnknown(known, 'mx:b', 'home');
    known = noteUnknown(known, 'mx:a', 'home');
    known = noteUnknown(known, 'mx:a', 'hotel');
    known = noteUnknown(known, null, null);
    expect(doubtsOn(known, 'home')).toEqual({ 'mx:a': 2, 'mx:b': 1 });
    expect(doubtsOn(known, 'hotel')).toEqual({ 'mx:a': 1 });
    expect(doubtsOn(known, null)).toEqual({});
  });

  it('is the same however it came about, so that recipients with the same doubts travel together', () => {
    const one = noteUnknown(noteUnknown([], 'mx:a', 'home'), 'mx:b', 'home');
    const other = noteUnknown(noteUnknown([], 'mx:b', 'home'), 'mx:a', 'home');
    expect(JSON.stringify(doubtsOn(one, 'home'))).toBe(JSON.stringify(doubtsOn(other, 'home')));
  });

  it('the user asks for another try: every hop may be used again, the doubtful one still last', () => {
    const known = resetUnknownCounts([{ hop: 'b', network: 'home', count: 3 }]);
    expect(known).toHaveLength(1);
    expect(orderHops(['b', 'a'], (h) => h, doubtsOn(known, 'home'))).toEqual({
      sure: ['a'],
      doubtful: ['b'],
      leftOut: [],
    });
  });

  it.each([
    [{ kind: 'mx', host: 'MX.Test', port: 25 }, 'mx:mx.test'],
    [{ kind: 'lan', host: 'nas.lan', port: 25 }, 'lan:nas.lan'],
    [{ kind: 'gateway', host: '[::1]', port: 587, gatewayId: 'g' }, 'gateway:g ::1:587'],
  ] as const)('%j is %s', (hop, key) => {
    expect(hopKey(hop)).toBe(key);
  });
});

describe('the order of hops', () => {
  it.each([
    ['nothing in doubt', 'a b c', {}, 'a b c', '', ''],
    ['once', 'a b c', { a: 1 }, 'b c', 'a', ''],
    ['fewest first', 'a b c', { a: 2, c: 1 }, 'b', 'c a', ''],
    ['equal: as usual', 'a b c', { c: 1, a: 1 }, 'b', 'a c', ''],
    ['three times', 'a b c', { a: 3, b: 2 }, 'c', 'b', 'a'],
    ['more than three (an older count)', 'a b', { a: 7 }, 'b', '', 'a'],
    ['all of them', 'a b', { a: 3, b: 3 }, '', '', 'a b'],
    ['of others', 'a b', { x: 3 }, 'a b', '', ''],
  ])('%s', (_what, hops, doubts, sure, doubtful, leftOut) => {
    const order = orderHops(hops.split(' '), (h) => h, doubts);
    expect([order.sure, order.doubtful, order.leftOut].map((those) => those.join(' '))).toEqual([
      sure,
      doubtful,
      leftOut,
    ]);
  });

  it('loses and doubles no hop', () => {
    const hops = ['a', 'b', 'c', 'd'];
    const counts = fc.dictionary(fc.constantFrom(...hops, 'x'), fc.nat(6));
    fc.assert(
      fc.property(fc.shuffledSubarray(hops), counts, (list, doubts) => {
        const { sure, doubtful, leftOut } = orderHops(list, (h) => h, doubts);
        expect([...sure, ...doubtful, ...leftOut].sort()).toEqual([...list].sort());
        expect([...sure, ...doubtful].every((h) => (doubts[h] ?? 0) < MAX_UNKNOWN_OUTCOMES)).toBe(true);
      }),
    );
  });
});

/** How the table's ways come about. */
const SETTINGS: Readonly<Record<UnknownRow['ways'][number], { readonly mode: GatewayMode; readonly ticked: boolean }>> =
  {
    default: { mode: 'never', ticked: false },
    undelivered: { mode: 'undelivered', ticked: false },
    'undelivered, passes': { mode: 'undelivered', ticked: false },
    'onError, ticked': { mode: 'onError', ticked: true },
    'onError, not ticked': { mode: 'onError', ticked: false },
    'gateways only': { mode: 'always', ticked: false },
  };
const cases = UNKNOWN.flatMap((row) => row.ways.map((way) => ({ way, ...row })));

const idOf = (name: string): string => name.replace(' ', '').toLowerCase();

function unknownOf(row: UnknownRow, network: string): readonly UnknownOutcome[] {
  return Object.entries(row.unknown).map(([name, count]) => ({
    hop: row.hosts.includes(name)
      ? hopKey({ kind: 'mx', host: idOf(name), port: 25 })
      : hopKey({ kind: 'gateway', gatewayId: idOf(name), host: `${idOf(name)}.test`, port: 587 }),
    network,
    count,
  }));
}

function settingOf(row: UnknownRow & { readonly way: UnknownRow['ways'][number] }, limit: boolean) {
  const { mode, ticked } = SETTINGS[row.way];
  const present = environment({
    settings: settingsWith({
      mode,
      onErrors: { lan: ticked, dns: ticked, smtp: ticked },
      list: row.gateways.map((name) => gateway(idOf(name))),
    }),
  });
  const passes = row.way === 'undelivered, passes';
  const recipient = history({
    countedFrom: limit ? NOW - 5 * DAY : NOW - HOUR,
    unknownOutcomes: unknownOf(row, 'net1'),
    undeliverable: passes,
    gatewayPasses: passes && limit ? 2 : 0,
  });
  return { present, recipient };
}

/** The hops of one step in the order in which they would be used. */
function hopsOf(step: PlanStep, hosts: readonly string[]): readonly string[] {
  if (step.kind === 'gateways') return step.ids;
  const order = orderHops(hosts.map(idOf), (host) => hopKey({ kind: 'mx', host, port: 25 }), step.doubts ?? {});
  return [...(step.only === 'doubtful' ? [] : order.sure), ...(step.only === 'sure' ? [] : order.doubtful)];
}

/** Takes the steps as an attempt does: where no hop is left nothing is tried, where one is the outcome is unknown. */
function attempt(
  recipient: RecipientHistory,
  hosts: readonly string[],
  present: Environment,
): { decision: NextStep; route: Route } {
  const route = planRoute(recipient, 'me@here.test', present);
  if (route.kind !== 'steps') {
    const verdict = verdictWithoutStep(route);
    const outcome = { step: null, stepIndex: 0, verdict, errorKind: null, nothingReached: true };
    return { decision: nextStep(recipient, route, outcome, present, 0.5), route };
  }
  const earlier: { step: PlanStep; verdict: Verdict }[] = [];
  let at = { ...recipient };
  for (let index = 0; ;) {
    const step = route.steps[index]!;
    const verdict = hopsOf(step, hosts).length === 0 ? NO_OTHER_HOP : PERHAPS;
    const errorKind = step.kind === 'gateways' ? null : 'smtp';
    const outcome = { step, stepIndex: index, verdict, errorKind, nothingReached: false } as const;
    const decision = nextStep(at, route, outcome, present, 0.5, earlier);
    // The table tells of the way into the gateways, not of what they say.
    if (decision.kind !== 'step' || decision.undeliverable) return { decision, route };
    earlier.push({ step, verdict });
    at = { ...at, undeliverable: decision.undeliverable };
    index = decision.index;
  }
}

describe('unknown outcomes in every mode', () => {
  it.each(cases)('$way, $when: next is $next', (row) => {
    const { present, recipient } = settingOf(row, false);
    const route = planRoute(recipient, 'me@here.test', present);
    const used = row.way === 'onError, not ticked' || row.way === 'undelivered' ? ['direct'] : null;
    const steps = route.kind === 'steps' ? route.steps.filter((step) => used?.includes(step.kind) ?? true) : [];
    expect(steps.flatMap((step) => hopsOf(step, row.hosts))).toEqual(row.next.map(idOf));
    // Somewhere else nothing is in doubt.
    const elsewhere = planRoute(recipient, 'me@here.test', { ...present, networkId: 'net2' });
    expect(elsewhere).toEqual(planRoute({ ...recipient, unknownOutcomes: [] }, 'me@here.test', present));
  });

  it.each(cases)('$way, $when: it stays in the Outbox, and waits if no hop is left', (row) => {
    const { present, recipient } = settingOf(row, false);
    const { decision } = attempt(recipient, row.hosts, present);
    if (decision.kind !== 'retry') throw new Error(decision.kind);
    expect(decision.counted).toBe(true);
    const waits = row.next.length === 0 && row.way !== 'undelivered, passes';
    expect(decision.at).toBe(waits ? recipient.acceptedAt + DELAY_REPORT_AFTER_MS : NOW + 5 * 60_000);
    const { decision: later } = attempt(recipient, row.hosts, { ...present, now: NOW + 4 * HOUR });
    if (waits && later.kind === 'retry') expect(later.at).toBe(recipient.countedFrom + 4 * DAY);
  });

  it.each(cases)('$way, $when, at the limit: $atLimit', (row) => {
    const { present, recipient } = settingOf(row, true);
    const { decision, route } = attempt(recipient, row.hosts, present);
    const then =
      decision.kind === 'fail'
        ? decision.folder === 'bad'
          ? 'Bad'
          : 'Bounced, returned'
        : decision.kind === 'step' && route.kind === 'steps'
          ? route.steps[decision.index]?.kind
          : 'Outbox';
    expect(then).toBe(row.atLimit);
  });

  it('a limit in attempts is reached while it waits', () => {
    const row = cases.find((c) => c.way === 'gateways only' && c.next.length === 0)!;
    const { present, recipient } = settingOf(row, false);
    const settings = {
      ...present.settings,
      administration: {
        ...present.settings.administration,
        undeliverableAfter: { value: 4, unit: 'attempts' as const },
      },
    };
    expect(attempt({ ...recipient, attempts: 2 }, row.hosts, { ...present, settings }).decision).toMatchObject({
      kind: 'retry',
      at: NOW + 5 * 60_000,
    });
    expect(attempt({ ...recipient, attempts: 3 }, row.hosts, { ...present, settings }).decision).toMatchObject({
      kind: 'fail',
      folder: 'bad',
    });
  });
});

describe('routes', () => {
  const home = gateway('home');
  const office = gateway('office');
  const key = hopKey({ kind: 'gateway', gatewayId: 'home', host: 'home.test', port: 587 });
  const unknownOutcomes = [{ hop: key, network: 'net1', count: 3 }];

  it('a gateway that the user chose is used, whatever is in doubt', () => {
    const present = environment({ settings: settingsWith({ mode: 'always', list: [home, office] }) });
    expect(planRoute(history({ forcedGateway: 'home', unknownOutcomes }), 'me@here.test', present)).toMatchObject({
      steps: [{ kind: 'gateways', ids: ['home'] }],
    });
  });

  it('a gateway that was moved to another server is another hop', () => {
    const moved = environment({ settings: settingsWith({ mode: 'always', list: [{ ...home, port: 2525 }] }) });
    expect(planRoute(history({ unknownOutcomes }), 'me@here.test', moved)).toMatchObject({
      steps: [{ kind: 'gateways', ids: ['home'] }],
    });
  });

  it('one that is left out is named', () => {
    const present = environment({ settings: settingsWith({ mode: 'always', list: [home] }) });
    const route = planRoute(history({ unknownOutcomes }), 'me@here.test', present);
    expect(route).toEqual({
      kind: 'no-gateway',
      because: 'mode-always',
      leftOut: [{ id: 'home', name: 'HOME', reason: 'unknown-outcomes' }],
    });
    const verdict = verdictWithoutStep(route);
    expect(isOutOfHops(verdict)).toBe(true);
    const outcome = { step: null, stepIndex: 0, verdict, errorKind: null, nothingReached: true };
    const decision = nextStep(history({ unknownOutcomes }), route, outcome, present, 0.5);
    const facts = factsOf({ route, stepsTaken: [], verdict, decision, rcptTo: 'ann@aol.test' });
    expect(sayAll(explain(facts, { state: 'deferred', hold: null, nextAt: null, mayHaveArrived: true }))).toBe(
      'It may have arrived, and on this network it is not sent again through the gateways that may have taken it. “HOME” is left out: the connection to it was lost three times before it confirmed the message. It waits for another gateway or mail server, for another network, or for you to send it again; its limit runs meanwhile.',
    );
  });

  it('no gateway that fits and none in doubt is no such wait', () => {
    const present = environment({ settings: settingsWith({ mode: 'always', list: [{ ...home, enabled: false }] }) });
    expect(verdictWithoutStep(planRoute(history(), 'me@here.test', present))).toMatchObject({ why: 'no-gateway' });
  });

  it('a LAN host in doubt is a LAN error for the next attempt, and only if that is ticked', () => {
    const known = [{ hop: 'lan:printer.lan', network: 'net1', count: 1 }];
    const recipient = history({ rcptTo: 'ann@printer.lan', unknownOutcomes: known });
    const kinds = (lan: boolean): readonly string[] => {
      const onErrors = { lan, dns: true, smtp: true };
      const present = environment({ settings: settingsWith({ mode: 'onError', onErrors, list: [home] }) });
      const route = planRoute(recipient, 'me@here.test', present);
      return route.kind === 'steps'
        ? route.steps.map((s) => `${s.kind}${s.kind !== 'gateways' && s.only !== undefined ? ` ${s.only}` : ''}`)
        : [];
    };
    expect(kinds(true)).toEqual(['direct', 'lan sure', 'gateways', 'lan doubtful']);
    expect(kinds(false)).toEqual(['direct', 'lan', 'gateways']);
  });

  it('a refusal by the gateways is not final while the direct way is only in doubt', () => {
    const present = environment({
      settings: settingsWith({ mode: 'onError', onErrors: { lan: false, dns: false, smtp: true }, list: [home] }),
    });
    const recipient = history({ unknownOutcomes: [{ hop: 'mx:mx1', network: 'net1', count: 3 }] });
    const route = planRoute(recipient, 'me@here.test', present);
    if (route.kind !== 'steps') throw new Error(route.kind);
    const refused: Verdict = { kind: 'rejected', scope: 'recipient', status: '5.1.1' };
    const outcome = { step: route.steps[1]!, stepIndex: 1, verdict: refused, errorKind: null, nothingReached: false };
    const earlier = [{ step: route.steps[0]!, verdict: NO_OTHER_HOP }];
    expect(nextStep(recipient, route, outcome, present, 0.5, earlier)).toMatchObject({ kind: 'retry' });
  });
});

describe('words', () => {
  const facts = (verdict: Verdict, decision: NextStep) =>
    factsOf({
      route: { kind: 'steps', steps: [], because: 'mode-never', leftOut: [] },
      stepsTaken: [
        {
          step: { kind: 'direct', domain: 'aol.test' },
          verdict,
          errorKind: 'smtp',
          hop: { kind: 'mx', host: 'mx.aol.test', port: 25 },
        },
      ],
      verdict,
      decision,
      rcptTo: 'ann@aol.test',
    });
  const RETRY: NextStep = {
    kind: 'retry',
    at: NOW,
    counted: true,
    retryIndex: 1,
    gatewayPasses: 0,
    undeliverable: false,
    waitsFor: null,
  };
  const FAILED: NextStep = { kind: 'fail', folder: 'bounced', expired: false, status: '5.1.1' };
  const refused: Verdict = { kind: 'rejected', scope: 'recipient', status: '5.1.1', reply: reply('550 5.1.1 no') };
  const doubt = 'An earlier attempt ended without an answer after all was sent: it may have arrived.';

  it.each([
    [
      'just now',
      'deferred',
      facts(PERHAPS, RETRY),
      'The connection to mx.aol.test was lost before it confirmed the message. It may have arrived, and may arrive twice. It will be tried again by itself.',
    ],
    [
      'no host left',
      'deferred',
      facts(NO_OTHER_HOP, RETRY),
      'The connection to mx.aol.test was lost three times before it confirmed the message. It may have arrived, and is not sent that way again on this network. It waits for another gateway or mail server, for another network, or for you to send it again; its limit runs meanwhile.',
    ],
    [
      'silent since',
      'deferred',
      facts(deferred('timeout'), RETRY),
      `mx.aol.test did not answer in time. It will be tried again by itself. ${doubt}`,
    ],
    [
      'refused since',
      'bounced',
      facts(refused, FAILED),
      `mx.aol.test refused it for good: 550 5.1.1 no It is in Bounced. ${doubt}`,
    ],
    ['after a crash', 'deferred', null, doubt],
    ['being sent', 'attempting', null, `Being sent now. ${doubt}`],
  ] as const)('%s', (_what, state, known, words) => {
    expect(sayAll(explain(known, { state, hold: null, nextAt: null, mayHaveArrived: true }))).toBe(words);
  });
});
