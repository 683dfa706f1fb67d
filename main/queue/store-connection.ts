/** The connection to the store: opens it, and if the connection is lost (crash, damage) reopens it with growing delays. */
import { INTAKE } from '../../shared/limits.ts';
import { RECIPIENT_FACTOR } from './migrations/schema.ts';
import { StoreError, type StoreRecovery } from './queue-model.ts';
import { openLocalChannel, openWorkerChannel, type ChannelEvents, type StoreChannel } from './store-channel.ts';
import type { OpenInput, Request, Response } from './store-protocol.ts';
import type { Clock } from '../runtime/clock.ts';

const RESTART_FIRST_MS = 100;
const RESTART_MOST_MS = 30_000;
/** A message that is being read waits so long for a lost store to come back; then its attempt ends. */
const REOPENED_WITHIN_MS = 20_000;
/** Fewer failures than these in a row are not reported: the next try comes within a second. */
const FAILURES_REPORTED = 3;

/** How a queue is opened. */
export interface QueueStoreOptions {
  /** Path of queue.db; its folder must exist. */
  readonly path: string;
  /** New at every start of the program; tells what a crash left in flight. */
  readonly runId: string;
  readonly clock: Clock;
  /** The store was lost while running and could not be reopened so far: nothing is accepted. It is retried without end. */
  readonly onTrouble?: (error: StoreError) => void;
  /** It was reopened, with what was found as at start. */
  readonly onReopened?: (recovery: StoreRecovery) => void;
  /** Where the thread's code is; default: `store-worker.js` beside the running file. */
  readonly workerUrl?: URL;
  /** True: no thread. For tests from source, and tools. */
  readonly inThread?: boolean;
  /** New messages are refused as `full` while the disk has less space than this (octets). */
  readonly reserveBytes?: number;
}

/** What a connection tells its owner. */
export interface ConnectionEvents {
  responses(responses: readonly Response[]): void;
  /** Requests that were not answered will not be. */
  lost(error: StoreError): void;
  reopened(): void;
  /** Recipients that this run has in flight. */
  inFlight(): Iterable<number>;
}

/** `failed`: it could not be opened at first. `closed`: by its owner. */
export type ConnectionState = 'opening' | 'failed' | 'open' | 'lost' | 'closed';

/** A connection that is being opened. */
export interface StoreConnection {
  /** Rejects with StoreError if it cannot be opened. */
  readonly opened: Promise<StoreRecovery>;
  state(): ConnectionState;
  post(requests: readonly Request[]): void;
  /** Resolves once a lost store is open again, or after a while. */
  reopened(): Promise<void>;
  /** Resolves once the database is closed. Never rejects. */
  close(): Promise<void>;
}

/** Opens the connection. */
export function openConnection(options: QueueStoreOptions, events: ConnectionEvents): StoreConnection {
  const { clock } = options;
  const waiters = new Set<() => void>();
  let channel: StoreChannel | null = null;
  let state: ConnectionState = 'opening';
  let failures = 0;
  let suspect = false;
  let cancelRestart: (() => void) | null = null;

  const channelEvents: ChannelEvents = {
    responses(responses) {
      if (responses.some(({ ok }) => ok)) failures = 0;
      events.responses(responses);
    },
    ended(error) {
      channel = null;
      suspect ||= error.reason === 'corrupt';
      events.lost(error);
      if (state !== 'closed') restartLater(error);
    },
  };
  const open = async (): Promise<StoreChannel> => openChannel(options, suspect, events.inFlight(), channelEvents);

  function restartLater(error: StoreError): void {
    state = 'lost';
    failures += 1;
    if (failures === FAILURES_REPORTED) options.onTrouble?.(error);
    cancelRestart = clock.after(Math.min(RESTART_FIRST_MS * 2 ** (failures - 1), RESTART_MOST_MS), () => {
      open().then(
        (next) => {
          if (state === 'closed') return void next.close();
          channel = next;
          state = 'open';
          suspect = false;
          options.onReopened?.(next.recovery);
          for (const done of [...waiters]) done();
          events.reopened();
        },
        (failure: unknown) => restartLater(failure instanceof StoreError ? failure : error),
      );
    });
  }

  /** Damage that the quick look does not see: a thorough one does, and sets the file aside. In a new thread, because the
   * old one's connection keeps its lock until the thread has ended. */
  async function openFirst(): Promise<StoreRecovery> {
    try {
      channel = await open().catch(async (error: unknown) => {
        if (!(error instanceof StoreError) || error.reason !== 'corrupt') throw error;
        suspect = true;
        return open();
      });
    } catch (error) {
      state = 'failed';
      throw error;
    }
    suspect = false;
    state = 'open';
    return channel.recovery;
  }

  return {
    opened: openFirst(),
    state: () => state,
    post: (requests) => channel?.post(requests),
    async reopened() {
      await waitFor(waiters, clock, REOPENED_WITHIN_MS);
    },
    async close() {
      state = 'closed';
      cancelRestart?.();
      for (const done of [...waiters]) done();
      await channel?.close();
    },
  };
}

async function openChannel(
  options: QueueStoreOptions,
  suspect: boolean,
  inFlight: Iterable<number>,
  events: ChannelEvents,
): Promise<StoreChannel> {
  const input: OpenInput = {
    path: options.path,
    runId: options.runId,
    now: options.clock.now(),
    suspect,
    // What is in flight names its messages by key: no new one may get the key of one that damage took.
    seqAbove: Math.floor([...inFlight].reduce((highest, id) => Math.max(highest, id), 0) / RECIPIENT_FACTOR),
    reserveBytes: options.reserveBytes ?? INTAKE.reserveForBegunBytes,
  };
  if (options.inThread === true) return openLocalChannel(input, events);
  return openWorkerChannel(input, options.workerUrl ?? new URL('store-worker.js', import.meta.url), events);
}

/** Resolves when this waiter is called, or after `ms`. */
async function waitFor(waiters: Set<() => void>, clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      waiters.delete(done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    waiters.add(done);
  });
}
