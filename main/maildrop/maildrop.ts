/**
 * Takes what `postcast sendmail` dropped into the queue, with the same header rules as the listener (spec §8, §10). Each
 * drop is taken once, whatever ends the program when: that it was taken is written down in the transaction that takes it.
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
import { StoreError, type QueueStore, type StagedMessage } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { decodeEnvelope, MAX_ENVELOPE_BYTES, type DropEnvelope } from './drop-file.ts';
import { dropFault, FAULT_WORDS } from './drop-limits.ts';
import { syncFolder } from './sync-folder.ts';

/** Options of createMaildrop. */
export interface MaildropOptions {
  /** `maildrop` of the profile; made if it is not there. */
  readonly directory: string;
  readonly store: Pick<QueueStore, 'getMemo' | 'setMemo'> & { readonly stage: (id: string) => StagedMessage };
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

/** What became of one drop. `size`: of one that found no room; null: the queue takes none at all. */
type Outcome =
  | { readonly kind: 'gone' | 'no-room' }
  | { readonly kind: 'refused'; readonly reason: StoreError['reason']; readonly size: number | null }
  | { readonly kind: 'waits' | 'aside'; readonly why: string };

/** Calls one after another share the work: a message is never taken twice in one run. */
export function createMaildrop(options: MaildropOptions): Maildrop {
  const { directory, store, clock, log } = options;
  const folder = (name: 'tmp' | 'new' | 'bad'): string => path.join(directory, name);
  const memoOf = (name: string): string => `drop:${name}`;
  /** Drops whose trouble is in the log already: they are looked at again and again. */
  const complained = new Set<string>();
  let running: Promise<unknown> = Promise.resolve();

  /** True if it is in the queue now and was not before; false if it is larger than what the disk has room for. */
  async function take(name: string, smallerThan: number): Promise<boolean> {
    // Nobody waits for the other end of a pipe that somebody put here.
    const handle = await open(path.join(folder('new'), name), constants.O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(
      (error: unknown) => {
        throw (error as NodeJS.ErrnoException).code === 'ELOOP' ? new BadDrop('it is a link') : error;
      },
    );
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new BadDrop('it is not a file');
      if (stats.size >= smallerThan) return false;
      await accept(handle, memoOf(name)).catch((error: unknown) => {
        throw error instanceof StoreError && error.reason === 'full' ? new NoRoom(stats.size, error.message) : error;
      });
      return true;
    } finally {
      await handle.close();
    }
  }

  /** Never rejects: one bad drop does not hold up another. `isNew`: it came into the queue just now. */
  async function one(name: string, smallerThan: number): Promise<Outcome & { readonly isNew: boolean }> {
    let isNew = false;
    try {
      const known = (await store.getMemo(memoOf(name))) !== null;
      isNew = !known && (await take(name, smallerThan));
      if (!known && !isNew) return { kind: 'no-room', isNew };
      await unlink(path.join(folder('new'), name));
      return { kind: 'gone', isNew };
    } catch (error) {
      try {
        if (error instanceof BadDrop) return { ...(await putAside(name, error)), isNew };
      } catch (trouble) {
        return { ...troubleWith(name, trouble), isNew };
      }
      return { ...troubleWith(name, error), isNew };
    }
  }

  async function putAside(name: string, error: BadDrop): Promise<Outcome> {
    await mkdir(folder('bad'), { recursive: true, mode: 0o700 });
    const there = await lstat(path.join(folder('bad'), name)).catch(() => null);
    const target = there === null ? name : `${name}-${clock.now()}`;
    await rename(path.join(folder('new'), name), path.join(folder('bad'), target));
    log.problem(`maildrop ${name} was put aside`, error);
    return { kind: 'aside', why: error.message };
  }

  function troubleWith(name: string, error: unknown): Outcome {
    if (!complained.has(name)) log.problem(`maildrop ${name} waits`, error);
    complained.add(name);
    if (error instanceof StoreError && error.reason !== 'other')
      return { kind: 'refused', reason: error.reason, size: error instanceof NoRoom ? error.size : null };
    return { kind: 'waits', why: wordsFor(error) };
  }

  async function accept(handle: FileHandle, takenMemo: string): Promise<void> {
    const { envelope, offset } = await readEnvelope(handle);
    const check = (header: Pick<HeaderFacts, 'hops'>, headerTooBig: boolean): void => {
      const { length } = envelope.recipients;
      const fault = dropFault({ recipients: length, envelope: offset, headerTooBig, hops: header.hops });
      if (fault !== null) throw new BadDrop(FAULT_WORDS[fault]);
    };
    check({ hops: 0 }, false);
    const id = options.newQueueId();
    const at = clock.now();
    const staged = store.stage(id);
    try {
      const scanner = new HeaderScanner(INTAKE.header);
      let facts: HeaderFacts | null = null;
      let body8bit = false;
      let size = 0;
      const begin = async (): Promise<HeaderFacts> => {
        const header = scanner.facts();
        check(header, false);
        await staged.write(Buffer.from(prefix(id, at, envelope, header), 'utf8'));
        const octets = scanner.octets();
        if (octets.length > 0) await staged.write(Uint8Array.from(octets));
        return header;
      };
      for await (const chunk of chunks(handle, offset)) {
        size += chunk.length;
        body8bit ||= chunk.some((octet) => octet > 127);
        if (facts !== null) {
          await staged.write(chunk);
          continue;
        }
        const where = scanner.push(chunk);
        if (where === 'too-big') check(scanner.facts(), true);
        if (where === 'end') facts = await begin();
      }
      facts ??= await begin();
      const smtputf8 = ![envelope.mailFrom ?? '', ...envelope.recipients].every(isAscii);
      await staged.commit({
        id,
        acceptedAt: at,
        mailFrom: envelope.mailFrom,
        recipients: envelope.recipients.map((rcptTo) => ({ rcptTo, dsn: {} })),
        dsn: {},
        body8bit,
        smtputf8,
        origin: { kind: 'sendmail' },
        subject: displayHeader(facts.subject ?? ''),
        headerFrom: facts.from === null ? null : displayHeader(facts.from),
        messageId: facts.messageId,
        takenMemo,
      });
      log.queued(id, {
        from: envelope.mailFrom,
        recipients: envelope.recipients.length,
        size,
        client: `sendmail, user ${envelope.uid}`,
      });
    } catch (error) {
      await staged.abort();
      throw error;
    }
  }

  /** Our fields in front (RFC 5321 §4.4), and those that a message must have (RFC 6409 §8). */
  function prefix(id: string, at: number, envelope: DropEnvelope, header: HeaderFacts): string {
    const zone = -new Date(at).getTimezoneOffset();
    const date = formatMailDate(at, zone);
    const host = options.hostname();
    const received = `Received: by ${host} (PostCast Server, from userid ${envelope.uid})\r\n\tid ${id}; ${date}\r\n`;
    return [
      received,
      header.date ? '' : `Date: ${date}\r\n`,
      header.messageId === null ? `Message-ID: <${id}@${host}>\r\n` : '',
      header.headless ? '\r\n' : '',
    ].join('');
  }

  async function run(): Promise<PickedUp> {
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
      const outcome = await one(name, smallerThan);
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
    await forget(removed);
    await sweep();
    const inBad = (await readdir(folder('bad')).catch(() => [])).length;
    return {
      taken,
      setAside,
      whyAside,
      inBad,
      refused,
      waiting: waiting.map(({ name }) => name),
      why: waiting[0]?.why ?? '',
    };
  }

  /** A power cut must not bring back a file once it is forgotten that it was taken. */
  async function forget(removed: readonly string[]): Promise<void> {
    if (removed.length === 0) return;
    try {
      await syncFolder(folder('new'));
      for (const name of removed) {
        complained.delete(name);
        await store.setMemo(memoOf(name), null);
      }
    } catch (error) {
      // Then it is remembered for longer than it need be.
      log.problem('maildrop', error);
    }
  }

  async function sweep(): Promise<void> {
    for (const name of await readdir(folder('tmp'))) {
      const file = path.join(folder('tmp'), name);
      const age = clock.now() - ((await stat(file).catch(() => null))?.mtimeMs ?? clock.now());
      if (age > STALE_MS) await unlink(file).catch(() => undefined);
    }
  }

  return {
    pickup: () => {
      const next = running.catch(() => undefined).then(run);
      running = next;
      return next;
    },
  };
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
