/** The asynchronous port over the store's thread: each of its calls in terms of the store's operations. */
import type { Selection } from '../../shared/ipc-contract.ts';
import type { ActionDone, QueueStore, StoreRecovery } from './queue-store.ts';
import { joinOctets } from './join-octets.ts';
import { createMessageReader } from './read-message.ts';
import { createStage } from './stage-message.ts';
import { openStoreClient, type QueueStoreOptions } from './store-client.ts';

export type { QueueStoreOptions } from './store-client.ts';

/** Changes to many messages are made in slices of this many, so that new mail gets its turn in between. */
const SLICE = 500;
const TIDY_AFTER_MS = 5000;
const TIDY_PAGES = 256;

/** A queue that is being opened. */
export interface QueueStoreStart {
  /** Can be used at once: calls wait until the queue stands. Its `recovery` tells nothing before. */
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

function total(done: readonly ActionDone[]): ActionDone {
  return {
    count: done.reduce((sum, { count }) => sum + count, 0),
    sending: done.reduce((sum, { sending }) => sum + sending, 0),
  };
}

/**
 * Opens the queue, recovers what a crash left, and answers the port. `opened` rejects with StoreError: 'busy' (another
 * program runs on this profile), 'read-only', 'full', 'other' (written by a newer version of the program).
 */
export function startQueueStore(options: QueueStoreOptions): QueueStoreStart {
  const { clock, runId } = options;
  let cancelTidy: (() => void) | null = null;
  let closed = false;
  const line = openStoreClient(options, () => {
    closed = true;
    cancelTidy?.();
  });
  const { call, inFlight, opened } = line;
  const stage = createStage({ call, clock, runId, claimed: (recipient) => inFlight.add(recipient) });
  const read = createMessageReader(line);

  async function inSlices<T>(
    selection: Selection,
    change: (seqs: readonly number[]) => Promise<T>,
  ): Promise<readonly T[]> {
    const seqs = await call('select', { selection });
    const answers: T[] = [];
    for (let start = 0; start < seqs.length; start += SLICE)
      answers.push(await change(seqs.slice(start, start + SLICE)));
    return answers;
  }

  /**
   * Recipients of which it is not known whether the store has taken what was said of them: its thread may have died with
   * the answer. It will be said again, and must not meet another attempt then.
   */
  const unanswered = new Set<number>();
  async function landing(recipients: readonly number[], answer: Promise<null>): Promise<void> {
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

  let lastDeletion = 0;
  /** A moment of its own for each deletion, since undo names what it takes back by that moment. */
  function momentOfDeletion(): number {
    lastDeletion = Math.max(clock.now(), lastDeletion + 1);
    return lastDeletion;
  }

  async function untilDone(slice: () => Promise<number>): Promise<number> {
    for (let count = 0; ;) {
      const done = await slice();
      count += done;
      if (done < SLICE) return count;
    }
  }

  /** Deleted mail gives its room back, a little at a time, once nothing else is going on. */
  function tidyLater(): void {
    cancelTidy ??= clock.after(TIDY_AFTER_MS, () => {
      cancelTidy = null;
      if (closed) return;
      call('tidy', { pages: TIDY_PAGES }).then(
        (left) => {
          if (left > TIDY_PAGES) tidyLater();
        },
        () => undefined,
      );
    });
  }

  let recovery: StoreRecovery = { requeued: 0, setAside: null, salvaged: 0 };
  opened.then(
    (found) => (recovery = found),
    () => undefined,
  );

  let ending: Promise<void> | null = null;
  const store: QueueStore = {
    get recovery() {
      return recovery;
    },
    stage,
    read,
    async claimDue(query) {
      return call('claimDue', { ...query, except: [...unanswered] });
    },
    async nextDueAt() {
      return call('nextDueAt', null);
    },
    async record(record) {
      await landing(
        record.updates.map(({ recipient }) => recipient),
        call('record', { record, now: clock.now() }),
      );
    },
    async pendingReports(soon) {
      return call('pendingReports', { soon });
    },
    async reportMatter(id) {
      return call('reportMatter', { id });
    },
    async report(report) {
      await call('report', { report, now: clock.now() });
    },
    async release(recipients, hold) {
      await landing(recipients, call('release', { recipients, ...hold }));
    },
    async wake(filter, now) {
      const waitsFor = filter.kind === 'hop' ? filter.waitsFor : null;
      return untilDone(() => call('wakeDue', { waitsFor, now, limit: SLICE }));
    },
    async retry(selection, forcedGateway, now) {
      return total(await inSlices(selection, (seqs) => call('retry', { seqs, forcedGateway, now })));
    },
    async clampNextAt(latest) {
      return untilDone(() => call('clampNextAt', { latest, limit: SLICE }));
    },
    async head(id, limit) {
      const pieces: Uint8Array[] = [];
      let held = 0;
      for await (const chunk of read(id)) {
        const piece = chunk.subarray(0, limit - held);
        pieces.push(piece);
        held += piece.byteLength;
        if (held >= limit) break;
      }
      return joinOctets(pieces, held);
    },
    async counts() {
      return call('counts', null);
    },
    async list(query) {
      return call('list', query);
    },
    async details(id) {
      return call('details', { id });
    },
    async move(selection, to) {
      const at = momentOfDeletion();
      const moved = await inSlices(selection, (seqs) => call('move', { seqs, to, at }));
      const count = moved.reduce((sum, slice) => sum + slice.count, 0);
      return { count, flying: moved.flatMap((slice) => slice.flying), at };
    },
    async purge(selection) {
      const done = total(await inSlices(selection, (seqs) => call('purge', { seqs })));
      if (done.count > 0) tidyLater();
      return done;
    },
    async expireKept(limits) {
      const count = await untilDone(() => call('expireKept', { ...limits, limit: SLICE }));
      if (count > 0) tidyLater();
      return count;
    },
    async markSeen(selection) {
      const counts = await inSlices(selection, (seqs) => call('markSeen', { seqs }));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    async resend(resend) {
      return call('resend', { resend, now: clock.now(), deletedAt: momentOfDeletion() });
    },
    async invalidAddresses() {
      return call('invalidAddresses', null);
    },
    async clearInvalidAddresses() {
      return call('clearInvalidAddresses', null);
    },
    async activity(query) {
      return call('activity', query);
    },
    async noteNetwork(network) {
      await call('noteNetwork', network);
    },
    async knownNetworks() {
      return call('knownNetworks', null);
    },
    async getMemo(key) {
      return call('getMemo', { key });
    },
    async setMemo(key, value) {
      await call('setMemo', { key, value });
    },
    async forgetNetwork(id) {
      await call('forgetNetwork', { id });
    },
    onChange: (listener) => line.onChange(listener),
    close: () => (ending ??= line.close()),
  };
  return { store, opened };
}
