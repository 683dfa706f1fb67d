/**
 * The engine's thread as the main thread sees it: started, spoken to over its port, watched, and started again when it ends or
 * stands still. Accepted mail is on disk: such an end is to the queue what `kill -9` is (docs/decisions.md, *Threads*).
 */
import type { Worker } from 'node:worker_threads';
import type {
  EngineAnswers,
  EngineEvents,
  EngineRequest,
  EngineStart,
  FromEngine,
  HostRequest,
  ShellSettings,
  ToEngine,
} from '../main/engine-thread/protocol.ts';
import { answerOf, createRequests, type Requests } from '../main/engine-thread/requests.ts';
import type { Trouble } from '../main/log/trouble.ts';
import { createEmitter } from '../main/runtime/emitter.ts';
import type { KeyStore } from '../main/secrets/key-store.ts';
import type { EngineApi } from '../shared/ipc-contract.ts';
import type { Phrase } from '../shared/mail.ts';
import type { PhraseId } from '../shared/phrases.ts';
import { assertNever, fail } from '../shared/result.ts';
import type { AppStatus } from '../shared/status.ts';
import type { FailedMessage, RunningEngine } from './engine-port.ts';

/** How the thread is watched. */
export interface EngineLimits {
  /** It is asked for a sign of life this often. */
  readonly beatMs: number;
  /** It hangs once this many of them in a row were not answered. Counted, not timed: sleep and a busy main thread add none. */
  readonly missedBeats: number;
  /** Ends within `restartSpanMs` after each of which it is started again; the next start waits until the span has room. */
  readonly restarts: number;
  readonly restartSpanMs: number;
  /** Wait before it is started again, doubled with each end in the span. */
  readonly restartFirstMs: number;
  /** A thread that hangs is given this long to end. */
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

interface HostEvents extends EngineEvents {
  readonly failed: FailedMessage;
  readonly settings: ShellSettings;
}

const DOWN = fail('engine-down', 'The part of the program that handles mail is being started again. Try again in a moment.');

/** Starts the engine. */
export function hostEngine(options: EngineHostOptions): HostedEngine {
  const { keyStore, trouble } = options;
  const limits = { ...LIMITS, ...options.limits };
  const events = createEmitter<HostEvents>((error) => trouble('event', error));
  let thread: Worker | null = null;
  let requests: Requests<EngineRequest, EngineAnswers> | null = null;
  let status: AppStatus | null = null;
  let settings: ShellSettings | null = null;
  let up = false;
  let stopping = false;
  let missed = 0;
  let stuck: NodeJS.Timeout | undefined;
  let restart: NodeJS.Timeout | undefined;
  /** When it ended by itself, monotonic; those within the span. */
  let ends: number[] = [];
  let endCount = 0;
  const whenEnded = new Set<() => void>();
  let settle: { readonly resolve: (engine: RunningEngine) => void; readonly reject: (error: Error) => void };
  const started = new Promise<RunningEngine>((resolve, reject) => {
    settle = { resolve, reject };
  });
  started.catch(() => undefined);

  const post = (message: ToEngine): void => thread?.postMessage(message);

  function begin(worker: Worker): void {
    thread = worker;
    missed = 0;
    requests = createRequests<EngineRequest, EngineAnswers>((n, request) =>
      worker.postMessage({ kind: 'request', n, request } satisfies ToEngine),
    );
    worker.on('message', receive);
    worker.on('error', (error) => trouble('engine', error));
    worker.on('exit', ended);
    const count = endCount;
    post({
      kind: 'start',
      start: { ...options.start, restart: count === 0 ? null : { count }, keyStore: keyStore.state() },
    });
  }

  function receive(message: FromEngine): void {
    switch (message.kind) {
      case 'started':
        ({ status, settings } = message);
        up = true;
        settle.resolve(engine);
        tellAll();
        break;
      case 'refused':
        settle.reject(new Error(message.message));
        break;
      case 'answer':
        requests?.take(message.n, message.answer);
        break;
      case 'event':
        if (message.name === 'status:changed') status = message.payload as AppStatus;
        events.emit(message.name, message.payload as never);
        break;
      case 'settings':
        ({ settings } = message);
        events.emit('settings', settings);
        break;
      case 'failed':
        events.emit('failed', message.message);
        break;
      case 'request':
        void answer(message.n, message.request);
        break;
      case 'quit':
        options.quit();
        break;
      default:
        assertNever(message);
    }
  }

  async function answer(n: number, request: HostRequest): Promise<void> {
    const asking = thread;
    const done = await answerOf(() => handle(request));
    // Another one would take it for an answer to a question of its own.
    if (asking === thread) post({ kind: 'answer', n, answer: done });
  }

  function handle(request: HostRequest): Promise<unknown> {
    switch (request.kind) {
      case 'encrypt':
        return keyStore.encrypt(request.text, request.allowPlain);
      case 'decrypt':
        return keyStore.decrypt(request.data, request.obfuscated);
      case 'open-external':
        return options.openExternal(request.url);
      default:
        return assertNever(request);
    }
  }

  /** Whatever was told before may have changed: everybody reads again. */
  function tellAll(): void {
    if (status !== null) events.emit('status:changed', status);
    if (settings !== null) events.emit('settings', settings);
    for (const name of ['queue:changed', 'settings:changed', 'gateways:changed'] as const) events.emit(name, {});
  }

  function ended(code: number): void {
    thread = null;
    up = false;
    clearTimeout(stuck);
    stuck = undefined;
    requests?.abandon(new Error('The engine ended.'));
    for (const told of whenEnded) told();
    if (stopping) return;
    trouble('engine', new Error(`its thread ended (${code})`));
    if (status === null) {
      settle.reject(new Error('The part of the program that handles mail ended while it started.'));
      return;
    }
    const now = performance.now();
    ends = [...ends.filter((at) => now - at < limits.restartSpanMs), now];
    endCount += 1;
    const resting = ends.length > limits.restarts;
    const waitMs = resting
      ? (ends[0] ?? now) + limits.restartSpanMs - now
      : limits.restartFirstMs * 2 ** (ends.length - 1);
    tellDown(resting ? 'problem.engineResting' : 'problem.engineDown');
    restart = setTimeout(() => begin(options.another()), waitMs);
  }

  /** What is known of the queue stays as it was told last. */
  function tellDown(id: PhraseId): void {
    if (status === null) return;
    const words: Phrase = { id };
    const problems = status.problems.filter((problem) => problem.id !== 'engine');
    status = {
      ...status,
      state: 'attention',
      phrases: [words],
      listener: { kind: 'stopped' },
      sending: 0,
      problems: [{ id: 'engine', severity: 'error', phrase: words, since: Date.now() }, ...problems],
    };
    events.emit('status:changed', status);
  }

  const beat = setInterval(() => {
    if (thread === null || stuck !== undefined) return;
    if (missed >= limits.missedBeats) return endHung(thread);
    missed += 1;
    requests?.ask({ kind: 'ping' }).then(
      () => {
        missed = 0;
      },
      () => undefined,
    );
  }, limits.beatMs);

  function endHung(worker: Worker): void {
    trouble('engine', new Error('its thread does not answer'));
    // A call into the system that never returns cannot be ended from outside.
    stuck = setTimeout(() => tellDown('problem.engineStuck'), limits.terminateMs);
    tellDown('problem.engineDown');
    up = false;
    worker.terminate().catch((error: unknown) => trouble('engine', error));
  }

  /** Asks an engine that is up; what it took with it when it ended is not known to have been done. */
  async function whileUp<T>(ask: (engine: Requests<EngineRequest, EngineAnswers>) => Promise<T>): Promise<T | typeof DOWN> {
    if (!up || requests === null) return DOWN;
    try {
      return await ask(requests);
    } catch (error) {
      if (up) trouble('engine', error);
      return DOWN;
    }
  }

  const call: RunningEngine['call'] = (name, input) => whileUp((to) => to.ask({ kind: 'call', name, input }));
  const engine: RunningEngine = {
    // Names of calls have a point in them; nothing else is there, `then` least of all.
    api: new Proxy({} as EngineApi, {
      get: (_target, name) =>
        typeof name === 'string' && name.includes('.') ? (input: unknown) => call(name, input) : undefined,
    }),
    call,
    status: () => known(status),
    on: (event, listener) => events.on(event, listener as never),
    settings: () => known(settings),
    onSettings: (listener) => events.on('settings', listener),
    attachment: (id, index) => whileUp((to) => to.ask({ kind: 'attachment', id, index })),
    onFailed: (listener) => events.on('failed', listener),
    suspended: () => post({ kind: 'suspended' }),
    resumed: () => post({ kind: 'resumed' }),
  };

  options.keyStoreReady
    .then(() => {
      const state = keyStore.state();
      if (state !== null) post({ kind: 'key-store', state });
    })
    .catch((error: unknown) => trouble('key store', error));
  begin(options.first);

  return {
    started,
    async stop(graceMs) {
      stopping = true;
      clearInterval(beat);
      clearTimeout(restart);
      if (thread === null) return;
      const gone = new Promise<void>((resolve) => whenEnded.add(resolve));
      requests?.ask({ kind: 'stop', graceMs }).catch(() => undefined);
      await gone;
    },
  };
}

/** Told with the first word of the engine, before which nobody has it. */
function known<T>(value: T | null): T {
  if (value === null) throw new Error('the engine has not started');
  return value;
}
