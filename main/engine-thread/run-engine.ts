/**
 * The composition root of the engine: builds the real ports, starts the program with them, serves the command line, and
 * passes on to the shell what happens.
 */
import os from 'node:os';
import path from 'node:path';
import { engineMethods } from '../../shared/ipc-contract.ts';
import type { Result } from '../../shared/result.ts';
import { startControlServer } from '../control/control-server.ts';
import { createDispatch } from '../control/dispatch.ts';
import { controlPlace, thisComputer } from '../control/profile-path.ts';
import type { Trouble } from '../log/trouble.ts';
import { createDialUp } from '../network/dial-up/system-dial-up.ts';
import { createLazyAdapter } from '../network/lazy-adapter.ts';
import { createNetworkMonitor } from '../network/monitor.ts';
import { createPortalProbe } from '../network/portal-probe.ts';
import { startProgram, type Program } from '../program/program.ts';
import { createSecretStore } from '../secrets/kept-secrets.ts';
import type { KeyStore } from '../secrets/key-store.ts';
import { openSettingsFile, type SettingsFile } from '../settings/settings-file.ts';
import type { Attachment, EngineEvents, EngineStart, FromEngine } from './protocol.ts';

/** An engine that runs. */
export interface Engine {
  /** A call of the contract, its input unparsed. */
  call(name: string, input: unknown): Promise<Result<unknown>>;
  attachment(id: string, index: number): Promise<Result<Attachment>>;
  suspended(): void;
  resumed(): void;
  keyStoreChanged(): void;
  /** Accepts nothing more, lets what is in flight finish or gives it back, closes the queue. Never rejects. */
  stop(graceMs: number): Promise<void>;
}

/** What the main thread does for it. */
export interface EngineHostPorts {
  readonly trouble: Trouble;
  readonly send: (message: FromEngine) => void;
  readonly keyStore: KeyStore;
  readonly openExternal: (url: string) => Promise<void>;
  readonly writeSettings: (stored: Readonly<Record<string, unknown>>) => Promise<void>;
}

const EVENTS = ['queue:changed', 'status:changed', 'settings:changed', 'gateways:changed'] as const;
/** Calls of the command line that are under way get their answers within this time when the engine ends. */
const CONTROL_GRACE_MS = 1_000;

/** Resolves once the listener stands. Rejects, its message for the user, if there is no way to keep mail. */
export async function runEngine(start: EngineStart, host: EngineHostPorts): Promise<Engine> {
  const { profile } = start;
  const { trouble, send } = host;
  const settings = openSettingsFile({
    profile,
    now: () => Date.now(),
    note: (event, facts) => trouble(event, Object.values(facts).join(' ')),
    write: host.writeSettings,
  });
  const starting = startProgram({
    profile,
    version: start.version,
    settings,
    secrets: createSecretStore({
      file: path.join(profile, 'secrets'),
      keyStore: host.keyStore,
      problem: trouble,
    }),
    network: ({ clock, log }) =>
      createNetworkMonitor({
        clock,
        log,
        settings,
        adapter: createLazyAdapter(async () => {
          const { createSystemAdapter } = await import('../network/system-adapter.ts');
          return createSystemAdapter({ clock, log });
        }),
        probePortal: createPortalProbe(),
      }),
    dialUp: ({ log }) => createDialUp({ log }),
    workers: { store: new URL(start.workers.store), preview: new URL(start.workers.preview) },
    openExternal: host.openExternal,
    quit: () => {
      send({ kind: 'quit' });
    },
    restarts: start.restart?.count ?? 0,
  });
  const dispatching = starting.then((program) => createDispatch(engineMethods, program.api, trouble));
  dispatching.catch(() => undefined);
  const call: Engine['call'] = async (name, input) => (await dispatching)(name, input);
  // Listens from the beginning, and answers once there is something to answer with: nobody is told that nothing runs here.
  const controlling = startControlServer({
    place: controlPlace(profile, thisComputer(os)),
    dispatch: async (name, input) => (await dispatching)(name, input),
    problem: trouble,
  }).catch((error: unknown) => {
    // The program works without its command line.
    trouble('control socket', error);
    return null;
  });

  let program: Program;
  try {
    program = await starting;
  } catch (error) {
    settings.close();
    await controlling.then((control) => control?.close(CONTROL_GRACE_MS));
    throw error;
  }
  await controlling;
  const tellStatus = forward(program, settings, send);
  send({ kind: 'started', status: program.status(), settings: settings.get().general });
  await settings.watch().catch((error: unknown) => trouble('settings.json is not watched', error));
  return {
    call,
    attachment: (id, index) => program.attachment(id, index),
    suspended: () => program.suspended(),
    resumed: () => program.resumed(),
    keyStoreChanged: tellStatus,
    stop: async (graceMs) => {
      settings.close();
      await Promise.all([controlling.then((control) => control?.close(CONTROL_GRACE_MS)), program.stop(graceMs)]).catch(
        (error: unknown) => trouble('stop', error),
      );
    },
  };
}

/** Passes on what the shell wants to hear. Returns what tells the status of the moment. */
function forward(program: Program, settings: SettingsFile, send: EngineHostPorts['send']): () => void {
  const tell = <E extends keyof EngineEvents>(name: E, payload: EngineEvents[E]): void => {
    send({ kind: 'event', name, payload });
  };
  // At most about four times a second each: the program sees to that (main/program/status-feed.ts).
  for (const name of EVENTS) program.on(name, (payload) => tell(name, payload));
  program.on('failed', (message) => send({ kind: 'failed', message }));
  settings.onChange(({ general }) => send({ kind: 'settings', settings: general }));
  return () => tell('status:changed', program.status());
}
