/** The engine's end of the port: starts the engine when it is told to, answers requests, and ends the thread at last. */
import type { MessagePort } from 'node:worker_threads';
import type { KeyStoreState } from '../secrets/key-store.ts';
import { assertNever } from '../../shared/result.ts';
import { logTrouble, type Trouble } from '../log/trouble.ts';
import type { EngineRequest, EngineStart, FromEngine, HostAnswers, HostRequest, ToEngine } from './protocol.ts';
import { answerOf, createRequests } from './requests.ts';
import { runEngine, type Engine } from './run-engine.ts';

/** Serves until the engine was stopped or could not be started; the process of a worker thread is the thread. */
export function serveEngine(port: MessagePort): void {
  const send = (message: FromEngine, transfer: readonly ArrayBuffer[] = []): void => {
    port.postMessage(message, transfer);
  };
  const host = createRequests<HostRequest, HostAnswers>((n, request) => send({ kind: 'request', n, request }));
  let keyStore: KeyStoreState | null = null;
  let engine: Promise<Engine> | null = null;

  function start(options: EngineStart): Promise<Engine> {
    keyStore = options.keyStore;
    const trouble = logTrouble(options.profile);
    const seen = <A extends { readonly state: KeyStoreState }>(answer: A): A => {
      keyStore = answer.state;
      return answer;
    };
    const running = runEngine(options, {
      trouble,
      send,
      keyStore: {
        state: () => keyStore,
        encrypt: async (text, allowPlain) => seen(await host.ask({ kind: 'encrypt', text, allowPlain })),
        decrypt: async (data, obfuscated) => seen(await host.ask({ kind: 'decrypt', data, obfuscated })),
      },
      openExternal: async (url) => {
        await host.ask({ kind: 'open-external', url });
      },
      writeSettings: async (stored) => {
        await host.ask({ kind: 'write-settings', stored });
      },
    });
    running.catch((error: unknown) => refuse(error, trouble));
    return running;
  }

  function refuse(error: unknown, trouble: Trouble): void {
    trouble('start', error);
    send({ kind: 'refused', message: error instanceof Error ? error.message : String(error) });
    end();
  }

  /** What was sent before still arrives. */
  function end(): void {
    port.close();
    setImmediate(() => process.exit(0));
  }

  /** A start that fails is told by itself. */
  function ifRunning(run: (running: Engine) => void): void {
    engine?.then(run, () => undefined);
  }

  function answer(n: number, request: EngineRequest): Promise<void> {
    return answerOf(async () => {
      if (request.kind === 'ping') return null;
      if (engine === null) throw new Error('The engine was not started.');
      // A start that is under way comes to its end first, also for what is to be stopped.
      const running = await engine;
      switch (request.kind) {
        case 'call':
          return running.call(request.name, request.input);
        case 'attachment':
          return running.attachment(request.id, request.index);
        case 'stop':
          await running.stop(request.graceMs);
          return null;
        default:
          return assertNever(request);
      }
    }).then((done) => {
      send({ kind: 'answer', n, answer: done }, request.kind === 'attachment' && done.ok ? octetsOf(done.value) : []);
      if (request.kind === 'stop') end();
    });
  }

  port.on('message', (message: ToEngine) => {
    switch (message.kind) {
      case 'start':
        engine ??= start(message.start);
        break;
      case 'request':
        void answer(message.n, message.request);
        break;
      case 'answer':
        host.take(message.n, message.answer);
        break;
      case 'key-store':
        keyStore = message.state;
        ifRunning((running) => running.keyStoreChanged());
        break;
      case 'suspended':
      case 'resumed':
        ifRunning((running) => running[message.kind]());
        break;
      default:
        assertNever(message);
    }
  });
}

/** The octets of an attachment are handed over, not copied, where they have a buffer to themselves. */
function octetsOf(value: unknown): readonly ArrayBuffer[] {
  const { bytes } = (value as { readonly value?: { readonly bytes?: Uint8Array } }).value ?? {};
  const buffer = bytes?.buffer;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes?.byteLength ? [buffer] : [];
}
