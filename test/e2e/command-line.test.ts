/** Every command of `postcast` against the running program (spec §10). */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { keepUntilEnd } from '../support/kept.ts';
import {
  eventually,
  makeProfile,
  postcast,
  postcastJson,
  root,
  runCommand,
  startProgram,
  throughGateway,
  type RunningProgram,
  type TestProfile,
} from '../support/program.ts';
import { startSmtpSink, type SmtpSink } from '../support/smtp-sink.ts';
import type { MessageRow } from '../../shared/mail.ts';
import type { AppStatus } from '../../shared/status.ts';

interface Page {
  readonly total: number;
  readonly rows: readonly MessageRow[];
}

const letter = (subject: string): string => `From: ann@client.test\nTo: bob@local.test\nSubject: ${subject}\n\nHello\n`;
const folder = mkdtempSync(path.join(tmpdir(), 'command-line-'));
let sink: SmtpSink;
let profile: TestProfile;
let program: RunningProgram | undefined;

const keep = keepUntilEnd();
beforeAll(async () => {
  keep({ close: () => rmSync(folder, { recursive: true, force: true }) });
  sink = keep(await startSmtpSink());
  profile = keep(await makeProfile(throughGateway(sink.port)));
  keep({ close: () => program?.end('SIGKILL') });
});

const list = (name: string): Promise<Page> => postcastJson(profile, ['list', '--folder', name]);
const only = async (name: string): Promise<MessageRow> => {
  const page = await list(name);
  expect(page.total).toBe(1);
  const [row] = page.rows;
  if (row === undefined) throw new Error('no row');
  return row;
};
const sendmail = (subject: string): ReturnType<typeof postcast> =>
  postcast(profile, ['sendmail', '-t', '-i', '-f', 'ann@client.test'], letter(subject));

describe('while the program does not run', () => {
  it('a command says so and ends with 3, in JSON too', async () => {
    const words = await postcast(profile, ['status']);
    expect(words).toMatchObject({ code: 3, stdout: '' });
    expect(words.stderr).toContain('is not running');
    const json = await postcast(profile, ['list', '--json']);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'not-running' } });
  });

  it('sendmail keeps the message, and the next start takes it into the queue', async () => {
    expect(await sendmail('kept')).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const drop = path.join(profile.folder, 'maildrop', 'new');
    expect(readdirSync(drop)).toHaveLength(1);
    program = await startProgram(profile);
    await eventually('it is in Sent', async () => (await list('sent')).rows.map((row) => row.subject)).toEqual([
      'kept',
    ]);
    expect(sink.recipients()).toEqual(['bob@local.test']);
    expect(readdirSync(drop)).toEqual([]);
  });
});

describe('while it runs', () => {
  it('npx postcast status, in the work tree, speaks to it', async () => {
    const args = ['postcast', 'status', '--profile', profile.folder];
    const words = await runCommand('npx', args);
    expect(words).toMatchObject({ code: 0 });
    expect(words.stdout).toContain(`Accepts mail at  127.0.0.1 port ${profile.port}`);
    const status = await postcastJson<AppStatus>(profile, ['status']);
    expect(status).toMatchObject({
      pid: program?.pid,
      paused: false,
      listener: { kind: 'listening', port: profile.port },
      counts: { sent: 1 },
    });
  });

  it('global options stand in front of sendmail too; what can never be queued is told with the way to it', async () => {
    const args = ['postcast', '--profile', profile.folder, 'sendmail', '-f', 'ann@client.test', 'bob@local.test'];
    expect(await runCommand('npx', args, 'Subject: in front\n\nx\n')).toMatchObject({ code: 0, stderr: '' });
    const sent = async (): Promise<readonly string[]> => (await list('sent')).rows.map((row) => row.subject);
    await eventually('it is in Sent', sent).toContain('in front');
    await postcast(profile, ['delete', (await list('sent')).rows.find((row) => row.subject === 'in front')?.id ?? '']);
    await postcast(profile, ['delete', (await only('deleted')).id]);

    const folder = path.join(profile.folder, 'maildrop');
    writeFileSync(path.join(folder, 'new', '1'), 'damaged');
    expect((await sendmail('beside it')).code).toBe(0);
    await eventually('the good one is in Sent', sent).toContain('beside it');
    const { stdout } = await postcast(profile, ['status']);
    expect(stdout).toMatch(/^Problem +1 message .* cannot be queued/m);
    expect(stdout).toContain(path.join(folder, 'bad'));
    expect(readdirSync(path.join(folder, 'bad'))).toEqual(['1']);
    rmSync(path.join(folder, 'bad', '1'));
    await postcast(profile, ['delete', (await list('sent')).rows.find((row) => row.subject === 'beside it')?.id ?? '']);
    await postcast(profile, ['delete', (await only('deleted')).id]);
  });

  it('what cannot be understood ends with 2 and says what', async () => {
    const ended = await postcast(profile, ['dance']);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('dance');
    expect((await postcast(profile, ['list', '--folder', 'attic'])).code).toBe(2);
  });

  it('pause, sendmail, list, show, delete twice', async () => {
    expect(await postcastJson(profile, ['pause'])).toEqual({ paused: true });
    expect((await sendmail('shown')).code).toBe(0);
    await eventually('it is in the Outbox', async () => (await list('outbox')).total).toBe(1);
    const { id } = await only('outbox');
    const listed = await postcast(profile, ['list']);
    expect(listed.stdout).toMatch(new RegExp(`${id} .*ann@client\\.test .*bob@local\\.test .*shown`));
    expect((await postcast(profile, ['status'])).stdout).toContain('Sending is paused.');
    const shown = await postcast(profile, ['show', id]);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/Subject +shown/);
    expect(shown.stdout).toContain('bob@local.test: ');
    const details = await postcastJson(profile, ['show', id]);
    expect(details).toMatchObject({ id, folder: 'outbox', origin: { kind: 'sendmail' } });
    const raw = await postcast(profile, ['show', id, '--raw']);
    expect(raw.stdout.endsWith(letter('shown').replaceAll('\n', '\r\n'))).toBe(true);
    const rawJson = await postcastJson<{ base64: string }>(profile, ['show', id, '--raw']);
    expect(Buffer.from(rawJson.base64, 'base64').toString('latin1')).toBe(raw.stdout);

    expect(await postcastJson(profile, ['delete', id])).toMatchObject({ count: 1 });
    expect((await only('deleted')).id).toBe(id);
    expect((await postcast(profile, ['delete', id])).code).toBe(0);
    expect((await list('deleted')).total).toBe(0);
    const gone = await postcast(profile, ['show', id]);
    expect(gone).toMatchObject({ code: 1, stdout: '' });
    expect((await postcast(profile, ['delete', id])).code).toBe(1);
  });

  it('resume sends what waited', async () => {
    expect((await sendmail('resumed')).code).toBe(0);
    await eventually('it waits', async () => (await list('outbox')).total).toBe(1);
    expect(await postcastJson(profile, ['resume'])).toEqual({ paused: false });
    await eventually('it is in Sent', async () => (await list('sent')).total).toBe(2);
  });

  it('settings: get, set, refuse what is wrong, export, import', async () => {
    const get = (name: string): Promise<unknown> => postcastJson(profile, ['settings', 'get', name]);
    expect(await get('gateways.mode')).toBe('always');
    expect((await postcast(profile, ['settings', 'get', 'gateways.mode'])).stdout).toBe('always\n');
    expect(await get('gateways.list.sink.host')).toBe('127.0.0.1');
    expect((await postcast(profile, ['settings', 'get', 'gateways.no.such'])).code).toBe(1);
    expect((await postcast(profile, ['settings', 'set', 'gateways.headStartMs', '500'])).code).toBe(0);
    expect((await profile.settings())['gateways']).toMatchObject({ headStartMs: 500 });

    const wrong = await postcast(profile, ['settings', 'set', 'server.port', '99999', '--json']);
    expect(wrong.code).toBe(1);
    expect(JSON.parse(wrong.stdout)).toMatchObject({ error: { code: 'bad-input', field: 'server.port' } });
    expect(await get('server.port')).toBe(profile.port);

    const file = path.join(folder, 'settings.json');
    expect((await postcast(profile, ['settings', 'export', file])).code).toBe(0);
    expect(statSync(file).mode & 0o077).toBe(0);
    const exported = readFileSync(file, 'utf8');
    expect((await postcast(profile, ['settings', 'export'])).stdout.trim()).toBe(exported.trim());
    expect((await postcast(profile, ['settings', 'set', 'gateways.headStartMs', '700'])).code).toBe(0);
    expect((await postcast(profile, ['settings', 'import', file])).code).toBe(0);
    expect(await get('gateways.headStartMs')).toBe(500);
    expect((await postcast(profile, ['settings', 'import'], exported)).code).toBe(0);

    writeFileSync(file, '<html>no settings</html>');
    expect((await postcast(profile, ['settings', 'import', file])).code).toBe(1);
    expect(await get('gateways.headStartMs')).toBe(500);
  });

  it('settings.json is taken over when it is edited by hand', async () => {
    const settings = await profile.settings();
    const edited = { ...settings, gateways: { ...settings['gateways'], headStartMs: 900 } };
    writeFileSync(path.join(profile.folder, 'settings.json'), JSON.stringify(edited));
    const get = (): Promise<unknown> => postcastJson(profile, ['settings', 'get', 'gateways.headStartMs']);
    await eventually('the edit counts', get).toBe(900);
  });

  it('secret set takes the password from standard input only, after consent where there is no key store', async () => {
    expect((await postcast(profile, ['secret', 'set', 'nobody'], 'pass phrase\n')).code).toBe(1);
    expect((await postcast(profile, ['secret', 'set', 'sink'], '')).code).toBe(1);
    const refused = await postcast(profile, ['secret', 'set', 'sink'], 'pass phrase\n');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('--accept-obfuscated');
    const stored = await postcast(profile, ['secret', 'set', 'sink', '--accept-obfuscated'], 'pass phrase\n');
    expect(stored).toMatchObject({ code: 0, stdout: 'Stored.\n' });
    expect((await postcastJson<AppStatus>(profile, ['status'])).secrets.protection).toBe('obfuscated');
    // One that has agreed once is asked for the next password as well, not refused.
    expect((await postcast(profile, ['secret', 'set', 'sink'], 'another\n')).stderr).toContain('--accept-obfuscated');
    for (const args of [
      ['settings', 'export'],
      ['settings', 'get'],
      ['status', '--json'],
    ]) {
      expect((await postcast(profile, args)).stdout).not.toContain('pass phrase');
    }
    expect((await postcast(profile, ['secret', 'remove', 'sink'])).code).toBe(0);
    expect((await postcastJson<AppStatus>(profile, ['status'])).secrets.protection).toBe('none');
  });

  it('send-now and retry move what waits for a gateway that is back', async () => {
    const port = sink.port;
    await sink.close();
    expect((await sendmail('patient')).code).toBe(0);
    await eventually('it was tried', async () => (await list('outbox')).rows[0]?.state).toBe('deferred');
    const { id, nextAt } = await only('outbox');
    expect(nextAt).toBeGreaterThan(Date.now());
    sink = keep(await startSmtpSink(port));
    expect((await postcast(profile, ['retry', id])).code).toBe(0);
    await eventually('retry sent it', async () => (await list('sent')).total).toBe(3);

    await sink.close();
    expect((await sendmail('more patient')).code).toBe(0);
    await eventually('it was tried', async () => (await list('outbox')).rows[0]?.state).toBe('deferred');
    sink = keep(await startSmtpSink(port));
    const sent = await postcast(profile, ['send-now']);
    expect(sent).toMatchObject({ code: 0 });
    expect(sent.stdout).toContain('1');
    await eventually('send-now sent it', async () => (await list('sent')).total).toBe(4);
    expect(await postcastJson(profile, ['retry', '--all'])).toEqual({ count: 0, sending: 0 });
    expect((await postcast(profile, ['retry', id])).code).toBe(1);
  });

  it('version and help need no program; quit ends it with 0', async () => {
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
    expect((await postcast(profile, ['version'])).stdout).toBe(`${version}\n`);
    expect((await postcast(profile, ['--help'])).stdout).toContain('Usage: postcast');
    expect(await postcastJson(profile, ['quit'])).toEqual({ quitting: true });
    expect(await program?.exited, program?.output()).toBe(0);
    expect((await postcast(profile, ['status'])).code).toBe(3);
  });
});
