import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DELAY_REPORT_AFTER_MS,
  failedFolder,
  reportAction,
  type ReportFacts,
} from '../../../main/policy/bounce-decision.ts';
import { folderOf, mostUrgentState } from '../../../main/policy/folder.ts';
import { limitReached } from '../../../main/policy/limit.ts';
import { nextStep } from '../../../main/policy/next-step.ts';
import { planRoute } from '../../../main/policy/plan-route.ts';
import { clampNextAt, latestNextAt, nextRetryIndex, retryDelay } from '../../../main/policy/retry-schedule.ts';
import { reportSentence } from '../../../main/policy/report-sentence.ts';
import type { NextStep } from '../../../main/policy/model.ts';
import { NO_OTHER_HOP } from '../../../main/policy/unknown-outcome.ts';
import type { HopRef, RecipientState, Verdict } from '../../../shared/mail.ts';
import { defaultSettings } from '../../../shared/settings.ts';
import { DAY, history, HOUR, NOW, reply, environment } from './support.ts';

const PRESENT = environment();
const SCHEDULE = defaultSettings().connection.retryMinutes;

describe('the retry schedule', () => {
  it('is 1, 2, 5, 10, 20, 40 minutes, then hourly', () => {
    let index = 0;
    const minutes: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      minutes.push(retryDelay(index, SCHEDULE, 0.5) / 60_000);
      index = nextRetryIndex(index, SCHEDULE);
    }
    expect(minutes).toEqual([1, 2, 5, 10, 20, 40, 60, 60, 60]);
  });

  it.each([
    [0, 0, 48_000],
    [0, 0.999999, 72_000],
    [6, 0, 2_880_000],
    [99, 0.5, 3_600_000],
    [-3, 0.5, 60_000],
  ])('place %s with chance %s: %s ms', (index, random, delay) => {
    expect(retryDelay(index, SCHEDULE, random)).toBe(delay);
  });

  it('takes fractions of minutes', () => {
    expect(retryDelay(0, [0.01], 0.5)).toBe(600);
  });

  it('never shortens, stays within its jitter, and never passes the latest time', () => {
    const rising = fc.array(fc.double({ min: 0.01, max: 10080, noNaN: true }), { minLength: 1, maxLength: 12 }).map((list) => [...list].sort((a, b) => a - b));
    fc.assert(
      fc.property(rising, fc.nat(30), fc.double({ min: 0, max: 0.999999, noNaN: true }), (list, index, random) => {
        const delay = retryDelay(index, list, random);
        expect(retryDelay(index + 1, list, random)).toBeGreaterThanOrEqual(delay);
        const base = list[Math.min(index, list.length - 1)]! * 60_000;
        expect(Math.abs(delay - base)).toBeLessThanOrEqual(base * 0.2 + 1);
        expect(NOW + delay).toBeLessThanOrEqual(latestNextAt(NOW, list));
      }),
    );
  }); // prettier-ignore

  it('a time left far away by a clock that was set back comes near again', () => {
    expect(clampNextAt(NOW + 3 * DAY, NOW, SCHEDULE)).toBe(NOW + 72 * 60_000);
    expect(clampNextAt(NOW - DAY, NOW, SCHEDULE)).toBe(NOW - DAY);
  });
});

describe('the limit', () => {
  it.each([
    ['4 days, not yet', 'days', 4, 3 * DAY, 9, true, false],
    ['4 days, over', 'days', 4, 4 * DAY, 9, true, true],
    ['4 days, over, but the attempt does not count', 'days', 4, 40 * DAY, 9, false, false],
    ['over at the first attempt ever: one more', 'days', 4, 10 * DAY, 0, true, false],
    ['over at the second attempt', 'days', 4, 10 * DAY, 1, true, true],
    ['2 hours, over', 'hours', 2, 2 * HOUR, 5, true, true],
    ['2 hours, not yet', 'hours', 2, 2 * HOUR - 1, 5, true, false],
    ['clock set back', 'hours', 2, -3 * DAY, 5, true, false],
    ['third of 3 attempts', 'attempts', 3, 0, 2, true, true],
    ['second of 3 attempts', 'attempts', 3, 99 * DAY, 1, true, false],
    ['1 attempt', 'attempts', 1, 0, 0, true, true],
    ['an attempt that does not count', 'attempts', 3, 0, 2, false, false],
  ] as const)('%s', (_what, unit, value, age, attempts, counted, expected) => {
    expect(limitReached({ unit, value }, { attempts, countedFrom: NOW - age }, NOW, counted)).toBe(expected);
  });

  it('a recipient that always waits is tried to the limit, given up when it falls due, and never before', () => {
    const timeout = { kind: 'deferred', scope: 'host', status: '4.4.1', why: 'timeout' } as const;
    fc.assert(
      fc.property(fc.array(fc.record({ random: fc.double({ min: 0, max: 0.999, noNaN: true }), online: fc.boolean() }), { minLength: 20, maxLength: 20 }), (luck) => {
        let recipient = history({ attempts: 0, retryIndex: 0, countedFrom: NOW, acceptedAt: NOW });
        let now = NOW;
        for (let turn = 0; turn < 400; turn += 1) {
          const { random, online } = luck[turn % luck.length]!;
          const present = { ...PRESENT, now };
          const after = { ...present, hold: online ? null : ('no-network' as const) };
          const outcome = { step: { kind: 'direct', domain: 'example.test' }, stepIndex: 0, verdict: timeout, errorKind: 'smtp', nothingReached: false } as const;
          const decision: NextStep = nextStep(recipient, planRoute(recipient, null, present), outcome, after, random);
          if (decision.kind === 'fail') {
            expect(decision).toMatchObject({ folder: 'bounced', expired: true, status: '4.4.7' });
            expect(online).toBe(true);
            expect(now).toBeGreaterThanOrEqual(NOW + 4 * DAY);
            return;
          }
          if (decision.kind !== 'retry') throw new Error(decision.kind);
          if (decision.counted !== online) throw new Error('counted wrongly');
          if (decision.at <= now || decision.at > latestNextAt(now, SCHEDULE)) throw new Error('off the schedule');
          if (decision.at > NOW + 4 * DAY + 1) expect(now).toBeGreaterThanOrEqual(NOW + 4 * DAY - 72_000);
          recipient = { ...recipient, attempts: recipient.attempts + (decision.counted ? 1 : 0), retryIndex: decision.retryIndex };
          now = decision.at;
        }
        expect(luck.some((l) => l.online)).toBe(false);
      }),
      { numRuns: 8 },
    );
  }); // prettier-ignore

  it('too many recipients: on in a second, at the same place, uncounted', () => {
    const soon = { kind: 'deferred', scope: 'recipient', status: '4.5.3', why: 'too-many-recipients' } as const;
    const recipient = history({ retryIndex: 3 });
    const outcome = { step: { kind: 'direct', domain: 'example.test' }, stepIndex: 0, verdict: soon, errorKind: 'smtp', nothingReached: false } as const; // prettier-ignore
    expect(nextStep(recipient, planRoute(recipient, null, environment()), outcome, environment(), 0.5)).toMatchObject({ kind: 'retry', at: NOW + 1000, retryIndex: 3, counted: false }); // prettier-ignore
  });
});

describe('folders', () => {
  it.each<[readonly RecipientState[], string, RecipientState]>([
    [['delivered'], 'sent', 'delivered'],
    [['delivered', 'relayed'], 'sent', 'relayed'],
    [['delivered', 'queued'], 'outbox', 'queued'],
    [['bounced', 'deferred'], 'outbox', 'deferred'],
    [['bounced', 'held'], 'outbox', 'held'],
    [['bad', 'attempting', 'deferred'], 'outbox', 'attempting'],
    [['bad', 'bounced', 'delivered'], 'bounced', 'bounced'],
    [['bad', 'relayed'], 'bad', 'bad'],
    [['replaced', 'deferred'], 'outbox', 'deferred'],
    [['replaced', 'bad'], 'bad', 'bad'],
    [['replaced', 'delivered'], 'sent', 'delivered'],
    [['replaced'], 'sent', 'replaced'],
    [[], 'sent', 'delivered'],
  ])('%j: %s, shown as %s', (states, folder, state) => {
    expect([folderOf(states), mostUrgentState(states)]).toEqual([folder, state]);
  });
});

describe('reports to the sender', () => {
  const bounced = { kind: 'fail', folder: 'bounced', expired: false, status: '5.1.1' } as const;
  const bad = { ...bounced, folder: 'bad' } as const;
  const delivered = { kind: 'delivered', relayed: false } as const;
  const waits = {
    kind: 'retry',
    at: NOW,
    counted: true,
    retryIndex: 1,
    gatewayPasses: 0,
    undeliverable: false,
    waitsFor: null,
  } as const;
  const base: ReportFacts = { mailFrom: 'me@here.test', dsn: {}, decision: bounced, dsnPassedOn: false, delaySent: false, acceptedAt: NOW - DELAY_REPORT_AFTER_MS, now: NOW, returnUndeliverable: true }; // prettier-ignore
  it.each<[string, Partial<ReportFacts>, string | null]>([
    ['bounced', {}, 'failed'],
    ['bad', { decision: bad }, null],
    ['null reverse-path', { mailFrom: null }, null],
    ['returning is off', { returnUndeliverable: false }, null],
    ['NOTIFY=NEVER', { dsn: { notify: ['never'] } }, null],
    ['NOTIFY=SUCCESS only', { dsn: { notify: ['success'] } }, null],
    ['NOTIFY=FAILURE', { dsn: { notify: ['failure'] } }, 'failed'],
    ['delivered, not asked', { decision: delivered }, null],
    ['delivered, NOTIFY=SUCCESS', { decision: delivered, dsn: { notify: ['success'] } }, 'relayed'],
    ['delivered, NOTIFY=SUCCESS passed on', { decision: delivered, dsn: { notify: ['success'] }, dsnPassedOn: true }, null],
    ['waits, not asked', { decision: waits }, null],
    ['waits long, NOTIFY=DELAY', { decision: waits, dsn: { notify: ['delay'] } }, 'delayed'],
    ['waits a short while, NOTIFY=DELAY', { decision: waits, dsn: { notify: ['delay'] }, acceptedAt: NOW }, null],
    ['waits, told already', { decision: waits, dsn: { notify: ['delay'] }, delaySent: true }, null],
  ])('%s: %s', (_what, more, action) => {
    expect(reportAction({ ...base, ...more })).toBe(action);
  }); // prettier-ignore

  it('a report that cannot be delivered ends in Bad', () => {
    expect([failedFolder('bounced', null), failedFolder('bounced', 'me@here.test'), failedFolder('bad', 'me@here.test')]).toEqual(['bad', 'bounced', 'bad']); // prettier-ignore
  });

  it.each<[Verdict, Parameters<typeof reportSentence>[1], HopRef | null, boolean, string]>([
    [{ kind: 'rejected', scope: 'recipient', status: '5.1.1', reply: reply('550 5.1.1 no such user') } as const, bounced, { kind: 'mx', host: 'mx.test', port: 25 } as const, false, 'mx.test refused it for good: 550 5.1.1 no such user'],
    [{ kind: 'rejected', scope: 'recipient', status: '5.1.1', reply: reply('550 5.1.1 no such user') } as const, bounced, { kind: 'mx', host: 'mx.test', port: 25 } as const, true, 'mx.test refused it for good: 550 5.1.1 no such user An earlier attempt ended without an answer after all was sent: it may have arrived.'],
    [{ kind: 'deferred', scope: 'host', status: '4.4.2', why: 'lost-after-dot' }, { ...bounced, expired: true }, { kind: 'mx', host: 'mx.test', port: 25 }, true, 'It could not be delivered in the time that was set for it, and is no longer tried. The connection to mx.test was lost before it confirmed the message. It may have arrived, and may arrive twice.'],
    [NO_OTHER_HOP, { ...bounced, expired: true }, null, true, 'It could not be delivered in the time that was set for it, and is no longer tried. It may have arrived, and on this network it is not sent again through the gateways that may have taken it.'],
    [{ kind: 'rejected', scope: 'recipient', status: '5.1.2' } as const, bounced, null, false, 'The domain gone.test does not exist, or takes no mail.'],
    [{ kind: 'deferred', scope: 'host', status: '4.4.1', why: 'timeout' } as const, { ...bounced, expired: true }, { kind: 'mx', host: 'mx.test', port: 25 } as const, false, 'It could not be delivered in the time that was set for it, and is no longer tried. mx.test did not answer in time.'],
  ])('says why in a sentence (%#)', (verdict, decision, hop, doubtful, sentence) => {
    expect(reportSentence(verdict, decision, hop, 'ann@gone.test', doubtful)).toBe(sentence);
  }); // prettier-ignore
});
