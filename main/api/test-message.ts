/** The message that a user sends from the window to see whether mail goes through (spec §9, first run). */
import { german } from '../../shared/catalogue/de.ts';
import { english, phrase, say } from '../../shared/phrases.ts';
import { formatMailDate } from '../message/mail-date.ts';
import type { Log } from '../log/log-port.ts';
import type { IntakeStore } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';

/** What the user gave. Both addresses are checked already. */
export interface TestMessage {
  readonly from: string;
  readonly to: string;
  readonly language: 'en' | 'de';
}

/** Options of submitTestMessage. */
export interface TestMessageDeps {
  readonly store: IntakeStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly newQueueId: () => string;
  /** This computer's name. */
  readonly hostname: () => string;
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

/** An address in a header field: as it is, ASCII or not (RFC 6532), without anything that could end the field. */
// eslint-disable-next-line no-control-regex -- control characters are what is removed
const inHeader = (address: string): string => address.replaceAll(/[\u0000-\u001f\u007f<>]/g, '');

/** Puts it into the queue like any other mail. @returns its queue id. Rejects with StoreError. */
export async function submitTestMessage(deps: TestMessageDeps, { from, to, language }: TestMessage): Promise<string> {
  const catalogue = language === 'de' ? german : english;
  const id = deps.newQueueId();
  const at = deps.clock.now();
  const host = deps.hostname();
  const date = formatMailDate(at, -new Date(at).getTimezoneOffset());
  const subject = say(phrase('testMessage.subject'), catalogue);
  const body = say(phrase('testMessage.body', { host }), catalogue);
  const messageId = `<${id}@${host}>`;
  const text = [
    `Received: by ${host} (PostCast Server)`,
    `\tid ${id}; ${date}`,
    `Date: ${date}`,
    `From: <${inHeader(from)}>`,
    `To: <${inHeader(to)}>`,
    `Subject: =?UTF-8?B?${base64(subject)}?=`,
    `Message-ID: ${messageId}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    base64(`${body}\r\n`).replaceAll(/.{76}/g, '$&\r\n'),
    '',
  ].join('\r\n');
  // eslint-disable-next-line no-control-regex -- the range is the point
  const international = /[^\u0000-\u007f]/.test(from + to);
  const staged = deps.store.stage(id);
  try {
    await staged.write(Buffer.from(text, 'utf8'));
    await staged.commit({
      id,
      acceptedAt: at,
      mailFrom: from,
      recipients: [{ rcptTo: to, dsn: {} }],
      dsn: {},
      body8bit: international,
      smtputf8: international,
      origin: { kind: 'test' },
      subject,
      headerFrom: from,
      messageId,
    });
  } catch (error) {
    await staged.abort();
    throw error;
  }
  deps.log.queued(id, { from, recipients: 1, size: Buffer.byteLength(text), client: 'test message' });
  return id;
}
