/** Real mail programs hand mail to the listener: swaks, msmtp, Python's smtplib. The bytes that went in must come out. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../main/listener/passwords.ts';
import { settingsWith, startListener, type Harness } from '../main/listener/harness.ts';

let h: Harness;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'listener-clients-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));
afterEach(() => h.close());

function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function run(program: string, args: readonly string[], input = ''): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { env: { ...process.env, HOME: dir } });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
    child.stdin.end(input);
  });
}

const withTls = async () =>
  startListener(
    { tls: { enabled: true }, users: [{ name: 'ann', hash: await hashPassword('secret word') }] },
    { tlsDirectory: join(dir, 'tls') },
  );

const swaks = has('swaks');
describe.skipIf(!swaks)(`swaks${swaks ? '' : ' (not installed: apt-get install swaks)'}`, () => {
  test('plain message', async () => {
    h = await startListener();
    const ended = await run('swaks', [
      '--server',
      `127.0.0.1:${h.port}`,
      '--from',
      'a@example.test',
      '--to',
      'b@example.test,c@example.test',
      '--body',
      '.\n..dots\n.x',
      '--helo',
      'client.test',
    ]);
    expect(ended.output).toContain('250 2.0.0 queued as Q1');
    expect(ended.code).toBe(0);
    expect(h.stored[0]?.message.recipients.map((r) => r.rcptTo)).toEqual(['b@example.test', 'c@example.test']);
    expect(h.stored[0]?.bytes.toString()).toContain('\r\n\r\n.\r\n..dots\r\n.x\r\n');
  });

  test('STARTTLS and sign-in; a wrong password is refused', async () => {
    h = await withTls();
    const args = [
      '--server',
      `127.0.0.1:${h.port}`,
      '--from',
      'a@example.test',
      '--to',
      'b@example.test',
      '--tls',
      '--helo',
      'client.test',
      '--auth-user',
      'ann',
    ];
    const good = await run('swaks', [...args, '--auth', 'PLAIN', '--auth-password', 'secret word']);
    expect(good.output).toContain('250 2.0.0 queued as Q1');
    expect((await run('swaks', [...args, '--auth', 'LOGIN', '--auth-password', 'secret word'])).code).toBe(0);
    const bad = await run('swaks', [...args, '--auth', 'PLAIN', '--auth-password', 'other']);
    expect(bad.output).toContain('535 5.7.8');
    expect(h.stored.length).toBe(2);
    expect(h.stored[0]?.message.origin).toMatchObject({ user: 'ann' });
  });

  test('pipelining', async () => {
    h = await startListener();
    expect(
      (
        await run('swaks', [
          '--server',
          `127.0.0.1:${h.port}`,
          '--from',
          'a@example.test',
          '--to',
          'b@example.test',
          '--pipeline',
          '--helo',
          'x',
        ])
      ).code,
    ).toBe(0);
    expect(h.stored.length).toBe(1);
  });
});

const msmtp = has('msmtp');
describe.skipIf(!msmtp)(`msmtp${msmtp ? '' : ' (not installed: apt-get install msmtp)'}`, () => {
  test('sends a message as it is, and again over TLS with sign-in', async () => {
    h = await withTls();
    const common = ['--host=127.0.0.1', `--port=${h.port}`, '--from=a@example.test', '--read-envelope-from=off'].slice(
      0,
      3,
    );
    const body =
      'Subject: from msmtp\nMessage-ID: <1@example.test>\nDate: Mon, 23 Nov 2026 00:00:00 +0000\n\nGrüße\n.\n';
    const first = await run('msmtp', [...common, 'b@example.test'], body);
    expect(first).toMatchObject({ code: 0 });
    expect(h.stored[0]?.bytes.toString().endsWith(body.replaceAll('\n', '\r\n'))).toBe(true);
    expect(h.stored[0]?.message.body8bit).toBe(true);
    const config = join(dir, 'msmtprc');
    await writeFile(
      config,
      `account default\nhost 127.0.0.1\nport ${h.port}\nfrom a@example.test\ntls on\ntls_starttls on\ntls_certcheck off\nauth plain\nuser ann\npassword "secret word"\n`,
      { mode: 0o600 },
    );
    expect(await run('msmtp', ['-C', config, 'b@example.test'], body)).toMatchObject({ code: 0 });
    expect(h.stored[1]?.bytes.toString()).toContain('with ESMTPSA');
  });
});

const python = has('python3');
describe.skipIf(!python)(`Python smtplib${python ? '' : ' (not installed: apt-get install python3)'}`, () => {
  test('DSN, SMTPUTF8, refused recipients, octet-exact 8-bit message, 300 recipients', async () => {
    h = await startListener({ blockedRecipients: ['bad@example.test'] });
    h.settings = settingsWith({ port: h.port, blockedRecipients: ['bad@example.test'] });
    const script = `
import smtplib, sys
s = smtplib.SMTP('127.0.0.1', ${h.port}, local_hostname='py.test')
s.ehlo()
assert s.has_extn('dsn') and s.has_extn('smtputf8') and s.has_extn('pipelining') and int(s.esmtp_features['size']) > 0
body = b'Subject: x\\r\\nMessage-ID: <1@x>\\r\\nDate: x\\r\\n\\r\\n' + bytes(b for b in range(1, 256) if b not in (10, 13)) + b'\\r\\n.\\r\\n..\\r\\n'
r = s.sendmail('a@example.test', ['b@example.test', 'bad@example.test'], body, mail_options=['BODY=8BITMIME', 'RET=HDRS', 'ENVID=x+2By'], rcpt_options=['NOTIFY=FAILURE,DELAY'])
assert list(r) == ['bad@example.test'] and r['bad@example.test'][0] == 550, r
s.sendmail('j\\u00fcrgen@b\\u00fccher.test', ['\\u7528@example.test'], 'Subject: x\\r\\n\\r\\n'.encode(), mail_options=['SMTPUTF8', 'BODY=8BITMIME'])
s.sendmail('a@example.test', ['r%d@example.test' % i for i in range(300)], b'Subject: many\\r\\n\\r\\nx\\r\\n')
print(s.vrfy('bob')[0], s.docmd('EXPN', 'x')[0], s.noop()[0], s.rset()[0])
s.quit()
`;
    const ended = await run('python3', ['-c', script]);
    expect(ended.output.trim()).toBe('252 502 250 250');
    const [first, second, third] = h.stored;
    const all = Buffer.from(Array.from({ length: 255 }, (_, i) => i + 1).filter((b) => b !== 10 && b !== 13));
    expect(first?.bytes.subarray(first.bytes.indexOf('\r\n\r\n') + 4)).toEqual(
      Buffer.concat([all, Buffer.from('\r\n.\r\n..\r\n')]),
    );
    expect(first?.message).toMatchObject({
      dsn: { ret: 'hdrs', envid: 'x+y' },
      body8bit: true,
      recipients: [{ rcptTo: 'b@example.test', dsn: { notify: ['failure', 'delay'] } }],
    });
    expect(second?.message).toMatchObject({
      mailFrom: 'jürgen@bücher.test',
      smtputf8: true,
      recipients: [{ rcptTo: '用@example.test' }],
    });
    expect(third?.message.recipients.length).toBe(300);
  });
});
