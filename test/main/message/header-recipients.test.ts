import { describe, expect, it } from 'vitest';
import { parseAddressList, recipientsOf } from '../../../main/message/header-recipients.ts';

describe('addresses of a list', () => {
  it.each<[string, string, string[]]>([
    ['one', 'a@b.test', ['a@b.test']],
    ['several', 'a@b.test, c@d.test,e@f.test', ['a@b.test', 'c@d.test', 'e@f.test']],
    ['with names', 'Ann <a@b.test>, "B, Bob" <c@d.test>', ['a@b.test', 'c@d.test']],
    ['a name with an address in it', '"evil@x.test" <a@b.test>', ['a@b.test']],
    ['comments', 'a@b.test (Ann, home), (x(y)z) c@d.test', ['a@b.test', 'c@d.test']],
    ['a comment with a quoted bracket', 'a@b.test (not \\) yet, x@y.test)', ['a@b.test']],
    ['a group', 'Team: a@b.test, C <c@d.test>;, e@f.test', ['a@b.test', 'c@d.test', 'e@f.test']],
    ['an empty group', 'undisclosed-recipients:;', []],
    ['a quoted local part', '"a, b"@c.test', ['"a, b"@c.test']],
    ['a quoted quote', '"a\\"b"@c.test', ['"a\\"b"@c.test']],
    ['a literal', 'a@[192.0.2.1], b@[IPv6:2001:db8::1]', ['a@[192.0.2.1]', 'b@[IPv6:2001:db8::1]']],
    ['blanks around the at', 'a @ b.test', ['a@b.test']],
    ['a source route', '<@x.test,@y.test:a@b.test>', ['a@b.test']],
    ['no domain', 'root', ['root']],
    ['empty pieces', ', a@b.test,,', ['a@b.test']],
    ['an encoded name', '=?utf-8?q?M=C3=BCller=2C?= <a@b.test>', ['a@b.test']],
    ['rubbish, which is not dropped', 'this is no address', ['this is no address']],
  ])('%s', (_name, text, expected) => expect(parseAddressList(text)).toEqual(expected));
});

describe('the recipients of a header', () => {
  it('are To, Cc and Bcc, each once; Bcc goes, folded lines with it', () => {
    const header = 'To: a@b.test\r\nBCC : x@y.test,\r\n\tz@y.test\r\nCc: a@b.test, c@d.test\r\nSubject: Bcc: no\r\n';
    expect(recipientsOf(header)).toEqual({
      recipients: ['a@b.test', 'x@y.test', 'z@y.test', 'c@d.test'],
      from: null,
      header: 'To: a@b.test\r\nCc: a@b.test, c@d.test\r\nSubject: Bcc: no\r\n',
    });
  });

  it('are those of the re-sender alone', () => {
    const header =
      'From: o@x.test\r\nTo: old@x.test\r\nResent-From: Ann <ann@x.test>\r\nResent-To: new@x.test\r\nResent-Bcc: hid@x.test\r\n';
    expect(recipientsOf(header)).toMatchObject({ recipients: ['new@x.test', 'hid@x.test'], from: 'ann@x.test' });
    expect(recipientsOf(header).header).not.toContain('hid@');
  });

  it('are none in an empty header', () => expect(recipientsOf('')).toEqual({ recipients: [], from: null, header: '' }));
});
