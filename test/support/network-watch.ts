/** Runs the network monitor as a program inside a namespace and waits for what it tells. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { NetworkState } from '../../shared/status.ts';

export interface ToldState {
  /** Wall clock, milliseconds. */
  readonly at: number;
  readonly change: boolean;
  readonly state: NetworkState;
}

/** Bundles the child into one file outside the work tree. */
export async function bundleNetworkChild(): Promise<{ readonly file: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'postcast-netchild-'));
  await build({
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: fileURLToPath(new URL('network-child.ts', import.meta.url)),
      outDir: folder,
      emptyOutDir: true,
      minify: false,
      rolldownOptions: { output: { entryFileNames: 'child.mjs', format: 'es' } },
    },
  });
  return { file: join(folder, 'child.mjs'), remove: () => rm(folder, { recursive: true, force: true }) };
}

export interface NetworkWatch {
  /** Everything told so far. */
  readonly told: readonly ToldState[];
  /** Lines of the log. */
  readonly notes: readonly { readonly event: string; readonly facts?: Readonly<Record<string, unknown>> }[];
  readonly pid: number;
  /** The first state told that fits, from the `from`-th on; rejects after `ms`. */
  next(
    what: string,
    fits: (told: ToldState) => boolean,
    options?: { readonly from?: number; readonly ms?: number },
  ): Promise<ToldState>;
  stop(): Promise<void>;
}

/** Reads the lines of a started child. Resolves when the monitor runs. */
export async function watchNetworkChild(child: ChildProcessWithoutNullStreams): Promise<NetworkWatch> {
  const told: ToldState[] = [];
  const notes: { event: string; facts?: Record<string, unknown> }[] = [];
  const waiting = new Set<() => void>();
  let rest = '';
  let complaints = '';
  let started = false;
  let ended = false;
  const wake = (): void => {
    for (const look of [...waiting]) look();
  };
  child.stderr.on('data', (text: Buffer) => (complaints += text.toString()));
  child.once('close', () => {
    ended = true;
    wake();
  });
  child.stdout.on('data', (text: Buffer) => {
    const lines = (rest + text.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const said = JSON.parse(line) as { kind: string } & ToldState & { event: string };
      if (said.kind === 'started') started = true;
      else if (said.kind === 'state') told.push(said);
      else notes.push(said);
    }
    wake();
  });

  function until(what: string, met: () => boolean, ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (error: Error | null): void => {
        waiting.delete(look);
        clearTimeout(timer);
        if (error === null) resolve();
        else reject(error);
      };
      const look = (): void => {
        if (met()) finish(null);
        else if (ended) finish(new Error(`the monitor ended while waiting for ${what}: ${complaints}`));
      };
      const timer = setTimeout(
        () =>
          finish(
            new Error(`not told: ${what}; told ${JSON.stringify(told)}; notes ${JSON.stringify(notes)} ${complaints}`),
          ),
        ms,
      );
      waiting.add(look);
      look();
    });
  }

  await until('its start', () => started, 20_000);
  return {
    told,
    notes,
    pid: child.pid ?? -1,
    async next(what, fits, { from = 0, ms = 30_000 } = {}) {
      await until(what, () => told.slice(from).some(fits), ms);
      return told.slice(from).find(fits)!;
    },
    async stop() {
      if (ended) return;
      const over = new Promise<void>((resolve) => child.once('close', () => resolve()));
      child.stdin.end();
      await over;
    },
  };
}
