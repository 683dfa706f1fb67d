/** The program under test in the laptop of a network laboratory, and gateways at its providers. */
import type { SpawnOptionsWithoutStdio } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleForNode } from '../../scripts/lib/bundle.mjs';
import type { EngineMethodName, Input, Output } from '../../shared/ipc-contract.ts';
import type { Result } from '../../shared/result.ts';
import type { AppStatus } from '../../shared/status.ts';
import { Lines } from './lines.ts';
import { NO_SYSTEM_BUS, type NetworkLab } from './netns.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface ProgramBundle {
  readonly child: string;
  readonly worker: string;
  remove(): Promise<void>;
}

/** Bundles program and worker outside the work tree, as the build does it. */
export async function bundleProgram(): Promise<ProgramBundle> {
  const folder = await mkdtemp(path.join(tmpdir(), 'postcast-program-'));
  await bundleForNode({
    entries: {
      child: path.join(root, 'test/support/laptop-child.ts'),
      worker: path.join(root, 'main/queue/store-worker.ts'),
    },
    into: folder,
  });
  return {
    child: path.join(folder, 'child.mjs'),
    worker: path.join(folder, 'worker.mjs'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
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

/** A gateway, and what it took so far. */
export class Gateway extends Lines<Arrival> {
  /** Waits until it has the message with this subject. */
  takes(subject: string, ms?: number): Promise<Arrival> {
    return this.until(`“${subject}” at the gateway`, ({ id }) => id === subject, ms);
  }

  /** How often it took the message with this subject. */
  times(subject: string): number {
    return this.all.filter(({ id }) => id === subject).length;
  }
}

/** Starts a provider's gateway. */
export async function startGateway(
  lab: NetworkLab,
  where: { readonly namespace: string; readonly address: string; readonly customers: string },
  /** `mute`: the client that never hears an answer to DATA. */
  options: { readonly mute?: string } = {},
): Promise<Gateway> {
  const script = fileURLToPath(new URL('gateway.py', import.meta.url));
  const words = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  const child = lab.start(where.namespace, 'python3', [script, where.address, '587', where.customers, ...words]);
  const gateway = new Gateway(child);
  await gateway.until('the gateway', (line) => 'ready' in line);
  return gateway;
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
  /** Wakes up after a sleep of so long: the wall clock jumps, and the shell tells. */
  wake(ms: number): Promise<void>;
  /** As the shell does when the computer wakes up. */
  resume(): Promise<void>;
  statusUntil(what: string, fits: (status: AppStatus) => boolean, ms?: number): Promise<AppStatus>;
  /** Waits until nothing is in the Outbox. */
  emptied(ms?: number): Promise<AppStatus>;
  /** Messages that went to Bad or Bounced. */
  failed(): number;
  /** How often delivery was started, by the log. */
  starts(): number;
  /**
   * Connections that were cut between the final dot and its reply, by the log: each may cost a duplicate (RFC 1047), never a
   * loss.
   */
  unsure(): number;
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

/** How a gateway is doing, as the window shows it. */
export async function gatewayState(program: ProgramInLab, id: string): Promise<string | undefined> {
  return (await program.api('gateways.states', {})).states.find((state) => state.id === id)?.state;
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
      ...NO_SYSTEM_BUS,
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
  await lines.until('the start', ({ kind }) => kind === 'started');
  let last = 0;
  const ask = async (command: object): Promise<unknown> => {
    const n = (last += 1);
    child.stdin.write(`${JSON.stringify({ ...command, n })}\n`);
    const line = await lines.until('an answer', (l) => l.kind === 'answer' && l.n === n);
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
  const logged = (words: string): number =>
    log()
      .split('\n')
      .filter((line) => line.includes(words)).length;
  const status = async (): Promise<AppStatus> => (await ask({ do: 'status' })) as AppStatus;
  const statusUntil: ProgramInLab['statusUntil'] = async (what, fits, ms) => {
    const from = lines.all.length;
    const now = await status();
    if (fits(now)) return now;
    const line = await lines.until(what, (l) => l.kind === 'status' && fits(l.status), ms, from);
    return (line as { readonly status: AppStatus }).status;
  };
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
    wake: (ms) => done({ do: 'wake', ms }),
    resume: () => done({ do: 'resume' }),
    statusUntil,
    emptied: (ms) => statusUntil('an empty Outbox', ({ counts }) => counts.outbox === 0, ms),
    failed: () => lines.all.filter(({ kind }) => kind === 'failed').length,
    starts: () => logged('start delivering'),
    unsure: () => logged('lost-after-dot'),
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
