/** Runs the network monitor as a program inside a namespace and waits for what it tells. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleForNode } from '../../scripts/lib/bundle.mjs';
import type { NetworkState } from '../../shared/status.ts';
import { Lines } from './lines.ts';

export interface ToldState {
  /** Wall clock, milliseconds. */
  readonly at: number;
  readonly change: boolean;
  readonly state: NetworkState;
}

interface Note {
  readonly event: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Bundles the child into one file outside the work tree. */
export async function bundleNetworkChild(): Promise<{ readonly file: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'postcast-netchild-'));
  const child = fileURLToPath(new URL('network-child.ts', import.meta.url));
  await bundleForNode({ entries: { child }, into: folder });
  return { file: join(folder, 'child.mjs'), remove: () => rm(folder, { recursive: true, force: true }) };
}

export interface NetworkWatch {
  /** Everything told so far. */
  readonly told: readonly ToldState[];
  /** Lines of the log. */
  readonly notes: readonly Note[];
  /** The first state told that fits, from the `from`-th on. */
  next(what: string, fits: (told: ToldState) => boolean, options?: { readonly from?: number }): Promise<ToldState>;
  stop(): Promise<void>;
}

type Line =
  | { readonly kind: 'started' }
  | ({ readonly kind: 'state' } & ToldState)
  | ({ readonly kind: 'note' } & Note)
  | { readonly kind: 'problem' };

/** Reads the lines of a started child. Resolves when the monitor runs. */
export async function watchNetworkChild(child: ChildProcessWithoutNullStreams): Promise<NetworkWatch> {
  const lines = new Lines<Line>(child);
  const told = (): readonly ToldState[] => lines.all.filter((line) => line.kind === 'state');
  await lines.until('the start of the monitor', ({ kind }) => kind === 'started');
  return {
    get told() {
      return told();
    },
    get notes() {
      return lines.all.filter((line) => line.kind === 'note');
    },
    async next(what, fits, { from = 0 } = {}) {
      await lines.when(what, () => told().slice(from).some(fits));
      return told().slice(from).find(fits)!;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const over = new Promise<void>((resolve) => child.once('close', () => resolve()));
      child.stdin.end();
      await over;
    },
  };
}
