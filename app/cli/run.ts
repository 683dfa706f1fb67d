/** The commands of `postcast` (spec §10), apart from the process around them. */
import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { connectControl, type ControlClient } from '../../main/control/control-client.ts';
import { ForeignOwnerError } from '../../main/control/own-place.ts';
import { controlPlace, defaultProfile, thisComputer } from '../../main/control/profile-path.ts';
import type { EngineMethodName, Input, Output } from '../../shared/ipc-contract.ts';
import { say } from '../../shared/phrases.ts';
import type { Failure } from '../../shared/result.ts';
import type { SettingsProblem } from '../../shared/settings.ts';
import { formatDetails, formatList, formatStatus, printable } from './format.ts';
import { HELP } from './help.ts';
import { saveFile } from '../windows/save-file.ts';
import { parseCommand, parseValue, sendmailArguments, type Command, type Common } from './parse.ts';

/** Exit codes; also in the help. */
const EXIT = { ok: 0, failed: 1, usage: 2, notRunning: 3 } as const;

/** The process around a command. */
export interface Terminal {
  readonly version: string;
  /** Resolves when more may be written. */
  readonly out: (data: string | Uint8Array) => Promise<void>;
  readonly error: (text: string) => void;
  readonly input: AsyncIterable<Uint8Array>;
  /** Somebody types. */
  readonly interactive: boolean;
  /** Width in columns; 0 if it is no terminal. */
  readonly columns: number;
}

/** Ends the command with words for the user. */
class Stop extends Error {
  readonly code: number;
  readonly failure: Failure;
  constructor(code: number, failure: Failure) {
    super(failure.message);
    this.code = code;
    this.failure = failure;
  }
}

function profileFolder(written: string | null): string {
  const at = thisComputer(os);
  const wanted = written === null ? defaultProfile(at) : path.resolve(written);
  try {
    return realpathSync.native(wanted);
  } catch {
    return wanted; // not there yet
  }
}

async function connect(profile: string): Promise<ControlClient> {
  let client: ControlClient | null;
  try {
    client = await connectControl(controlPlace(profile, thisComputer(os)));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      error instanceof ForeignOwnerError
        ? error.message
        : code === 'EACCES' || code === 'EPERM'
          ? 'it belongs to another user'
          : (code ?? 'unknown reason');
    throw new Stop(EXIT.failed, {
      code: 'no-access',
      message: `The program of this profile cannot be spoken to: ${why}.`,
    });
  }
  if (client === null) {
    throw new Stop(EXIT.notRunning, {
      code: 'not-running',
      message: `PostCast Server is not running for the profile ${printable(profile)}. Start it, then try again.`,
    });
  }
  return client;
}

async function ask<M extends EngineMethodName>(client: ControlClient, method: M, input: Input<M>): Promise<Output<M>> {
  const result = await client.call(method, input);
  if (!result.ok) throw new Stop(EXIT.failed, result.error);
  return result.value;
}

function refuse(problems: readonly SettingsProblem[]): Stop {
  const message = problems.map((p) => (p.path === '' ? p.message : `${p.path}: ${p.message}`)).join('\n');
  const field = problems[0]?.path;
  return new Stop(EXIT.failed, {
    code: 'bad-input',
    message,
    ...(field === undefined || field === '' ? {} : { field }),
  });
}

async function standardInput(terminal: Terminal, most: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of terminal.input) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > most)
      throw new Stop(EXIT.failed, { code: 'too-long', message: 'There is too much on standard input.' });
  }
  return Buffer.concat(chunks);
}

function messages(count: number): string {
  return count === 1 ? '1 message' : `${count} messages`;
}

/** What `retry` did. */
function retried({ count, sending }: Output<'queue.retry'>): string {
  const words = count > 0 || sending === 0 ? [`${messages(count)} will be tried again.`] : [];
  if (sending > 0) words.push(`${messages(sending)} ${sending === 1 ? 'is' : 'are'} being sent already.`);
  return words.join(' ');
}

/** What `delete` did. */
function deleted({ count, sending, kept }: Output<'queue.delete'>): string {
  const words = count > 0 || kept === 0 ? [`${messages(count)} deleted.`] : [];
  if (sending > 0)
    words.push(
      `${sending} of them ${sending === 1 ? 'was' : 'were'} being sent: what a server takes now still arrives, nothing more is tried.`,
    );
  if (kept > 0) {
    const stays = kept === 1 ? 'is being sent at this moment, and stays' : 'are being sent at this moment, and stay';
    words.push(`${messages(kept)} ${stays} until the answer is there.`);
  }
  return words.join(' ');
}

/** Runs a command that needs the program. */
async function talk(
  command: Exclude<Command, { kind: 'help' | 'version' }>,
  common: Common,
  client: ControlClient,
  terminal: Terminal,
): Promise<void> {
  const print = (text: string): Promise<void> => terminal.out(`${text}\n`);
  /** The answer itself as JSON, or words for people. */
  const tell = (value: unknown, words: () => string): Promise<void> =>
    print(common.json ? JSON.stringify(value, null, 2) : words());
  switch (command.kind) {
    case 'status': {
      const status = await ask(client, 'status.get', {});
      return tell(status, () => formatStatus(status, (phrase) => say(phrase)));
    }
    case 'list': {
      const page = await listAll(client, command.folder);
      return tell(page, () =>
        formatList(page.rows, page.total, terminal.columns > 0 ? terminal.columns : 200, Date.now()),
      );
    }
    case 'show': {
      if (command.raw) return showRaw(client, command.id, common, terminal);
      const message = await ask(client, 'queue.show', { id: command.id });
      return tell(message, () => formatDetails(message, (phrase) => say(phrase), Date.now()));
    }
    case 'retry': {
      if (command.ids !== 'all') {
        const done = await ask(client, 'queue.retry', { selection: { ids: [...command.ids] } });
        return counted(done, command.ids, done.sending, retried(done), tell);
      }
      const sum = { count: 0, sending: 0 };
      for (const folder of ['outbox', 'bad', 'bounced'] as const) {
        const done = await ask(client, 'queue.retry', { selection: { folder } });
        sum.count += done.count;
        sum.sending += done.sending;
      }
      return tell(sum, () => retried(sum));
    }
    case 'delete': {
      const done = await ask(client, 'queue.delete', { selection: { ids: [...command.ids] } });
      return counted(done, command.ids, 0, deleted(done), tell);
    }
    case 'send-now': {
      const done = await ask(client, 'control.sendNow', {});
      return tell(done, () => printable(say(done.phrase)));
    }
    case 'pause':
    case 'resume': {
      const done = await ask(client, `control.${command.kind}`, {});
      return tell(done, () => (done.paused ? 'Paused: nothing is sent until "postcast resume".' : 'Going on.'));
    }
    case 'settings-get': {
      const settings = await ask(client, 'settings.get', {});
      const value = command.path === null ? settings : pick(settings, command.path);
      if (value === undefined)
        throw new Stop(EXIT.failed, { code: 'not-found', message: `There is no setting "${command.path ?? ''}".` });
      return print(typeof value === 'string' && !common.json ? printable(value) : JSON.stringify(value, null, 2));
    }
    case 'settings-set': {
      const done = await ask(client, 'settings.set', {
        changes: [{ path: command.path, value: parseValue(command.value) }],
      });
      if (!done.saved) throw refuse(done.problems);
      return tell({ saved: true }, () => 'Saved.');
    }
    case 'settings-go-on': {
      await ask(client, 'settings.goOn', {});
      return tell({ saved: true }, () => 'Saved. What waits goes on.');
    }
    case 'settings-export': {
      const { json } = await ask(client, 'settings.export', {});
      if (command.file === null) return terminal.out(json.endsWith('\n') ? json : `${json}\n`);
      await saveFile(command.file, [Buffer.from(json, 'utf8')]);
      return tell({ file: command.file }, () => `Saved in ${command.file ?? ''}.`);
    }
    case 'settings-import': {
      const json =
        command.file === null
          ? (await standardInput(terminal, 16 * 1024 * 1024)).toString('utf8')
          : await readFile(command.file, 'utf8');
      const done = await ask(client, 'settings.import', { json });
      if (!done.saved) throw refuse(done.problems);
      return tell({ saved: true }, () => 'Imported. Passwords are not part of it; set them where they are missing.');
    }
    case 'secret-set': {
      if (terminal.interactive) terminal.error('Password (it is shown as you type; end with Enter, Ctrl+D): ');
      const secret = (await standardInput(terminal, 10_000)).toString('utf8').replace(/\r?\n$/, '');
      if (secret === '')
        throw new Stop(EXIT.failed, { code: 'bad-input', message: 'There was no password on standard input.' });
      const { gateway: gatewayId, acceptObfuscated } = command;
      const done = await ask(client, 'secrets.set', { gatewayId, secret, acceptObfuscated });
      if (!done.stored) {
        throw new Stop(EXIT.failed, {
          code: 'needs-consent',
          message:
            'Not stored: there is no key store here, so the password could only be obfuscated, and any program of yours could read it.\nIf you accept that, repeat with --accept-obfuscated.',
        });
      }
      return tell(done, () => 'Stored.');
    }
    case 'secret-remove': {
      await ask(client, 'secrets.set', { gatewayId: command.gateway, secret: null });
      return tell({ removed: true }, () => 'Removed.');
    }
    case 'quit':
      await ask(client, 'app.quit', {});
      return tell({ quitting: true }, () => 'PostCast Server is ending.');
  }
}

/** The whole folder, page by page: a script must not miss what lies beyond the first. What moves meanwhile is listed once. */
async function listAll(client: ControlClient, folder: Input<'queue.list'>['folder']): Promise<Output<'queue.list'>> {
  const rows = new Map<string, Output<'queue.list'>['rows'][number]>();
  for (let offset = 0; ;) {
    const page = await ask(client, 'queue.list', { folder, limit: 1000, offset });
    for (const row of page.rows) rows.set(row.id, row);
    offset += page.rows.length;
    if (page.rows.length === 0 || offset >= page.total) return { total: page.total, rows: [...rows.values()] };
  }
}

/**
 * Asked for more messages than there were: some id is wrong, and a script must notice. `accounted`: messages that nothing had
 * to be done for.
 */
function counted(
  done: { readonly count: number; readonly kept?: number },
  ids: readonly string[],
  accounted: number,
  words: string,
  tell: (value: unknown, words: () => string) => Promise<void>,
): Promise<void> {
  const { kept = 0 } = done;
  const lacking = new Set(ids).size - done.count - accounted - kept;
  if (lacking > 0) {
    const message =
      done.count + accounted + kept === 0
        ? 'There is no such message, or nothing to do for it.'
        : `${words} For ${lacking} more: there is no such message, or nothing to do for it.`;
    throw new Stop(EXIT.failed, { code: 'not-found', message });
  }
  if (kept > 0) throw new Stop(EXIT.failed, { code: 'in-flight', message: words });
  return tell(done, () => words);
}

/** Raw bytes go out as they are, to a file or a pipe; that is what was asked for. */
async function showRaw(client: ControlClient, id: string, common: Common, terminal: Terminal): Promise<void> {
  const pieces: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const piece = await ask(client, 'queue.raw', { id, offset });
    const bytes = Buffer.from(piece.base64, 'base64');
    if (common.json) pieces.push(bytes);
    else await terminal.out(bytes);
    offset += bytes.length;
    if (bytes.length === 0 || offset >= piece.total) break;
  }
  if (common.json) await terminal.out(`${JSON.stringify({ id, base64: Buffer.concat(pieces).toString('base64') })}\n`);
}

/** By dotted name; items of lists by position or id. */
function pick(value: unknown, name: string): unknown {
  let at = value;
  for (const segment of name.split('.')) {
    if (typeof at !== 'object' || at === null) return undefined;
    if (Array.isArray(at) && !/^\d+$/.test(segment)) {
      at = at.find((item: unknown) => (item as { id?: unknown } | null)?.id === segment);
    } else at = Object.hasOwn(at, segment) ? (at as Record<string, unknown>)[segment] : undefined;
  }
  return at;
}

/** Runs one command; `argv` without node and script. Returns the exit code. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const forSendmail = sendmailArguments(argv);
  if (forSendmail !== null) {
    const { sendmail } = await import('./sendmail.ts');
    return sendmail(forSendmail, terminal);
  }
  const parsed = parseCommand(argv);
  if (!parsed.ok && argv.includes('--json')) {
    await terminal.out(`${JSON.stringify({ error: { code: 'usage', message: parsed.message } })}\n`);
    return EXIT.usage;
  }
  if (!parsed.ok) {
    terminal.error(`postcast: ${printable(parsed.message)}\nSee postcast --help.\n`);
    return EXIT.usage;
  }
  const { command, common } = parsed;
  if (command.kind === 'version' || command.kind === 'help') {
    const version = common.json ? JSON.stringify({ version: terminal.version }) : terminal.version;
    await terminal.out(`${command.kind === 'help' ? HELP : version}\n`);
    return EXIT.ok;
  }
  try {
    const client = await connect(profileFolder(common.profile));
    try {
      await talk(command, common, client, terminal);
    } finally {
      client.close();
    }
    return EXIT.ok;
  } catch (error) {
    const stop =
      error instanceof Stop
        ? error
        : new Stop(EXIT.failed, { code: 'error', message: error instanceof Error ? error.message : String(error) });
    if (common.json) await terminal.out(`${JSON.stringify({ error: stop.failure })}\n`);
    else terminal.error(`postcast: ${stop.failure.message.split('\n').map(printable).join('\n')}\n`);
    return stop.code;
  }
}
