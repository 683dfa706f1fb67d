/**
 * The engine's thread as the main thread sees it: started, spoken to, watched, and started again when it ends or stands still.
 * Accepted mail is on disk: such an end is to the queue what `kill -9` is (docs/decisions.md, *Threads*).
 */
import type { Worker } from 'node:worker_threads';
import type { EngineStart, HostRequest } from '../../main/engine-thread/protocol.ts';
import type { Trouble } from '../../main/log/trouble.ts';
import type { KeyStore } from '../../main/secrets/key-store.ts';
import type { EngineApi } from '../../shared/ipc-contract.ts';
import { assertNever, fail } from '../../shared/result.ts';
import { ENGINE_ENDED, linkEngine, type EngineLink } from './engine-link.ts';
import { createEngineNews, type EngineNews } from './engine-news.ts';
import type { RunningEngine } from './engine-port.ts';
import { watchHeartbeat, type HeartbeatLimits } from './heartbeat.ts';
import type { WriteSettings } from '../settings-writer.ts';
import { planRestart, type RestartLimits } from './restart-plan.ts';

/** How the thread is watched and started again. */
export interface EngineLimits extends HeartbeatLimits, RestartLimits {
  /** A thread that hangs is given this long to end before the user is told that it cannot be ended. */
  readonly terminateMs: number;
}

const LIMITS: EngineLimits = {
  beatMs: 10_000,
  missedBeats: 3,
  restarts: 5,
  restartSpanMs: 10 * 60_000,
  restartFirstMs: 100,
  terminateMs: 10_000,
};

/** Options of hostEngine. */
export interface EngineHostOptions {
  /** A thread that was made before there was anything to tell it: it loads its code meanwhile. */
  readonly first: Worker;
  /** Makes another one. */
  readonly another: () => Worker;
  readonly start: Omit<EngineStart, 'restart' | 'keyStore'>;
  readonly keyStore: KeyStore;
  /** Resolves once the key store can be asked. */
  readonly keyStoreReady: Promise<unknown>;
  readonly openExternal: (url: string) => Promise<void>;
  readonly writeSettings: WriteSettings;
  /** The user or the command line wants the program to end. */
  readonly quit: () => void;
  readonly trouble: Trouble;
  readonly limits?: Partial<EngineLimits>;
}

/** The engine, for as long as the program runs. */
export interface HostedEngine {
  /** Resolves once mail is accepted, or it is clear why not. Rejects, its message for the user, if the first start fails. */
  readonly started: Promise<RunningEngine>;
  /** Ends the engine: see Program.stop. A start that is under way comes to its end first. Never rejects. */
  stop(graceMs: number): Promise<void>;
}

/** Starts the engine. */
export function hostEngine(options: EngineHostOptions): HostedEngine {
  const { keyStore, trouble } = options;
  const news = createEngineNews((error) => trouble('event', error));
  let ask: EngineLink | null = null;
  let toldStarted = (_engine: RunningEngine): void => undefined;
  let toldRefused = (_error: Error): void => undefined;
  const started = new Promise<RunningEngine>((resolve, reject) => {
    [toldStarted, toldRefused] = [resolve, reject];
  });
  started.catch(() => undefined);
  const kept = keepEngine(options, news, {
    up: (link) => {
      ask = link;
      toldStarted(engine);
    },
    down: () => (ask = null),
    refused: (message) => toldRefused(new Error(message)),
  });
  const engine = createEngineCalls(news, kept.link, () => ask, trouble);
  options.keyStoreReady
    .then(() => {
      const state = keyStore.state();
      if (state !== null) kept.link()?.post({ kind: 'key-store', state });
    })
    .catch((error: unknown) => trouble('key store', error));
  return { started, stop: kept.stop };
}

/** Keeps one thread running. `events.up`: it answers calls from now on; `down`: not any more. */
function keepEngine(
  options: EngineHostOptions,
  news: EngineNews,
  events: { up(link: EngineLink): void; down(): void; refused(message: string): void },
): { link(): EngineLink | null; stop(graceMs: number): Promise<void> } {
  const { trouble } = options;
  const limits = { ...LIMITS, ...options.limits };
  let link: EngineLink | null = null;
  let ends: number[] = [];
  let stopping: (() => void) | null = null;
  let restart: NodeJS.Timeout | undefined;
  let stuck: NodeJS.Timeout | undefined;
  let endWatch = (): void => undefined;

  function begin(worker: Worker): void {
    const begun = linkEngine(worker, {
      news: (message) => {
        if (message.kind === 'started') events.up(begun);
        news.take(message);
      },
      refused: events.refused,
      quit: options.quit,
      serve: (request) => serve(request, options),
      failed: (error) => trouble('engine', error),
      ended,
    });
    link = begun;
    const restarted = ends.length === 0 ? null : { count: ends.length };
    begun.post({
      kind: 'start',
      start: { ...options.start, restart: restarted, keyStore: options.keyStore.state() },
    });
    endWatch = watchHeartbeat(
      limits,
      () => begun.ask({ kind: 'ping' }),
      () => hung(begun),
    );
  }

  function ended(code: number): void {
    link = null;
    events.down();
    endWatch();
    clearTimeout(stuck);
    if (stopping !== null) return stopping();
    trouble('engine', new Error(`its thread ended (${code})`));
    // The first start: whoever waits for it is told.
    if (news.status() === null)
      return events.refused('The part of the program that handles mail ended while it started.');
    ends = [...ends, performance.now()];
    const { resting, waitMs } = planRestart(ends, limits);
    news.down(resting ? 'problem.engineResting' : 'problem.engineDown');
    restart = setTimeout(() => begin(options.another()), waitMs);
  }

  function hung(begun: EngineLink): void {
    trouble('engine', new Error('its thread does not answer'));
    events.down();
    news.down('problem.engineDown');
    stuck = setTimeout(() => news.down('problem.engineStuck'), limits.terminateMs);
    begun.terminate();
  }

  begin(options.first);
  return {
    link: () => link,
    async stop(graceMs) {
      clearTimeout(restart);
      const running = link;
      if (running === null) return;
      await new Promise<void>((resolve) => {
        stopping = resolve;
        running.ask({ kind: 'stop', graceMs }).catch(() => undefined);
      });
    },
  };
}

/** Does what only the main thread can. */
function serve(request: HostRequest, { keyStore, openExternal, writeSettings }: EngineHostOptions): Promise<unknown> {
  switch (request.kind) {
    case 'encrypt':
      return keyStore.encrypt(request.text, request.allowPlain);
    case 'decrypt':
      return keyStore.decrypt(request.data, request.obfuscated);
    case 'open-external':
      return openExternal(request.url);
    case 'write-settings':
      return writeSettings(request.stored);
    default:
      return assertNever(request);
  }
}

const DOWN = fail(
  'engine-down',
  'The part of the program that handles mail is being started again. Try again in a moment.',
);

/** The shell's view: `link` is the thread that runs, `up` that one once it answers calls. */
function createEngineCalls(
  news: EngineNews,
  link: () => EngineLink | null,
  up: () => EngineLink | null,
  trouble: Trouble,
): RunningEngine {
  /** What it was asked before it ended may have been done, or not. */
  async function whileUp<T>(ask: (engine: EngineLink) => Promise<T>): Promise<T | typeof DOWN> {
    const running = up();
    if (running === null) return DOWN;
    try {
      return await ask(running);
    } catch (error) {
      if (error !== ENGINE_ENDED) trouble('engine', error);
      return DOWN;
    }
  }
  const call: RunningEngine['call'] = (name, input) => whileUp((to) => to.ask({ kind: 'call', name, input }));
  return {
    // Names of calls have a point in them; nothing else is there, `then` least of all.
    api: new Proxy({} as EngineApi, {
      get: (_target, name) =>
        typeof name === 'string' && name.includes('.') ? (input: unknown) => call(name, input) : undefined,
    }),
    call,
    status: () => known(news.status()),
    settings: () => known(news.settings()),
    on: news.on,
    onSettings: (listener) => news.on('settings', listener),
    onFailed: (listener) => news.on('failed', listener),
    attachment: (id, index) => whileUp((to) => to.ask({ kind: 'attachment', id, index })),
    suspended: () => link()?.post({ kind: 'suspended' }),
    resumed: () => link()?.post({ kind: 'resumed' }),
  };
}

/** Told with the first word of the engine, before which nobody has it. */
function known<T>(value: T | null): T {
  if (value === null) throw new Error('the engine has not started');
  return value;
}
