/** The client of the store's thread: numbers requests, sends those of one turn together, and matches the answers. */
import { callOperations } from './call-operations.ts';
import { OPERATIONS, type Calls, type OperationName } from './operations.ts';
import { StoreError, type StoreRecovery } from './queue-model.ts';
import { openConnection, type ConnectionState, type QueueStoreOptions } from './store-connection.ts';
import type { Request, Response } from './store-protocol.ts';
import type { Clock } from '../runtime/clock.ts';

interface Waiting {
  readonly operation: OperationName;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StoreError) => void;
}

/** The client. */
export interface StoreClient {
  /**
   * The operations. They wait until the store is open; they reject with StoreError: what the store says, or 'closed', or
   * 'busy' while it is lost.
   */
  readonly calls: Calls<typeof OPERATIONS>;
  /** Rejects with StoreError if the store cannot be opened, as all calls that wait for it do. */
  readonly opened: Promise<StoreRecovery>;
  /** Recipients that this run has in flight: a store that is opened anew is told. Whoever claims or gives back keeps it up to date. */
  readonly inFlight: Set<number>;
  /** True while there is no store, though nobody closed it. */
  isLost(): boolean;
  /** Resolves once the store is open again, or after a while. */
  reopened(): Promise<void>;
  /** Called after each change that windows may show. Returns its unsubscribe. */
  onChange(listener: () => void): () => void;
  /** Waits for the opening, then closes; what is not answered by then is rejected. Never rejects. */
  close(): Promise<void>;
}

/** Opens the store. `onClosing` is called once, when no more calls are taken. */
export function openStoreClient(options: QueueStoreOptions, onClosing: () => void): StoreClient {
  const listeners = new Set<() => void>();
  const inFlight = new Set<number>();
  const requests = createRequests(options.clock, (ready) => {
    if (connection.state() === 'opening') return false;
    connection.post(ready);
    return true;
  });
  const calls = callOperations(async (operation, args) => {
    const refused = refusal(connection.state());
    if (refused !== null) throw refused;
    return requests.add(operation, args);
  });

  const connection = openConnection(options, {
    responses(responses) {
      if (requests.answered(responses)) for (const listener of listeners) listener();
    },
    lost: requests.rejectAll,
    reopened() {
      // What this run has in flight goes on; what was claimed but never handed out does not.
      calls.reclaim([...inFlight]).catch(() => undefined);
    },
    inFlight: () => inFlight,
  });
  const opened = connection.opened.then(
    (recovery) => {
      requests.flush();
      return recovery;
    },
    (error: unknown) => {
      requests.rejectAll(error instanceof StoreError ? error : new StoreError('other', String(error)));
      throw error;
    },
  );

  return {
    calls,
    opened,
    inFlight,
    isLost: () => connection.state() === 'lost' || connection.state() === 'failed',
    reopened: async () => connection.reopened(),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      await opened.catch(() => undefined);
      requests.flush();
      onClosing();
      await connection.close();
      requests.rejectAll(new StoreError('closed', 'the queue is closed'));
      listeners.clear();
    },
  };
}

/** Requests of one client. `send` answers false while none can be sent: they are kept until `flush`. */
function createRequests(clock: Clock, send: (requests: readonly Request[]) => boolean) {
  const waiting = new Map<number, Waiting>();
  let gathered: Request[] = [];
  let lastNumber = 0;

  function flush(): void {
    if (gathered.length > 0 && send(gathered)) gathered = [];
  }

  return {
    flush,
    async add(operation: OperationName, args: readonly unknown[]): Promise<unknown> {
      return new Promise((resolve, reject) => {
        lastNumber += 1;
        waiting.set(lastNumber, { operation, resolve, reject });
        gathered.push({ n: lastNumber, operation, now: clock.now(), args });
        // All calls of this turn of the event loop travel together; one that comes while no other is waiting goes at once.
        if (gathered.length > 1) return;
        if (waiting.size === 1) queueMicrotask(flush);
        else setImmediate(flush);
      });
    },
    /** True if a window could show what was changed. */
    answered(responses: readonly Response[]): boolean {
      let changed = false;
      for (const response of responses) {
        const one = waiting.get(response.n);
        if (one === undefined) continue;
        waiting.delete(response.n);
        if (response.ok) {
          changed ||= OPERATIONS[one.operation].shown && !changedNothing(response.value);
          one.resolve(response.value);
        } else {
          one.reject(new StoreError(response.error.reason, response.error.message));
        }
      }
      return changed;
    },
    rejectAll(error: StoreError): void {
      const all = [...waiting.values()];
      waiting.clear();
      gathered = [];
      for (const one of all) one.reject(error);
    },
  };
}

/** Why no call is taken in this state; null: calls are taken. */
function refusal(state: ConnectionState): StoreError | null {
  if (state === 'closed') return new StoreError('closed', 'the queue is closed');
  if (state === 'lost' || state === 'failed') return new StoreError('busy', 'the queue is being reopened');
  return null;
}

/** Answers that say that all is as it was: nothing claimed, no message touched. */
function changedNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === 0 || (value as { readonly count?: unknown } | null | undefined)?.count === 0;
}
