/** Takes what `postcast sendmail` dropped into the queue, with the same header rules as the listener (SPEC §8, §10). */
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { displayHeader } from '../listener/display-header.ts';
import { HeaderScanner, type HeaderFacts } from '../listener/header-scanner.ts';
import { formatDate } from '../listener/received-header.ts';
import { StoreError, type Clock, type Log, type StagedMessage } from '../ports.ts';
import { decodeEnvelope, MAX_ENVELOPE_BYTES, type DropEnvelope } from './drop-file.ts';

/** Options of createMaildrop. */
export interface MaildropOptions {
  /** `maildrop` of the profile; made if it is not there. */
  readonly directory: string;
  readonly store: { readonly stage: (id: string) => StagedMessage };
  readonly newQueueId: () => string;
  readonly clock: Clock;
  readonly log: Log;
  /** This computer's name, for Received and Message-ID. */
  readonly hostname: () => string;
}

/** See createMaildrop. */
export interface Maildrop {
  /** Takes everything that waits; how many messages there were. Rejects only if the folder cannot be read. */
  pickup(): Promise<number>;
}

const MAX_HEADER_BYTES = 1024 * 1024;
const MAX_HOPS = 100;
const CHUNK = 256 * 1024;
/** Windows does not have it. */
const NO_FOLLOW = (constants as { readonly O_NOFOLLOW?: number }).O_NOFOLLOW ?? 0;
/** Something half-written that old was left by a program that ended in mid-write. */
const STALE_MS = 36 * 3_600_000;

/** The message itself is at fault: it is put aside in `bad`, where a person can look at it. Nothing is thrown away. */
class BadDrop extends Error {}

/** Calls one after another share the work: a message is never taken twice in one run. */
export function createMaildrop(options: MaildropOptions): Maildrop {
  const { directory, store, clock, log } = options;
  const folder = (name: 'tmp' | 'new' | 'bad'): string => path.join(directory, name);
  /** In the queue, but the file could not be removed. */
  const taken = new Set<string>();
  let running: Promise<number> = Promise.resolve(0);

  async function take(name: string): Promise<boolean> {
    const file = path.join(folder('new'), name);
    const handle = await open(file, constants.O_RDONLY | NO_FOLLOW);
    try {
      await accept(handle);
    } catch (error) {
      if (!(error instanceof BadDrop)) throw error;
      await mkdir(folder('bad'), { recursive: true, mode: 0o700 });
      await rename(file, path.join(folder('bad'), name));
      log.problem(`maildrop ${name} was put aside`, error);
      return false;
    } finally {
      await handle.close();
    }
    taken.add(name);
    await unlink(file);
    taken.delete(name);
    return true;
  }

  async function accept(handle: FileHandle): Promise<void> {
    const { envelope, offset } = await readEnvelope(handle);
    const id = options.newQueueId();
    const at = clock.now();
    const staged = store.stage(id);
    try {
      const scanner = new HeaderScanner(MAX_HEADER_BYTES);
      let facts: HeaderFacts | null = null;
      let body8bit = false;
      let size = 0;
      const begin = async (): Promise<HeaderFacts> => {
        const header = scanner.facts();
        if (header.hops >= MAX_HOPS) throw new BadDrop('too many hops: this message goes in circles');
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
        if (where === 'too-big') throw new BadDrop('the header is too big');
        if (where === 'end') facts = await begin();
      }
      facts ??= await begin();
      const smtputf8 = [envelope.mailFrom ?? '', ...envelope.recipients].some((address) =>
        // eslint-disable-next-line no-control-regex -- the range is the point
        /[^\u0000-\u007f]/.test(address),
      );
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
    const date = formatDate(at, zone);
    const host = options.hostname();
    const received = `Received: by ${host} (PostCast Server, from userid ${envelope.uid})\r\n\tid ${id}; ${date}\r\n`;
    return [
      received,
      header.date ? '' : `Date: ${date}\r\n`,
      header.messageId === null ? `Message-ID: <${id}@${host}>\r\n` : '',
      header.headless ? '\r\n' : '',
    ].join('');
  }

  async function run(): Promise<number> {
    for (const name of ['tmp', 'new'] as const) await mkdir(folder(name), { recursive: true, mode: 0o700 });
    let count = 0;
    // Names begin with the time of dropping: oldest first.
    for (const name of (await readdir(folder('new'))).sort()) {
      if (taken.has(name)) continue;
      try {
        if (await take(name)) count++;
      } catch (error) {
        log.problem(`maildrop ${name} waits`, error);
        // The queue cannot take anything at the moment: what waits here is safe.
        if (error instanceof StoreError) break;
      }
    }
    await sweep();
    return count;
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
      const next = running.catch(() => 0).then(run);
      running = next;
      return next;
    },
  };
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
    if (bytesRead < buffer.length || buffer.length >= MAX_ENVELOPE_BYTES) throw new BadDrop('it has no envelope');
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
