/** Ways to a store core: in a worker thread (the program), or in this thread (tests, tools). */
import { Worker } from 'node:worker_threads';
import { StoreError, type StoreRecovery } from './queue-model.ts';
import { toStoreError } from './sqlite/database.ts';
import type { StoreCore } from './sqlite/sqlite-queue-store.ts';
import { openSqliteQueueStore } from './sqlite/sqlite-queue-store.ts';
import type { FromWorker, OpenInput, Request, Response } from './store-protocol.ts';

/** What a channel tells its owner. */
export interface ChannelEvents {
  responses(responses: readonly Response[]): void;
  /** It ended without having been asked to: nothing that is waiting will be answered. */
  ended(error: StoreError): void;
}

/** An open store. */
export interface StoreChannel {
  readonly recovery: StoreRecovery;
  readonly engine: string;
  post(requests: readonly Request[]): void;
  /** Resolves once the database is closed. Never rejects. */
  close(): Promise<void>;
}

/** Opens the store in a thread of its own. Rejects with StoreError. */
export async function openWorkerChannel(
  input: OpenInput,
  workerUrl: URL,
  events: ChannelEvents,
): Promise<StoreChannel> {
  const worker = new Worker(workerUrl, { workerData: input, name: 'queue store' });
  return new Promise((resolve, reject) => {
    let opened = false;
    let ended = false;
    let closing = false;
    let trouble: StoreError | null = null;
    const whenExited: (() => void)[] = [];
    worker.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'opened':
          opened = true;
          resolve({
            recovery: message.recovery,
            engine: message.engine,
            post(requests) {
              if (!ended) worker.postMessage({ kind: 'requests', requests }, buffersOf(requests));
            },
            async close() {
              closing = true;
              if (ended) return;
              const exited = new Promise<void>((done) => whenExited.push(done));
              worker.postMessage({ kind: 'close' });
              await exited;
            },
          });
          break;
        case 'refused':
          trouble = new StoreError(message.error.reason, message.error.message);
          break;
        case 'responses':
          for (const response of message.responses) {
            if (!response.ok && response.error.reason === 'corrupt')
              trouble = new StoreError('corrupt', response.error.message);
          }
          events.responses(message.responses);
          break;
        case 'closed':
          break;
      }
    });
    worker.on('error', (error) => {
      trouble = toStoreError(error);
    });
    worker.on('exit', () => {
      ended = true;
      const error = trouble ?? new StoreError('other', 'the store ended unexpectedly');
      if (!opened) reject(error);
      else if (!closing) events.ended(error);
      for (const done of whenExited) done();
    });
  });
}

/** Octets that are an argument by themselves are handed over, not copied. */
function buffersOf(requests: readonly Request[]): ArrayBuffer[] {
  return requests.flatMap(({ args }) =>
    args.flatMap((arg) => (arg instanceof Uint8Array && arg.buffer instanceof ArrayBuffer ? [arg.buffer] : [])),
  );
}

/** Opens the store in this thread. Rejects with StoreError. */
export async function openLocalChannel(input: OpenInput, events: ChannelEvents): Promise<StoreChannel> {
  const core: StoreCore = openSqliteQueueStore(input);
  let ended = false;
  return {
    recovery: core.recovery,
    engine: core.engine,
    post(requests) {
      // Answers never come before the caller has gone on, as with a thread.
      setImmediate(() => {
        if (ended) return;
        events.responses(core.execute(requests));
        if (!core.damaged()) return;
        ended = true;
        core.close();
        events.ended(new StoreError('corrupt', 'the queue database is damaged'));
      });
    },
    async close() {
      await new Promise<void>((done) => setImmediate(done));
      if (!ended) core.close();
      ended = true;
    },
  };
}
