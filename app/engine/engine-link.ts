/** The main thread's end of the port to one engine thread. */
import type { Worker } from 'node:worker_threads';
import type {
  EngineAnswers,
  EngineRequest,
  FromEngine,
  HostRequest,
  ToEngine,
} from '../../main/engine-thread/protocol.ts';
import { answerOf, createRequests, type Requests } from '../../main/engine-thread/requests.ts';
import { assertNever } from '../../shared/result.ts';

/** What the thread says, taken apart. */
export interface LinkHandlers {
  readonly news: (news: Extract<FromEngine, { readonly kind: 'started' | 'event' | 'settings' | 'failed' }>) => void;
  /** The engine could not be started; `message` is for the user. The thread ends by itself. */
  readonly refused: (message: string) => void;
  readonly quit: () => void;
  /** What only the main thread can do. */
  readonly serve: (request: HostRequest) => Promise<unknown>;
  /** An exception that nobody caught: the thread ends. */
  readonly failed: (error: unknown) => void;
  /** The thread is no more; what was asked of it is rejected with ENGINE_ENDED. */
  readonly ended: (code: number) => void;
}

/** One thread. */
export interface EngineLink {
  readonly ask: Requests<EngineRequest, EngineAnswers>['ask'];
  post(message: ToEngine): void;
  /** Ends it whatever it does; a call into the system that never returns keeps it. Rejects never. */
  terminate(): void;
}

export const ENGINE_ENDED = new Error('The engine ended.');

/** Speaks with `worker` from now on. */
export function linkEngine(worker: Worker, handlers: LinkHandlers): EngineLink {
  const post = (message: ToEngine): void => worker.postMessage(message);
  const requests = createRequests<EngineRequest, EngineAnswers>((n, request) => post({ kind: 'request', n, request }));

  function receive(message: FromEngine): void {
    switch (message.kind) {
      case 'started':
      case 'event':
      case 'settings':
      case 'failed':
        handlers.news(message);
        break;
      case 'refused':
        handlers.refused(message.message);
        break;
      case 'answer':
        requests.take(message.n, message.answer);
        break;
      case 'request': {
        const { n, request } = message;
        void answerOf(() => handlers.serve(request)).then((answer) => post({ kind: 'answer', n, answer }));
        break;
      }
      case 'quit':
        handlers.quit();
        break;
      default:
        assertNever(message);
    }
  }

  worker.on('message', receive);
  worker.on('error', handlers.failed);
  worker.on('exit', (code) => {
    requests.abandon(ENGINE_ENDED);
    handlers.ended(code);
  });
  return {
    ask: requests.ask,
    post,
    terminate: () => {
      worker.terminate().catch(handlers.failed);
    },
  };
}
