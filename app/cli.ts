#!/usr/bin/env node
/** `postcast` (SPEC §10): plain Node, small and quick; talks to the running program over its control socket. */
import { realpathSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { version } from '../package.json';
import { connectControl, type ControlClient } from '../main/control/control-client.ts';
import { controlPlace, defaultProfile, thisComputer } from '../main/control/profile-path.ts';
import type { EngineMethodName, Input, Output } from '../shared/ipc-contract.ts';
import type { Failure } from '../shared/result.ts';
import type { SettingsProblem } from '../shared/settings.ts';
import { formatDetails, formatList, formatStatus, printable } from './cli/format.ts';
import { HELP } from './cli/help.ts';
import { parseCommand, parseValue, type Command, type Common } from './cli/parse.ts';
import { createSay } from './cli/say.ts';

/** Words for what the program says of itself. */
const say = createSay({});

/** Exit codes; also in the help. */
const EXIT = { ok: 0, failed: 1, usage: 2, notRunning: 3 } as const;

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

function print(text: string): void {
  process.stdout.write(`${text}\n`);
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
    client = await connectControl(controlPlace(profile, thisComputer(os)).address);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EACCES' || code === 'EPERM' ? 'it belongs to another user' : (code ?? 'unknown reason');
    throw new Stop(EXIT.failed, { code: 'no-access', message: `The program of this profile cannot be spoken to: ${why}.` });
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
  return new Stop(EXIT.failed, { code: 'bad-input', message, ...(field === undefined || field === '' ? {} : { field }) });
}

async function standardInput(most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > most) throw new Stop(EXIT.failed, { code: 'too-long', message: 'There is too much on standard input.' });
  }
  return Buffer.concat(chunks);
}

/** Runs a command that needs the program. */
async function talk(command: Command, common: Common, client: ControlClient): Promise<void> {
  /** The answer itself as JSON, or words for people. */
  const tell = (value: unknown, words: () => string): void => print(common.json ? JSON.stringify(value, null, 2) : words());
  const messages = (count: number): string => (count === 1 ? '1 message' : `${count} messages`);
  const terminal = process.stdout.columns ?? Number(process.env['COLUMNS'] ?? 0);
  switch (command.kind) {
    case 'status': {
      const status = await ask(client, 'status.get', {});
      return tell(status, () => formatStatus(status, say));
    }
    case 'list': {
      const page = await ask(client, 'queue.list', { folder: command.folder, limit: 1000 });
      return tell(page, () => formatList(page.rows, page.total, terminal > 0 ? terminal : 200, Date.now()));
    }
    case 'show': {
      if (command.raw) return showRaw(client, command.id, common);
      const message = await ask(client, 'queue.show', { id: command.id });
      return tell(message, () => formatDetails(message, say, Date.now()));
    }
    case 'retry': {
      if (command.ids !== 'all') {
        const done = await ask(client, 'queue.retry', { selection: { ids: [...command.ids] } });
        return counted(done, command.ids.length, `${messages(done.count)} will be tried again.`, tell);
      }
      let count = 0;
      for (const folder of ['outbox', 'bad', 'bounced'] as const) {
        count += (await ask(client, 'queue.retry', { selection: { folder } })).count;
      }
      return tell({ count }, () => `${messages(count)} will be tried again.`);
    }
    case 'delete': {
      const done = await ask(client, 'queue.delete', { selection: { ids: [...command.ids] } });
      return counted(done, command.ids.length, `${messages(done.count)} deleted.`, tell);
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
      if (value === undefined) throw new Stop(EXIT.failed, { code: 'not-found', message: `There is no setting "${command.path ?? ''}".` });
      return print(typeof value === 'string' && !common.json ? printable(value) : JSON.stringify(value, null, 2));
    }
    case 'settings-set': {
      const done = await ask(client, 'settings.set', { changes: [{ path: command.path, value: parseValue(command.value) }] });
      if (!done.saved) throw refuse(done.problems);
      return tell({ saved: true }, () => 'Saved.');
    }
    case 'settings-export': {
      const { json } = await ask(client, 'settings.export', {});
      if (command.file === null) return void process.stdout.write(json.endsWith('\n') ? json : `${json}\n`);
      await writeFile(command.file, json, { mode: 0o600 });
      return tell({ file: command.file }, () => `Saved in ${command.file ?? ''}.`);
    }
    case 'settings-import': {
      const json = command.file === null ? (await standardInput(16 * 1024 * 1024)).toString('utf8') : await readFile(command.file, 'utf8');
      const done = await ask(client, 'settings.import', { json });
      if (!done.saved) throw refuse(done.problems);
      return tell({ saved: true }, () => 'Imported. Passwords are not part of it; set them where they are missing.');
    }
    case 'secret-set': {
      if (process.stdin.isTTY) process.stderr.write('Password (it is shown as you type; end with Enter, Ctrl+D): ');
      const secret = (await standardInput(10_000)).toString('utf8').replace(/\r?\n$/, '');
      if (secret === '') throw new Stop(EXIT.failed, { code: 'bad-input', message: 'There was no password on standard input.' });
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
    case 'help':
    case 'version':
      return;
  }
}

/** Asked for more messages than there were: some id is wrong, and a script must notice. */
function counted(
  done: { readonly count: number },
  asked: number,
  words: string,
  tell: (value: unknown, words: () => string) => void,
): void {
  if (done.count === 0 && asked > 0) throw new Stop(EXIT.failed, { code: 'not-found', message: 'There is no such message, or nothing to do for it.' });
  tell(done, () => words);
}

/** Raw bytes go out as they are, to a file or a pipe; that is what was asked for. */
async function showRaw(client: ControlClient, id: string, common: Common): Promise<void> {
  const pieces: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const piece = await ask(client, 'queue.raw', { id, offset });
    const bytes = Buffer.from(piece.base64, 'base64');
    if (common.json) pieces.push(bytes);
    else if (!process.stdout.write(bytes)) await new Promise((resolve) => process.stdout.once('drain', resolve));
    offset += bytes.length;
    if (bytes.length === 0 || offset >= piece.total) break;
  }
  if (common.json) print(JSON.stringify({ id, base64: Buffer.concat(pieces).toString('base64') }));
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

async function run(argv: readonly string[]): Promise<number> {
  if (argv[0] === 'sendmail') {
    const { sendmail } = await import('./cli/sendmail.ts');
    return sendmail(argv.slice(1));
  }
  const parsed = parseCommand(argv);
  if (!parsed.ok) {
    process.stderr.write(`postcast: ${printable(parsed.message)}\nSee postcast --help.\n`);
    return EXIT.usage;
  }
  const { command, common } = parsed;
  if (command.kind === 'version') {
    print(common.json ? JSON.stringify({ version }) : version);
    return EXIT.ok;
  }
  if (command.kind === 'help') {
    print(HELP);
    return EXIT.ok;
  }
  try {
    const client = await connect(profileFolder(common.profile));
    try {
      await talk(command, common, client);
    } finally {
      client.close();
    }
    return EXIT.ok;
  } catch (error) {
    const stop =
      error instanceof Stop
        ? error
        : new Stop(EXIT.failed, { code: 'error', message: error instanceof Error ? error.message : String(error) });
    if (common.json) print(JSON.stringify({ error: stop.failure }));
    else process.stderr.write(`postcast: ${stop.failure.message.split('\n').map(printable).join('\n')}\n`);
    return stop.code;
  }
}

// `postcast list | head` closes the pipe early; that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
});
process.exitCode = await run(process.argv.slice(2));
