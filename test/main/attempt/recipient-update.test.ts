import { describe, expect, it } from 'vitest';
import type { ConcludedRecipient } from '../../../main/attempt/conclude.ts';
import { failedMessage } from '../../../main/attempt/failed-message.ts';
import { invalidAddresses, recipientUpdate } from '../../../main/attempt/recipient-update.ts';
import type { RecipientUpdate } from '../../../main/queue/queue-store.ts';
import { NOW, reply } from '../policy/support.ts';
import { claimed, concluded, DELIVERED, fail, hopAttempt, OFFICE, REFUSED, retryAt, TIMEOUT } from './support.ts';

const delivered = concluded({ kind: 'delivered', relayed: false }, DELIVERED);
const relayed = concluded({ kind: 'delivered', relayed: true }, DELIVERED);
const waits = concluded(retryAt(NOW + 1), TIMEOUT, { waitsFor: 'mx:example.test' });
const waitsUncounted = concluded({ ...retryAt(NOW + 1), counted: false }, TIMEOUT);
const bounced = concluded(fail('bounced', '5.1.1'), REFUSED);

describe('what is recorded of a recipient', () => {
  const before = claimed();
  it.each<[string, ConcludedRecipient, string | null, Partial<RecipientUpdate>]>([
    ['delivered', delivered, 'a@b.test', { state: 'delivered', nextAt: null, retryIndex: 0, status: '2.0.0', attempts: before.attempts + 1, lastCountedAt: NOW }],
    ['taken over by a gateway', relayed, 'a@b.test', { state: 'relayed' }],
    ['waits', waits, 'a@b.test', { state: 'deferred', nextAt: NOW + 1, retryIndex: 3, gatewayPasses: 1, waitsFor: 'mx:example.test', status: '4.4.1', attempts: before.attempts + 1 }],
    ['waits, not counted', waitsUncounted, 'a@b.test', { attempts: before.attempts, lastCountedAt: before.lastCountedAt }],
    ['bounced', bounced, 'a@b.test', { state: 'bounced', nextAt: null, undeliverable: true, status: '5.1.1', reply: reply('550 5.1.1 no such user') }],
    ['a report that cannot be delivered is bad, since it cannot be returned', bounced, null, { state: 'bad' }],
    ['via a gateway by its name', { ...relayed, hopAttempt: hopAttempt(OFFICE, DELIVERED) }, null, { via: 'Office', hop: OFFICE }],
    ['a hop that was skipped spoke no word', { ...waits, hopAttempt: hopAttempt(OFFICE, TIMEOUT, { skipped: true }) }, null, { via: 'Office', hop: null }],
    ['nobody was asked', { ...waits, hopAttempt: null }, null, { via: null, hop: null, error: null }],
  ])('%s', (_, each, mailFrom, expected) => {
    expect(recipientUpdate(each, mailFrom, null, NOW)).toMatchObject(expected);
  }); // prettier-ignore

  it('with the report that is due', () => {
    const due = { at: NOW, facts: {} };
    expect(recipientUpdate(bounced, 'a@b.test', { action: 'failed', due }, NOW)).toMatchObject({ report: due });
    expect(recipientUpdate(bounced, 'a@b.test', null, NOW)).toMatchObject({ report: null });
    expect(recipientUpdate(waits, 'a@b.test', { action: 'delayed', due }, NOW)).toMatchObject({ delaySent: true });
  });
});

it.each<[string, ConcludedRecipient, readonly string[]]>([
  ['refused with 5.1.x', bounced, ['550 no such user']],
  ['refused otherwise', concluded(fail('bounced', '5.7.1'), { kind: 'rejected', scope: 'recipient', status: '5.7.1' }), []],
  ['refused with 5.1.x, but another way is tried', concluded(retryAt(NOW), REFUSED), []],
  ['refused without words', concluded(fail('bounced', '5.1.2'), { kind: 'rejected', scope: 'recipient', status: '5.1.2' }), ['5.1.2']],
])('invalid addresses: %s', (_, each, expected) => {
  expect(invalidAddresses([each]).map(({ reply }) => reply)).toEqual(expected);
}); // prettier-ignore

describe('the notification of a failed message', () => {
  const message = { id: 'q1', mailFrom: 'me@here.test', subject: 'Hello' };
  it('is none if no recipient failed', () => {
    expect(failedMessage(message, [delivered, waits])).toBeNull();
  });

  it('is one for all of them, in the words of the first', () => {
    const other = concluded(fail('bad', '4.4.7'), TIMEOUT, {
      unknownOutcomes: [{ hop: null, network: null, count: 1 }],
    });
    expect(failedMessage(message, [waits, bounced, other])).toEqual({
      id: 'q1',
      folder: 'bounced',
      subject: 'Hello',
      to: 'ann@example.test',
      mayHaveArrived: true,
      words: '550 no such user',
    });
  });

  it('has no words where no server spoke', () => {
    expect(failedMessage(message, [concluded(fail('bad', '4.4.7'), TIMEOUT)])).toMatchObject({
      folder: 'bad',
      mayHaveArrived: false,
      words: null,
    });
  });
});
