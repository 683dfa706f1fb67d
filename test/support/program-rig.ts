/** The whole program (startProgram) for tests: real store thread, real listener, on a temporary profile. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { startProgram, type Program, type ProgramParts } from '../../main/program/program.ts';
import { bundleForNode } from '../../scripts/lib/bundle.mjs';
import type { EngineApi } from '../../shared/ipc-contract.ts';
import type { ChildAnswer } from './program-child.ts';
import { programParts, type RigSettings } from './program-parts.ts';

export type { RigSettings } from './program-parts.ts';

export const root = path.resolve(import.meta.dirname, '../..');

export interface BuiltProgram {
  readonly workers: { readonly store: URL; readonly preview: URL };
  /** Entry of the program as a process of its own (program-child.ts). */
  readonly child: string;
  remove(): void;
}

/**
 * Bundles the threads to plain JavaScript, as the program has them. Inside the work tree, for the drop-in to be found.
 * @param child entry of the program as a process of its own, if it is another one than program-child.ts
 */
export async function buildProgram(child = path.join(root, 'test/support/program-child.ts')): Promise<BuiltProgram> {
  mkdirSync(path.join(root, 'test-output'), { recursive: true });
  const out = mkdtempSync(path.join(root, 'test-output', 'program-'));
  await bundleForNode({
    entries: {
      'store-worker': path.join(root, 'test/support/mortal-store-worker.ts'),
      'preview-worker': path.join(root, 'main/preview/preview-worker.ts'),
      'program-child': child,
    },
    into: out,
  });
  const url = (name: string): URL => pathToFileURL(path.join(out, `${name}.mjs`));
  return {
    workers: { store: url('store-worker'), preview: url('preview-worker') },
    child: path.join(out, 'program-child.mjs'),
    remove: () => {
      rmSync(out, { recursive: true, force: true });
    },
  };
}

export interface ProgramRig {
  readonly program: Program;
  readonly profile: string;
  readonly port: number;
  set(next: RigSettings): void;
  stop(): Promise<void>;
  /** Stops, and removes the profile if it is a temporary one. */
  close(): Promise<void>;
}

/** Starts it in this process. Without a profile: on a new temporary one. */
export async function startRig(
  built: BuiltProgram,
  options: { readonly settings?: RigSettings; readonly profile?: string; readonly parts?: Partial<ProgramParts> } = {},
): Promise<ProgramRig> {
  const profile = options.profile ?? mkdtempSync(path.join(tmpdir(), 'postcast-rig-'));
  const { parts, set } = programParts(profile, built.workers, options.settings ?? {});
  const program = await startProgram({ ...parts, ...options.parts });
  const { listener } = program.status();
  const stop = (): Promise<void> => program.stop(2_000);
  return {
    program,
    profile,
    port: listener.kind === 'listening' ? listener.port : 0,
    set,
    stop,
    async close() {
      await stop();
      if (options.profile === undefined) rmSync(profile, { recursive: true, force: true });
    },
  };
}

export interface ProgramProcess {
  readonly process: ChildProcess;
  /** Of the listener; 0 if the program did not start. */
  readonly port: number;
  /** Why it did not start. */
  readonly error: string | null;
  /** Exit code or signal. */
  readonly exited: Promise<number | string | null>;
  call<M extends keyof EngineApi>(method: M, input: Parameters<EngineApi[M]>[0]): ReturnType<EngineApi[M]>;
  attachmentName(id: string, index: number): Promise<string | null>;
  rss(): Promise<number>;
  /** Runs it and tells how long the program's event loop stood still at most (ms). */
  longestBlock(work: () => Promise<void>): Promise<number>;
  /** Kills it if it still runs. */
  end(): Promise<void>;
}

/** Starts it as a process of its own, for what it must not share with the test: its death, its event loop, its memory. */
export async function startProcess(
  built: BuiltProgram,
  profile: string,
  settings: RigSettings,
): Promise<ProgramProcess> {
  const task = path.join(profile, 'task.json');
  writeFileSync(task, JSON.stringify({ profile, settings }));
  const child = spawn(process.execPath, [built.child, task], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const exited = new Promise<number | string | null>((resolve) => {
    child.on('exit', (code, signal) => {
      resolve(signal ?? code);
    });
  });
  const waiting = new Map<number, (value: unknown) => void>();
  let lastNumber = 0;
  child.on('message', (answer: ChildAnswer) => {
    waiting.get(answer.n)?.(answer.value);
    waiting.delete(answer.n);
  });
  const ask = <T>(method: string, input: unknown = {}): Promise<T> =>
    new Promise((resolve) => {
      lastNumber += 1;
      waiting.set(lastNumber, resolve as (value: unknown) => void);
      child.send({ n: lastNumber, method, input });
    });
  const line = await new Promise<string>((resolve) => {
    let text = '';
    child.stdout?.on('data', (data: Buffer) => {
      text += data.toString();
      if (text.includes('\n')) resolve(text);
    });
    void exited.then(() => {
      resolve(text === '' ? '{"error":"ended without a word"}' : text);
    });
  });
  const said = JSON.parse(line) as { listener?: { port: number }; error?: string };
  return {
    process: child,
    port: said.listener?.port ?? 0,
    error: said.error ?? null,
    exited,
    call: (method, input) => ask(method, input) as ReturnType<EngineApi[typeof method]>,
    attachmentName: (id, index) => ask('attachment', { id, index }),
    rss: () => ask('rss'),
    async longestBlock(work) {
      await ask('watch');
      await work();
      return ask('blocked');
    },
    async end() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}
