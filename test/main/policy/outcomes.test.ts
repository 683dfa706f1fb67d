import { describe, expect, it } from 'vitest';
import { reportAction } from '../../../main/policy/bounce-decision.ts';
import { classifyDns, errorKindOf } from '../../../main/policy/classify-dns.ts';
import { classifyReport, sessionEstablished } from '../../../main/policy/classify.ts';
import { afterGateway, finishPass, startPass } from '../../../main/policy/gateway-pass.ts';
import { nextStep, type EarlierStep } from '../../../main/policy/next-step.ts';
import { planRoute } from '../../../main/policy/plan-route.ts';
import type {
  NextStep,
  PlanStep,
  RecipientHistory,
  Route,
  StepOutcome,
  Environment,
} from '../../../main/policy/model.ts';
import type { GatewayMode } from '../../../shared/settings.ts';
import {
  EVENTS,
  RULES,
  WAYS,
  type EventRow,
  type Place,
  type Rule,
  type Says,
  type Then,
  type Way,
} from './decision-table.ts';
import { outcomesPage } from './outcomes-page.ts';
import { DAY, gateway, history, HOUR, inShort, NOW, settingsWith, environment } from './support.ts';

const RECIPIENTS = {
  listed: 'ann@listed.test',
  unlisted: 'ann@other.test',
  LAN: 'ann@printer.lan',
  literal: 'ann@[192.0.2.7]',
} as const;
type Target = keyof typeof RECIPIENTS;

/** What one event does in one step, through the real classification. */
function outcomeOf(row: EventRow, step: PlanStep, stepIndex: number): StepOutcome {
  if (step.kind === 'gateways') {
    if ('dns' in row.facts) throw new Error('gateways have no such event');
    const verdicts = classifyReport(row.facts, 'gateway');
    const pass = afterGateway(
      startPass(step.ids, [1]),
      step.ids[0]!,
      verdicts,
      sessionEstablished(row.facts, 'gateway'),
    );
    const { verdict, nothingReached } = finishPass(pass).get(1)!;
    return { step, stepIndex, verdict, errorKind: null, nothingReached };
  }
  if ('dns' in row.facts) return { step, stepIndex, ...classifyDns(row.facts.dns, step.kind) };
  const verdict = classifyReport(row.facts, step.kind === 'lan' ? 'lan' : 'mx').get(1)!;
  return { step, stepIndex, verdict, errorKind: errorKindOf(step.kind, verdict, false), nothingReached: false };
}

/** What the table says that the event comes down to there. */
function saysAt(row: EventRow, step: PlanStep): Says | null {
  if (step.kind === 'gateways') return row.gateway?.[0] ?? null;
  if (step.kind === 'lan' && 'dns' in row.facts) return 'temporary';
  return row.server?.[0] ?? null;
}

function thenOf(decision: NextStep, route: Route): Then {
  switch (decision.kind) {
    case 'delivered':
      return 'Sent';
    case 'retry':
      return 'Outbox';
    case 'step': {
      const next = route.kind === 'steps' ? route.steps[decision.index] : undefined;
      return next?.kind === 'lan' ? 'LAN host' : 'gateways';
    }
    case 'fail': {
      const action = reportAction({
        mailFrom: 'me@here.test', dsn: {}, decision, dsnPassedOn: false, delaySent: false, acceptedAt: NOW, now: NOW, returnUndeliverable: true,
      }); // prettier-ignore
      if (decision.folder === 'bad') return action === null ? 'Bad' : 'Bounced, returned';
      return action === 'failed' ? 'Bounced, returned' : 'Bad';
    }
  }
}

/** Rules that some case came to. */
const used = new Set<Rule>();

interface Where {
  readonly way: Way;
  readonly at: Place;
  readonly says: Says;
  readonly before: Rule['before'] | null;
  readonly limit: boolean;
  readonly third: boolean;
}

function rulesFor(where: Where): readonly Rule[] {
  return RULES.filter(
    (r) =>
      r.ways.includes(where.way) &&
      r.at.includes(where.at) &&
      r.says.includes(where.says) &&
      (r.before === undefined || r.before === where.before) &&
      (r.limit === undefined || r.limit === where.limit) &&
      (r.passes === undefined || (r.passes === 'third') === where.third),
  );
}

function placeOf(step: PlanStep, route: Route): Place {
  if (step.kind === 'gateways') return 'gateways';
  if (step.kind === 'lan') return 'LAN host';
  return route.kind === 'steps' && route.steps.some((s) => s.kind === 'lan') ? 'direct, LAN address' : 'direct';
}

function beforeOf(before: readonly Says[], at: Place): Rule['before'] | null {
  if (before.length === 0) return null;
  if (before.every((s) => s === 'refused')) return 'refused';
  return at === 'gateways' && before.every((s) => s === 'silent') ? 'silent' : 'not refused';
}

/** Walks every event in this step, and every event in the steps that follow; returns how many cells were checked. */
function walk(
  context: {
    readonly way: Way;
    readonly limit: boolean;
    readonly environment: Environment;
    readonly route: Route;
    readonly target: Target;
  },
  recipient: RecipientHistory,
  index: number,
  earlier: readonly EarlierStep[],
  before: readonly Says[],
): number {
  const { route, way, limit } = context;
  if (route.kind !== 'steps') throw new Error('no steps');
  const step = route.steps[index]!;
  let cells = 0;
  const seen = new Set<string>();
  for (const row of EVENTS) {
    const says = saysAt(row, step);
    if (says === null) continue;
    const outcome = outcomeOf(row, step, index);
    const decision = nextStep(recipient, route, outcome, context.environment, 0.5, earlier);
    const at = placeOf(step, route);
    const where: Where = { way, at, says, before: beforeOf(before, at), limit, third: recipient.gatewayPasses === 2 };
    const rules = rulesFor(where);
    const label = JSON.stringify({ ...where, target: context.target, event: row.event });
    if (rules.length !== 1) expect.fail(`${rules.length} rules for ${label}`);
    const then = thenOf(decision, route);
    if (then !== rules[0]!.then) expect(then, label).toBe(rules[0]!.then);
    used.add(rules[0]!);
    cells += 1;
    const key = `${says} ${outcome.nothingReached} ${outcome.verdict.kind}`;
    // What follows depends on what the event comes down to, so one event of each sort goes on.
    if (decision.kind === 'step' && !seen.has(key)) {
      seen.add(key);
      cells += walk(
        context,
        { ...recipient, undeliverable: decision.undeliverable },
        decision.index,
        [...earlier, outcome],
        [...before, says],
      );
    }
  }
  return cells;
}

describe('decision table', () => {
  const modes = Object.keys(WAYS) as GatewayMode[];
  const cases = modes.flatMap((mode) =>
    (Object.keys(RECIPIENTS) as Target[]).flatMap((target) =>
      [false, true].map((limit) => [mode, target, limit] as const),
    ),
  );

  it.each(cases)(
    'mode %s, %s recipient, limit reached %s: every event ends where the table says',
    (mode, target, limit) => {
      const named = WAYS[mode]![target];
      const ways: readonly Way[] = named === 'onError' ? ['onError, ticked', 'onError, not ticked'] : [named as Way];
      let cells = 0;
      for (const way of ways) {
        const ticked = way === 'onError, ticked';
        const present = environment({
          settings: settingsWith({
            mode,
            domains: ['listed.test'],
            list: [gateway('office')],
            onErrors: { lan: ticked, dns: ticked, smtp: ticked },
          }),
        });
        const recipient = history({ rcptTo: RECIPIENTS[target], countedFrom: limit ? NOW - 5 * DAY : NOW - HOUR });
        const histories = way === 'undelivered' ? [recipient, { ...recipient, undeliverable: true, gatewayPasses: 1 }, { ...recipient, undeliverable: true, gatewayPasses: 2 }] : [recipient]; // prettier-ignore
        for (const each of histories) {
          const route = planRoute(each, 'me@here.test', present);
          cells += walk({ way, limit, environment: present, route, target }, each, 0, [], []);
        }
      }
      expect(cells).toBeGreaterThan(40);
    },
  );

  it('has no rule that no case comes to', () => {
    expect(RULES.filter((rule) => !used.has(rule))).toEqual([]);
  });

  it('names every event once', () => {
    expect(new Set(EVENTS.map((e) => e.event)).size).toBe(EVENTS.length);
  });
});

describe('what an event means', () => {
  const cells = EVENTS.flatMap((row) =>
    ([['server', 'mx'], ['server', 'lan'], ['gateway', 'gateway']] as const).flatMap(([side, kind]) => {
      const expected = row[side];
      return expected === null || 'dns' in row.facts ? [] : [{ event: row.event, kind, facts: row.facts, expected: expected[1] }];
    }),
  ); // prettier-ignore

  it.each(cells)('$event on $kind: $expected', ({ kind, facts, expected }) => {
    expect(inShort(classifyReport(facts, kind).get(1)!)).toBe(expected);
  });

  const lookups = EVENTS.flatMap((row) =>
    'dns' in row.facts ? [{ event: row.event, dns: row.facts.dns, expected: row.server! }] : [],
  );

  it.each(lookups)('$event: $expected', ({ dns, expected }) => {
    const result = classifyDns(dns, 'direct');
    expect([inShort(result.verdict), result.nothingReached, result.errorKind]).toEqual([
      expected[1],
      expected[0] === 'silent',
      'dns',
    ]);
  });

  it.each(lookups)('$event on a LAN is temporary', ({ dns }) => {
    expect(classifyDns(dns, 'lan')).toMatchObject({
      verdict: { kind: 'deferred' },
      errorKind: 'lan',
      nothingReached: false,
    });
  });

  it('counts a DNS time-out if other names are resolved', () => {
    expect(classifyDns('timeout', 'direct', true).nothingReached).toBe(false);
  });
});

it('docs/outcomes.md is the table (renew it with: node scripts/decision-table.mjs)', async () => {
  await expect(outcomesPage()).toMatchFileSnapshot('../../../docs/outcomes.md');
});
