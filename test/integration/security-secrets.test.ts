/** Where a password, a token or a hash could come to light: log, timeline, states, settings, export (standards §3). */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog, type ProgramLog } from '../../main/log/log.ts';
import { hashPassword } from '../../main/listener/passwords.ts';
import { exportSettings } from '../../main/settings/export-settings.ts';
import { systemClock } from '../../main/runtime/system-clock.ts';
import { fakeDns } from '../fakes/fake-dns.ts';
import { offering, startScriptedServer, type Dialogue } from '../fakes/scripted-smtp-server.ts';
import { greeted, startListener } from '../main/listener/harness.ts';
import { deliveryRig, messageOf, recipientsOf, settingsOf } from '../support/delivery-rig.ts';

const never = new AbortController().signal;
const PASSWORD = 'correct-horse-battery';
const BASE64 = Buffer.from(PASSWORD).toString('base64');
const PLAIN = Buffer.from(`\0ann\0${PASSWORD}`).toString('base64');

let folder: string;
let log: ProgramLog;
const open: (() => Promise<void>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'security-'));
  log = createLog({ directory: folder, mode: 'single', clock: systemClock });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
  await log.close();
  await rm(folder, { recursive: true, force: true });
});

async function logged(): Promise<string> {
  await log.flush();
  const files = await readdir(folder);
  return (await Promise.all(files.map((name) => readFile(path.join(folder, name), 'utf8')))).join('\n');
}

function expectNoSecret(text: string): void {
  for (const secret of [PASSWORD, BASE64, PLAIN, BASE64.replace(/=+$/, ''), 'scrypt'])
    expect(text.includes(secret), secret).toBe(false);
}

describe('a password that is sent to a gateway', () => {
  /** A server that knows no shame: every reply after the sign-in repeats all that it was told. */
  const shameless: Dialogue = {
    AUTH: (line) => `535 5.7.8 you said ${line}`,
    '': (line) => `535 5.7.8 you said ${line} (${Buffer.from(line, 'base64').toString()})`,
  };
  it.each<readonly [string, Dialogue]>([
    ['PLAIN', shameless],
    ['LOGIN', { ...shameless, 'AUTH LOGIN': '334 VXNlcm5hbWU6', YW5u: '334 UGFzc3dvcmQ6' }],
    ['PLAIN', { ...shameless, AUTH: '235 ok', 'MAIL FROM': `550 5.7.1 your password is ${PASSWORD}` }],
    ['PLAIN', { ...shameless, AUTH: { send: `421 ${PLAIN} good bye`, then: 'close' } }],
    ['PLAIN', { ...shameless, AUTH: { raw: `nonsense ${PLAIN}\r\n` } }],
    ['CRAM-MD5', { ...shameless, 'AUTH CRAM': `334 ${Buffer.from('<1@x>').toString('base64')}` }],
  ])('with %s never shows, whatever the server says (row %#)', async (mechanism, dialogue) => {
    const server = await startScriptedServer({ EHLO: offering(`AUTH ${mechanism}`), ...dialogue });
    open.push(() => server.close());
    const rig = deliveryRig(
      {
        gateways: {
          list: [
            { id: 'g1', name: 'Office', host: '127.0.0.1', port: server.port, security: 'none', auth: 'password', username: 'ann', allowInsecureAuth: true },
          ],
        },
      },
      fakeDns({}),
      { log, passwords: { 'gateway:g1': PASSWORD } },
    ); // prettier-ignore
    open.push(() => rig.delivery.close(0));
    const result = await rig.delivery.run(
      { kind: 'gateways', ids: ['g1'] },
      messageOf('Subject: x\r\n\r\nhello\r\n'),
      recipientsOf('bob@far.test'),
      never,
    );
    expect(server.sessions[0]?.lines.some((l) => l.startsWith(`AUTH ${mechanism}`))).toBe(true);
    const gateway = settingsOf({
      gateways: { list: [{ id: 'g1', name: 'Office', host: '127.0.0.1', port: server.port, security: 'none', auth: 'password', username: 'ann', allowInsecureAuth: true }] },
    }).gateways.list[0]; // prettier-ignore
    if (!gateway) throw new Error('no gateway');
    const steps = await rig.delivery.testGateway(gateway, PASSWORD, never);
    const shown = JSON.stringify([result.tries, [...result.verdicts], steps, rig.delivery.gatewayStates()]);
    expectNoSecret(shown);
    const text = await logged();
    expect(text).toContain('AUTH');
    expectNoSecret(text);
  });

  it('is not sent where the connection is not encrypted', async () => {
    const server = await startScriptedServer({ EHLO: offering('AUTH PLAIN LOGIN CRAM-MD5'), AUTH: '235 ok' });
    open.push(() => server.close());
    const rig = deliveryRig(
      { gateways: { list: [{ id: 'g1', name: 'O', host: '127.0.0.1', port: server.port, auth: 'password', username: 'ann' }] } },
      fakeDns({}),
      { log, passwords: { 'gateway:g1': PASSWORD } },
    ); // prettier-ignore
    open.push(() => rig.delivery.close(0));
    await rig.delivery.run({ kind: 'gateways', ids: ['g1'] }, messageOf('x\r\n'), recipientsOf('b@far.test'), never);
    expect(server.sessions[0]?.lines).toEqual(['EHLO laptop.home.test']);
  });
});

describe('a password that a mail program sends to the listener', () => {
  it.each([
    ['on an unencrypted connection', [`AUTH PLAIN ${PLAIN}`]],
    ['with a blank before the verb', [` AUTH PLAIN ${PLAIN}`]],
    ['with a tab behind the verb', [`AUTH\tPLAIN ${PLAIN}`]],
    ['without a blank', [`AUTHPLAIN ${PLAIN}`]],
    ['in lines after a refused AUTH LOGIN', ['AUTH LOGIN', 'YW5u', BASE64]],
    ['in a line after a refused AUTH PLAIN', ['AUTH PLAIN', PLAIN]],
  ])('%s is not in the log', async (_name, lines) => {
    const h = await startListener(
      { requireAuth: true, users: [{ name: 'ann', hash: await hashPassword(PASSWORD) }] },
      { tlsDirectory: path.join(folder, 'tls') },
    );
    open.push(() => h.close());
    const client = await greeted(h.port);
    for (const line of lines) await client.say(line);
    client.end();
    const text = JSON.stringify(h.refusals);
    expect(text).toContain('AUTH');
    expectNoSecret(text);
    expect(text.includes('YW5u')).toBe(false);
  });

  it('what else is refused stays readable in the log', async () => {
    const h = await startListener();
    open.push(() => h.close());
    const client = await greeted(h.port);
    await client.say('BOGUS command');
    client.end();
    expect(h.refusals.map((r) => r.command)).toEqual(['BOGUS command']);
  });
});

describe('settings', () => {
  it('leave without hashes and without what looks like a secret', async () => {
    const settings = settingsOf({
      server: { users: [{ name: 'ann', hash: await hashPassword(PASSWORD) }] },
      gateways: { list: [{ id: 'g1', name: 'O', host: 'h.test', password: PASSWORD, accessToken: PASSWORD }] },
    });
    expectNoSecret(exportSettings(settings));
  });
});
