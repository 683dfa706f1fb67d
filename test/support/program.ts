/** The built program as its user starts it: a profile, the process, the command line, and the mail that goes in. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, vi } from 'vitest';
import { PATIENCE_MS } from './patience.ts';
import { freePort } from './ports.ts';

export const root = path.resolve(import.meta.dirname, '../..');

/** In a test: `await eventually('…', probe).toBe(…)` waits until the matcher is content. */
export function eventually<T>(what: string, probe: () => T | Promise<T>, timeout = PATIENCE_MS) {
  return expect.poll(probe, { message: what, timeout, interval: 50 });
}

/** Waits until `ready` says true; anywhere, not only in a test. */
export async function until(what: string, ready: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitFor(
    async () => {
      if (!(await ready())) throw new Error(`Not so: ${what}`);
    },
    { timeout: PATIENCE_MS, interval: 50 },
  );
}

/** The first line that a server on this loopback port says; '' if there is none. */
export function greeting(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port });
    socket.setTimeout(PATIENCE_MS / 2, () => socket.destroy());
    socket.once('data', (data) => {
      resolve(data.toString('latin1').split('\r\n', 1)[0] ?? '');
      socket.destroy();
    });
    socket.once('error', () => undefined);
    socket.once('close', () => {
      resolve('');
    });
  });
}

/** A profile folder of a test. */
export interface TestProfile {
  readonly folder: string;
  /** Where its program accepts mail. */
  readonly port: number;
  /** settings.json as it stands. */
  settings(): Promise<Record<string, Record<string, unknown>>>;
  remove(): Promise<void>;
}

/** Sections of settings.json; each is put over what every test wants: loopback, a free port, no question to the Internet. */
export type SettingsSections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Makes a profile in a temporary folder. */
export async function makeProfile(sections: SettingsSections = {}): Promise<TestProfile> {
  const folder = await mkdtemp(path.join(tmpdir(), 'postcast-e2e-'));
  const port = await freePort();
  const file = path.join(folder, 'settings.json');
  await writeFile(
    file,
    JSON.stringify({
      version: 1,
      ...sections,
      server: { host: ['127.0.0.1'], port, hostname: 'laptop.test', ...sections['server'] },
      // The tests begin with the queue, not with the first-run pages.
      general: { welcomeDone: true, ...sections['general'] },
      security: { captivePortalProbe: false, ...sections['security'] },
    }),
  );
  return {
    folder,
    port,
    settings: async () => JSON.parse(await readFile(file, 'utf8')) as Record<string, Record<string, unknown>>,
    // Electron's children may still be writing their caches.
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }),
  };
}

/** Sections for a program that gives everything to a gateway without sign-in on a loopback port. */
export function throughGateway(port: number): SettingsSections {
  return {
    gateways: {
      mode: 'always',
      list: [{ id: 'sink', name: 'Sink', host: '127.0.0.1', port, security: 'none', auth: 'none' }],
    },
  };
}

/** What Electron is started with, whoever starts it. */
export function electronArguments(profile: string, args: readonly string[]): string[] {
  return [
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    '--disable-gpu',
    '--password-store=basic',
    root,
    '--profile',
    profile,
    ...args,
  ];
}

/** Path of Electron's executable, found by test/support/e2e-setup.ts. */
export function electronPath(): string {
  const found = process.env['POSTCAST_TEST_ELECTRON'];
  if (found === undefined) throw new Error('The end-to-end tests are run by `npm run e2e`.');
  return found;
}

/** The program as a process. */
export interface RunningProgram {
  readonly pid: number;
  /** Exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  /** Both streams so far. */
  output(): string;
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
}

/** Starts the program, without a window unless `args` says otherwise. Does not wait for anything. */
export function spawnProgram(profile: TestProfile, args: readonly string[] = ['--hidden']): RunningProgram {
  const child = spawn(electronPath(), electronArguments(profile.folder, args), {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exited = once(child, 'exit').then(([code, signal]) => {
    endGroup(child.pid);
    return (code as number | null) ?? (signal as NodeJS.Signals | null);
  });
  return {
    pid: child.pid ?? 0,
    exited,
    output: () => output,
    end: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
}

/** Electron's children outlive a program that is ended with SIGKILL; they are of its process group. */
function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

/** Starts the program and waits until it greets mail programs. */
export async function startProgram(profile: TestProfile, args?: readonly string[]): Promise<RunningProgram> {
  const program = spawnProgram(profile, args);
  await until(`the program greets on port ${profile.port}`, async () =>
    (await greeting(profile.port)).startsWith('220 '),
  );
  return program;
}

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end with this standard input; never rejects for its exit code. */
export function runCommand(file: string, args: readonly string[], input: string | Uint8Array = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      file,
      [...args],
      { cwd: root, timeout: 2 * PATIENCE_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr });
      },
    );
    // A command that does not read its input ends before it is written.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** Runs `postcast` for a profile. */
export function postcast(profile: TestProfile, args: readonly string[], input?: string | Uint8Array): Promise<Ended> {
  const [command = '', ...rest] = args;
  return runCommand(
    process.execPath,
    [path.join(root, 'out/main/cli.js'), command, '--profile', profile.folder, ...rest],
    input,
  );
}

/** Runs `postcast … --json`, which must succeed, and gives its answer. */
export async function postcastJson<T>(profile: TestProfile, args: readonly string[], input?: string): Promise<T> {
  const ended = await postcast(profile, [...args, '--json'], input);
  if (ended.code !== 0) throw new Error(`postcast ${args.join(' ')} ended with ${ended.code}: ${ended.stderr}`);
  return JSON.parse(ended.stdout) as T;
}

/** Hands `count` messages to the listener with Postfix's smtp-source; the nth goes to `nrecipient@local.test`. */
export async function smtpSource(port: number, count: number, sessions: number, more: readonly string[] = []) {
  const ended = await runCommand('smtp-source', [
    ...['-s', String(sessions), '-m', String(count), '-N', '-M', 'client.test'],
    ...['-f', 'sender@client.test', '-t', 'recipient@local.test', ...more, `127.0.0.1:${port}`],
  ]);
  if (ended.code !== 0) throw new Error(`smtp-source ended with ${ended.code}: ${ended.stderr}`);
}
