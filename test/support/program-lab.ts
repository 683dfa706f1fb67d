/**
 * The whole program in this process, without its shell: real listener, real queue in its worker thread, real delivery,
 * the system's clock; only the network monitor, the key store and the settings file are stand-ins.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleForNode } from '../../scripts/lib/bundle.mjs';
import type { SettingsStore } from '../../main/settings/settings-store.ts';
import { startProgram, type Program, type ProgramParts } from '../../main/program/program.ts';
import { sayAll } from '../../shared/phrases.ts';
import type { Folder, MessageDetails } from '../../shared/mail.ts';
import type { EngineMethodName, Input, Output } from '../../shared/ipc-contract.ts';
import { engineMethods } from '../../shared/ipc-contract.ts';
import { parseSettings, type Settings } from '../../shared/settings.ts';
import type { NetworkState } from '../../shared/status.ts';
import { memorySecrets } from '../fakes/memory-secrets.ts';
import { PATIENCE_MS } from './patience.ts';
import { onFreePort } from './ports.ts';

/** What one SMTP transaction hands over. Recipients may carry parameters: `<bob@a.test> NOTIFY=NEVER`. */
export interface Submission {
  readonly from?: string;
  readonly to: readonly string[];
  /** After the reverse-path: `RET=HDRS ENVID=x`. */
  readonly mailParameters?: string;
  /** Octets (latin1) with CRLF line ends; no line may begin with a dot. */
  readonly text?: string;
}

export interface ProgramLab {
  readonly program: Program;
  readonly port: number;
  readonly profile: string;
  /** A call as windows and command line make it; its answer, or the error thrown. */
  call<M extends EngineMethodName>(name: M, input: Input<M>): Promise<Output<M>>;
  /** Sets values by dotted path, as the window does. */
  set(changes: Readonly<Record<string, unknown>>): Promise<void>;
  /** As a change of settings.json by hand arrives. */
  editFile(change: (settings: Settings) => unknown): Promise<void>;
  secret(name: string): string | null;
  network(state: Partial<NetworkState>): void;
  /** Hands a message over by SMTP; its queue id. */
  submit(submission: Submission): Promise<string>;
  details(id: string): Promise<MessageDetails>;
  /** Waits until the message stands in this folder. */
  reaches(id: string, folder: Folder): Promise<MessageDetails>;
  /** Waits until `ready` says so of the message. */
  until(id: string, what: string, ready: (details: MessageDetails) => boolean): Promise<MessageDetails>;
  states(id: string): Promise<Readonly<Record<string, string>>>;
  /** The sentences "why this way" of one recipient, in English. */
  why(id: string, rcptTo: string): Promise<string>;
  /** Everything that the log files hold. */
  log(): string;
  close(): Promise<void>;
}

export const OFFICE_NETWORK: NetworkState = {
  online: true,
  id: 'net-office',
  name: 'Office',
  kind: 'ethernet',
  links: [{ device: 'eth0', kind: 'ethernet', name: 'Office', addresses: ['192.0.2.7'] }],
  portal: false,
  metered: null,
  since: 0,
};

/** Waits until `ready` gives something, and fails with `what` after a while. */
export async function eventually<T>(
  what: string | (() => string),
  ready: () => Promise<T | undefined | false> | T | undefined | false,
  ms = PATIENCE_MS,
): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const value = await ready();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(typeof what === 'string' ? what : what());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

let workers: Promise<{ readonly store: URL; readonly preview: URL; readonly folder: string }> | undefined;

const BUNDLE = '.postcast-test-';

/** Removes what test processes left that were ended before they could tidy up. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = name.startsWith(BUNDLE) ? Number(/^\d+/.exec(name.slice(BUNDLE.length))?.[0]) : NaN;
    if (Number.isNaN(pid)) continue;
    try {
      process.kill(pid, 0);
    } catch {
      rmSync(path.join(parent, name), { recursive: true, force: true });
    }
  }
}

/** The threads' code, bundled once per test file. */
async function bundledWorkers(): Promise<{ readonly store: URL; readonly preview: URL }> {
  workers ??= (async () => {
    // A bundle of this file says where the sources are.
    const root = process.env['POSTCAST_TEST_ROOT'] ?? path.resolve(import.meta.dirname, '../..');
    // Below node_modules, so that what is not bundled is found.
    const parent = path.join(root, 'node_modules');
    sweep(parent);
    const folder = mkdtempSync(path.join(parent, `${BUNDLE}${process.pid}-`));
    process.once('exit', () => {
      rmSync(folder, { recursive: true, force: true });
    });
    await bundleForNode({
      entries: {
        'store-worker': path.join(root, 'main/queue/store-worker.ts'),
        'preview-worker': path.join(root, 'main/preview/preview-worker.ts'),
      },
      into: folder,
    });
    const url = (name: string): URL => pathToFileURL(path.join(folder, name));
    return { store: url('store-worker.mjs'), preview: url('preview-worker.mjs'), folder };
  })();
  return workers;
}

function checked(value: unknown): Settings {
  const parsed = parseSettings(value);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.settings;
}

type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * Starts the program on a fresh profile. Defaults for tests: a free port, loopback MX trusted, retries after a second or
 * two, nothing asked of the Internet.
 */
export function startProgramLab(
  sections: Sections = {},
  passwords: Readonly<Record<string, string>> = {},
  parts: Pick<ProgramParts, 'clock'> = {},
): Promise<ProgramLab> {
  return onFreePort((port) => startOn(port, sections, passwords, parts));
}

async function startOn(
  port: number,
  sections: Sections,
  passwords: Readonly<Record<string, string>>,
  parts: Pick<ProgramParts, 'clock'>,
): Promise<ProgramLab> {
  const profile = mkdtempSync(path.join(os.tmpdir(), 'postcast-program-'));
  const defaults: Sections = {
    server: { host: ['127.0.0.1'], port, hostname: 'laptop.home.test' },
    administration: { log: 'single' },
    connection: {
      dnsServers: ['127.0.0.1:9'],
      // Nothing in these tests comes of a time-out, and none is to come of a machine that is busy.
      dnsTimeoutSeconds: 10,
      serverTimeoutSeconds: 60,
      trustLoopbackMx: true,
      retryMinutes: [0.02],
    },
    security: { captivePortalProbe: false },
  };
  const merged: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(defaults), ...Object.keys(sections)]))
    merged[name] = { ...defaults[name], ...sections[name] };
  let current = checked(merged);
  const settingsListeners = new Set<(settings: Settings) => void>();
  const settings: SettingsStore = {
    get: () => current,
    setAside: null,
    replace: async (next) => {
      const parsed = parseSettings(next);
      if (!parsed.ok) return Promise.resolve({ ok: false, problems: parsed.problems });
      current = parsed.settings;
      for (const listener of settingsListeners) listener(current);
      return Promise.resolve({ ok: true, settings: current });
    },
    onChange: (listener) => {
      settingsListeners.add(listener);
      return () => settingsListeners.delete(listener);
    },
  };
  const secrets = memorySecrets(
    Object.fromEntries(Object.entries(passwords).map(([id, password]) => [`gateway:${id}`, password])),
  );
  let network = OFFICE_NETWORK;
  const networkListeners = new Set<(state: NetworkState) => void>();
  const program = await startProgram({
    profile,
    version: '0.0.0-test',
    settings,
    secrets,
    network: () => ({
      current: () => network,
      watch: (listener) => {
        networkListeners.add(listener);
        return () => networkListeners.delete(listener);
      },
      refresh: () => undefined,
      close: () => Promise.resolve(),
    }),
    dialUp: () => ({
      configured: () => Promise.resolve([]),
      dial: () => Promise.resolve({ ok: false, detail: 'none here' }),
      hangUp: () => Promise.resolve({ ok: false, detail: 'none here' }),
    }),
    workers: await bundledWorkers(),
    quit: () => undefined,
    ...parts,
  });
  const listening = program.status().listener;
  const close = async (): Promise<void> => {
    await program.stop(2000);
    rmSync(profile, { recursive: true, force: true });
  };
  if (listening.kind !== 'listening') {
    await close();
    throw new Error(`the listener did not come up: ${JSON.stringify(listening)}`);
  }

  const call = async <M extends EngineMethodName>(name: M, input: Input<M>): Promise<Output<M>> => {
    const handler = program.api[name] as (
      input: unknown,
    ) => Promise<
      | { readonly ok: true; readonly value: Output<M> }
      | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } }
    >;
    const answer = await handler(engineMethods[name].input.parse(input));
    if (!answer.ok) throw new Error(`${name}: ${answer.error.code}: ${answer.error.message}`);
    return answer.value;
  };
  const details = (id: string): Promise<MessageDetails> => call('queue.show', { id });
  const until = async (
    id: string,
    what: string,
    ready: (details: MessageDetails) => boolean,
  ): Promise<MessageDetails> => {
    let last: MessageDetails | undefined;
    return eventually(
      () => `${id} never became ${what}: ${JSON.stringify(last)}\n${log().split('\n').slice(-25).join('\n')}`,
      async () => {
        last = await details(id);
        return ready(last) ? last : undefined;
      },
    );
  };
  const log = (): string => {
    const folder = path.join(profile, 'logs');
    return readdirSync(folder)
      .map((name) => readFileSync(path.join(folder, name), 'utf8'))
      .join('');
  };

  return {
    program,
    port,
    profile,
    call,
    async set(changes) {
      const answer = await call('settings.set', {
        changes: Object.entries(changes).map(([key, value]) => ({ path: key, value })),
      });
      if (!answer.saved) throw new Error(JSON.stringify(answer.problems));
    },
    async editFile(change) {
      const answer = await settings.replace(change(structuredClone(current)));
      if (!answer.ok) throw new Error(JSON.stringify(answer.problems));
    },
    secret: (name) => secrets.all.get(name) ?? null,
    network(state) {
      network = { ...network, ...state };
      for (const listener of networkListeners) listener(network);
    },
    submit: (submission) => submitBySmtp(port, submission),
    details,
    until,
    reaches: (id, folder) => until(id, `a message in ${folder}`, (d) => d.folder === folder),
    async states(id) {
      return Object.fromEntries((await details(id)).recipients.map((r) => [r.rcptTo, r.state]));
    },
    async why(id, rcptTo) {
      const found = (await details(id)).recipients.find((r) => r.rcptTo === rcptTo);
      if (!found) throw new Error(`no such recipient: ${rcptTo}`);
      return sayAll(found.why);
    },
    log,
    close,
  };
}

/** One message over a connection of its own; the queue id that the 250 names. Rejects with the reply that refused it. */
export async function submitBySmtp(
  port: number,
  { from = 'ann@sender.test', to, mailParameters = '', text = 'Subject: Hello\r\n\r\nHi\r\n' }: Submission,
): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.setEncoding('latin1');
  let rest = '';
  let waiting: ((reply: string) => void) | null = null;
  let failed: ((error: Error) => void) | null = null;
  const look = (): void => {
    const whole = /^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/.exec(rest)?.[0];
    if (whole === undefined || waiting === null) return;
    rest = rest.slice(whole.length);
    const take = waiting;
    waiting = null;
    take(whole.trim());
  };
  socket.on('data', (chunk) => {
    rest += String(chunk);
    look();
  });
  socket.on('error', (error) => failed?.(error));
  socket.on('close', () => failed?.(new Error('the listener closed the connection')));
  const reply = (): Promise<string> =>
    new Promise((resolve, reject) => {
      waiting = resolve;
      failed = reject;
      look();
    });
  const say = async (line: string, expected: string): Promise<string> => {
    socket.write(`${line}\r\n`, 'latin1');
    const answer = await reply();
    if (!answer.startsWith(expected)) throw new Error(`${line} -> ${answer}`);
    return answer;
  };
  try {
    await reply();
    await say('EHLO client.test', '250');
    await say(`MAIL FROM:<${Buffer.from(from).toString('latin1')}> ${mailParameters}`.trim(), '250');
    for (const recipient of to) {
      const command = recipient.startsWith('<') ? recipient : `<${recipient}>`;
      await say(`RCPT TO:${Buffer.from(command).toString('latin1')}`, '250');
    }
    await say('DATA', '354');
    socket.write(text, 'latin1');
    const accepted = await say('.', '250');
    const id = /queued as ([A-Za-z0-9-]+)/.exec(accepted)?.[1];
    if (id === undefined) throw new Error(`no queue id: ${accepted}`);
    socket.write('QUIT\r\n');
    return id;
  } finally {
    failed = null;
    socket.end();
  }
}

/** A gateway of the settings, with what tests need least to say. */
export function gateway(id: string, port: number, more: Readonly<Record<string, unknown>> = {}): unknown {
  return { id, name: id, host: '127.0.0.1', port, security: 'none', ...more };
}
