import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SmtpPhase, SmtpReply } from '../../../shared/mail.ts';
import { classifyReport, sessionEstablished, mayTryNextHost } from '../../../main/policy/classify.ts';
import type { SessionReport, SessionTrouble } from '../../../main/policy/model.ts';
import { inShort, reply, report } from './support.ts';

const OK = reply('250 2.1.5 ok');

function verdicts(facts: SessionReport, kind: 'mx' | 'lan' | 'gateway'): readonly string[] {
  return [...classifyReport(facts, kind).values()].map(inShort);
}

describe('several recipients', () => {
  const mixed = [
    { recipient: 1, rcptReply: OK },
    { recipient: 2, rcptReply: reply('550 5.1.1 no') },
    { recipient: 3, rcptReply: reply('450 4.2.1 later') },
    { recipient: 4, rcptReply: null },
  ];
  const own = ['rejected recipient 5.1.1', 'deferred recipient 4.2.1 reply'];

  it.each([
    ['accepted at the final dot', report('final', { reply: reply('250 ok') }), 'delivered', 'deferred recipient 4.5.0 unsupported-reply'],
    ['message refused at the final dot', report('final', { reply: reply('554 5.6.0 bad') }), 'rejected message 5.6.0', 'deferred recipient 4.5.0 unsupported-reply'],
    ['lost after the dot', report('final', { trouble: { kind: 'timeout' } }), 'deferred host 4.4.2 lost-after-dot', 'deferred recipient 4.5.0 unsupported-reply'],
    ['lost in the message', report('body', { trouble: { kind: 'connection-lost' } }), 'deferred host 4.4.2 connection-lost', 'deferred host 4.4.2 connection-lost'],
    ['421 to DATA', report('data', { reply: reply('421 bye') }), 'deferred host 4.4.2 reply', 'deferred host 4.4.2 reply'],
  ])('%s: each keeps its own answer', (_what, facts, first, last) => {
    expect(verdicts({ ...facts, recipients: mixed }, 'mx')).toEqual([first, ...own, last]);
  }); // prettier-ignore

  it('452 after some were accepted and delivered: the rest soon', () => {
    const facts = report('final', { reply: reply('250 ok'), recipients: [{ recipient: 1, rcptReply: OK }, { recipient: 2, rcptReply: reply('452 too many') }, { recipient: 3, rcptReply: reply('552 too many') }] }); // prettier-ignore
    expect(verdicts(facts, 'gateway')).toEqual(['delivered', 'deferred recipient 4.5.3 too-many-recipients', 'deferred recipient 4.5.3 too-many-recipients']); // prettier-ignore
  });

  it('452 while nothing was delivered waits for the schedule: no going round in circles', () => {
    const facts = report('final', { reply: reply('451 later'), recipients: [{ recipient: 1, rcptReply: OK }, { recipient: 2, rcptReply: reply('452 too many') }] }); // prettier-ignore
    expect(verdicts(facts, 'mx')).toEqual(['deferred message 4.0.0 reply', 'deferred recipient 4.5.3 reply']);
  });

  it('421 to one RCPT ends the transaction for those before it, temporarily', () => {
    const facts = report('rcpt', { reply: reply('421 bye'), recipients: [{ recipient: 1, rcptReply: OK }, { recipient: 2, rcptReply: reply('421 bye') }, { recipient: 3, rcptReply: null }] }); // prettier-ignore
    expect(verdicts(facts, 'mx')).toEqual(Array(3).fill('deferred host 4.4.2 reply'));
  });

  it('accepted, then the connection dies after the 250: delivered', () => {
    const facts = report('final', { reply: reply('250 ok'), trouble: { kind: 'connection-lost' }, recipients: [{ recipient: 1, rcptReply: OK }] }); // prettier-ignore
    expect(verdicts(facts, 'mx')).toEqual(['delivered']);
  });
});

describe('whose fault a reply to RCPT is', () => {
  it.each([
    ['550 5.7.1 Unable to relay', 'rejected recipient 5.7.1', 'deferred gateway 4.7.1 relaying-denied'],
    ['554 5.7.1 <x@y.test>: Relay access denied', 'rejected recipient 5.7.1', 'deferred gateway 4.7.1 relaying-denied'],
    ['550 relay not permitted', 'rejected recipient 5.1.1', 'deferred gateway 4.7.1 relaying-denied'],
    [
      "553 sorry, that domain isn't in my list of allowed rcpthosts",
      'rejected recipient 5.1.3',
      'deferred gateway 4.7.1 relaying-denied',
    ],
    ['550 we do not relay', 'rejected recipient 5.1.1', 'deferred gateway 4.7.1 relaying-denied'],
    ['454 4.7.1 Relay access denied', 'deferred recipient 4.7.1 reply', 'deferred gateway 4.7.1 relaying-denied'],
    ['550 Authentication required', 'rejected recipient 5.1.1', 'deferred gateway 4.7.1 auth'],
    ['550 5.1.1 user unknown', 'rejected recipient 5.1.1', 'rejected recipient 5.1.1'],
    ['550 5.2.1 disabled', 'rejected recipient 5.2.1', 'rejected recipient 5.2.1'],
    ['550 5.3.4 too big', 'rejected recipient 5.3.4', 'rejected recipient 5.3.4'],
    ['550 5.3.5 misconfigured', 'rejected recipient 5.3.5', 'deferred host 4.3.5 reply'],
    ['550 5.0.0 no', 'rejected recipient 5.0.0', 'rejected recipient 5.0.0'],
    ['556 no mail here', 'rejected recipient 5.1.10', 'rejected recipient 5.1.10'],
    ['551 user moved', 'rejected recipient 5.1.6', 'rejected recipient 5.1.6'],
    ['501 5.1.3 bad address', 'rejected recipient 5.1.3', 'rejected recipient 5.1.3'],
    ['501 syntax error', 'rejected recipient 5.1.3', 'rejected recipient 5.1.3'],
    ['450 4.7.1 greylisted', 'deferred recipient 4.7.1 reply', 'deferred recipient 4.7.1 reply'],
    ['550 4.7.1 class does not fit the code', 'rejected recipient 5.1.1', 'rejected recipient 5.1.1'],
    ['354 what', 'deferred recipient 4.5.0 unsupported-reply', 'deferred recipient 4.5.0 unsupported-reply'],
  ])('%s', (line, mx, gateway) => {
    const facts = report('rcpt', { recipients: [{ recipient: 1, rcptReply: reply(line) }] });
    expect([...verdicts(facts, 'mx'), ...verdicts(facts, 'gateway')]).toEqual([mx, gateway]);
  });
});

const PHASES: readonly SmtpPhase[] = [
  'dns',
  'connect',
  'greeting',
  'ehlo',
  'starttls',
  'tls',
  'auth',
  'mail',
  'rcpt',
  'data',
  'body',
  'final',
];
const anyReply: fc.Arbitrary<SmtpReply> = fc.record(
  { code: fc.oneof(fc.constantFrom(220, 250, 251, 354, 421, 450, 452, 454, 501, 503, 530, 535, 550, 552, 554), fc.integer({ min: 0, max: 999 })), text: fc.constantFrom('', 'ok', 'relaying denied', 'no such user'), enhanced: fc.constantFrom('2.0.0', '4.7.1', '5.1.1', '5.7.1', '4.5.3', 'x') },
  { requiredKeys: ['code', 'text'] },
); // prettier-ignore
const anyTrouble: fc.Arbitrary<SessionTrouble> = fc.constantFrom<SessionTrouble[]>(
  { kind: 'refused' }, { kind: 'unreachable' }, { kind: 'timeout' }, { kind: 'connection-lost' }, { kind: 'malformed', line: '' },
  { kind: 'tls', problem: 'name', detail: '' }, { kind: 'auth-not-possible', detail: '' }, { kind: 'no-secret' }, { kind: 'not-smtp', line: '' },
  { kind: 'intercepted', detail: '' }, { kind: 'too-large', limit: 1 }, { kind: 'needs-8bitmime' }, { kind: 'needs-smtputf8' }, { kind: 'local', detail: '' },
); // prettier-ignore
const anyReport = fc
  .record({
    phase: fc.constantFrom(...PHASES),
    reply: fc.option(anyReply),
    trouble: fc.option(anyTrouble),
    dotSent: fc.boolean(),
    rcpt: fc.array(fc.option(anyReply), { maxLength: 5 }),
  })
  .map(({ rcpt, ...more }) =>
    report(more.phase, { ...more, recipients: rcpt.map((rcptReply, index) => ({ recipient: index + 1, rcptReply })) }),
  );
const anyHop = fc.constantFrom('mx' as const, 'lan' as const, 'gateway' as const);

describe('classification', () => {
  it('is total: every recipient has exactly one verdict, whatever happened', () => {
    fc.assert(
      fc.property(anyReport, anyHop, (facts, hop) => {
        expect([...classifyReport(facts, hop).keys()]).toEqual(facts.recipients.map((r) => r.recipient));
      }),
      { numRuns: 500 },
    );
  });

  it('says delivered only where RCPT and the final dot were both answered with 2yz', () => {
    const positive = (r: SmtpReply | null) => r !== null && r.code >= 200 && r.code <= 299;
    fc.assert(
      fc.property(anyReport, anyHop, (facts, hop) => {
        const result = classifyReport(facts, hop);
        for (const { recipient, rcptReply } of facts.recipients) {
          const taken = positive(rcptReply) && facts.phase === 'final' && positive(facts.reply);
          expect(result.get(recipient)!.kind === 'delivered').toBe(taken);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses for good only on a 5yz, or on what we know ourselves; never before MAIL', () => {
    fc.assert(
      fc.property(anyReport, anyHop, (facts, hop) => {
        for (const verdict of classifyReport(facts, hop).values()) {
          if (verdict.kind !== 'rejected') continue;
          if (verdict.reply !== undefined) expect(Math.trunc(verdict.reply.code / 100)).toBe(5);
          else expect(['5.3.4', '5.6.3', '5.6.7']).toContain(verdict.status);
          expect(verdict.status).toMatch(/^5\.\d+\.\d+$/);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('after the dot without an answer, nobody who was accepted is sent to another hop', () => {
    const facts = report('final', { dotSent: true, trouble: { kind: 'malformed', line: '' }, recipients: [{ recipient: 1, rcptReply: OK }] }); // prettier-ignore
    expect([...classifyReport(facts, 'gateway').values()].map(mayTryNextHost)).toEqual([false]);
  });

  it.each(PHASES.map((phase) => [phase, ['mail', 'rcpt', 'data', 'body', 'final'].includes(phase)] as const))('phase %s: let us in %s', (phase, expected) => {
    expect(sessionEstablished(report(phase))).toBe(expected);
  }); // prettier-ignore

  it.each([
    ['550 no', '530 authentication required', true],
    ['530 authentication required', '530 authentication required', false],
  ])('a gateway that says %s and %s to RCPT let us in: %s', (one, two, expected) => {
    const facts = report('rcpt', {
      recipients: [one, two].map((line, i) => ({ recipient: i + 1, rcptReply: reply(line) })),
    });
    expect(sessionEstablished(facts, 'gateway')).toBe(expected);
  });

  it.each([
    ['451 later', true],
    ['550 no', false],
  ])('after RCPT %s the next host is tried: %s', (line, expected) => {
    const facts = report('rcpt', { recipients: [{ recipient: 1, rcptReply: reply(line) }] });
    expect(mayTryNextHost(classifyReport(facts, 'mx').get(1)!)).toBe(expected);
  });
});
