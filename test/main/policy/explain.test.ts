import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain, factsOf, type AttemptFacts, type StepFact } from '../../../main/policy/explain.ts';
import type { NextStep, Route } from '../../../main/policy/model.ts';
import { replacedFacts } from '../../../main/policy/user-actions.ts';
import { FOLDERS, RECIPIENT_STATES, type RecipientState, type Verdict } from '../../../shared/mail.ts';
import { en } from '../../../shared/catalogue/en.ts';
import { english, isPhraseId, phrase, say, sayAll } from '../../../shared/phrases.ts';
import { NOW, reply } from './support.ts';

const YES: Verdict = { kind: 'delivered', reply: reply('250 ok') };
const NO: Verdict = { kind: 'rejected', scope: 'recipient', status: '5.1.1', reply: reply('550 5.1.1 no such user') };
const TIMEOUT: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.1', why: 'timeout' };
const SERVFAIL: Extract<Verdict, { kind: 'deferred' }> = {
  kind: 'deferred',
  scope: 'host',
  status: '4.4.3',
  why: 'dns',
};
const RETRY: NextStep = {
  kind: 'retry',
  at: NOW,
  counted: true,
  retryIndex: 1,
  gatewayPasses: 0,
  undeliverable: false,
  waitsFor: null,
};
const office = { kind: 'gateway', host: 'smtp.office.test', port: 587, gatewayName: 'Office' } as const;
const mx = { kind: 'mx', host: 'mx.aol.test', port: 25 } as const;
const viaGateway = (verdict: Verdict, more: Partial<StepFact> = {}): StepFact => ({ step: { kind: 'gateways', ids: ['office'] }, verdict, errorKind: null, hop: office, ...more }); // prettier-ignore
const direct = (verdict: Verdict, more: Partial<StepFact> = {}): StepFact => ({ step: { kind: 'direct', domain: 'aol.test' }, verdict, errorKind: 'smtp', hop: mx, ...more }); // prettier-ignore
const route = (because: Extract<Route, { kind: 'steps' }>['because'], leftOut: Extract<Route, { kind: 'steps' }>['leftOut'] = []): Route => ({ kind: 'steps', steps: [], because, leftOut }); // prettier-ignore

function sentences(
  state: RecipientState,
  facts: Omit<AttemptFacts, 'rcptTo' | 'verdict'> & { verdict?: Verdict },
  hold: null | 'dial-up' = null,
): string {
  const verdict = facts.verdict ?? facts.stepsTaken.at(-1)?.verdict ?? TIMEOUT;
  const kept: unknown = JSON.parse(JSON.stringify(factsOf({ ...facts, verdict, rcptTo: 'ann@aol.test' })));
  const phrases = explain(kept, { state, hold, nextAt: null, mayHaveArrived: false });
  expect(phrases.length).toBeGreaterThanOrEqual(1);
  expect(phrases.length).toBeLessThanOrEqual(3);
  const text = sayAll(phrases);
  expect(text).not.toMatch(/[{}]/);
  return text;
}

it('reads facts of an older version, in which skipped gateways were called passed over', () => {
  const stepsTaken = [viaGateway(YES, { skipped: ['Home ISP'] })];
  const decision: NextStep = { kind: 'delivered', relayed: true };
  const facts = factsOf({ route: route('domain-listed'), stepsTaken, verdict: YES, decision, rcptTo: 'ann@aol.test' });
  const { skipped, ...rest } = facts;
  const now = { state: 'relayed', hold: null, nextAt: null, mayHaveArrived: false } as const;
  const sentence = sayAll(explain(facts, now));
  expect(sentence).toContain('“Home ISP” was passed over');
  expect(sayAll(explain({ ...rest, passedOver: skipped }, now))).toBe(sentence);
});

describe('why this way', () => {
  it.each<[string, RecipientState, Parameters<typeof sentences>[1], string]>([
    ['listed, one passed over', 'relayed', { route: route('domain-listed'), stepsTaken: [viaGateway(YES, { skipped: ['Home ISP'] })], decision: { kind: 'delivered', relayed: true } },
      'Sent through “Office” because aol.test is on your gateway list. “Home ISP” was passed over: not reachable on this network. The gateway has taken it over; that is not yet proof of delivery.'],
    ['left out for this network', 'relayed', { route: route('mode-always', [{ id: 'h', name: 'Home', reason: 'other-network' }, { id: 'x', name: 'Old', reason: 'disabled' }]), stepsTaken: [viaGateway(YES)], decision: { kind: 'delivered', relayed: true } },
      'Sent through “Office” because all mail goes through gateways. “Home” is kept for other networks. The gateway has taken it over; that is not yet proof of delivery.'],
    ['after a DNS error', 'relayed', { route: route('mode-on-error'), stepsTaken: [direct(SERVFAIL, { errorKind: 'dns', hop: null }), viaGateway(YES)], decision: { kind: 'delivered', relayed: true } },
      'Sent through “Office” because aol.test could not be looked up (DNS error). The gateway has taken it over; that is not yet proof of delivery.'],
    ['direct', 'delivered', { route: route('domain-unlisted'), stepsTaken: [direct(YES)], decision: { kind: 'delivered', relayed: false } },
      'Delivered directly to mx.aol.test: aol.test is not on your gateway list.'],
    ['waits', 'deferred', { route: route('mode-never'), stepsTaken: [direct(TIMEOUT)], decision: RETRY },
      'mx.aol.test did not answer in time. It will be tried again by itself.'],
    ['no names', 'deferred', { route: route('mode-never'), stepsTaken: [direct({ ...SERVFAIL, why: 'no-names' }, { hop: null })], decision: { ...RETRY, counted: false } },
      "The mail server for aol.test could not be looked up: this network's name server knows no names, not even common ones. It goes as soon as names can be looked up again; this attempt does not count against the limit."],
    ['one address for all', 'deferred', { route: route('mode-never'), stepsTaken: [direct({ ...SERVFAIL, why: 'one-address' }, { hop: null })], decision: { ...RETRY, counted: false } },
      "The mail server for aol.test could not be looked up: this network's name server gives one address to all names, even to names that do not exist. Nothing was sent there. It goes as soon as names can be looked up again; this attempt does not count against the limit."],
    ['no gateway', 'deferred', { route: { kind: 'no-gateway', because: 'mode-always', leftOut: [{ id: 'x', name: 'Old', reason: 'disabled' }] }, stepsTaken: [], verdict: { kind: 'deferred', scope: 'local', status: '4.4.0', why: 'no-gateway' }, decision: { ...RETRY, counted: false } },
      'No gateway can be used: none is enabled, or none fits this network and sender. “Old” is disabled. It will be tried again by itself; this attempt does not count against the limit.'],
    ['second pass', 'deferred', { route: route('undelivered-pass'), stepsTaken: [viaGateway(TIMEOUT)], decision: { ...RETRY, undeliverable: true, gatewayPasses: 2 } },
      'Office did not answer in time. Direct delivery was given up; the gateways have been tried 2 times, and are tried three times in all. It will be tried again by itself.'],
    ['refused', 'bounced', { route: route('mode-never'), stepsTaken: [direct(NO)], decision: { kind: 'fail', folder: 'bounced', expired: false, status: '5.1.1' } },
      'mx.aol.test refused it for good: 550 5.1.1 no such user It is in Bounced.'],
    ['no such domain', 'bounced', { route: route('mode-never'), stepsTaken: [direct({ kind: 'rejected', scope: 'recipient', status: '5.1.2' }, { hop: null })], decision: { kind: 'fail', folder: 'bounced', expired: false, status: '5.1.2' } },
      'The domain aol.test does not exist, or takes no mail. It is in Bounced.'],
    ['expired', 'bad', { route: route('domain-listed'), stepsTaken: [viaGateway(TIMEOUT)], decision: { kind: 'fail', folder: 'bad', expired: true, status: '4.4.7' } },
      'Given up: it could not be delivered within the limit that you have set. Office did not answer in time. It is in Bad: nothing is returned to the sender, you decide what happens.'],
  ])('%s', (_what, state, facts, expected) => {
    expect(sentences(state, facts)).toBe(expected);
  }); // prettier-ignore

  it('says what holds it before what happened last', () => {
    expect(
      sentences('deferred', { route: route('mode-never'), stepsTaken: [direct(TIMEOUT)], decision: RETRY }, 'dial-up'),
    ).toBe('Waiting for a dial-up connection. mx.aol.test did not answer in time.');
  });

  it.each<[RecipientState, null | 'dial-up', string]>([
    ['queued', null, 'Waiting for its first attempt.'],
    ['held', 'dial-up', 'Waiting for a dial-up connection.'],
    ['attempting', null, 'Being sent now.'],
    ['bad', null, 'It is in Bad: nothing is returned to the sender, you decide what happens.'],
  ])('%s without facts, hold %s', (state, hold, expected) => {
    expect(sayAll(explain(null, { state, hold, nextAt: null, mayHaveArrived: false }))).toBe(expected);
  });

  it('never fails on facts of an unknown shape', () => {
    fc.assert(
      fc.property(
        fc.anything(),
        fc.constantFrom(...RECIPIENT_STATES),
        fc.constantFrom(...FOLDERS),
        fc.boolean(),
        fc.boolean(),
        (facts, state, folder, deletedWhileSent, mayHaveArrived) => {
          const phrases = explain(facts, { state, hold: null, nextAt: null, folder, deletedWhileSent, mayHaveArrived });
          expect(phrases.every((p) => isPhraseId(p.id))).toBe(true);
        },
      ),
    );
  });

  const refused = factsOf({ route: route('mode-never'), stepsTaken: [direct(NO)], verdict: NO, decision: { kind: 'fail', folder: 'bounced', expired: false, status: '5.1.1' }, rcptTo: 'ann@aol.test' }); // prettier-ignore
  const waits = factsOf({ route: route('mode-never'), stepsTaken: [direct(TIMEOUT)], verdict: TIMEOUT, decision: RETRY, rcptTo: 'ann@aol.test' }); // prettier-ignore
  const taken = factsOf({ route: route('mode-always'), stepsTaken: [viaGateway(YES)], verdict: YES, decision: { kind: 'delivered', relayed: true }, rcptTo: 'ann@aol.test' }); // prettier-ignore

  it.each<[string, unknown, Partial<Parameters<typeof explain>[1]>, string]>([
    ['refused while others wait', refused, { state: 'bounced', folder: 'outbox' },
      'mx.aol.test refused it for good: 550 5.1.1 no such user It is not tried again; the message stays in the Outbox for those who still wait.'],
    ['refused, in Bounced', refused, { state: 'bounced', folder: 'bounced' },
      'mx.aol.test refused it for good: 550 5.1.1 no such user It is in Bounced.'],
    ['refused, then deleted', refused, { state: 'bounced', folder: 'deleted' },
      'mx.aol.test refused it for good: 550 5.1.1 no such user'],
    ['deleted as it waited', waits, { state: 'deferred', folder: 'deleted' },
      'mx.aol.test did not answer in time. It is in Deleted and is not tried. Restore it to have it sent.'],
    ['deleted as it was sent, to no avail', waits, { state: 'deferred', folder: 'deleted', deletedWhileSent: true },
      'mx.aol.test did not answer in time. The message was deleted while it was being sent. It is in Deleted and is not tried. Restore it to have it sent.'],
    ['deleted as it is sent', waits, { state: 'attempting', folder: 'deleted' },
      'The message was deleted while it was being sent. What the server takes now still arrives; nothing is tried after that.'],
    ['deleted as it was sent, and taken', taken, { state: 'relayed', folder: 'deleted', deletedWhileSent: true },
      'Sent through “Office” because all mail goes through gateways. The message was deleted while it was being sent.'],
    ['deleted before it was tried', null, { state: 'queued', folder: 'deleted', hold: 'paused' },
      'It is in Deleted and is not tried. Restore it to have it sent.'],
    ['replaced', replacedFacts(refused, ['a@x.test', 'b@x.test']), { state: 'replaced' },
      'You sent the message again to a@x.test, b@x.test instead.'],
    ['replaced by many', replacedFacts(null, ['a@x.test', 'b@x.test', 'c@x.test', 'd@x.test', 'e@x.test']), { state: 'replaced' },
      'You sent the message again to a@x.test, b@x.test, c@x.test and 2 more instead.'],
    ['replaced, nobody knows by whom', null, { state: 'replaced' }, 'You sent the message again to others instead.'],
  ])('says of one that was %s what is true there', (_what, facts, now, expected) => {
    const kept: unknown = JSON.parse(JSON.stringify(facts));
    expect(sayAll(explain(kept, { state: 'queued', hold: null, nextAt: null, mayHaveArrived: false, ...now }))).toBe(expected);
  }); // prettier-ignore
});

describe('phrases', () => {
  it.each([
    [phrase('status.waiting', { count: 1 }), '1 message is waiting for its next attempt.'],
    [phrase('status.waiting', { count: 1200 }), '1,200 messages are waiting for their next attempt.'],
    [phrase('gateway.works.tls', { tls: 'TLS 1.3', ms: 41 }), 'works here (TLS 1.3, 41 ms)'],
    [{ id: 'no.such.phrase' }, 'no.such.phrase'],
    [{ id: 'constructor' }, 'constructor'],
    [phrase('defer.timeout'), '{via} did not answer in time.'],
    [phrase('defer.timeout', { via: '{reply} $& x' }), '{reply} $& x did not answer in time.'],
  ])('%j', (each, text) => {
    expect(say(each)).toBe(text);
  });

  it('takes what a language lacks from English, and its own plural forms', () => {
    const de = {
      locale: 'de',
      templates: { 'hold.paused': 'Angehalten.', 'status.bad_one': 'Eine.', 'status.bad_other': '{count} Stück.' },
    };
    expect([say(phrase('hold.paused'), de), say(phrase('status.bad', { count: 1 }), de), say(phrase('status.bad', { count: 2000 }), de), say(phrase('hold.dial-up'), de)]).toEqual(['Angehalten.', 'Eine.', '2.000 Stück.', 'Waiting for a dial-up connection.']); // prettier-ignore
  });

  it('every counting phrase has both English forms', () => {
    const keys = Object.keys(en);
    for (const key of keys.filter((k) => k.endsWith('_one'))) expect(keys).toContain(key.replace(/_one$/, '_other'));
    expect(Object.values(english.templates).every((t) => t.trim() !== '')).toBe(true);
  });

  it.each(['hold.paused', 'hold.no-network', 'hold.dial-up', 'hold.captive-portal', 'hold.no-dns'])(
    '%s has words',
    (id) => {
      expect(isPhraseId(id)).toBe(true);
    },
  );
});
