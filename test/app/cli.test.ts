import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../app/cli/run.ts';
import { startControlServer, type ControlServer } from '../../main/control/control-server.ts';
import { createDispatch } from '../../main/control/dispatch.ts';
import { controlPlace, thisComputer } from '../../main/control/profile-path.ts';
import { engineMethods } from '../../shared/ipc-contract.ts';
import { createStubEngine, rowWith, type StubEngine } from '../fakes/stub-engine.ts';
import { expectMode, hasModeBits } from '../support/unix-files.ts';

let profile: string;
let server: ControlServer | null;
let engine: StubEngine;

beforeEach(async () => {
  profile = await mkdtemp(path.join(os.tmpdir(), 'pc-cli-'));
  engine = createStubEngine();
  server = await startControlServer({
    place: controlPlace(profile, thisComputer(os)),
    dispatch: createDispatch(engineMethods, engine.api, (event, error) => {
      throw new Error(event, { cause: error });
    }),
    problem: () => undefined,
  });
});
afterEach(async () => {
  await server?.close(100);
  await rm(profile, { recursive: true, force: true });
});

async function postcast(args: readonly string[], input: string | Uint8Array = '', columns = 0) {
  const out: Uint8Array[] = [];
  let error = '';
  const code = await run(args, {
    version: '9.9.9',
    out: async (data) => void out.push(typeof data === 'string' ? Buffer.from(data) : data),
    error: (text) => (error += text),
    input: (async function* () {
      yield typeof input === 'string' ? Buffer.from(input) : input;
    })(),
    interactive: false,
    columns,
  });
  return { code, error, bytes: Buffer.concat(out), out: Buffer.concat(out).toString('utf8') };
}
const here = (args: readonly string[], input?: string | Uint8Array, columns?: number) =>
  postcast([...args, '--profile', profile], input, columns);

describe('postcast', () => {
  it('shows what the program is doing', async () => {
    const { code, out } = await here(['status']);
    expect(code).toBe(0);
    expect(out).toMatch(/^State +ready$/m);
    expect(out).toContain('127.0.0.1, [::1] port 2525');
  });

  it('says it as JSON', async () => {
    expect(JSON.parse((await here(['status', '--json'])).out)).toEqual(engine.status);
  });

  it('lists a folder in a table that fits the terminal, without letting a subject steer it', async () => {
    engine.rows = [
      rowWith({
        id: 'A1',
        folder: 'bad',
        subject: `\u001b]0;owned\u0007 ${'very long '.repeat(30)}`,
        lastWords: '550 no such user',
      }),
      rowWith({ id: 'A2', folder: 'bad', subject: '日本語の件名', to: ['x@y.test', 'z@y.test'], recipientCount: 5 }),
    ];
    const { code, out } = await here(['list', '--folder', 'Bad'], '', 120);
    expect(code).toBe(0);
    expect(out).not.toContain('\u001b');
    expect(out).toContain('A1');
    expect(out).toContain('x@y.test +4');
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  it('lists all of a folder, however large it is', async () => {
    engine.rows = Array.from({ length: 2345 }, (_, i) => rowWith({ id: `M${i}`, folder: 'bad' }));
    const { code, out } = await here(['list', '--folder', 'bad', '--json']);
    expect(code).toBe(0);
    const page = JSON.parse(out) as { total: number; rows: { id: string }[] };
    expect([page.total, new Set(page.rows.map((row) => row.id)).size]).toEqual([2345, 2345]);
    expect((await here(['list', '--folder', 'bad'])).out.split('\n')).toHaveLength(2345 + 2);
  });

  it('says so when a folder is empty', async () => {
    expect((await here(['list', '--folder=sent'])).out).toBe('No messages.\n');
  });

  it('shows a message', async () => {
    expect((await here(['show', 'Q1'])).out).toContain('Subject     Hello');
  });

  it('gives the source octet for octet, also in several pieces', async () => {
    engine.raw = Uint8Array.from({ length: 2.5 * 1024 * 1024 }, (_, i) => (i * 7) % 256);
    const { code, bytes } = await here(['show', 'Q1', '--raw']);
    expect(code).toBe(0);
    expect(bytes.equals(engine.raw)).toBe(true);
  });

  it.each<[string, string[], number, string]>([
    ['retry of a message', ['retry', 'Q1'], 0, '1 message will be tried again.'],
    ['retry of all', ['retry', '--all'], 0, '3 messages will be tried again.'],
    ['delete', ['delete', 'Q1'], 0, '1 message deleted.'],
    ['retry of one that is named twice', ['retry', 'Q1', 'Q1'], 0, '1 message will be tried again.'],
    ['pause', ['pause'], 0, 'Paused'],
    ['resume', ['resume'], 0, 'Going on.'],
    ['send-now', ['send-now'], 0, ''],
    ['quit', ['quit'], 0, 'ending'],
    ['settings get of one', ['settings', 'get', 'gateways.mode'], 0, 'never'],
    ['settings get of all', ['settings', 'get'], 0, '"maxMessageBytes"'],
    ['settings set of text', ['settings', 'set', 'gateways.mode', 'always'], 0, 'Saved.'],
    ['settings set of a negative number', ['settings', 'set', 'general.keepSent', '-1'], 0, 'Saved.'],
    ['help', ['--help'], 0, 'Usage: postcast'],
    ['no command', [], 0, 'Usage: postcast'],
    ['version', ['--version'], 0, '9.9.9'],
  ])('does %s', async (_name, args, code, words) => {
    const done = await here(args);
    expect(done.error).toBe('');
    expect(done.code).toBe(code);
    expect(done.out).toContain(words);
  });

  it('says of a message that is being sent what that means for the command', async () => {
    engine.rows = [rowWith(), rowWith({ id: 'Q2' })];
    engine.flying.add('Q1');
    expect(await here(['retry', 'Q1'])).toMatchObject({ code: 0, out: '1 message is being sent already.\n' });
    expect((await here(['retry', 'Q1', 'Q2'])).out).toBe(
      '1 message will be tried again. 1 message is being sent already.\n',
    );
    expect(await here(['delete', 'Q1', 'Q2'])).toMatchObject({
      code: 0,
      out: '2 messages deleted. 1 of them was being sent: what a server takes now still arrives, nothing more is tried.\n',
    });
    engine.rows = [rowWith({ folder: 'deleted' })];
    expect(await here(['delete', 'Q1'])).toMatchObject({
      code: 1,
      out: '',
      error: 'postcast: 1 message is being sent at this moment, and stays until the answer is there.\n',
    });
  });

  it.each<[string, string[], number, string]>([
    ['an unknown command', ['sned-now'], 2, 'There is no command "sned-now"'],
    ['an unknown option', ['status', '--jason'], 2, 'Unknown option --jason'],
    ['an unknown folder', ['list', '--folder', 'inbox'], 2, 'There is no folder "inbox"'],
    ['an argument too many', ['status', 'now'], 2, 'takes no arguments'],
    ['retry without ids', ['retry'], 2, 'needs ids'],
    ['a message that is not there', ['retry', 'Q9'], 1, 'no such message'],
    [
      'one of two that is not there',
      ['retry', 'Q1', 'Q9'],
      1,
      '1 message will be tried again. For 1 more: there is no',
    ],
    ['delete of one of two', ['delete', 'Q9', 'Q1'], 1, '1 message deleted. For 1 more: there is no such message'],
    ['show of a message that is not there', ['show', 'Q9'], 1, 'There is no such message'],
    ['an id that is none', ['show', '../x'], 1, ''],
    ['a setting that is not there', ['settings', 'get', 'gateways.moed'], 1, 'There is no setting'],
    ['a setting that cannot be', ['settings', 'set', 'server.port', '99999'], 1, 'server.port'],
    ['a secret without a password', ['secret', 'set', 'office'], 1, 'no password'],
    ['a file that is not there', ['settings', 'import', '/nonexistent/x.json'], 1, 'ENOENT'],
  ])('refuses %s in words and with a code', async (_name, args, code, words) => {
    const done = await here(args);
    expect(done.code).toBe(code);
    expect(done.out).toBe('');
    expect(done.error).toMatch(/^postcast: /);
    expect(done.error).toContain(words);
  });

  it('tells a script why in JSON', async () => {
    const done = await here(['settings', 'set', 'server.port', '"x"', '--json']);
    expect(done.code).toBe(1);
    expect(JSON.parse(done.out)).toMatchObject({ error: { code: 'bad-input', field: 'server.port' } });
    const misspelt = await here(['list', '--folder', 'inbox', '--json']);
    expect(misspelt).toMatchObject({ code: 2, error: '' });
    expect(JSON.parse(misspelt.out)).toMatchObject({ error: { code: 'usage' } });
  });

  it('is friendly when the program does not run', async () => {
    await server?.close(0);
    server = null;
    const done = await here(['status']);
    expect(done.code).toBe(3);
    expect(done.error).toContain('PostCast Server is not running');
  });

  it.each<[string, (profile: string) => string[]]>([
    ['before the command', (at) => ['--profile', at, 'list', '--folder', 'bad', '--json']],
    ['before it, with =', (at) => ['--json', `--profile=${at}`, 'list', '--folder=bad']],
    ['in its middle', (at) => ['list', '--json', '--folder', 'bad', '--profile', at]],
    ['in front of what is not an option any more', (at) => ['--profile', at, '--json', '--', 'list']],
  ])('takes global options %s', async (_name, args) => {
    const done = await postcast(args(profile));
    expect([done.error, done.code]).toEqual(['', 0]);
    expect(JSON.parse(done.out)).toMatchObject({ total: expect.any(Number) as number });
  });

  it.skipIf(!hasModeBits)('does not say a word to a socket in a folder that others can write to', async () => {
    await chmod(path.join(profile, 'control'), 0o770);
    const done = await here(['secret', 'set', 'office'], 'hunter2\n');
    expect(done.code).toBe(1);
    expect(done.error).toContain('other users may write');
    expect(engine.calls).toEqual([]);
  });

  it('exports settings for this user only, and imports them again', async () => {
    await here(['settings', 'set', 'gateways.mode', 'always']);
    const file = path.join(profile, 'out.json');
    expect((await here(['settings', 'export', file])).code).toBe(0);
    expectMode(file, 0o600);
    await here(['settings', 'set', 'gateways.mode', 'never']);
    expect((await here(['settings', 'import'], await readFile(file, 'utf8'))).code).toBe(0);
    expect(engine.settings.gateways.mode).toBe('always');
  });

  it('takes a password from standard input, never from the arguments, and never shows it', async () => {
    const done = await here(['secret', 'set', 'office'], 'hunter2 \n');
    expect(done).toMatchObject({ code: 0, error: '' });
    expect(done.out).not.toContain('hunter2');
    expect(engine.secrets.get('office')).toBe('hunter2 ');
    expect((await here(['secret', 'set', 'office', 'hunter3'])).code).toBe(2);
    expect((await here(['secret', 'remove', 'office'])).code).toBe(0);
    expect(engine.secrets.has('office')).toBe(false);
  });

  it('asks before a password would only be obfuscated', async () => {
    engine.keyStore = false;
    const refused = await here(['secret', 'set', 'office'], 'hunter2\n');
    expect(refused.code).toBe(1);
    expect(refused.error).toContain('--accept-obfuscated');
    expect(engine.secrets.size).toBe(0);
    expect((await here(['secret', 'set', 'office', '--accept-obfuscated'], 'hunter2\n')).code).toBe(0);
  });
});

describe('postcast sendmail', () => {
  const drop = (): string => path.join(profile, 'maildrop', 'new');
  async function dropped(): Promise<{ envelope: Record<string, unknown>; message: string }[]> {
    const names = (await readdir(drop()).catch(() => [])).sort();
    return Promise.all(
      names.map(async (name) => {
        const text = await readFile(path.join(drop(), name), 'latin1');
        const end = text.indexOf('\n');
        return {
          envelope: JSON.parse(Buffer.from(text.slice(0, end), 'latin1').toString('utf8')) as Record<string, unknown>,
          message: text.slice(end + 1),
        };
      }),
    );
  }
  const sendmail = (args: readonly string[], input: string | Uint8Array) =>
    postcast(['sendmail', '--profile', profile, ...args], input);

  it('drops a message with CRLF line ends and tells the running program', async () => {
    expect(
      await sendmail(['-i', '-f', 'ann@example.test', 'bob@example.test'], 'Subject: x\n\nline\n.\nend'),
    ).toMatchObject({ code: 0, error: '', out: '' });
    expect(await dropped()).toEqual([
      {
        envelope: {
          version: 1,
          mailFrom: 'ann@example.test',
          recipients: ['bob@example.test'],
          uid: process.getuid?.() ?? -1,
        },
        message: 'Subject: x\r\n\r\nline\r\n.\r\nend\r\n',
      },
    ]);
    expect(engine.calls.map((call) => call.name)).toEqual(['control.pickup']);
    expectMode(path.join(profile, 'maildrop'), 0o700);
    expect(await readdir(path.join(profile, 'maildrop', 'tmp'))).toEqual([]);
  });

  it('works while the program does not run, in a profile that is not there yet', async () => {
    await server?.close(0);
    server = null;
    await rm(profile, { recursive: true });
    expect((await sendmail(['bob@example.test'], 'From: ann@example.test\n\nx\n')).code).toBe(0);
    expect((await dropped())[0]?.envelope).toMatchObject({ mailFrom: 'ann@example.test' });
  });

  it('reads recipients from the header, and takes Bcc out of it', async () => {
    const text =
      'From: Ann <ann@example.test>\nTo: "Bob, B." <bob@example.test>,\n Group: c@example.test, d@example.test;\nBcc: secret@example.test\nSubject: x\n\nBcc: stays@example.test\n';
    expect((await sendmail(['-tvi'], text)).code).toBe(0);
    const [only] = await dropped();
    expect(only?.envelope).toMatchObject({
      mailFrom: 'ann@example.test',
      recipients: ['bob@example.test', 'c@example.test', 'd@example.test', 'secret@example.test'],
    });
    expect(only?.message).toBe(
      'From: Ann <ann@example.test>\r\nTo: "Bob, B." <bob@example.test>,\r\n Group: c@example.test, d@example.test;\r\nSubject: x\r\n\r\nBcc: stays@example.test\r\n',
    );
  });

  it.each<[string, string[], string, string]>([
    ['a lone dot ends it', ['b@x.test'], 'a\n.\nnot this\n', 'a\r\n'],
    ['-i: a lone dot is text', ['-i', 'b@x.test'], 'a\n.\nthis too\n', 'a\r\n.\r\nthis too\r\n'],
    ['dots at the beginning stay', ['b@x.test'], '..a\n.b\n', '..a\r\n.b\r\n'],
    ['a lone dot at the very end', ['b@x.test'], 'a\n.', 'a\r\n'],
    ['CRLF stays CRLF', ['b@x.test'], 'a\r\nb\r\n', 'a\r\nb\r\n'],
    ['a bare CR becomes a line end', ['b@x.test'], 'a\rb\r', 'a\r\nb\r\n'],
    ['nothing at all', ['b@x.test'], '', ''],
  ])('line ends: %s', async (_name, args, input, expected) => {
    expect((await sendmail(['-f', 'a@x.test', ...args], input)).code).toBe(0);
    expect((await dropped())[0]?.message).toBe(expected);
  });

  it('keeps 8-bit octets as they are', async () => {
    const bytes = Buffer.concat([
      Buffer.from('Subject: '),
      Buffer.from([0xe4, 0xff, 0x00, 0x80]),
      Buffer.from('\n\n'),
      Buffer.from([0xc3, 0x28]),
    ]);
    await sendmail(['-f', 'a@x.test', 'b@x.test'], bytes);
    expect(Buffer.from((await dropped())[0]?.message ?? '', 'latin1')).toEqual(
      Buffer.concat([
        Buffer.from('Subject: '),
        Buffer.from([0xe4, 0xff, 0x00, 0x80]),
        Buffer.from('\r\n\r\n'),
        Buffer.from([0xc3, 0x28]),
        Buffer.from('\r\n'),
      ]),
    );
  });

  it('understands what cron, mutt and git say', async () => {
    for (const args of [
      ['-FCronDaemon', '-i', '-B8BITMIME', '-oem', 'root'],
      ['-oem', '-oi', '-fann@x.test', '--', 'b@x.test'],
      ['-i', '-f', '<>', 'b@x.test'],
    ]) {
      expect(await sendmail(args, 'Subject: x\n\nx\n')).toMatchObject({ code: 0, error: '' });
    }
    expect((await dropped()).map(({ envelope }) => [envelope['mailFrom'], envelope['recipients']])).toEqual([
      [`${os.userInfo().username}@${os.hostname()}`, [`root@${os.hostname()}`]],
      ['ann@x.test', ['b@x.test']],
      [null, ['b@x.test']],
    ]);
  });

  it('takes a list in one argument, as cron hands over MAILTO', async () => {
    expect(
      await sendmail(['-f', 'a@x.test', 'b@x.test,c@y.test, root', 'Dee <"d,e"@z.test>', 'b@x.test'], 'x'),
    ).toMatchObject({ code: 0, error: '' });
    expect((await dropped()).map(({ envelope }) => envelope['recipients'])).toEqual([
      ['b@x.test', 'c@y.test', `root@${os.hostname()}`, '"d,e"@z.test'],
    ]);
  });

  it.each<[string, string[], string, number]>([
    ['no recipients', ['-i'], 'x', 64],
    ['a header without recipients', ['-t'], 'Subject: x\n\nx\n', 65],
    ['an address that is none', ['-f', 'a@x.test', 'b@'], 'x', 65],
    ['an address that is none in a list', ['-f', 'a@x.test', 'b@x.test,c@'], 'x', 65],
    ['a recipient that would break the envelope', ['-f', 'a@x.test', 'b@x.test>\r\nRCPT TO:<c@x.test'], 'x', 65],
    ['server mode', ['-bs'], '', 64],
    ['an unknown option', ['-Z', 'b@x.test'], '', 64],
  ])('refuses %s and drops nothing', async (_name, args, input, code) => {
    const done = await sendmail(args, input);
    expect(done.code).toBe(code);
    expect(done.error).toMatch(/^postcast sendmail: /);
    expect(await dropped()).toEqual([]);
  });

  describe('what the queue cannot take is refused before 0', () => {
    const list = (count: number, length: number): string[] =>
      Array.from({ length: count }, (_, i) => `${String(i).padStart(length, 'x')}@example.test`);

    it.each<[string, string[], string, number, string]>([
      ['70,000 recipients', list(70_000, 6), 'x', 69, 'more than 65536 recipients'],
      [
        'a list of recipients over 16 MiB',
        list(60_000, 241).map((one) => `\\${one.slice(1)}`.replaceAll('x', '\\')),
        'x',
        69,
        '16 MiB',
      ],
      ['a message over the limit of the settings', ['b@x.test'], 'x'.repeat(100_000), 69, 'larger than 0.1 MiB'],
      ['a header without end', ['b@x.test'], `X: ${'y'.repeat(900)}\n`.repeat(1300), 65, 'header'],
      ['a message that goes in circles', ['b@x.test'], `${'Received: by x; y\n'.repeat(100)}\nx`, 65, 'in circles'],
    ])('%s', async (_name, recipients, input, code, words) => {
      await writeFile(path.join(profile, 'settings.json'), '\ufeff{"server":{"maxMessageBytes":"65536"}}');
      const done = await sendmail(['-f', 'a@x.test', ...recipients], input);
      expect(done.error).toContain(words);
      expect(done.code).toBe(code);
      expect(await dropped()).toEqual([]);
      expect(await readdir(path.join(profile, 'maildrop', 'tmp')).catch(() => [])).toEqual([]);
      expect(engine.calls).toEqual([]);
    });

    it('but not what it can: an envelope over 1 MiB, a text of 2 MB without a header', async () => {
      const recipients = list(30_000, 40);
      expect(await sendmail(['-f', 'a@x.test', ...recipients], 'Subject: x\n\nx\n')).toMatchObject({ code: 0 });
      expect(await sendmail(['-f', 'a@x.test', 'b@x.test'], 'no header here\n'.repeat(140_000))).toMatchObject({
        code: 0,
      });
      const [first, second] = await dropped();
      expect(first?.envelope['recipients']).toEqual(recipients);
      expect(second?.message).toHaveLength(140_000 * 16);
    });

    it.skipIf(!hasModeBits)('nor is mail put where others can write to', async () => {
      await mkdir(path.join(profile, 'maildrop', 'new'), { recursive: true });
      await chmod(path.join(profile, 'maildrop'), 0o777);
      const open = await sendmail(['b@x.test'], 'x');
      expect(open).toMatchObject({ code: 77 });
      expect(open.error).toContain('other users may write');
      await rename(path.join(profile, 'maildrop'), path.join(profile, 'elsewhere'));
      await symlink(path.join(profile, 'elsewhere'), path.join(profile, 'maildrop'));
      expect(await sendmail(['b@x.test'], 'x')).toMatchObject({ code: 77 });
      expect(await readdir(path.join(profile, 'elsewhere', 'new'))).toEqual([]);
    });
  });

  it.each<[string, (profile: string) => string[]]>([
    ['before it', (at) => ['--profile', at, 'sendmail', '-i', 'b@x.test']],
    ['before it, with =', (at) => [`--profile=${at}`, 'sendmail', '-i', 'b@x.test']],
    ['before it, with another', (at) => ['--json', '--profile', at, 'sendmail', '-i', 'b@x.test']],
    ['behind it', (at) => ['sendmail', '-i', '--profile', at, 'b@x.test']],
    ['behind the recipients', (at) => ['sendmail', '-i', 'b@x.test', '--profile', at]],
  ])('takes global options %s', async (_name, args) => {
    expect(await postcast(args(profile), 'x')).toMatchObject({ code: 0, error: '' });
    expect((await dropped()).map(({ envelope }) => envelope['recipients'])).toEqual([['b@x.test']]);
  });

  it('keeps its own options: what looks like a global one is a value or a recipient there', async () => {
    expect(
      await sendmail(['-f', '--json@x.test', '-F', '--profile', '--', '--json@y.test', '--profile@y.test'], 'x'),
    ).toMatchObject({ code: 0 });
    expect((await dropped()).map(({ envelope }) => [envelope['mailFrom'], envelope['recipients']])).toEqual([
      ['--json@x.test', ['--json@y.test', '--profile@y.test']],
    ]);
  });

  it('says it as JSON where that was asked for, and has help', async () => {
    const refused = await postcast(['--json', '--profile', profile, 'sendmail'], 'x');
    expect(refused).toMatchObject({ code: 64, error: '' });
    expect(JSON.parse(refused.out)).toMatchObject({
      error: { message: expect.stringContaining('no recipients') as string },
    });
    expect(JSON.parse((await sendmail(['--json', 'b@x.test'], 'x')).out)).toEqual({ taken: true });
    expect(await sendmail(['--help'], '')).toMatchObject({
      code: 0,
      out: expect.stringContaining('sendmail [-t]') as string,
    });
  });

  it('says so when the profile cannot be written to', async () => {
    await mkdir(path.join(profile, 'sub'));
    await writeFile(path.join(profile, 'sub', 'maildrop'), 'in the way');
    const done = await postcast(
      ['sendmail', '--profile', path.join(profile, 'sub'), '-f', 'a@x.test', 'b@x.test'],
      'x',
    );
    expect(done.code).toBe(73);
  });
});
