/** The listener's certificate while settings and files change under it (RFC 3207 §4: 454 is for what is truly unavailable). */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { selfSignedFor, type KeyPair } from '../../support/certificates.ts';
import { Client, greeted, quietLog, settingsWith, startListener, type Harness } from './harness.ts';
import { hasSymlinks } from '../../support/unix-files.ts';

let folder: string;
let h: Harness | undefined;
/** What was told of the certificate, `null` for "all is well". */
let told: (string | null)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'listener-certificate-'));
  told = [];
});
afterEach(async () => {
  await h?.close();
  h = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const path = (name: string): string => join(folder, name);
const files = () => ({ enabled: true, certFile: path('cert.pem'), keyFile: path('key.pem') });
const NAMES = [
  'first.test',
  'late.test',
  'mended.test',
  'one.test',
  'renewed.test',
  'second.test',
  'stranger.test',
  'two.test',
] as const;
const pairs = new Map(await Promise.all(NAMES.map(async (name) => [name, await selfSignedFor(name)] as const)));
function pairFor(name: (typeof NAMES)[number]): KeyPair {
  const pair = pairs.get(name);
  if (pair === undefined) throw new Error(`no pair for ${name}`);
  return pair;
}
function put(name: (typeof NAMES)[number], into = folder): void {
  const pair = pairFor(name);
  writeFileSync(join(into, 'key.pem'), pair.key);
  writeFileSync(join(into, 'cert.pem'), pair.cert);
}
async function start(tls: Record<string, unknown> = files()): Promise<Harness> {
  h = await startListener(
    { tls },
    { tlsDirectory: path('tls'), log: quietLog, onCertificate: (trouble) => told.push(trouble?.reason ?? null) },
  );
  return h;
}
/** Whose certificate a new connection gets; the reply if there is no TLS. */
async function served(port: number): Promise<string> {
  const client = await greeted(port);
  try {
    const reply = await client.say('STARTTLS');
    if (!reply.startsWith('220')) return reply;
    const { subject } = (await client.startTls()).getPeerCertificate();
    return String(subject.CN);
  } finally {
    client.end();
  }
}
/** Long enough for the files to be looked at again. */
const later = (listener: Harness): Promise<void> => listener.clock.advance(10_000);

test('STARTTLS is answered 220 throughout changes of settings, those of the port too', async () => {
  const listener = await start({ enabled: true });
  const replies = new Set<string>();
  for (let round = 0; round < 30; round += 1) {
    const client = await greeted(listener.port);
    listener.settings = settingsWith({ tls: { enabled: true }, blockedRecipients: [`b${round}@example.test`] });
    const applied = listener.listener.apply(listener.settings);
    replies.add((await client.say('STARTTLS')).slice(0, 3));
    client.end();
    await applied;
  }
  expect([...replies]).toEqual(['220']);
});

test('STARTTLS that comes while the first certificate is being made waits for it', async () => {
  const listener = await start({ enabled: false });
  listener.settings = settingsWith({ tls: { enabled: true } });
  const applied = listener.listener.apply(listener.settings);
  expect(await served(listener.port)).toBe('mail.example.test');
  await applied;
});

test('a listener that moves to other addresses has its certificate from the first connection on', async () => {
  const listener = await start({ enabled: true });
  let first: Promise<string> = Promise.resolve('never listening');
  listener.listener.onState((state) => {
    if (state.kind === 'listening') first = served(state.port);
  });
  listener.settings = settingsWith({ host: ['127.0.0.1', '::1'], tls: { enabled: true } });
  await listener.listener.apply(listener.settings);
  expect(await first).toBe('mail.example.test');
});

test('what does not concern TLS does not load the files again; other files are taken at once', async () => {
  put('one.test');
  const listener = await start();
  rmSync(path('cert.pem'));
  listener.settings = settingsWith({ tls: files(), allow: ['192.0.2.0/24'] });
  await listener.listener.apply(listener.settings);
  expect(await served(listener.port)).toBe('one.test');
  mkdirSync(path('other'));
  put('two.test', path('other'));
  listener.settings = settingsWith({
    tls: { enabled: true, certFile: path('other/cert.pem'), keyFile: path('other/key.pem') },
  });
  await listener.listener.apply(listener.settings);
  expect(await served(listener.port)).toBe('two.test');
  expect(told.filter((each) => each !== null)).toEqual([]);
});

test.for<readonly [string, () => void]>([
  ['written in place', () => put('renewed.test')],
  [
    'renamed over the old ones',
    () => {
      mkdirSync(path('new'));
      put('renewed.test', path('new'));
      for (const name of ['key.pem', 'cert.pem']) renameSync(path(`new/${name}`), path(name));
    },
  ],
  [
    'behind symbolic links that are turned',
    () => {
      mkdirSync(path('archive'));
      put('renewed.test', path('archive'));
      for (const name of ['key.pem', 'cert.pem']) {
        unlinkSync(path(name));
        symlinkSync(path(`archive/${name}`), path(name));
      }
    },
  ],
])('a renewed certificate is served without a restart: %s', async ([how, renew], { skip }) => {
  skip(how.includes('links') && !hasSymlinks);
  put('first.test');
  const listener = await start();
  expect(await served(listener.port)).toBe('first.test');
  renew();
  await later(listener);
  expect(await served(listener.port)).toBe('renewed.test');
});

test('a certificate that cannot be used leaves the one before in use and is told; the mended one is taken and told', async () => {
  put('first.test');
  const listener = await start();
  writeFileSync(path('cert.pem'), pairFor('stranger.test').cert);
  await later(listener);
  expect(await served(listener.port)).toBe('first.test');
  await later(listener);
  expect(await served(listener.port)).toBe('first.test');
  expect(told.at(-1)).toBe('mismatch');
  writeFileSync(path('cert.pem'), 'not a certificate\n');
  await later(listener);
  expect(await served(listener.port)).toBe('first.test');
  expect(told.at(-1)).toBe('broken');
  put('mended.test');
  await later(listener);
  expect(await served(listener.port)).toBe('mended.test');
  expect(told.at(-1)).toBeNull();
});

test('a moment in which the new key is there and the new certificate is not is nothing to speak of', async () => {
  put('first.test');
  const listener = await start();
  writeFileSync(path('key.pem'), pairFor('second.test').key);
  await later(listener);
  expect(await served(listener.port)).toBe('first.test');
  writeFileSync(path('cert.pem'), pairFor('second.test').cert);
  await later(listener);
  expect(await served(listener.port)).toBe('second.test');
  expect(told.filter((each) => each !== null)).toEqual([]);
});

test('a renewed certificate that is broken is told although nobody connects', async () => {
  put('first.test');
  const listener = await start();
  writeFileSync(path('key.pem'), '');
  await expect
    .poll(async () => {
      await listener.clock.advance(5 * 60_000);
      return told.at(-1);
    })
    .toBe('broken');
});

test('files that are missing from the start: 454, told at once; taken when they appear', async () => {
  const listener = await start();
  expect(told).toEqual(['unreadable']);
  expect(await served(listener.port)).toMatch(/^454 4\.7\.0 /);
  put('late.test');
  await later(listener);
  expect(await served(listener.port)).toBe('late.test');
  expect(told.at(-1)).toBeNull();
});

test('turned off, it is gone and nothing is told any more', async () => {
  const listener = await start();
  listener.settings = settingsWith({ tls: { enabled: false } });
  await listener.listener.apply(listener.settings);
  const client = await greeted(listener.port);
  expect(await client.say('STARTTLS')).toMatch(/^502/);
  client.end();
  expect(told.at(-1)).toBeNull();
  // No timer of its own is left but the sweep of open sessions.
  await expect.poll(() => listener.clock.untilNext() ?? 0).toBeLessThanOrEqual(15_000);
});

test('a client that hangs up while its STARTTLS waits harms nobody', async () => {
  const listener = await start({ enabled: false });
  listener.settings = settingsWith({ tls: { enabled: true } });
  const client = new Client(listener.port);
  await client.reply();
  await client.say('EHLO x');
  const applied = listener.listener.apply(listener.settings);
  client.write('STARTTLS\r\n');
  client.end();
  await applied;
  expect(await served(listener.port)).toBe('mail.example.test');
});
