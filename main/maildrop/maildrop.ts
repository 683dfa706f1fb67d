/**
 * Takes what `postcast sendmail` dropped into the queue, with the same header rules as the listener (spec §8, §10). Each
 * drop is taken once, whenever the program ends: that it was taken is recorded in the transaction that takes it.
 */
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { INTAKE } from '../../shared/limits.ts';
import { isAscii } from '../../shared/syntax.ts';
import { displayHeader } from '../message/display-header.ts';
import { HeaderScanner, type HeaderFacts } from '../message/header-scanner.ts';
import { formatMailDate } from '../message/mail-date.ts';
import type { Log } from '../log/log-port.ts';
import { StoreError, type MemoStore, type StagedMessage } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { decodeEnvelope, MAX_ENVELOPE_BYTES, type DropEnvelope } from './drop-file.ts';
import { dropFault, FAULT_WORDS, type DropFacts } from './drop-limits.ts';
import { syncFolder } from './sync-folder.ts';

export interface MaildropOptions {
  /** `maildrop` of the profile; made if it is not there. */
  readonly directory: string;
  readonly store: MemoStore & { readonly stage: (id: string) => StagedMessage };
  readonly newQueueId: () => string;
  readonly clock: Clock;
  readonly log: Log;
  /** This computer's name, for Received and Message-ID. */
  readonly hostname: () => string;
}

/** What came of looking into the folder. */
export interface PickedUp {
  /** Messages that are in the queue now. */
  readonly taken: number;
  /** Put aside this time, since they can never be queued. */
  readonly setAside: number;
  /** Why, of the last of them. */
  readonly whyAside: string;
  /** All that was put aside so far and still lies there. */
  readonly inBad: number;
  /** Why the queue takes nothing at present; null if it does. What it refused waits in the folder. */
  readonly refused: StoreError['reason'] | null;
  /** Names of those that wait for a reason of their own, which is tried again; with the first one's reason. */
  readonly waiting: readonly string[];
  readonly why: string;
}

/** See createMaildrop. */
export interface Maildrop {
  /** Takes everything that waits. Rejects only if the folder cannot be read. */
  pickup(): Promise<PickedUp>;
}

const CHUNK = 256 * 1024;
/** Windows has neither. */
const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as { readonly O_NOFOLLOW?: number; readonly O_NONBLOCK?: number };
/** Something half-written that old was left by a program that ended in mid-write. */
const STALE_MS = 36 * 3_600_000;

/** The message itself is at fault: it is put aside in `bad`, where a person can look at it. Nothing is thrown away. */
class BadDrop extends Error {}

/** What became of one drop. `isNew`: it came into the queue just now. */
type Outcome = { readonly isNew: boolean } & (
  | { readonly kind: 'gone' | 'no-room' }
  /** `size`: of one that found no room; null: the queue takes none at all. */
  | { readonly kind: 'refused'; readonly reason: StoreError['reason']; readonly size: number | null }
  | { readonly kind: 'waits' | 'aside'; readonly why: string }
);

interface Drops {
  readonly options: MaildropOptions;
  readonly folder: (name: 'tmp' | 'new' | 'bad') => string;
  /** Drops whose trouble is in the log already: they are tried again and again. */
  readonly complained: Set<string>;
}

/** Calls one after another share the work: a message is never taken twice in one run. */
export function createMaildrop(options: MaildropOptions): Maildrop {
  const drops: Drops = {
    options,
    folder: (name) => path.join(options.directory, name),
    complained: new Set(),
  };
  let running: Promise<unknown> = Promise.resolve();
  return {
    pickup: () => {
      const next = running.catch(() => undefined).then(() => pickUpAll(drops));
      running = next;
      return next;
    },
  };
}

async function pickUpAll(drops: Drops): Promise<PickedUp> {
  const { folder } = drops;
  for (const name of ['tmp', 'new'] as const) await mkdir(folder(name), { recursive: true, mode: 0o700 });
  let taken = 0;
  let setAside = 0;
  let whyAside = '';
  let refused: StoreError['reason'] | null = null;
  /** One that finds no room does not keep a smaller one from being taken. */
  let smallerThan = Infinity;
  const waiting: { readonly name: string; readonly why: string }[] = [];
  const removed: string[] = [];
  // Names begin with the time of dropping: oldest first.
  for (const name of (await readdir(folder('new'))).sort()) {
    const outcome = await pickUp(drops, name, smallerThan);
    if (outcome.isNew) taken += 1;
    if (outcome.kind === 'gone') removed.push(name);
    if (outcome.kind === 'aside') {
      setAside += 1;
      whyAside = outcome.why;
    }
    if (outcome.kind === 'waits') waiting.push({ name, why: outcome.why });
    if (outcome.kind !== 'refused') continue;
    refused = outcome.reason;
    if (outcome.size === null) break;
    smallerThan = Math.min(smallerThan, outcome.size);
  }
  await forgetTaken(drops, removed);
  await removeStale(drops);
  const inBad = (await readdir(folder('bad')).catch(() => [])).length;
  const names = waiting.map(({ name }) => name);
  return { taken, setAside, whyAside, inBad, refused, waiting: names, why: waiting[0]?.why ?? '' };
}

/** Never rejects: one bad drop does not hold up another. */
async function pickUp(drops: Drops, name: string, smallerThan: number): Promise<Outcome> {
  const { options, folder } = drops;
  let isNew = false;
  try {
    const known = (await options.store.getMemo(memoOf(name))) !== null;
    isNew = !known && (await take(drops, name, smallerThan));
    if (!known && !isNew) return { kind: 'no-room', isNew };
    await unlink(path.join(folder('new'), name));
    return { kind: 'gone', isNew };
  } catch (error) {
    try {
      if (error instanceof BadDrop) return { kind: 'aside', why: await putAside(drops, name, error), isNew };
    } catch (trouble) {
      return troubleWith(drops, name, trouble, isNew);
    }
    return troubleWith(drops, name, error, isNew);
  }
}

/** The memo that says that a drop was taken. */
function memoOf(name: string): string {
  return `drop:${name}`;
}

/** True: it is in the queue now and was not before; false: it is larger than what the disk has room for. */
async function take({ options, folder }: Drops, name: string, smallerThan: number): Promise<boolean> {
  // Without O_NONBLOCK, opening a pipe that was put here would wait for its other end.
  const handle = await open(path.join(folder('new'), name), constants.O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(
    (error: unknown) => {
      throw (error as NodeJS.ErrnoException).code === 'ELOOP' ? new BadDrop('it is a link') : error;
    },
  );
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new BadDrop('it is not a file');
    if (stats.size >= smallerThan) return false;
    await accept(options, handle, memoOf(name)).catch((error: unknown) => {
      throw error instanceof StoreError && error.reason === 'full' ? new NoRoom(stats.size, error.message) : error;
    });
    return true;
  } finally {
    await handle.close();
  }
}

/** Moves it into `bad`; returns why. */
async function putAside({ options, folder }: Drops, name: string, error: BadDrop): Promise<string> {
  await mkdir(folder('bad'), { recursive: true, mode: 0o700 });
  const there = await lstat(path.join(folder('bad'), name)).catch(() => null);
  const target = there === null ? name : `${name}-${options.clock.now()}`;
  await rename(path.join(folder('new'), name), path.join(folder('bad'), target));
  options.log.problem(`maildrop ${name} was put aside`, error);
  return error.message;
}

function troubleWith({ options, complained }: Drops, name: string, error: unknown, isNew: boolean): Outcome {
  if (!complained.has(name)) options.log.problem(`maildrop ${name} waits`, error);
  complained.add(name);
  if (error instanceof StoreError && error.reason !== 'other')
    return { kind: 'refused', reason: error.reason, size: error instanceof NoRoom ? error.size : null, isNew };
  return { kind: 'waits', why: wordsFor(error), isNew };
}

/** Puts one drop into the queue. Rejects with BadDrop, StoreError or the file system's error. */
async function accept(options: MaildropOptions, handle: FileHandle, takenMemo: string): Promise<void> {
  const { envelope, offset } = await readEnvelope(handle);
  const recipients = envelope.recipients.length;
  requireQueueable({ recipients, envelope: offset, headerTooBig: false, hops: 0 });
  const id = options.newQueueId();
  const acceptedAt = options.clock.now();
  const staged = options.store.stage(id);
  try {
    const prefixFor = (header: HeaderFacts): string => {
      requireQueueable({ recipients, envelope: offset, headerTooBig: false, hops: header.hops });
      return traceFields(options.hostname(), id, acceptedAt, envelope, header);
    };
    const { header, body8bit, size } = await copyMessage(handle, offset, staged, prefixFor);
    await staged.commit({
      id,
      acceptedAt,
      mailFrom: envelope.mailFrom,
      recipients: envelope.recipients.map((rcptTo) => ({ rcptTo, dsn: {} })),
      dsn: {},
      body8bit,
      smtputf8: ![envelope.mailFrom ?? '', ...envelope.recipients].every(isAscii),
      origin: { kind: 'sendmail' },
      subject: displayHeader(header.subject ?? ''),
      headerFrom: header.from === null ? null : displayHeader(header.from),
      messageId: header.messageId,
      takenMemo,
    });
    const client = `sendmail, user ${envelope.uid}`;
    options.log.queued(id, { from: envelope.mailFrom, recipients, size, client });
  } catch (error) {
    await staged.abort();
    throw error;
  }
}

function requireQueueable(facts: DropFacts): void {
  const fault = dropFault(facts);
  if (fault !== null) throw new BadDrop(FAULT_WORDS[fault]);
}

/** Copies the message into the store, our own fields in front once its header is known. */
async function copyMessage(
  handle: FileHandle,
  offset: number,
  staged: StagedMessage,
  prefixFor: (header: HeaderFacts) => string,
): Promise<{ readonly header: HeaderFacts; readonly body8bit: boolean; readonly size: number }> {
  const scanner = new HeaderScanner(INTAKE.header);
  let header: HeaderFacts | null = null;
  let body8bit = false;
  let size = 0;
  const begin = async (): Promise<HeaderFacts> => {
    const facts = scanner.facts();
    await staged.write(Buffer.from(prefixFor(facts), 'utf8'));
    const octets = scanner.octets();
    if (octets.length > 0) await staged.write(Uint8Array.from(octets));
    return facts;
  };
  for await (const chunk of chunks(handle, offset)) {
    size += chunk.length;
    body8bit ||= chunk.some((octet) => octet > 127);
    if (header !== null) {
      await staged.write(chunk);
      continue;
    }
    const where = scanner.push(chunk);
    if (where === 'too-big') throw new BadDrop(FAULT_WORDS['header-too-big']);
    if (where === 'end') header = await begin();
  }
  header ??= await begin();
  return { header, body8bit, size };
}

/** Our fields in front (RFC 5321 §4.4), and those that a message must have (RFC 6409 §8). */
function traceFields(host: string, id: string, at: number, envelope: DropEnvelope, header: HeaderFacts): string {
  const date = formatMailDate(at, -new Date(at).getTimezoneOffset());
  return [
    `Received: by ${host} (PostCast Server, from userid ${envelope.uid})\r\n\tid ${id}; ${date}\r\n`,
    header.date ? '' : `Date: ${date}\r\n`,
    header.messageId === null ? `Message-ID: <${id}@${host}>\r\n` : '',
    header.headless ? '\r\n' : '',
  ].join('');
}

/** A power cut must not bring a file back whose memo is gone: the folder is synced first. */
async function forgetTaken({ options, folder, complained }: Drops, removed: readonly string[]): Promise<void> {
  if (removed.length === 0) return;
  try {
    await syncFolder(folder('new'));
    for (const name of removed) {
      complained.delete(name);
      await options.store.setMemo(memoOf(name), null);
    }
  } catch (error) {
    // The memos stay for longer than they need.
    options.log.problem('maildrop', error);
  }
}

/** Removes what a program that ended in the middle of writing left behind. */
async function removeStale({ options, folder }: Drops): Promise<void> {
  const now = options.clock.now();
  for (const name of await readdir(folder('tmp'))) {
    const file = path.join(folder('tmp'), name);
    const age = now - ((await stat(file).catch(() => null))?.mtimeMs ?? now);
    if (age > STALE_MS) await unlink(file).catch(() => undefined);
  }
}

/** The disk has no room for a drop of this size. */
class NoRoom extends StoreError {
  readonly size: number;
  constructor(size: number, message: string) {
    super('full', message);
    this.size = size;
  }
}

/** The system's own word for it ("EACCES"), or the message of ours. */
function wordsFor(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code ?? (error instanceof Error ? error.message : String(error));
}

async function readEnvelope(handle: FileHandle): Promise<{ readonly envelope: DropEnvelope; readonly offset: number }> {
  for (let size = 4096; ; size *= 8) {
    const buffer = Buffer.alloc(Math.min(size, MAX_ENVELOPE_BYTES));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    const head = buffer.subarray(0, bytesRead);
    const end = head.indexOf(0x0a);
    if (end !== -1) {
      const envelope = decodeEnvelope(head.subarray(0, end).toString('utf8'));
      if (envelope === null) throw new BadDrop('its first line is not an envelope');
      return { envelope, offset: end + 1 };
    }
    if (bytesRead < buffer.length) throw new BadDrop('it has no envelope');
    if (buffer.length >= MAX_ENVELOPE_BYTES) throw new BadDrop(FAULT_WORDS['envelope-too-long']);
  }
}

async function* chunks(handle: FileHandle, from: number): AsyncGenerator<Uint8Array> {
  for (let position = from; ;) {
    // A new buffer each time: the store may still be busy with the last one.
    const buffer = Buffer.allocUnsafe(CHUNK);
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
