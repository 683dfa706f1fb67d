import { describe, expect, test } from 'vitest';
import { displayHeader } from '../../../main/message/display-header.ts';
import { HeaderScanner } from '../../../main/message/header-scanner.ts';
import { formatMailDate } from '../../../main/message/mail-date.ts';
import { protocol, receivedField } from '../../../main/message/received-field.ts';

const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

test.each([
  ['plain', 'Hello', 'Hello'],
  ['raw UTF-8', latin1('Grüße 你好'), 'Grüße 你好'],
  ['B', '=?utf-8?B?R3LDvMOfZQ==?=', 'Grüße'],
  ['Q with underscores', '=?ISO-8859-1?Q?Gr=FC=DFe_an_alle?=', 'Grüße an alle'],
  ['blanks between words vanish', '=?utf-8?Q?a?= =?utf-8?Q?b?= c', 'ab c'],
  [
    'a character split between two words',
    '=?utf-8?B?w7?= =?utf-8?B?8=?='.replace('w7?=', 'ww==?=').replace('8=?=', 'vA==?='),
    'ü',
  ],
  ['language tag', '=?utf-8*de?Q?=C3=BC?=', 'ü'],
  ['unknown charset is shown as UTF-8', '=?x-nonsense?Q?abc?=', 'abc'],
  ['words in the middle', 'Re: =?utf-8?Q?=C3=BC?= x', 'Re: ü x'],
  ['control characters', 'a\tb=?utf-8?Q?=0D=0ABcc:_x?=', 'a b  Bcc: x'],
  ['direction override', latin1('a\u202eb'), 'a b'],
  ['broken word', '=?utf-8?X?abc?=', '=?utf-8?X?abc?='],
])('display of %s', (_name, value, shown) => expect(displayHeader(value)).toBe(shown));

test('display is bounded', () => expect(displayHeader('x'.repeat(100_000)).length).toBe(1000));

function scan(text: string, limit = 10_000) {
  return [1, 7, text.length].map((size) => {
    const scanner = new HeaderScanner(limit);
    let where = 'more';
    for (let i = 0; i < text.length && where === 'more'; i += size)
      where = scanner.push(Buffer.from(text.slice(i, i + size), 'latin1'));
    return { where, ...scanner.facts() };
  });
}

describe('the header, however it is cut', () => {
  test.each([
    [
      'fields',
      'Received: a\r\nreceived: b\r\nSubject: one\r\n two\r\nFrom: x\r\nDate: d\r\nMessage-Id: <m>\r\n\r\nSubject: no\r\n',
      { where: 'end', hops: 2, subject: 'one two', from: 'x', date: true, messageId: '<m>', headless: false },
    ],
    ['the first of two', 'Subject: a\r\nSubject: b\r\n\r\n', { where: 'end', subject: 'a' }],
    ['blank before the colon', 'Subject : a\r\n\r\n', { where: 'end', subject: 'a', headless: false }],
    ['X-Date is not Date', 'X-Date: a\r\nDates: b\r\n\r\n', { where: 'end', date: false }],
    ['no header', 'hello there\r\nDate: x\r\n', { where: 'end', date: false, headless: true }],
    [
      'text ends the header',
      'Subject: a\r\nhello there\r\nDate: x\r\n\r\n',
      { where: 'end', subject: 'a', date: false, headless: false },
    ],
    [
      'mailbox line',
      'From bob Mon Jan  1 00:00:00 2001\r\nDate: x\r\n\r\n',
      { where: 'end', date: true, from: null, headless: false },
    ],
    ['begins with a blank line', '\r\nDate: x\r\n', { where: 'end', date: false, headless: false }],
    ['begins folded', ' folded\r\nDate: x\r\n', { where: 'end', date: false, headless: true }],
    ['too long', `X: ${'x'.repeat(20_000)}\r\n`, { where: 'too-big' }],
    ['unfinished', 'Subject: a\r\n', { where: 'more', subject: 'a' }],
    ['empty', '', { where: 'more', headless: false }],
  ])('%s', (_name, text, expected) => {
    for (const found of scan(text)) expect(found).toMatchObject(expected);
  });
});

test.each([
  [0, 'Thu, 1 Jan 1970 00:00:00 +0000', 0],
  [Date.UTC(2026, 10, 23, 9, 5, 7), 'Mon, 23 Nov 2026 10:05:07 +0100', 60],
  [Date.UTC(2026, 0, 1, 2, 0, 0), 'Wed, 31 Dec 2025 22:30:00 -0330', -210],
])('date of %i', (at, text, zone) => expect(formatMailDate(at, zone)).toBe(text));

test.each([
  [false, false, false, false, 'SMTP'],
  [true, false, false, false, 'ESMTP'],
  [true, true, false, false, 'ESMTPS'],
  [true, false, true, false, 'ESMTPA'],
  [true, true, true, false, 'ESMTPSA'],
  [true, false, false, true, 'UTF8SMTP'],
  [true, true, true, true, 'UTF8SMTPSA'],
] as const)('with (esmtp %s, tls %s, signed in %s, utf8 %s): %s', (esmtp, secure, signedIn, smtputf8, word) =>
  expect(protocol({ esmtp, secure, signedIn, smtputf8 })).toBe(word),
);

const FACTS = {
  helo: 'c',
  esmtp: true,
  address: '::1',
  by: 'm',
  secure: false,
  signedIn: false,
  smtputf8: false,
  id: 'Q',
  at: 0,
  zone: 0,
};
test.each([
  ['IPv6 literal', { recipients: ['a@b'] }, '([IPv6:::1])'],
  ['a helo cannot add a line', { recipients: ['a@b'], helo: 'x\r\nBcc: y' }, 'from x??Bcc:?y ('],
  ['empty helo', { recipients: [], helo: '' }, 'from unknown ('],
] as const)('Received: %s', (_name, facts, part) =>
  expect(receivedField({ ...FACTS, ...facts, recipients: [...facts.recipients] })).toContain(part),
);

test('Received names no recipient outside ASCII without SMTPUTF8', () => {
  expect(receivedField({ ...FACTS, recipients: ['ü@b'] })).not.toContain('for');
  expect(receivedField({ ...FACTS, recipients: ['ü@b'], smtputf8: true })).toContain('for <ü@b>');
});
