/**
 * The whole program but its shell: listener, queue, delivery, scheduler and API wired together. Plain Node: the engine's
 * thread (main/engine-thread), the tests and the benches all run this same composition with their own ports. Room: build.ts makes
 * the parts, connect.ts says who hears whom, life-cycle.ts starts and ends them, status-feed.ts and the files named
 * …-problems.ts tell the user how it is. The only room that imports all others; from outside only this file is imported.
 */
import type { EngineApi } from '../../shared/ipc-contract.ts';
import { fail, ok, type Result } from '../../shared/result.ts';
import type { AppStatus } from '../../shared/status.ts';
import type { createLog } from '../log/log.ts';
import type { DialUp, NetworkMonitor } from '../network/network-port.ts';
import type { FailedMessage } from '../attempt/attempt.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import type { SettingsStore } from '../settings/settings-store.ts';
import { buildApi } from './build-api.ts';
import { buildParts, type Parts } from './build.ts';
import { connectParts } from './connect.ts';
import { createLifeCycle } from './life-cycle.ts';
import { createProblemReports } from './problem-reports.ts';
import { createStatusFeed } from './status-feed.ts';

export type { FailedMessage };

/** What the platform and the shell bring along. */
export interface ProgramParts {
  readonly profile: string;
  readonly version: string;
  /** `whole`: they are as the user left them. */
  readonly settings: SettingsStore & { readonly message?: string | null; readonly whole?: boolean };
  readonly secrets: SecretStore;
  /** Made once the log is there. */
  readonly network: (parts: { readonly clock: Clock; readonly log: ReturnType<typeof createLog> }) => NetworkMonitor;
  readonly dialUp: (parts: { readonly log: ReturnType<typeof createLog> }) => DialUp;
  readonly workers: { readonly store: URL; readonly preview: URL };
  readonly clock?: Clock;
  readonly random?: Random;
  /** Opens an address in the user's browser, to sign in there. Absent: nobody can sign in from here. */
  readonly openExternal?: (url: string) => Promise<void>;
  /** The user or the command line wants the program to end. */
  readonly quit: () => void;
  /** How often the engine ended by itself and was started again, this time included; the user is told. Absent: never. */
  readonly restarts?: number;
}

/** Each at most about four times a second, but for `failed`. */
export interface ProgramEvents {
  readonly 'queue:changed': Record<string, never>;
  readonly 'status:changed': AppStatus;
  readonly 'settings:changed': Record<string, never>;
  readonly 'gateways:changed': Record<string, never>;
  readonly failed: FailedMessage;
}

export interface Program {
  readonly api: EngineApi;
  status(): AppStatus;
  on<E extends keyof ProgramEvents>(event: E, listener: (payload: ProgramEvents[E]) => void): () => void;
  attachment(id: string, index: number): Promise<Result<{ readonly name: string; readonly bytes: Uint8Array }>>;
  suspended(): void;
  resumed(): void;
  stop(graceMs: number): Promise<void>;
}

/**
 * Opens the queue, binds the listener, starts delivering. Resolves once the listener stands (or has failed, which is a
 * state, not an error). Rejects only if there is no way to keep mail: StoreError of the queue.
 */
export async function startProgram(given: ProgramParts): Promise<Program> {
  const parts = buildParts(given);
  const reports = createProblemReports(parts);
  const status = createStatusFeed(given, parts, reports);
  const disconnect = connectParts(parts, status, reports);
  reports.atStart(given.restarts ?? 0);
  const api = buildApi(given, parts, status);
  const lifeCycle = createLifeCycle(parts, status, disconnect);
  await lifeCycle.start(given.version);
  return {
    api,
    status: status.current,
    on: parts.events.on,
    attachment: async (id, index) => attachment(parts, id, index),
    suspended: lifeCycle.suspended,
    resumed: lifeCycle.resumed,
    stop: lifeCycle.stop,
  };
}

async function attachment({ preview }: Parts, id: string, index: number): ReturnType<Program['attachment']> {
  const found = await preview.attachment(id, index);
  return found === null
    ? fail('not-found', 'There is no such attachment.')
    : ok({ name: found.name, bytes: found.bytes });
}
