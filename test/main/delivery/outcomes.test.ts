import { afterEach, describe, expect, it } from 'vitest';
import type { Verdict } from '../../../shared/mail.ts';
import { fakeDns } from '../../fakes/fake-dns.ts';
import { offering, startScriptedServer, type Dialogue, type ScriptedServer } from '../../fakes/scripted-smtp-server.ts';
import { deliveryRig, fastClock, messageOf, recipientsOf } from '../../support/delivery-rig.ts';

const open: { close(...args: never[]): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((o) => o.close()));
});

async function serve(
  dialogue: Dialogue,
  options: Parameters<typeof startScriptedServer>[1] = {},
): Promise<ScriptedServer> {
  const server = await startScriptedServer(dialogue, options);
  open.push(server);
  return server;
}

/** "delivered", "rejected 5.1.1", "deferred host timeout". */
function brief(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'nothing';
  if (verdict.kind === 'delivered') return 'delivered';
  return verdict.kind === 'rejected' ? `rejected ${verdict.status}` : `deferred ${verdict.scope} ${verdict.why}`;
}

const never = new AbortController().signal;
/** A minute of waiting becomes this small a part of one; a handshake under Wine takes longer than a hundredth of a second. */
const SPEED = process.platform === 'win32' ? 200 : 2000;
const TEXT = 'Subject: x\r\n\r\nhello\r\n';

async function direct(
  server: ScriptedServer,
  message = messageOf(TEXT),
  to = ['a@far.test', 'b@far.test'],
  clock = fastClock(1),
) {
  const rig = deliveryRig(
    { connection: { directPort: server.port, trustLoopbackMx: true } },
    fakeDns({ mx: { 'far.test': ['10 mx.far.test'] }, a: { 'mx.far.test': ['127.0.0.1'] } }),
    { clock },
  );
  open.push({ close: () => rig.delivery.close(0) });
  const recipients = recipientsOf(...to);
  const result = await rig.delivery.run({ kind: 'direct', domain: 'far.test' }, message, recipients, never);
  expect(rig.problems).toEqual([]);
  return {
    rig,
    result,
    said: recipients.map((r) => brief(result.verdicts.get(r.id))),
    again: (m = messageOf(TEXT)) => rig.delivery.run({ kind: 'direct', domain: 'far.test' }, m, recipients, never),
  };
}

describe('what a mail server says, and what each recipient hears', () => {
  const onB = (reply: string) => (line: string) => (line.includes('<b@') ? reply : '250 ok');
  const rows: readonly (readonly [string, Dialogue, string, string])[] = [
    ['all taken', {}, 'delivered', 'delivered'],
    ['451 to MAIL', { 'MAIL FROM': '451 4.3.0 later' }, 'deferred message reply', 'deferred message reply'],
    ['550 to MAIL', { 'MAIL FROM': '550 5.1.8 bad sender' }, 'rejected 5.1.8', 'rejected 5.1.8'],
    ['450 to one RCPT', { 'RCPT TO': onB('450 4.2.1 greylisted') }, 'delivered', 'deferred recipient reply'],
    ['550 to one RCPT', { 'RCPT TO': onB('550 5.1.1 unknown') }, 'delivered', 'rejected 5.1.1'],
    [
      '450 to every RCPT',
      { 'RCPT TO': '450 4.2.1 greylisted', DATA: '503 5.5.1 no recipients' },
      'deferred recipient reply',
      'deferred recipient reply',
    ],
    [
      '550 to every RCPT',
      { 'RCPT TO': '550 5.1.1 unknown', DATA: '554 5.5.1 no valid recipients' },
      'rejected 5.1.1',
      'rejected 5.1.1',
    ],
    [
      '550 to every RCPT, DATA taken all the same',
      { 'RCPT TO': '550 5.1.1 unknown' },
      'rejected 5.1.1',
      'rejected 5.1.1',
    ],
    [
      'one refused, one deferred',
      {
        'RCPT TO': (line: string) => (line.includes('<b@') ? '550 5.1.1 no' : '450 4.2.1 later'),
        DATA: '554 5.5.1 no',
      },
      'deferred recipient reply',
      'rejected 5.1.1',
    ],
    ['451 to DATA', { DATA: '451 4.3.0 later' }, 'deferred message reply', 'deferred message reply'],
    ['554 to DATA', { DATA: '554 5.6.0 no' }, 'rejected 5.6.0', 'rejected 5.6.0'],
    ['250 to DATA', { DATA: '250 ok' }, 'deferred host unsupported-reply', 'deferred host unsupported-reply'],
    ['452 after the dot', { message: '452 4.3.1 disk full' }, 'deferred message reply', 'deferred message reply'],
    ['554 after the dot', { message: '554 5.6.0 spam' }, 'rejected 5.6.0', 'rejected 5.6.0'],
    [
      '554 after the dot, one refused at RCPT (N4)',
      { 'RCPT TO': onB('550 5.1.1 unknown'), message: '451 4.3.0 later' },
      'deferred message reply',
      'rejected 5.1.1',
    ],
    [
      '554 greeting',
      { greeting: { send: '554 5.7.1 go away', then: 'close' } },
      'deferred host greeting',
      'deferred host greeting',
    ],
    [
      '421 greeting',
      { greeting: { send: '421 4.3.2 busy', then: 'close' } },
      'deferred host greeting',
      'deferred host greeting',
    ],
    [
      '421 to MAIL',
      { 'MAIL FROM': { send: '421 4.3.2 bye', then: 'close' } },
      'deferred host reply',
      'deferred host reply',
    ],
    ['421 to the second RCPT', { 'RCPT TO': onB('421 4.3.2 bye') }, 'deferred host reply', 'deferred host reply'],
    [
      '421 after the dot',
      { message: { send: '421 4.3.2 bye', then: 'close' } },
      'deferred host reply',
      'deferred host reply',
    ],
    [
      'dropped at MAIL',
      { 'MAIL FROM': { then: 'close' } },
      'deferred host connection-lost',
      'deferred host connection-lost',
    ],
    [
      'reset after the dot',
      { message: { then: 'reset' } },
      'deferred host lost-after-dot',
      'deferred host lost-after-dot',
    ],
    [
      'dropped after the dot',
      { message: { then: 'close' } },
      'deferred host lost-after-dot',
      'deferred host lost-after-dot',
    ],
    [
      'half a 250 after the dot',
      { message: { raw: '250 2.0.' } },
      'deferred host lost-after-dot',
      'deferred host lost-after-dot',
    ],
    ['250 after the dot, then dropped', { message: { send: '250 2.0.0 ok', then: 'close' } }, 'delivered', 'delivered'],
    [
      'malformed RCPT reply (N5)',
      { 'RCPT TO': onB('what?') },
      'deferred host unsupported-reply',
      'deferred host unsupported-reply',
    ],
    ['malformed final reply', { message: 'sure' }, 'deferred host lost-after-dot', 'deferred host lost-after-dot'],
    ['HTTP', { greeting: 'HTTP/1.1 400 Bad Request' }, 'deferred host greeting', 'deferred host greeting'],
    [
      'an endless banner',
      { greeting: { raw: '220-more\r\n'.repeat(20_000) } },
      'deferred host greeting',
      'deferred host greeting',
    ],
    ['an endless line', { greeting: { raw: 'x'.repeat(200_000) } }, 'deferred host greeting', 'deferred host greeting'],
    [
      'no PIPELINING',
      { EHLO: offering('8BITMIME'), 'RCPT TO': onB('550 5.1.1 unknown') },
      'delivered',
      'rejected 5.1.1',
    ],
    ['no EHLO', { EHLO: '502 5.5.1 what?' }, 'delivered', 'delivered'],
    [
      'neither EHLO nor HELO',
      { EHLO: '502 what?', HELO: '502 what?' },
      'deferred host greeting',
      'deferred host greeting',
    ],
    [
      '452 after the first recipient (standards 40)',
      {
        'RCPT TO': (_line, s) =>
          s.lines.filter((l) => l.startsWith('RCPT')).length === 2 ? '452 4.5.3 too many' : '250 ok',
      },
      'delivered',
      'delivered',
    ],
    [
      'STARTTLS that is refused',
      { EHLO: offering('STARTTLS', 'PIPELINING'), STARTTLS: '454 4.7.0 not now' },
      'delivered',
      'delivered',
    ],
    [
      'STARTTLS that breaks, clear text on a new connection',
      { EHLO: offering('STARTTLS'), STARTTLS: { send: '220 go', then: 'close' } },
      'delivered',
      'delivered',
    ],
    [
      'STARTTLS that talks nonsense',
      { EHLO: offering('STARTTLS'), STARTTLS: ['220 go', 'nonsense instead of a handshake'] },
      'delivered',
      'delivered',
    ],
  ];
  it.each(rows)('%s', async (name, dialogue, a, b) => {
    const server = await serve(dialogue);
    // These have to run into a time-out.
    const { said } = await direct(
      server,
      messageOf(TEXT),
      undefined,
      fastClock(/^half|nonsense/.test(name) ? SPEED : 1),
    );
    expect(said).toEqual([a, b]);
    const copies = server.messages().length;
    expect(copies).toBe(name.startsWith('452 after the first') ? 2 : Math.min(copies, 1));
    if (said.includes('delivered')) expect(copies).toBeGreaterThan(0);
  });
});

describe('the octets', () => {
  it.each([
    ['dots', 'Subject: x\r\n\r\n.\r\n..\r\n.x\r\nx.\r\n'],
    ['8-bit', 'Subject: x\r\n\r\n\xe4\xf6\xfc\xff\x00\r\n'],
    ['long lines', `Subject: x\r\n\r\n${'x'.repeat(5000)}\r\n`],
    ['a leading dot', '.\r\n'],
    ['nothing', ''],
  ])('arrive as they are: %s', async (_name, text) => {
    const server = await serve({});
    const { said } = await direct(server, messageOf(text));
    expect(said).toEqual(['delivered', 'delivered']);
    expect(server.messages()).toEqual([text]);
  });

  it('arrive as they are when they come in pieces that cut CRLF and dots', async () => {
    const text = 'a\r\n.b\r\n..\r\n\r\n.\r\nend\r\n';
    const server = await serve({});
    const read = async function* () {
      for (const octet of Buffer.from(text)) {
        await Promise.resolve();
        yield Uint8Array.of(octet);
      }
    };
    await direct(server, messageOf(text, { read }));
    expect(server.messages()).toEqual([text]);
  });

  it('never carry a bare CR or LF', async () => {
    const server = await serve({});
    await direct(server, messageOf('a\n.\nb\r.\rc\r\n'));
    expect(server.messages()).toEqual(['a\r\n.\r\nb\r\n.\r\nc\r\n']);
  });

  it.each([
    [
      'fails',
      async function* () {
        await Promise.resolve();
        yield Buffer.from('half');
        throw new Error('disk');
      },
    ],
    [
      'ends early',
      async function* () {
        await Promise.resolve();
        yield Buffer.from('half');
      },
    ],
    [
      'goes on too long',
      async function* () {
        await Promise.resolve();
        yield Buffer.alloc(5000, 'x');
      },
    ],
  ])('are not sent as a message when the source %s (N3)', async (_name, read) => {
    const server = await serve({});
    const { said } = await direct(server, messageOf('x'.repeat(1000), { read }));
    expect(said).toEqual(['deferred local local', 'deferred local local']);
    expect(server.messages()).toEqual([]);
    expect(server.sessions[0]?.lines.filter((l) => /^(RSET|QUIT)/.test(l))).toEqual([]);
  });
});

describe('what is asked of the server', () => {
  it("SIZE, BODY, SMTPUTF8 and each recipient's own DSN parameters, where offered (N1, N9)", async () => {
    const server = await serve({});
    const rig = deliveryRig(
      { gateways: { list: [{ id: 'g', name: 'G', host: '127.0.0.1', port: server.port }] } },
      fakeDns({}),
    );
    open.push({ close: () => rig.delivery.close(0) });
    const result = await rig.delivery.run(
      { kind: 'gateways', ids: ['g'] },
      messageOf(TEXT, { body8bit: true, dsn: { ret: 'hdrs', envid: 'a+b c' } }),
      [
        { id: 1, rcptTo: 'a@far.test', dsn: { notify: ['never'] } },
        { id: 2, rcptTo: 'b@far.test', dsn: { notify: ['success', 'failure'], orcpt: 'rfc822;B=x@far.test' } },
      ],
      never,
    );
    expect(server.sessions[0]?.lines.slice(1, 4)).toEqual([
      'MAIL FROM:<ann@home.test> SIZE=21 BODY=8BITMIME RET=HDRS ENVID=a+2Bb+20c',
      'RCPT TO:<a@far.test> NOTIFY=NEVER',
      'RCPT TO:<b@far.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;B+3Dx@far.test',
    ]);
    expect([...result.dsnPassedOn]).toEqual([1, 2]);
  });

  it('no extension is taken from the host name in the first line (N2)', async () => {
    const server = await serve({ EHLO: ['250-smtp-dsn.size-8bitmime.test DSN', '250 PIPELINING'] });
    await direct(server, messageOf(TEXT, { dsn: { ret: 'full' } }), ['a@far.test']);
    expect(server.sessions[0]?.lines[1]).toBe('MAIL FROM:<ann@home.test>');
  });

  it.each([
    ['larger than SIZE', offering('SIZE 10'), messageOf(TEXT), 'a@far.test', 'rejected 5.3.4'],
    [
      '8-bit without 8BITMIME',
      offering('PIPELINING'),
      messageOf(TEXT, { body8bit: true }),
      'a@far.test',
      'rejected 5.6.3',
    ],
    [
      'a UTF-8 mailbox without SMTPUTF8',
      offering('8BITMIME'),
      messageOf(TEXT, { smtputf8: true }),
      'bücher@far.test',
      'rejected 5.6.7',
    ],
    [
      'a UTF-8 header without SMTPUTF8',
      offering('8BITMIME'),
      messageOf('Subject: \xc3\xbc\r\n\r\n', { smtputf8: true }),
      'a@far.test',
      'rejected 5.6.7',
    ],
  ])('nothing at all for %s', async (_name, ehlo, message, to, expected) => {
    const server = await serve({ EHLO: ehlo });
    const { said } = await direct(server, message, [to]);
    expect(said).toEqual([expected]);
    expect(server.sessions[0]?.lines.some((l) => l.startsWith('MAIL'))).toBe(false);
  });

  it('a domain beyond ASCII goes as A-labels where SMTPUTF8 is missing (N8)', async () => {
    const server = await serve({ EHLO: offering('8BITMIME') });
    const { said } = await direct(server, messageOf(TEXT, { smtputf8: true }), ['a@bücher.test']);
    expect(said).toEqual(['delivered']);
    expect(server.sessions[0]?.lines).toContain('RCPT TO:<a@xn--bcher-kva.test>');
  });
});

describe('connections', () => {
  it('are kept for the next message, with RSET after one that failed (N6)', async () => {
    const server = await serve({ 'RCPT TO': '550 5.1.1 no', DATA: '554 5.5.1 no' });
    const { again } = await direct(server);
    server.become({});
    const second = await again();
    expect([...second.verdicts.values()].map(brief)).toEqual(['delivered', 'delivered']);
    expect(server.sessions).toHaveLength(1);
    expect(server.sessions[0]?.lines.filter((l) => l === 'RSET')).toHaveLength(1);
  });

  it('that the server closed while they idled are replaced, and the host not blamed', async () => {
    const server = await serve({ message: { send: '250 ok', then: 'silence' } });
    const { again } = await direct(server);
    server.become({ 'MAIL FROM': (_l, s) => (s.number === 1 ? { then: 'close' } : '250 ok') });
    const second = await again();
    expect([...second.verdicts.values()].map(brief)).toEqual(['delivered', 'delivered']);
    expect(second.tries).toHaveLength(1);
    expect(server.sessions).toHaveLength(2);
  });

  it('a server that drips octets without end meets its deadline', async () => {
    const server = await serve({ greeting: { raw: '2' } });
    const { said } = await direct(server, messageOf(TEXT), ['a@far.test'], fastClock(2000));
    expect(said).toEqual(['deferred host timeout']);
  });

  it('end at once when the network changes', async () => {
    const server = await serve({ 'MAIL FROM': { then: 'silence' } });
    const rig = deliveryRig(
      { connection: { directPort: server.port, trustLoopbackMx: true } },
      fakeDns({ a: { 'far.test': ['127.0.0.1'] } }),
    );
    const running = rig.delivery.run(
      { kind: 'direct', domain: 'far.test' },
      messageOf(TEXT),
      recipientsOf('a@far.test'),
      never,
    );
    while (!server.sessions[0]?.lines.some((l) => l.startsWith('MAIL'))) await new Promise((r) => setImmediate(r));
    rig.delivery.networkChanged(['127.0.0.1']);
    expect(brief((await running).verdicts.get(1))).toBe('deferred host connection-lost');
  });

  it('an abort before anything was sent rejects', async () => {
    const server = await serve({ 'MAIL FROM': { then: 'silence' } });
    const rig = deliveryRig(
      { connection: { directPort: server.port, trustLoopbackMx: true } },
      fakeDns({ a: { 'far.test': ['127.0.0.1'] } }),
    );
    const abort = new AbortController();
    const running = rig.delivery.run(
      { kind: 'direct', domain: 'far.test' },
      messageOf(TEXT),
      recipientsOf('a@far.test'),
      abort.signal,
    );
    while (!server.sessions[0]?.lines.some((l) => l.startsWith('MAIL'))) await new Promise((r) => setImmediate(r));
    abort.abort(new Error('stop'));
    await expect(running).rejects.toThrow('stop');
  });
});
