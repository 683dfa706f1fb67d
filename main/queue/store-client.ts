/**
 * The line to the store's thread: gathers calls, matches answers, opens the thread anew if it dies, and knows what this run
 * has in flight, which a new thread has to be told.
 */
import { INTAKE } from '../../shared/limits.ts';
import type { StoreRecovery } from './queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { StoreError } from './queue-store.ts';
import { RECIPIENT_FACTOR } from './migrations/schema.ts';
import type { ChannelEvents, StoreChannel } from './store-channel.ts';
import { openLocalChannel, openWorkerChannel } from './store-channel.ts';
import type { OpInput, OpName, OpOutput, OpenInput, Request, Response } from './store-protocol.ts';
import { OP_KIND, SILENT_OPS } from './store-protocol.ts';

const RESTART_FIRST_MS = 100;
const RESTART_MOST_MS = 30_000;
/** A message that is being read waits so long for a lost store to come back; then its attempt ends. */
const REOPENED_WITHIN_MS = 20_000;
/** Fewer failures than these in a row are not worth a word: the next try comes within a second. */
const FAILURES_TOLD = 3;

/** How a queue is opened. */
export interface QueueStoreOptions {
  /** Path of queue.db; its folder must exist. */
  readonly path: string;
  /** New at every start of the program; tells what a crash left in flight. */
  readonly runId: string;
  readonly clock: Clock;
  /** The store was lost while running and does not come back so far: nothing is accepted. It is tried on and on. */
  readonly onTrouble?: (error: StoreError) => void;
  /** It is back; what was found is told as at start. */
  readonly onReopened?: (recovery: StoreRecovery) => void;
  /** Where the thread's code is; default: `store-worker.js` beside the running file. */
  readonly workerUrl?: URL;
  /** True: no thread. For tests from source, and tools. */
  readonly inThread?: boolean;
  /** New messages are refused as `full` while the disk has less room than this (octets). */
  readonly reserveBytes?: number;
}

interface Waiting {
  readonly op: OpName;
  readonly resolve: (value: never) => void;
  readonly reject: (error: StoreError) => void;
}

/** Asks the store for something. Rejects with StoreError: what the store says, or 'closed', or 'busy' while it is lost. */
export type StoreCall = <K extends OpName>(op: K, input: OpInput<K>) => Promise<OpOutput<K>>;

/** The line. */
export interface StoreClient {
  /** Calls wait until the store stands. */
  readonly call: StoreCall;
  /** Rejects with StoreError if it cannot be opened, as all calls that wait for it do. */
  readonly opened: Promise<StoreRecovery>;
  /** Recipients that this run has in flight; whoever claims or gives back keeps it up to date, but for `claimDue`. */
  readonly inFlight: Set<number>;
  /** True while there is no store, though nobody closed it. */
  lost(): boolean;
  /** Resolves once the store is there again, or after a while. */
  reopened(): Promise<void>;
  /** Called after each change that windows may show. Returns its unsubscribe. */
  onChange(listener: () => void): () => void;
  /** Waits for the opening, then closes; what is not answered by then is rejected. Never rejects. */
  close(): Promise<void>;
}

/** Opens the line. `onClosing` is called once, when no more calls are taken. */
export function openStoreClient(options: QueueStoreOptions, onClosing: () => void): StoreClient {
  const { clock } = options;
  const listeners = new Set<() => void>();
  const waiting = new Map<number, Waiting>();
  const inFlight = new Set<number>();
  const whenOpen = new Set<() => void>();
  let gathered: Request[] = [];
  let lastNumber = 0;
  let closed = false;
  let failures = 0;
  let cancelRestart: (() => void) | null = null;
  let suspect = false;
  let opening = true;
  let channel: StoreChannel | null = null;

  const events: ChannelEvents = {
    responses: takeResponses,
    gone(error) {
      channel = null;
      suspect ||= error.reason === 'corrupt';
      rejectAll(error);
      if (!closed) restartLater(error);
    },
  };

  async function open(): Promise<StoreChannel> {
    const input: OpenInput = {
      path: options.path,
      runId: options.runId,
      now: clock.now(),
      suspect,
      // What is in flight names its messages by key: no new one may get the key of one that damage took.
      seqAbove: Math.floor([...inFlight].reduce((highest, id) => Math.max(highest, id), 0) / RECIPIENT_FACTOR),
      reserveBytes: options.reserveBytes ?? INTAKE.reserveForBegunBytes,
    };
    if (options.inThread === true) return openLocalChannel(input, events);
    return openWorkerChannel(input, options.workerUrl ?? new URL('store-worker.js', import.meta.url), events);
  }

  function restartLater(error: StoreError): void {
    failures += 1;
    if (failures === FAILURES_TOLD) options.onTrouble?.(error);
    cancelRestart = clock.after(Math.min(RESTART_FIRST_MS * 2 ** (failures - 1), RESTART_MOST_MS), () => {
      open().then(
        (next) => {
          if (closed) {
            void next.close();
            return;
          }
          channel = next;
          suspect = false;
          options.onReopened?.(next.recovery);
          for (const done of [...whenOpen]) done();
          // What this run has in flight goes on; what was claimed but never handed out does not.
          call('reclaim', { known: [...inFlight], now: clock.now() }).catch(() => undefined);
        },
        (failure: unknown) => restartLater(failure instanceof StoreError ? failure : error),
      );
    });
  }

  function rejectAll(error: StoreError): void {
    const all = [...waiting.values()];
    waiting.clear();
    gathered = [];
    for (const one of all) one.reject(error);
  }

  function takeResponses(responses: readonly Response[]): void {
    let changed = false;
    for (const response of responses) {
      const one = waiting.get(response.n);
      if (one === undefined) continue;
      waiting.delete(response.n);
      if (response.ok) {
        failures = 0;
        changed ||= OP_KIND[one.op] !== 'read' && !SILENT_OPS.has(one.op) && !changedNothing(one.op, response.value);
        if (one.op === 'claimDue') {
          const claimed = response.value as OpOutput<'claimDue'>;
          for (const message of claimed) for (const { id } of message.recipients) inFlight.add(id);
        }
        one.resolve(response.value as never);
      } else {
        one.reject(new StoreError(response.error.reason, response.error.message));
      }
    }
    if (changed) for (const listener of listeners) listener();
  }

  function flush(): void {
    if (gathered.length === 0 || opening) return;
    const requests = gathered;
    gathered = [];
    channel?.post(requests);
  }

  function call<K extends OpName>(op: K, input: OpInput<K>): Promise<OpOutput<K>> {
    return new Promise((resolve, reject) => {
      if (closed || (channel === null && !opening)) {
        reject(
          new StoreError(closed ? 'closed' : 'busy', closed ? 'the queue is closed' : 'the queue is being reopened'),
        );
        return;
      }
      lastNumber += 1;
      waiting.set(lastNumber, { op, resolve, reject });
      gathered.push({ n: lastNumber, op, input });
      // All calls of this turn of the event loop travel together; one that comes while nothing is under way goes at once.
      if (gathered.length > 1) return;
      if (waiting.size === 1) queueMicrotask(flush);
      else setImmediate(flush);
    });
  }

  function reopened(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        whenOpen.delete(done);
        resolve();
      };
      const cancel = clock.after(REOPENED_WITHIN_MS, done);
      whenOpen.add(done);
    });
  }

  /** Damage that the quick look does not see: a thorough one does, and sets the file aside. In a new thread, because the
   * old one's connection keeps its lock until the thread is gone. */
  async function openFirst(): Promise<StoreChannel> {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof StoreError) || error.reason !== 'corrupt') throw error;
      suspect = true;
      const next = await open();
      suspect = false;
      return next;
    }
  }

  const opened = openFirst().then(
    (first) => {
      channel = first;
      opening = false;
      flush();
      return first.recovery;
    },
    (error: unknown) => {
      opening = false;
      rejectAll(error instanceof StoreError ? error : new StoreError('other', String(error)));
      throw error;
    },
  );

  async function close(): Promise<void> {
    await opened.catch(() => undefined);
    flush();
    closed = true;
    onClosing();
    cancelRestart?.();
    for (const done of [...whenOpen]) done();
    await channel?.close();
    rejectAll(new StoreError('closed', 'the queue is closed'));
    listeners.clear();
  }

  return {
    call,
    opened,
    inFlight,
    lost: () => !closed && channel === null,
    reopened,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close,
  };
}

/** Answers that say that all is as it was: nothing claimed, no message touched. */
function changedNothing(op: OpName, value: unknown): boolean {
  if (op === 'claimDue') return (value as readonly unknown[]).length === 0;
  return value === 0 || (value as { readonly count?: unknown } | null)?.count === 0;
}
