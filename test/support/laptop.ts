/** The program under test in the laptop of a network laboratory, and gateways at its providers. */
import type { ChildProcessWithoutNullStreams, SpawnOptionsWithoutStdio } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { EngineMethodName, Input, Output } from '../../shared/ipc-contract.ts';
import type { Result } from '../../shared/result.ts';
import type { AppStatus } from '../../shared/status.ts';
import type { NetworkLab } from './netns.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Long enough for a machine that has other things to do; a test that works never waits that long. */
const PATIENCE_MS = 30_000;

export interface ProgramBundle {
  readonly child: string;
  readonly worker: string;
  remove(): Promise<void>;
}

/** Bundles program and worker outside the work tree, as the build does it. */
export async function bundleProgram(): Promise<ProgramBundle> {
  const folder = await mkdtemp(path.join(tmpdir(), 'postcast-program-'));
  for (const [name, entry] of [
    ['child', 'test/support/laptop-child.ts'],
    ['worker', 'main/queue/store-worker.ts'],
  ] as const) {
    await build({
      configFile: false,
      logLevel: 'error',
      ssr: { noExternal: true, external: ['@photostructure/sqlite'], target: 'node' },
      build: {
        ssr: path.join(root, entry),
        outDir: path.join(folder, name),
        minify: false,
        rolldownOptions: { output: { entryFileNames: `${name}.mjs`, format: 'es' } },
      },
    });
  }
  return {
    child: path.join(folder, 'child', 'child.mjs'),
    worker: path.join(folder, 'worker', 'worker.mjs'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Lines of JSON as they come; `until` waits for one (rejects after `ms`, or when the process has ended). */
export class Lines<T> {
  readonly all: T[] = [];
  #waiting = new Set<() => void>();
  #complaints = '';
  #ended = false;

  constructor(child: ChildProcessWithoutNullStreams) {
    let rest = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.all.push(JSON.parse(line) as T);
      this.#look();
    });
    child.stderr.on('data', (chunk: Buffer) => (this.#complaints += chunk.toString()));
    child.once('close', () => {
      this.#ended = true;
      this.#look();
    });
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }

  async until(what: string, fits: (line: T) => boolean, ms = PATIENCE_MS, from = 0): Promise<T> {
    await new Promise<void>((resolve, reject) => {
      const finish = (error: Error | null): void => {
        this.#waiting.delete(look);
        clearTimeout(timer);
        if (error === null) resolve();
        else reject(error);
      };
      const look = (): void => {
        if (this.all.slice(from).some(fits)) finish(null);
        else if (this.#ended) finish(new Error(`ended while waiting for ${what}: ${this.#complaints}`));
      };
      const timer = setTimeout(() => {
        finish(new Error(`not seen: ${what}; last ${JSON.stringify(this.all.slice(-3))} ${this.#complaints}`));
      }, ms);
      this.#waiting.add(look);
      look();
    });
    return this.all.slice(from).find(fits)!;
  }
}

export interface Arrival {
  /** Subject of a message that was taken. */
  readonly id?: string;
  /** A client that is left without an answer to DATA. */
  readonly muted?: string;
  readonly refused?: string;
  readonly client: string;
  readonly at: number;
}

/** Starts a provider's gateway. */
export async function startGateway(
  lab: NetworkLab,
  where: { readonly namespace: string; readonly address: string; readonly customers: string },
  /** `slow`: seconds before its final reply; `mute`: the client that never hears an answer to DATA. */
  options: { readonly slow?: number; readonly mute?: string } = {},
): Promise<Lines<Arrival>> {
  const script = fileURLToPath(new URL('gateway.py', import.meta.url));
  const words = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  const child = lab.start(where.namespace, 'python3', [script, where.address, '587', where.customers, ...words]);
  const lines = new Lines<Arrival>(child);
  await lines.until('the gateway', (line) => 'ready' in line);
  return lines;
}

export interface ProgramInLab {
  readonly pid: number;
  readonly profile: string;
  api<M extends EngineMethodName>(method: M, input: Input<M>): Promise<Output<M>>;
  /** The reply of the listener. */
  submit(subject: string, options?: { readonly to?: string; readonly size?: number }): Promise<string>;
  status(): Promise<AppStatus>;
  settings(next: object): Promise<void>;
  /** Lets the wall clock jump. */
  jump(ms: number): Promise<void>;
  /** As the shell does when the computer wakes up. */
  resume(): Promise<void>;
  statusUntil(what: string, fits: (status: AppStatus) => boolean, ms?: number): Promise<AppStatus>;
  /** Messages that went to Bad or Bounced. */
  failed(): number;
  /** How often delivery was started, by the log. */
  starts(): number;
  signal(signal: NodeJS.Signals): void;
  log(): string;
  stop(): Promise<void>;
}

/** The first recipient of the oldest message in the Outbox; undefined if that is empty. */
export async function firstWaiting(
  program: ProgramInLab,
): Promise<{ readonly state: string; readonly attempts: number } | undefined> {
  const list = { folder: 'outbox', search: '', sort: 'age', descending: true, offset: 0, limit: 10 } as const;
  const [row] = (await program.api('queue.list', list)).rows;
  return row === undefined ? undefined : (await program.api('queue.show', { id: row.id })).recipients[0];
}

/** Starts the program in the laptop's namespace; resolves once its listener stands. */
export async function startProgramInLab(
  lab: NetworkLab,
  bundle: ProgramBundle,
  settings: object,
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramInLab> {
  const profile = mkdtempSync(path.join(tmpdir(), 'postcast-lab-'));
  await mkdir(path.join(profile, 'logs'), { recursive: true });
  const base = {
    server: { host: ['127.0.0.1'], port: 2525 },
    security: { captivePortalProbe: false },
    administration: { log: 'single' },
  };
  const merged = (more: object): object => ({ ...base, ...more });
  const options: SpawnOptionsWithoutStdio = {
    env: {
      ...process.env,
      // No system bus unless a test brings one: whatever runs outside the laboratory has nothing to say in it.
      DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nonexistent/bus',
      NODE_PATH: path.join(root, 'node_modules'),
      PROFILE: profile,
      SETTINGS: JSON.stringify(merged(settings)),
      STORE_WORKER: bundle.worker,
      ...env,
    },
  };
  const child = lab.start(lab.laptop, process.execPath, [bundle.child], options);
  type Line =
    | { readonly kind: 'started' | 'failed' }
    | { readonly kind: 'status'; readonly status: AppStatus }
    | { readonly kind: 'answer'; readonly n: number; readonly result: unknown; readonly error?: string };
  const lines = new Lines<Line>(child);
  await lines.until('the start', ({ kind }) => kind === 'started', 30_000);
  let last = 0;
  const ask = async (command: object): Promise<unknown> => {
    const n = (last += 1);
    child.stdin.write(`${JSON.stringify({ ...command, n })}\n`);
    const line = await lines.until('an answer', (l) => l.kind === 'answer' && l.n === n, 30_000);
    if (line.kind !== 'answer' || line.error !== undefined) throw new Error(JSON.stringify(line));
    return line.result;
  };
  const done = async (command: object): Promise<void> => {
    await ask(command);
  };
  const log = (): string => {
    const folder = path.join(profile, 'logs');
    return readdirSync(folder)
      .map((name) => readFileSync(path.join(folder, name), 'utf8'))
      .join('');
  };
  const status = async (): Promise<AppStatus> => (await ask({ do: 'status' })) as AppStatus;
  return {
    pid: child.pid ?? -1,
    profile,
    async api(method, input) {
      const result = (await ask({ do: 'api', method, input })) as Result<never>;
      if (!result.ok) throw new Error(JSON.stringify(result.error));
      return result.value;
    },
    submit: async (subject, { to, size } = {}) => (await ask({ do: 'submit', subject, to, size })) as string,
    status,
    settings: (next) => done({ do: 'settings', input: merged(next) }),
    jump: (ms) => done({ do: 'jump', ms }),
    resume: () => done({ do: 'resume' }),
    async statusUntil(what, fits, ms = PATIENCE_MS) {
      const from = lines.all.length;
      const now = await status();
      if (fits(now)) return now;
      const line = await lines.until(what, (l) => l.kind === 'status' && fits(l.status), ms, from);
      return (line as { readonly status: AppStatus }).status;
    },
    failed: () => lines.all.filter(({ kind }) => kind === 'failed').length,
    starts: () =>
      log()
        .split('\n')
        .filter((line) => line.includes('start delivering')).length,
    signal: (signal) => void process.kill(child.pid ?? 0, signal),
    log,
    async stop() {
      const over = new Promise<void>((resolve) => child.once('close', () => resolve()));
      if (child.exitCode === null && child.signalCode === null) {
        child.stdin.end();
        await over;
      }
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
