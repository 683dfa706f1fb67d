import { mkdir, mkdtemp, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { loadTlsPair } from '../../../main/listener/certificate.ts';
import { checkPassword, createPasswordChecker, hashPassword } from '../../../main/listener/passwords.ts';
import { Client, greeted, quietLog, settingsWith, startListener, type Harness } from './harness.ts';
import { expectMode } from '../../support/unix-files.ts';

let h: Harness;
let tlsDirectory: string;
let hash: string;
beforeAll(async () => {
  tlsDirectory = join(await mkdtemp(join(tmpdir(), 'listener-tls-')), 'tls');
  hash = await hashPassword('pässword');
});
afterAll(() => rm(join(tlsDirectory, '..'), { recursive: true, force: true }));
afterEach(() => (h as Harness | undefined)?.close());

const plain = (user: string, password: string) =>
  `AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`;
const start = (server: Parameters<typeof startListener>[0] = {}) =>
  startListener({ tls: { enabled: true }, ...server }, { tlsDirectory });

describe('STARTTLS', () => {
  test('own key and certificate, made once, readable by the user alone; state is forgotten; not offered twice', async () => {
    h = await start();
    const client = new Client(h.port);
    await client.reply();
    expect(await client.say('EHLO x')).toContain('STARTTLS');
    expect(await client.say('STARTTLS')).toMatch(/^220 2\.0\.0 /);
    const tls = await client.startTls();
    expect(tls.getProtocol()).toMatch(/^TLSv1\.[23]$/);
    const first = tls.getPeerCertificate().fingerprint256;
    expect(tls.getPeerCertificate().subject.CN).toBe('mail.example.test');
    expect(tls.getPeerCertificate().subjectaltname).toContain('DNS:localhost');
    expect(await client.say('MAIL FROM:<a@example.test>')).toMatch(/^503 5\.5\.1 /);
    expect(await client.say('EHLO x')).not.toContain('STARTTLS');
    expect(await client.say('STARTTLS')).toMatch(/^503 5\.5\.1 /);
    await client.say('MAIL FROM:<a@example.test>');
    await client.say('RCPT TO:<b@example.test>');
    await client.say('DATA');
    expect(await client.say('.')).toMatch(/^250/);
    expect(h.stored[0]?.bytes.toString()).toContain('with ESMTPS\r\n');
    client.end();
    await h.close();
    expectMode(join(tlsDirectory, 'listener-key.pem'), 0o600);
    expectMode(tlsDirectory, 0o700);
    h = await start();
    const again = new Client(h.port);
    await again.reply();
    await again.say('EHLO x');
    await again.say('STARTTLS');
    expect((await again.startTls()).getPeerCertificate().fingerprint256).toBe(first);
    again.end();
  });

  test('the own key is not made anew because it could not be read once: clients trust the certificate that they know', async () => {
    const directory = join(await mkdtemp(join(tmpdir(), 'listener-tls-')), 'tls');
    const file = join(directory, 'listener-key.pem');
    const files = { cert: join(directory, 'listener-cert.pem'), key: file, own: true };
    const load = () => loadTlsPair(files, { hostname: 'mail.example.test', now: Date.now() });
    const first = await load();
    await rename(file, `${file}.away`);
    // Whatever the reason: here a folder that has its name.
    await mkdir(file);
    await expect(load()).rejects.toThrow('EISDIR');
    await rmdir(file);
    await rename(`${file}.away`, file);
    expect(await load()).toEqual(first);
    await writeFile(join(directory, 'listener-cert.pem'), 'not a certificate');
    expect((await load()).cert).not.toBe(first.cert);
    await rm(join(directory, '..'), { recursive: true, force: true });
  });

  test('plaintext that follows STARTTLS in the same packet is thrown away', async () => {
    h = await start();
    const client = await greeted(h.port);
    client.write('STARTTLS\r\nEHLO injected\r\nMAIL FROM:<evil@example.test>\r\nRCPT TO:<b@example.test>\r\n');
    expect(await client.reply()).toMatch(/^220/);
    // The octets in front spoil the handshake or are dropped: in no case does a command of theirs run.
    await client.startTls().then(
      async () => {
        expect(await client.say('RCPT TO:<c@example.test>')).toMatch(/^503/);
        expect(await client.say('NOOP')).toMatch(/^250/);
      },
      () => undefined,
    );
    expect(h.stored).toEqual([]);
    client.end();
  });

  test('TLS 1.1 is refused', async () => {
    h = await start();
    const client = await greeted(h.port);
    await client.say('STARTTLS');
    client.socket.removeAllListeners();
    const tls: TLSSocket = connectTls({
      socket: client.socket,
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    await new Promise<void>((resolve, reject) => {
      tls.once('error', () => resolve());
      tls.once('close', () => resolve());
      tls.once('secureConnect', () => reject(new Error('TLS 1.1 was accepted')));
    });
    tls.destroy();
  });

  test('a handshake that never comes does not harm others', async () => {
    h = await start();
    const broken = await greeted(h.port);
    await broken.say('STARTTLS');
    broken.write('this is no handshake\r\n');
    await broken.closed();
    const client = await greeted(h.port);
    expect(await client.say('NOOP')).toMatch(/^250/);
    client.end();
  });

  test('files of the user that cannot be read: 454, the rest works; turned on later, it works without a new port', async () => {
    h = await startListener(
      { tls: { enabled: true, certFile: join(tlsDirectory, 'none.pem'), keyFile: join(tlsDirectory, 'none.pem') } },
      {
        tlsDirectory,
        log: quietLog,
      },
    );
    const client = await greeted(h.port);
    expect(await client.say('STARTTLS')).toMatch(/^454 4\.7\.0 /);
    h.settings = settingsWith({ port: 0, tls: { enabled: true } });
    const state = await h.listener.apply(h.settings);
    expect(state).toMatchObject({ kind: 'listening', port: h.port });
    expect(await client.say('STARTTLS')).toMatch(/^220/);
    expect(await readFile(join(tlsDirectory, 'listener-cert.pem'), 'utf8')).toContain('BEGIN CERTIFICATE');
    client.end();
  });
});

describe('sign-in', () => {
  test('PLAIN and LOGIN over TLS; the name is in Received’s "with" and with the message, never the password', async () => {
    h = await start({ users: [{ name: 'ann', hash }], requireAuth: true });
    const client = await greeted(h.port);
    expect(await client.say(plain('ann', 'pässword'))).toMatch(/^538 5\.7\.11 /);
    await client.say('STARTTLS');
    await client.startTls();
    expect(await client.say('EHLO x')).toContain('AUTH PLAIN LOGIN');
    expect(await client.say('MAIL FROM:<a@example.test>')).toMatch(/^530 5\.7\.0 /);
    expect(await client.say(plain('ann', 'wrong'))).toMatch(/^535 5\.7\.8 /);
    expect(await client.say('AUTH LOGIN')).toBe('334 VXNlcm5hbWU6');
    expect(await client.say(Buffer.from('ann').toString('base64'))).toBe('334 UGFzc3dvcmQ6');
    expect(await client.say(Buffer.from('pässword').toString('base64'))).toMatch(/^235 2\.7\.0 /);
    expect(await client.say(plain('ann', 'pässword'))).toMatch(/^503 5\.5\.1 /);
    expect(await client.say('EHLO x')).not.toContain('AUTH');
    await client.say('MAIL FROM:<a@example.test>');
    expect(await client.say('RCPT TO:<b@example.test>')).toMatch(/^250/);
    await client.say('DATA');
    expect(await client.say('.')).toMatch(/^250/);
    expect(h.stored[0]?.bytes.toString()).toContain('with ESMTPSA\r\n');
    expect(h.stored[0]?.message.origin).toEqual({ kind: 'smtp', client: '127.0.0.1', user: 'ann' });
    expect(JSON.stringify(h.refusals)).not.toContain(Buffer.from('\0ann\0wrong').toString('base64'));
    client.end();
  });

  test('without encryption on loopback only where the user allows it; unknown users look like wrong passwords', async () => {
    h = await startListener({ users: [{ name: 'ann', hash }], tls: { allowInsecureAuth: true } });
    const client = await greeted(h.port);
    expect(await client.say(plain('nobody', 'pässword'))).toMatch(/^535 5\.7\.8 User name or password is wrong/);
    expect(await client.say(plain('ann', 'pässword'))).toMatch(/^235/);
    client.end();
  });
});

describe('passwords', () => {
  test('a hash is right for its password only, and never twice the same', async () => {
    expect(hash).toMatch(/^scrypt\$16384\$8\$1\$[^$]+\$[^$]+$/);
    expect(await checkPassword('pässword', hash)).toBe(true);
    expect(await checkPassword('password', hash)).toBe(false);
    expect(await hashPassword('pässword')).not.toBe(hash);
  });

  test.each([
    '',
    'plain',
    'scrypt$1$8$1$AA==$AA==',
    'scrypt$99999999$8$1$AAAA$AAAAAAAAAAAAAAAAAAAAAA==',
    'scrypt$16384$8$1$AAAA$',
  ])('a hash that makes no sense fits nothing: %s', async (bad) => {
    expect(await checkPassword('', bad)).toBe(false);
  });

  test('the remembered answer is no way in with another password or after a change', async () => {
    const checker = createPasswordChecker();
    expect(await checker.check('pässword', hash)).toBe(true);
    expect(await checker.check('pässword', hash)).toBe(true);
    expect(await checker.check('other', hash)).toBe(false);
    expect(await checker.check('pässword', await hashPassword('new'))).toBe(false);
    expect(await checker.check('pässword', undefined)).toBe(false);
  });
});
