/**
 * `postcast sendmail`: takes a message on standard input like sendmail(8), also while the program is not running. Exit
 * code 0 means that the message is on disk, synced; the program takes it into its queue at once, or when it starts.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { mkdir, open, readFile, rename, statfs, unlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { connectControl } from '../../main/control/control-client.ts';
import { requireOwnFolder, ForeignOwnerError } from '../../main/control/own-place.ts';
import { controlPlace, defaultProfile, thisComputer } from '../../main/control/profile-path.ts';
import { HeaderScanner } from '../../main/message/header-scanner.ts';
import { encodeEnvelope, isDroppable } from '../../main/maildrop/drop-file.ts';
import { dropFault, FAULT_WORDS, largestMessage } from '../../main/maildrop/drop-limits.ts';
import { parseAddressList, recipientsOf } from '../../main/message/header-recipients.ts';
import { syncFolder } from '../../main/maildrop/sync-folder.ts';
import { INTAKE } from '../../shared/limits.ts';
import { printable } from './format.ts';
import { HELP } from './help.ts';
import { LineEnds } from './line-ends.ts';
import type { Terminal } from './run.ts';
import { parseSendmail, qualify, type SendmailArgs } from './sendmail-args.ts';

/** sysexits(3): what callers of sendmail look at. */
const EX = { ok: 0, usage: 64, dataErr: 65, unavailable: 69, cantCreate: 73, tempFail: 75, noPerm: 77 } as const;

/** How long the running program may take to answer; the message is safe either way. */
const POKE_MS = 2_000;

/** Ends it with words for the caller; nothing was taken. */
class Refusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** `argv`: what stands behind `sendmail`, global options included. Returns the exit code. */
export async function sendmail(
  argv: readonly string[],
  terminal: Pick<Terminal, 'input' | 'error' | 'out'>,
): Promise<number> {
  const parsed = parseSendmail(argv);
  const json = parsed.ok ? parsed.args.json : argv.includes('--json');
  try {
    if (!parsed.ok) throw new Refusal(EX.usage, parsed.message);
    if (parsed.args.help) {
      await terminal.out(`${HELP}\n`);
      return EX.ok;
    }
    const profile = await keep(parsed.args, terminal.input);
    await poke(profile, (message) => terminal.error(`postcast sendmail: ${printable(message)}\n`));
    if (json) await terminal.out('{"taken":true}\n');
    return EX.ok;
  } catch (error) {
    const { code, message } = error instanceof Refusal ? error : asRefusal(error as NodeJS.ErrnoException);
    if (json) await terminal.out(`${JSON.stringify({ error: { code: 'refused', message } })}\n`);
    else terminal.error(`postcast sendmail: ${printable(message)}\n`);
    return code;
  }
}

function asRefusal(error: NodeJS.ErrnoException): Refusal {
  const message = `the message could not be kept: ${error.message}`;
  if (error instanceof ForeignOwnerError) return new Refusal(EX.noPerm, message);
  return new Refusal(error.code === 'ENOSPC' || error.code === 'EDQUOT' ? EX.tempFail : EX.cantCreate, message);
}

/** Puts the message on the disk, synced, or throws: Refusal if it cannot come into the queue. Returns the profile's folder. */
async function keep(args: SendmailArgs, standardInput: AsyncIterable<Uint8Array>): Promise<string> {
  if (!args.fromHeader && args.recipients.length === 0)
    throw new Refusal(EX.usage, 'no recipients: name them, or use -t');
  const input = messageChunks(standardInput, new LineEnds(!args.ignoreDots));
  const { header, rest, ended } = await readHeader(input);
  const read = recipientsOf(header);
  const { sender, recipients } = envelopeOf(args, read);
  const head = Buffer.from(args.fromHeader ? read.header : header, 'latin1');
  const envelope = Buffer.from(
    encodeEnvelope({
      version: 1,
      mailFrom: sender === '' ? null : sender,
      recipients,
      uid: process.getuid?.() ?? -1,
    }),
    'utf8',
  );
  const scanner = new HeaderScanner(INTAKE.header);
  const headerTooBig = scanner.push(Buffer.concat([head, rest])) === 'too-big';
  const fault = dropFault({
    recipients: recipients.length,
    envelope: envelope.length,
    headerTooBig,
    hops: scanner.facts().hops,
  });
  if (fault !== null) {
    const ours = fault === 'too-many-recipients' || fault === 'envelope-too-long';
    throw new Refusal(ours ? EX.unavailable : EX.dataErr, `the message is not taken: ${FAULT_WORDS[fault]}`);
  }
  const profile = openProfile(args.profile);
  const most = largestMessage(await readFile(path.join(profile, 'settings.json'), 'utf8').catch(() => null));
  await dropInto(path.join(profile, 'maildrop'), async function* () {
    yield envelope;
    let size = 0;
    for await (const chunk of joined([head, rest], ended ? null : input)) {
      size += chunk.length;
      if (size > most)
        throw new Refusal(
          EX.unavailable,
          `the message is not taken: it is larger than ${(most / 1024 ** 2).toFixed(1)} MiB (the setting server.maxMessageBytes)`,
        );
      yield chunk;
    }
  });
  return profile;
}

function envelopeOf(
  args: SendmailArgs,
  read: ReturnType<typeof recipientsOf>,
): { readonly sender: string; readonly recipients: readonly string[] } {
  const host = os.hostname();
  const inHeader = args.fromHeader ? read.recipients.map(fromLatin1) : [];
  const recipients = [
    ...new Set([...args.recipients.flatMap(addressesIn), ...inHeader].map((one) => qualify(one, host))),
  ];
  if (recipients.length === 0) throw new Refusal(EX.dataErr, 'the header names no recipients');
  const sender = qualify(args.sender ?? (read.from === null ? os.userInfo().username : fromLatin1(read.from)), host);
  const wrong = [...recipients, ...(sender === '' ? [] : [sender])].find((one) => !isDroppable(one));
  if (wrong !== undefined) throw new Refusal(EX.dataErr, `"${wrong}" is not an e-mail address`);
  return { sender, recipients };
}

/** Writes a drop. Refuses a folder that others can write to or read from, and a disk on which the queue takes nothing. */
async function dropInto(folder: string, chunks: () => AsyncIterable<Uint8Array>): Promise<void> {
  for (const part of ['tmp', 'new']) await mkdir(path.join(folder, part), { recursive: true, mode: 0o700 });
  for (const each of [folder, path.join(folder, 'tmp'), path.join(folder, 'new')]) await requireOwnFolder(each);
  const disk = await statfs(folder);
  if (disk.bavail * disk.bsize < INTAKE.reserveBytes)
    throw new Refusal(EX.tempFail, 'the disk is nearly full: no mail is taken until there is room');
  const name = `${Date.now()}.${process.pid}.${randomBytes(6).toString('hex')}`;
  const temporary = path.join(folder, 'tmp', name);
  try {
    await writeSynced(temporary, chunks);
    await rename(temporary, path.join(folder, 'new', name));
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(path.join(folder, 'new'));
}

async function* joined(
  first: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array> | null,
): AsyncGenerator<Uint8Array> {
  yield* first;
  if (rest !== null) yield* rest;
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
    if (next.done === true || size > INTAKE.header)
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

/** Tells the running program, if there is one. Whatever happens, the message is kept. */
async function poke(profile: string, warn: (message: string) => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const client = await connectControl(controlPlace(profile, thisComputer(os)));
    if (client === null) return;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, POKE_MS)));
    await Promise.race([client.call('control.pickup', {}), late]);
    client.close();
  } catch (error) {
    // It looks into the folder by itself: when it starts, and every few minutes.
    if (error instanceof ForeignOwnerError)
      warn(`the message is kept, but the running program was not told: ${error.message}`);
  } finally {
    clearTimeout(timer);
  }
}
