import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeEnvelope } from '../../../main/maildrop/drop-file.ts';
import { createMaildrop } from '../../../main/maildrop/maildrop.ts';
import type { Log } from '../../../main/log/log-port.ts';
import { StoreError, type NewMessage, type StagedMessage } from '../../../main/queue/queue-store.ts';
import { hasPipeFiles } from '../../support/unix-files.ts';

const NOW = Date.UTC(2026, 10, 23, 10, 0);
let directory: string;
let committed: { message: NewMessage; text: string }[];
let aborted: number;
let problems: string[];
let failWith: StoreError | null;
/** Memos of the store; those of messages are written with them. */
let memos: Map<string, string>;
/** The program ends between the commit and what comes after it. */
let killed: boolean;
/** Subject of the only message that failWith is for; null: for all. */
let failFor: string | null;

/** The store's way in, without what is behind it: the drop folder needs to know only what was committed. */
function stage(id: string): StagedMessage {
  const parts: Uint8Array[] = [];
  return {
    write: async (chunk) => {
      parts.push(Uint8Array.from(chunk));
    },
    commit: async (message) => {
      if (failWith !== null && (failFor === null || message.subject.startsWith(failFor))) throw failWith;
      expect(message.id).toBe(id);
      committed.push({ message, text: Buffer.concat(parts).toString('latin1') });
      if (message.takenMemo !== undefined) memos.set(message.takenMemo, id);
      if (killed) throw new StoreError('closed', 'killed');
    },
    abort: async () => {
      aborted++;
    },
  };
}

function open() {
  let n = 0;
  return createMaildrop({
    directory,
    store: {
      stage,
      getMemo: async (key) => Promise.resolve(memos.get(key) ?? null),
      setMemo: async (key, value) => {
        if (value === null) memos.delete(key);
        else memos.set(key, value);
        return Promise.resolve();
      },
    },
    newQueueId: () => `Q${++n}`,
    clock: { now: () => NOW, monotonic: () => 0, after: () => () => undefined },
    log: {
      queued: () => undefined,
      problem: (event: string, error: unknown) => problems.push(`${event}: ${(error as Error).message}`),
    } as unknown as Log,
    hostname: () => 'laptop.example.test',
  });
}

async function drop(
  name: string,
  text: string,
  envelope: object = { version: 1, mailFrom: 'ann@example.test', recipients: ['bob@example.test'], uid: 1000 },
) {
  await mkdir(path.join(directory, 'new'), { recursive: true });
  await writeFile(path.join(directory, 'new', name), encodeEnvelope(envelope as never) + text, 'latin1');
}
const inFolder = (name: string): Promise<string[]> => readdir(path.join(directory, name)).catch(() => []);

beforeEach(async () => {
  directory = path.join(await mkdtemp(path.join(tmpdir(), 'pc-drop-')), 'maildrop');
  committed = [];
  problems = [];
  aborted = 0;
  failWith = null;
  memos = new Map();
  killed = false;
  failFor = null;
});
afterEach(() => rm(path.dirname(directory), { recursive: true, force: true }));

describe('the drop folder', () => {
  it('is made when it is not there, and empty', async () => {
    expect((await open().pickup()).taken).toBe(0);
    expect((await inFolder('new')).concat(await inFolder('tmp'))).toEqual([]);
  });

  it('gives its messages to the queue, oldest first, with one Received line and nothing else changed', async () => {
    const text =
      'Date: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <x@y>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n.dots\r\n';
    await drop('2', 'Subject: two\r\n\r\n\xe4\r\n');
    await drop('1', text);
    expect((await open().pickup()).taken).toBe(2);
    expect(committed.map((one) => one.message.subject)).toEqual(['Grüße', 'two']);
    const [first, second] = committed;
    expect(first?.text).toMatch(
      /^Received: by laptop\.example\.test \(PostCast Server, from userid 1000\)\r\n\tid Q1; .*2026.*\r\nDate: Mon, 23 Nov/,
    );
    expect(first?.text.endsWith(text)).toBe(true);
    expect(first?.message).toMatchObject({
      mailFrom: 'ann@example.test',
      recipients: [{ rcptTo: 'bob@example.test', dsn: {} }],
      origin: { kind: 'sendmail' },
      body8bit: false,
      smtputf8: false,
      messageId: '<x@y>',
      acceptedAt: NOW,
    });
    expect(second?.message.body8bit).toBe(true);
    expect(await inFolder('new')).toEqual([]);
  });

  it('adds Date and Message-ID where they are missing, and a blank line where there is no header', async () => {
    await drop('1', 'Just text.\r\n');
    await open().pickup();
    expect(committed[0]?.text).toMatch(
      /^Received: [^\r]*\r\n\t[^\r]*\r\nDate: [^\r]+\r\nMessage-ID: <Q1@laptop\.example\.test>\r\n\r\nJust text\.\r\n$/,
    );
  });

  it('takes an empty message and the null reverse-path', async () => {
    await drop('1', '', { version: 1, mailFrom: null, recipients: ['bob@bücher.test'], uid: 0 });
    expect((await open().pickup()).taken).toBe(1);
    expect(committed[0]?.message).toMatchObject({ mailFrom: null, smtputf8: true });
  });

  it('takes a large message and many recipients octet for octet', async () => {
    const body = 'x'.repeat(76).concat('\r\n').repeat(20_000);
    const recipients = Array.from({ length: 3000 }, (_, i) => `user${i}@example.test`);
    await drop('1', `Subject: big\r\n\r\n${body}`, { version: 1, mailFrom: null, recipients, uid: 0 });
    expect((await open().pickup()).taken).toBe(1);
    expect(committed[0]?.text.endsWith(`\r\nSubject: big\r\n\r\n${body}`)).toBe(true);
    expect(committed[0]?.message.recipients).toHaveLength(3000);
  });

  it.each<[string, string]>([
    ['an envelope that is none', 'not json\nSubject: x\r\n\r\n'],
    ['no envelope at all', ''],
    ['no recipients', '{"version":1,"mailFrom":null,"recipients":[]}\nx'],
    ['a recipient that would break out', '{"version":1,"mailFrom":null,"recipients":["a@b.test>\\r\\nDATA"]}\nx'],
    ['another version', '{"version":2,"mailFrom":null,"recipients":["a@b.test"]}\nx'],
    [
      'a loop',
      `${encodeEnvelope({ version: 1, mailFrom: null, recipients: ['a@b.test'], uid: 0 })}${'Received: by x; y\r\n'.repeat(100)}\r\nx`,
    ],
    [
      'a header without end',
      `${encodeEnvelope({ version: 1, mailFrom: null, recipients: ['a@b.test'], uid: 0 })}${`X: ${'y'.repeat(900)}\r\n`.repeat(1300)}`,
    ],
  ])('puts a file with %s aside and goes on', async (_name, content) => {
    await mkdir(path.join(directory, 'new'), { recursive: true });
    await writeFile(path.join(directory, 'new', '1'), content);
    await drop('2', 'Subject: fine\r\n\r\n');
    expect((await open().pickup()).taken).toBe(1);
    expect(committed.map((one) => one.message.subject)).toEqual(['fine']);
    expect(await inFolder('bad')).toEqual(['1']);
    expect(problems).toHaveLength(1);
  });

  it('puts aside what no queue could hold, and takes a long list of recipients that it can', async () => {
    const list = (count: number, length: number, filler = 'x') =>
      Array.from({ length: count }, (_, i) => `${String(i).padStart(length, filler)}@example.test`);
    const of = (recipients: readonly string[]) => ({ version: 1, mailFrom: null, recipients, uid: 0 });
    await drop('1', 'Subject: a\r\n\r\n', of(list(70_000, 6)));
    await drop('2', 'Subject: b\r\n\r\n', of(list(60_000, 241, '\\')));
    await drop('3', 'Subject: c\r\n\r\n', of(list(40_000, 40)));
    const found = await open().pickup();
    expect(found).toMatchObject({ taken: 1, setAside: 2, inBad: 2, refused: null, waiting: [] });
    expect(committed.map(({ message }) => [message.subject, message.recipients.length])).toEqual([['c', 40_000]]);
    expect(problems.map((line) => line.replace(/: send.*/, ''))).toEqual([
      'maildrop 1 was put aside: it has more than 65536 recipients',
      'maildrop 2 was put aside: its list of recipients is longer than 16 MiB',
    ]);
  });

  it('leaves what has trouble of its own where it is, says so once, and takes the others', async () => {
    await drop('1', 'Subject: odd\r\n\r\n');
    await drop('2', 'Subject: fine\r\n\r\n');
    await drop('3', 'Subject: fine\r\n\r\n');
    const maildrop = open();
    failWith = new StoreError('other', 'I will not have this one');
    failFor = 'odd';
    const found = [await maildrop.pickup(), await maildrop.pickup()];
    expect(found.map(({ taken }) => taken)).toEqual([2, 0]);
    expect(found[1]).toMatchObject({ waiting: ['1'], why: 'I will not have this one', refused: null });
    expect(problems).toHaveLength(1);
    failWith = null;
    expect(await maildrop.pickup()).toMatchObject({ taken: 1, waiting: [] });
    expect(await inFolder('new')).toEqual([]);
  });

  it('takes small ones while there is no room for a large one', async () => {
    await drop('1', `Subject: large\r\n\r\n${'x'.repeat(5000)}`);
    await drop('2', `Subject: larger\r\n\r\n${'x'.repeat(6000)}`);
    await drop('3', 'Subject: small\r\n\r\n');
    failWith = new StoreError('full', 'disk full');
    failFor = 'large';
    const maildrop = open();
    expect(await maildrop.pickup()).toMatchObject({ taken: 1, refused: 'full' });
    expect(await inFolder('new')).toEqual(['1', '2']);
    failWith = null;
    expect((await maildrop.pickup()).taken).toBe(2);
  });

  it('takes a message once though the program ends between queueing it and removing the file', async () => {
    await drop('1', 'Subject: once\r\n\r\n');
    killed = true;
    expect(await open().pickup()).toMatchObject({ refused: 'closed' });
    expect([committed.length, await inFolder('new')]).toEqual([1, ['1']]);
    killed = false;
    const again = open();
    expect(await again.pickup()).toMatchObject({ taken: 0, refused: null });
    expect([committed.length, await inFolder('new')]).toEqual([1, []]);
    expect(memos.size).toBe(0);
  });

  it('keeps everything while the queue takes nothing, and gives it later', async () => {
    await drop('1', 'Subject: a\r\n\r\n');
    await drop('2', 'Subject: b\r\n\r\n');
    failWith = new StoreError('full', 'disk full');
    const maildrop = open();
    expect((await maildrop.pickup()).taken).toBe(0);
    expect([await inFolder('new'), aborted]).toEqual([['1', '2'], 1]);
    failWith = null;
    expect((await maildrop.pickup()).taken).toBe(2);
  });

  it('takes a message once though it is asked twice at the same time', async () => {
    for (let i = 0; i < 20; i++) await drop(`m${i}`, `Subject: ${i}\r\n\r\n`);
    const maildrop = open();
    const counts = await Promise.all([maildrop.pickup(), maildrop.pickup(), maildrop.pickup()]);
    expect(counts.reduce((sum, { taken }) => sum + taken, 0)).toBe(20);
    expect(committed).toHaveLength(20);
  });

  it.skipIf(!hasPipeFiles)('does not follow links, and waits at no pipe', async () => {
    await mkdir(path.join(directory, 'new'), { recursive: true });
    await writeFile(
      path.join(directory, 'elsewhere'),
      `${encodeEnvelope({ version: 1, mailFrom: null, recipients: ['a@b.test'], uid: 0 })}secret`,
    );
    await symlink(path.join(directory, 'elsewhere'), path.join(directory, 'new', '1'));
    execFileSync('mkfifo', [path.join(directory, 'new', '2')]);
    await mkdir(path.join(directory, 'new', '3'));
    await drop('4', 'Subject: fine\r\n\r\n');
    expect(await open().pickup()).toMatchObject({ taken: 1, setAside: 3, waiting: [] });
    expect(committed.map(({ message }) => message.subject)).toEqual(['fine']);
    expect(await inFolder('bad')).toEqual(['1', '2', '3']);
  });

  it('never writes over what was put aside before', async () => {
    for (let i = 0; i < 2; i++) {
      await mkdir(path.join(directory, 'new'), { recursive: true });
      await writeFile(path.join(directory, 'new', '1'), 'rubbish');
      await open().pickup();
    }
    expect(await inFolder('bad')).toHaveLength(2);
  });

  it('sweeps what a killed sendmail left half-written long ago, and nothing newer', async () => {
    await mkdir(path.join(directory, 'tmp'), { recursive: true });
    for (const [name, hours] of [
      ['old', 40],
      ['young', 1],
    ] as const) {
      await writeFile(path.join(directory, 'tmp', name), 'x');
      await utimes(path.join(directory, 'tmp', name), NOW / 1000, NOW / 1000 - hours * 3600);
    }
    await open().pickup();
    expect(await inFolder('tmp')).toEqual(['young']);
  });
});
