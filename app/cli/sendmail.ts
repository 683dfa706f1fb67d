/**
 * `postcast sendmail`: takes a message on standard input like sendmail(8), also while the program is not running. Exit
 * code 0 means that the message is on disk, synced; the program takes it into its queue at once, or when it starts.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { connectControl } from '../../main/control/control-client.ts';
import { controlPlace, defaultProfile, thisComputer } from '../../main/control/profile-path.ts';
import { encodeEnvelope, isDroppable } from '../../main/maildrop/drop-file.ts';
import { parseAddressList, recipientsOf } from '../../main/maildrop/header-recipients.ts';
import { printable } from './format.ts';
import { LineEnds } from './line-ends.ts';
import type { Terminal } from './run.ts';
import { parseSendmail, qualify } from './sendmail-args.ts';

/** sysexits(3): what callers of sendmail look at. */
const EX = { ok: 0, usage: 64, dataErr: 65, cantCreate: 73, tempFail: 75 } as const;

const MAX_HEADER = 1024 * 1024;
/** How long the running program may take to answer; the message is safe either way. */
const POKE_MS = 2_000;

/** `argv`: what stands behind `sendmail`. Returns the exit code. */
export async function sendmail(argv: readonly string[], terminal: Pick<Terminal, 'input' | 'error'>): Promise<number> {
  const complain = (code: number, message: string): number => {
    terminal.error(`postcast sendmail: ${printable(message)}\n`);
    return code;
  };
  const parsed = parseSendmail(argv);
  if (!parsed.ok) return complain(EX.usage, parsed.message);
  const { args } = parsed;
  if (!args.fromHeader && args.recipients.length === 0)
    return complain(EX.usage, 'no recipients: name them, or use -t');

  const lines = new LineEnds(!args.ignoreDots);
  const input = messageChunks(terminal.input, lines);
  const { header, rest, ended } = await readHeader(input);
  const host = os.hostname();
  const read = recipientsOf(header);
  const inHeader = args.fromHeader ? read.recipients.map(fromLatin1) : [];
  const recipients = [
    ...new Set([...args.recipients.flatMap(addressesIn), ...inHeader].map((one) => qualify(one, host))),
  ];
  if (recipients.length === 0) return complain(EX.dataErr, 'the header names no recipients');
  const sender = qualify(args.sender ?? (read.from === null ? os.userInfo().username : fromLatin1(read.from)), host);
  const wrong = [...recipients, ...(sender === '' ? [] : [sender])].find((one) => !isDroppable(one));
  if (wrong !== undefined) return complain(EX.dataErr, `"${wrong}" is not an e-mail address`);

  let profile: string;
  let name: string;
  try {
    profile = openProfile(args.profile);
    const folder = path.join(profile, 'maildrop');
    for (const part of ['tmp', 'new']) await mkdir(path.join(folder, part), { recursive: true, mode: 0o700 });
    name = `${Date.now()}.${process.pid}.${randomBytes(6).toString('hex')}`;
    const temporary = path.join(folder, 'tmp', name);
    const envelope = {
      version: 1,
      mailFrom: sender === '' ? null : sender,
      recipients,
      uid: process.getuid?.() ?? -1,
    } as const;
    try {
      await writeSynced(temporary, async function* () {
        yield Buffer.from(encodeEnvelope(envelope), 'utf8');
        yield Buffer.from(args.fromHeader ? read.header : header, 'latin1');
        yield rest;
        if (!ended) yield* input;
      });
      await rename(temporary, path.join(folder, 'new', name));
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
    await syncFolder(path.join(folder, 'new'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return complain(
      code === 'ENOSPC' || code === 'EDQUOT' ? EX.tempFail : EX.cantCreate,
      `the message could not be kept: ${message}`,
    );
  }
  await poke(profile);
  return EX.ok;
}

/** An argument may be a list, with names (cron hands over MAILTO=ann@x,bob@y as one). What hides control characters is left to be refused. */
function addressesIn(argument: string): readonly string[] {
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  return /[,<]/.test(argument) && !/[\u0000-\u001f\u007f]/.test(argument) ? parseAddressList(argument) : [argument];
}

/** The header is carried as latin1; an address in it is UTF-8 (RFC 6532). */
function fromLatin1(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}

function openProfile(written: string | null): string {
  const wanted = written === null ? defaultProfile(thisComputer(os)) : path.resolve(written);
  mkdirSync(wanted, { recursive: true, mode: 0o700 });
  return realpathSync.native(wanted);
}

async function* messageChunks(input: AsyncIterable<Uint8Array>, lines: LineEnds): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) {
    const octets = lines.push(chunk);
    if (octets.length > 0) yield octets;
    if (lines.done) return;
  }
  const last = lines.finish();
  if (last.length > 0) yield last;
}

/** Reads until the blank line; header as latin1, so that not an octet is lost. */
async function readHeader(
  input: AsyncGenerator<Uint8Array>,
): Promise<{ readonly header: string; readonly rest: Uint8Array; readonly ended: boolean }> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const next = await input.next();
    if (next.done !== true) {
      parts.push(next.value);
      size += next.value.length;
    }
    const all = Buffer.concat(parts);
    const end = all.subarray(0, 2).toString('latin1') === '\r\n' ? 0 : all.indexOf('\r\n\r\n');
    if (end !== -1) {
      const cut = end === 0 ? 0 : end + 2;
      return { header: all.subarray(0, cut).toString('latin1'), rest: all.subarray(cut), ended: next.done === true };
    }
    if (next.done === true || size > MAX_HEADER)
      return { header: all.toString('latin1'), rest: new Uint8Array(), ended: next.done === true };
  }
}

async function writeSynced(file: string, chunks: () => AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    for await (const chunk of chunks()) await handle.writeFile(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The name in the folder must survive a power cut as well. Windows cannot sync a folder. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Tells the running program, if there is one. Whatever happens, the message is kept. */
async function poke(profile: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const client = await connectControl(controlPlace(profile, thisComputer(os)).address);
    if (client === null) return;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, POKE_MS)));
    await Promise.race([client.call('control.pickup', {}), late]);
    client.close();
  } catch {
    // It will look into the folder when it starts.
  } finally {
    clearTimeout(timer);
  }
}
