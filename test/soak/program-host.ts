/**
 * The program as a process of its own, for the soak in real time: main/program/program.ts with its listener and its control socket, the
 * settings file as the shell has it; network, clock and the word of a resume come from the soak, over the process's channel.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { openSettingsFile } from '../../main/settings/settings-file.ts';
import { startControlServer } from '../../main/control/control-server.ts';
import { createDispatch } from '../../main/control/dispatch.ts';
import { controlPlace, thisComputer } from '../../main/control/profile-path.ts';
import { startProgram } from '../../main/program/program.ts';
import { engineMethods } from '../../shared/ipc-contract.ts';
import type { NetworkState } from '../../shared/status.ts';
import { JumpingClock } from '../fakes/jumping-clock.ts';
import { memorySecrets } from '../fakes/memory-secrets.ts';

/** What the soak says. Each is answered by its number once it is done. */
export type HostOrder = { readonly n: number } & (
  | { readonly kind: 'network'; readonly state: NetworkState }
  | { readonly kind: 'jump'; readonly ms: number }
  | { readonly kind: 'wake-up' }
  | { readonly kind: 'secret'; readonly name: string; readonly value: string }
);

export interface HostTask {
  readonly profile: string;
  readonly network: NetworkState;
  /** The clock is set by so much already (ms). */
  readonly ahead: number;
  readonly secrets: Readonly<Record<string, string>>;
}

/** What the host says: that the program stands, or that an order is done, or that the log has something that went wrong. */
export type HostWord =
  | { readonly kind: 'stands' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'done'; readonly n: number }
  | { readonly kind: 'secret'; readonly name: string; readonly value: string | null };

const task = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as HostTask;
const tell = (word: HostWord): void => void process.send?.(word);
const clock = new JumpingClock();
clock.jump(task.ahead);
let network = task.network;
const watchers = new Set<(state: NetworkState) => void>();
const secrets = memorySecrets(task.secrets);
const settings = openSettingsFile({
  profile: task.profile,
  now: () => clock.now(),
  note: () => undefined,
});
const none = { ok: false, detail: 'not here' };
const beside = (name: string): URL => new URL(`./${name}.mjs`, import.meta.url);

async function run(): Promise<void> {
  const program = await startProgram({
    profile: task.profile,
    version: '0.0.0-soak',
    settings,
    secrets: {
      ...secrets,
      set: async (name, value, given) => {
        await secrets.set(name, value, given);
        tell({ kind: 'secret', name, value });
      },
    },
    network: () => ({
      current: () => network,
      watch: (listener) => {
        watchers.add(listener);
        return () => watchers.delete(listener);
      },
      refresh: () => undefined,
      close: () => Promise.resolve(),
    }),
    dialUp: () => ({
      configured: () => Promise.resolve([]),
      dial: () => Promise.resolve(none),
      hangUp: () => Promise.resolve(none),
    }),
    workers: { store: beside('store-worker'), preview: beside('preview-worker') },
    clock,
    quit: () => void quit(),
  });
  const control = await startControlServer({
    place: controlPlace(task.profile, thisComputer(os)),
    dispatch: createDispatch(engineMethods, program.api, () => undefined),
    problem: () => undefined,
  });
  async function quit(): Promise<void> {
    await Promise.all([program.stop(2_000), control.close(500)]);
    process.exit(0);
  }
  process.on('message', (order: HostOrder) => {
    switch (order.kind) {
      case 'network':
        network = order.state;
        for (const watcher of [...watchers]) watcher(network);
        break;
      case 'jump':
        clock.jump(order.ms);
        break;
      case 'wake-up':
        program.resumed();
        break;
      case 'secret':
        secrets.all.set(order.name, order.value);
        break;
    }
    tell({ kind: 'done', n: order.n });
  });
  process.on('SIGTERM', () => void quit());
  // Whoever started it is gone: nobody needs it any more.
  process.on('disconnect', () => process.exit(1));
  await settings.watch();
  tell({ kind: 'stands' });
}

run().catch((error: unknown) => {
  tell({ kind: 'failed', why: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exitCode = 1;
});
