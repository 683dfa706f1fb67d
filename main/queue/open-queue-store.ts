/**
 * Opens the queue's store and puts its client together: the operations as their table has them, and those that need more
 * than one operation, or something that only this side knows.
 */
import type { ActionDone, QueueStore, StoreRecovery } from './queue-store.ts';
import { createMessageReader } from './read-message.ts';
import { createStage } from './stage-message.ts';
import { openStoreClient, type StoreClient } from './store-client.ts';
import type { QueueStoreOptions } from './store-connection.ts';
import type { Clock } from '../runtime/clock.ts';

export type { QueueStoreOptions } from './store-connection.ts';

const TIDY_AFTER_MS = 5000;
const TIDY_PAGES = 256;

/** A queue that is being opened. */
export interface QueueStoreStart {
  /** Can be used at once: calls wait until the queue is open. Its `recovery` tells nothing before. */
  readonly store: QueueStore;
  /** Rejects with StoreError if it cannot be opened, as all calls that wait for it do. */
  readonly opened: Promise<StoreRecovery>;
}

/** Opens the queue and waits for it; otherwise as startQueueStore. */
export async function openQueueStore(options: QueueStoreOptions): Promise<QueueStore> {
  const { store, opened } = startQueueStore(options);
  await opened;
  return store;
}

/**
 * Opens the queue and recovers what a crash left. `opened` rejects with StoreError: 'busy' (another program runs on this
 * profile), 'read-only', 'full', 'other' (written by a newer version of the program).
 */
export function startQueueStore(options: QueueStoreOptions): QueueStoreStart {
  const { clock, runId } = options;
  const client = openStoreClient(options, () => tidying.stop());
  const { calls, inFlight, opened } = client;
  const tidying = createTidying(clock, async () => calls.tidy(TIDY_PAGES));

  let recovery: StoreRecovery = { requeued: 0, setAside: null, salvaged: 0 };
  opened.then(
    (found) => (recovery = found),
    () => undefined,
  );
  let ending: Promise<void> | null = null;
  const store: QueueStore = {
    ...calls,
    ...claimsAndOutcomes(client),
    ...deletions(client, clock),
    ...createMessageReader(client),
    stage: createStage({ calls, runId, claimed: (recipient) => inFlight.add(recipient) }),
    async purge(selection): Promise<ActionDone> {
      const done = await calls.purge(selection);
      if (done.count > 0) tidying.later();
      return done;
    },
    async expireKept(limits): Promise<number> {
      const count = await calls.expireKept(limits);
      if (count > 0) tidying.later();
      return count;
    },
    get recovery() {
      return recovery;
    },
    onChange: (listener) => client.onChange(listener),
    close: async () => (ending ??= client.close()),
  };
  return { store, opened };
}

/** Claims, and what ends them: who claims knows what is in flight. */
function claimsAndOutcomes({ calls, inFlight }: StoreClient): Pick<QueueStore, 'claimDue' | 'record' | 'release'> {
  /**
   * Recipients of which it is not known whether the store has taken what came of their attempt: its thread may have died
   * with the answer. It will be told again, and must not meet another attempt then.
   */
  const unanswered = new Set<number>();

  async function ended(recipients: readonly number[], answer: Promise<void>): Promise<void> {
    try {
      await answer;
    } catch (error) {
      for (const recipient of recipients) unanswered.add(recipient);
      throw error;
    }
    for (const recipient of recipients) {
      unanswered.delete(recipient);
      inFlight.delete(recipient);
    }
  }

  return {
    async claimDue(query) {
      const claimed = await calls.claimDue(query, [...unanswered]);
      for (const message of claimed) for (const { id } of message.recipients) inFlight.add(id);
      return claimed;
    },
    async record(record) {
      await ended(
        record.updates.map(({ recipient }) => recipient),
        calls.record(record),
      );
    },
    async release(recipients, to) {
      await ended(recipients, calls.release(recipients, to));
    },
  };
}

/** Each deletion has a moment of its own, since undo names what it takes back by that moment. */
function deletions({ calls }: StoreClient, clock: Clock): Pick<QueueStore, 'move' | 'resend'> {
  let last = 0;
  function nextMoment(): number {
    last = Math.max(clock.now(), last + 1);
    return last;
  }
  return {
    async move(selection, to) {
      const at = nextMoment();
      return { ...(await calls.move(selection, to, at)), at };
    },
    resend: async (resend) => calls.resend(resend, nextMoment()),
  };
}

/** Space of deleted mail is given back to the file system a little at a time, once nothing else is going on. */
function createTidying(clock: Clock, tidy: () => Promise<number>): { later(): void; stop(): void } {
  let cancel: (() => void) | null = null;
  let stopped = false;
  function later(): void {
    if (stopped) return;
    cancel ??= clock.after(TIDY_AFTER_MS, () => {
      cancel = null;
      tidy().then(
        (left) => {
          if (left > TIDY_PAGES) later();
        },
        () => undefined,
      );
    });
  }
  return {
    later,
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
