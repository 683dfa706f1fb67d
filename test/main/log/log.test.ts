import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLog, escapeText, type LogMode } from '../../../main/log/log.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';
import { expectMode, hasModeBits } from '../../support/unix-files.ts';

let dir: string;
let clock: VirtualClock;
beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'log-')), 'logs');
  clock = new VirtualClock(new Date(2026, 10, 23, 12).getTime());
});
afterEach(() => rm(join(dir, '..'), { recursive: true, force: true }));

const text = (name = 'postcast.log') => readFile(join(dir, name), 'utf8');
const make = (mode: LogMode, more: { maxFileBytes?: number; keep?: { single: number; daily: number } } = {}) =>
  createLog({ directory: dir, mode, clock, ...more });

test('one line per event, values that need it in quotes, null return path readable', async () => {
  const log = make('single');
  log.queued('Q1', { from: null, recipients: 2, size: 10, client: '127.0.0.1' });
  log.refused({ client: '192.0.2.1', command: 'RCPT TO:<x>', reply: '550 5.7.1 Relaying denied' });
  log.deferred('Q1', 'b@example.test', 'timeout', Date.UTC(2026, 10, 23, 13));
  await log.close();
  const lines = (await text()).split('\n');
  expect(lines.map((line) => line.replace(/^\S+ /, ''))).toEqual([
    'queued Q1 from=<> recipients=2 size=10 client=127.0.0.1',
    'refused client=192.0.2.1 command="RCPT TO:<x>" reply="550 5.7.1 Relaying denied"',
    'deferred Q1 to=b@example.test why=timeout next=2026-11-23T13:00:00.000Z',
    '',
  ]);
  expect(lines[0]).toMatch(/^2026-11-23T\d\d:00:00\.000Z /);
});

test('an attempt is told with its hop, phase, TLS and outcomes', async () => {
  const log = make('single');
  log.attempt('Q1', {
    attempt: 2,
    hop: { kind: 'gateway', host: 'smtp.example.test', port: 587, gatewayName: 'My ISP' },
    startedAt: 1000,
    endedAt: 1250,
    network: 'Home',
    phase: 'final',
    tls: { protocol: 'TLSv1.3', verified: true },
    outcomes: [
      { recipient: 1, verdict: { kind: 'delivered', reply: { code: 250, text: 'ok\nyes' } } },
      {
        recipient: 2,
        verdict: { kind: 'rejected', scope: 'recipient', status: '5.1.1', reply: { code: 550, text: 'no' } },
      },
      { recipient: 3, verdict: { kind: 'deferred', scope: 'host', status: '4.4.2', why: 'timeout' } },
    ],
  });
  await log.close();
  expect(await text()).toContain(
    'attempt Q1 attempt=2 hop=gateway:smtp.example.test:587 gateway="My ISP" network=Home phase=final tls="TLSv1.3 verified" ms=250 outcomes="1:delivered (250 ok\\x0ayes); 2:rejected 5.1.1 recipient (550 no); 3:deferred 4.4.2 host timeout "\n',
  );
});

describe('log injection', () => {
  test.each([
    ['a\r\nb', 'a\\x0d\\x0ab'],
    ['\u001b[2J', '\\x1b[2J'],
    ['\0', '\\x00'],
    ['a\u2028b\u0085c', 'a\\u{2028}b\\x85c'],
    ['\u202egnp', '\\u{202e}gnp'],
    ['back\\slash', 'back\\\\slash'],
    ['\ud800x', '\\u{d800}x'],
    ['Grüße 😀', 'Grüße 😀'],
  ])('%j', (raw, safe) => expect(escapeText(raw)).toBe(safe));

  test('no value of any event can begin a line or end a quoted value', async () => {
    const log = make('single');
    const evil = 'x"\n2026-01-01T00:00:00.000Z sent Q9 "to=a';
    log.refused({ client: evil, command: evil, reply: evil });
    log.note(evil, { [`key`]: evil });
    log.sent(evil, evil, evil, evil);
    log.conversation(evil, 'in', evil);
    log.problem('x', new Error(evil));
    await log.close();
    const lines = (await text()).trimEnd().split('\n');
    expect(lines.length).toBe(5);
    for (const line of lines) expect(line).toMatch(/^2026-11-23/);
    expect(lines[0]).toContain('x\\"\\x0a');
  });

  test('endless values are cut', () => expect(escapeText('x'.repeat(5000)).length).toBe(1001));
});

describe('files', () => {
  test('off writes nothing, not even a folder', async () => {
    const log = make('off');
    log.note('x');
    await log.close();
    await expect(stat(dir)).rejects.toThrow();
  });

  test.skipIf(!hasModeBits)('readable by the user alone', async () => {
    const log = make('single');
    log.note('x');
    await log.close();
    expectMode(join(dir, 'postcast.log'), 0o600);
    expectMode(dir, 0o700);
  });

  test('lines reach the file within a fifth of a second, without being asked', async () => {
    const log = make('single');
    log.note('one');
    log.note('two');
    await clock.advance(200);
    await expect.poll(() => text().catch(() => '')).toMatch(/one\n.*two\n/);
    await log.close();
  });

  test.each(['single', 'daily'] as const)('a file that the user removes begins anew: %s', async (mode) => {
    const name = mode === 'single' ? 'postcast.log' : 'postcast-2026-11-23.log';
    const log = make(mode);
    log.note('first');
    await log.flush();
    await rm(join(dir, name));
    log.note('second');
    await log.flush();
    expect(await text(name)).toMatch(/^\S+ second\n$/);
    await rm(dir, { recursive: true });
    log.note('third');
    await log.close();
    expect(await text(name)).toMatch(/^\S+ third\n$/);
  });

  test('one a day', async () => {
    const log = make('daily');
    log.note('first');
    await log.flush();
    await clock.advance(24 * 3600 * 1000);
    log.note('second');
    await log.close();
    expect((await readdir(dir)).sort()).toEqual(['postcast-2026-11-23.log', 'postcast-2026-11-24.log']);
    expect(await text('postcast-2026-11-24.log')).toMatch(/ second\n$/);
  });

  test('daily files past their number go, files of others stay', async () => {
    const log = make('daily', { keep: { single: 2, daily: 2 } });
    log.note('x');
    await log.flush();
    await writeFile(join(dir, 'notes-of-mine.log'), '');
    for (let day = 0; day < 4; day++) {
      await clock.advance(24 * 3600 * 1000);
      log.note('x');
      await log.flush();
    }
    await log.close();
    expect((await readdir(dir)).sort()).toEqual([
      'notes-of-mine.log',
      'postcast-2026-11-25.log',
      'postcast-2026-11-26.log',
      'postcast-2026-11-27.log',
    ]);
  });

  test('a full file is put aside, only so many are kept, nothing of the newest is lost', async () => {
    const log = make('single', { maxFileBytes: 200, keep: { single: 2, daily: 2 } });
    for (let i = 0; i < 20; i++) {
      log.note(`event-${i}`, { filler: 'x'.repeat(60) });
      await log.flush();
    }
    await log.close();
    expect((await readdir(dir)).sort()).toEqual(['postcast.1.log', 'postcast.2.log', 'postcast.log']);
    expect(await text()).toContain('event-19');
    for (const name of await readdir(dir)) expect((await stat(join(dir, name))).size).toBeLessThan(400);
  });

  test('mode can change while it runs; what was said before is kept where it belongs', async () => {
    const log = make('single');
    log.note('a');
    log.setMode('daily');
    log.note('b');
    log.setMode('off');
    log.note('c');
    log.setMode('single');
    log.note('d');
    await log.close();
    expect(await text()).toMatch(/ a\n.* d\n$/);
    expect(await text('postcast-2026-11-23.log')).toMatch(/^\S+ b\n$/);
  });

  test('a folder that cannot be written to loses lines and nothing else; they are counted when it works again', async () => {
    await writeFile(dir, 'a file where the folder should be');
    const log = make('single');
    log.note('lost');
    await log.flush();
    log.note('lost too');
    await log.flush();
    await rm(dir);
    log.note('kept');
    await log.close();
    expect(await text()).toMatch(/^2 lines of the log were lost\n\S+ kept\n$/);
  });

  test('the last lines before a crash are written at once', async () => {
    const log = make('single');
    log.note('last words');
    log.flushSync();
    expect(await text()).toMatch(/ last words\n$/);
    await log.close();
  });

  test('a flood that cannot be written is bounded and counted', async () => {
    await writeFile(dir, 'in the way');
    const log = make('single');
    for (let i = 0; i < 20_000; i++) log.note('flood', { filler: 'x'.repeat(200) });
    await log.flush();
    await rm(dir);
    log.note('after');
    await log.close();
    expect(await text()).toMatch(/^20000 lines of the log were lost\n\S+ after\n$/);
  });
});
