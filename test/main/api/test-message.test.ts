import PostalMime from 'postal-mime';
import { describe, expect, test } from 'vitest';
import { submitTestMessage, type TestMessage } from '../../../main/api/test-message.ts';
import { StoreError, type IntakeStore } from '../../../main/queue/queue-store.ts';
import { keptLog } from '../../support/engine-lab.ts';
import { openStore, readAll } from '../queue/support.ts';

const ANN_TO_BOB: TestMessage = { from: 'ann@office.test', to: 'bob@customer.test', language: 'en' };

/** Submits one to a real store; what then stands in the queue. */
async function submitted(message: TestMessage) {
  const { store, clock } = await openStore();
  const log = keptLog();
  const id = await submitTestMessage(
    { store, clock, log, newQueueId: () => 'id-1', hostname: () => 'laptop.test' },
    message,
  );
  const octets = await readAll(store, id);
  return { id, store, clock, log, octets, mail: await PostalMime.parse(octets) };
}

describe('the test message', () => {
  test('stands in the Outbox, due at once, from and to the addresses that were given', async () => {
    const { id, store, clock } = await submitted(ANN_TO_BOB);
    expect(id).toBe('id-1');
    expect(await store.details(id)).toMatchObject({
      mailFrom: 'ann@office.test',
      subject: 'Test message from PostCast Server',
      acceptedAt: clock.now(),
      origin: { kind: 'test' },
      recipients: [{ rcptTo: 'bob@customer.test', state: 'queued' }],
    });
    expect(await store.claimDue({ now: clock.now(), limit: 10, skipDomains: [] })).toHaveLength(1);
  });

  test('is a message that mail programs read: addresses, subject, date, body', async () => {
    const { mail, clock } = await submitted(ANN_TO_BOB);
    expect(mail.from?.address).toBe('ann@office.test');
    expect(mail.to?.map((to) => to.address)).toEqual(['bob@customer.test']);
    expect(mail.subject).toBe('Test message from PostCast Server');
    expect(mail.messageId).toBe('<id-1@laptop.test>');
    expect(new Date(mail.date ?? '').getTime()).toBe(Math.floor(clock.now() / 1000) * 1000);
    expect(mail.text?.trim()).toBe(
      'This message was sent from PostCast Server on laptop.test to see whether mail goes through. It did.',
    );
  });

  test('speaks the language of the window', async () => {
    const { mail, store, id } = await submitted({ ...ANN_TO_BOB, language: 'de' });
    expect(mail.subject).toBe('Testnachricht von PostCast Server');
    expect((await store.details(id))?.subject).toBe('Testnachricht von PostCast Server');
  });

  test('is seven-bit, its lines ended by CRLF and no longer than RFC 5322 wants them', async () => {
    const { octets } = await submitted({ ...ANN_TO_BOB, language: 'de' });
    expect(octets.every((octet) => octet < 128)).toBe(true);
    const lines = octets.toString('latin1').split('\r\n');
    expect(lines.join('')).not.toMatch(/[\r\n]/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(78);
  });

  test.each([
    ['ann@office.test', 'bob@customer.test', false],
    ['ann@office.test', 'jürgen@customer.test', true],
    ['ann@büro.test', 'bob@customer.test', true],
  ])('from %s to %s asks for SMTPUTF8: %s', async (from, to, international) => {
    const { store, clock, mail } = await submitted({ from, to, language: 'en' });
    const [claimed] = await store.claimDue({ now: clock.now(), limit: 1, skipDomains: [] });
    expect(claimed).toMatchObject({ smtputf8: international, body8bit: international });
    expect([mail.from?.address, mail.to?.[0]?.address]).toEqual([from, to]);
  });

  test('no address adds a header field', async () => {
    const { mail } = await submitted({ ...ANN_TO_BOB, to: 'bob@customer.test\r\nBcc: eve@customer.test' });
    expect(mail.bcc).toBeUndefined();
    expect(mail.headers.map(({ key }) => key)).not.toContain('bcc');
  });

  test('is in the log once, without its text', async () => {
    const { log } = await submitted(ANN_TO_BOB);
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toMatch(/^queued "id-1" .*"client":"test message"/);
    expect(log.lines[0]).not.toContain('see whether mail goes through');
  });

  test('that cannot be kept leaves nothing behind, and says so', async () => {
    const { store, clock } = await openStore();
    let aborted = 0;
    const failing: IntakeStore = {
      stage: (id) => {
        const staged = store.stage(id);
        return {
          ...staged,
          write: (bytes) => staged.write(bytes),
          commit: () => Promise.reject(new StoreError('full', 'no room')),
          abort: async () => {
            aborted++;
            await staged.abort();
          },
        };
      },
    };
    const log = keptLog();
    await expect(
      submitTestMessage(
        { store: failing, clock, log, newQueueId: () => 'id-1', hostname: () => 'laptop.test' },
        ANN_TO_BOB,
      ),
    ).rejects.toMatchObject({ reason: 'full' });
    expect(aborted).toBe(1);
    expect(await store.details('id-1')).toBeNull();
    expect(log.lines).toEqual([]);
  });
});
