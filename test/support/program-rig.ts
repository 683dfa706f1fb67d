/** The whole program (startProgram) for tests: real store thread, real listener, on a temporary profile. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';
import { startProgram, type Program, type ProgramParts } from '../../main/program.ts';
import { programParts, type RigSettings } from './program-parts.ts';

export type { RigSettings } from './program-parts.ts';

const root = path.resolve(import.meta.dirname, '../..');

export interface BuiltProgram {
  readonly workers: { readonly store: URL; readonly preview: URL };
  /** Entry of the program as a process of its own (program-child.ts). */
  readonly child: string;
  remove(): void;
}

/** Bundles the threads to plain JavaScript, as the program has them. Inside the work tree, for the drop-in to be found. */
export async function buildProgram(): Promise<BuiltProgram> {
  mkdirSync(path.join(root, 'test-output'), { recursive: true });
  const out = mkdtempSync(path.join(root, 'test-output', 'program-'));
  await build({
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir: out,
      target: 'node20',
      rolldownOptions: {
        input: {
          'store-worker': path.join(import.meta.dirname, 'mortal-store-worker.ts'),
          'preview-worker': path.join(root, 'main/preview/preview-worker.ts'),
          'program-child': path.join(import.meta.dirname, 'program-child.ts'),
        },
        external: ['@photostructure/sqlite', /^node:/],
        output: { entryFileNames: '[name].mjs' },
      },
    },
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
  /** Stops, and removes the profile. */
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
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
