/** Start, sleep and end of the program. */
import { watchForSleep } from '../network/sleep.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import type { Parts } from './build.ts';
import type { StatusFeed } from './status-feed.ts';
import { startTrouble } from './storage-problems.ts';

/** Two sources tell of a resume, and one of them tells twice (docs/platforms.md): the second word within this time is none. */
const RESUME_ONCE_MS = 2_000;
/** Sessions of the listener have so long to end, connections of delivery likewise. */
const LISTENER_GRACE_MS = 2_000;
const DELIVERY_GRACE_MS = 1_000;

export interface LifeCycle {
  /** Resolves once the queue is open and the listener stands or has failed. Rejects if the queue cannot be opened. */
  start(version: string): Promise<void>;
  suspended(): void;
  resumed(): void;
  /** Never rejects. */
  stop(graceMs: number): Promise<void>;
}

/** @param disconnect Ends who hears whom. */
export function createLifeCycle(parts: Parts, status: StatusFeed, disconnect: () => void): LifeCycle {
  const { clock, log, network, scheduler, storage, pickup } = parts;
  let wokeAt = -Infinity;
  let stopping: Promise<void> | null = null;

  const woke = (): void => {
    if (clock.monotonic() - wokeAt < RESUME_ONCE_MS) return;
    wokeAt = clock.monotonic();
    network.refresh();
    logRejection(scheduler.wokeUp(), log, 'resume');
  };
  const sleep = watchForSleep(clock, (slept) => {
    log.note('slept', { seconds: Math.round(slept / 1000) });
    woke();
  });

  const stopAll = async (graceMs: number): Promise<void> => {
    disconnect();
    status.close();
    sleep.stop();
    await closeParts(parts, graceMs);
  };

  return {
    async start(version) {
      try {
        storage.opened(await parts.storeOpened);
      } catch (error) {
        await stopAll(0).catch(() => undefined);
        throw startTrouble(error, parts.profile);
      }
      await parts.bound;
      pickup.soon();
      log.note('started', { version, requeued: parts.store.recovery.requeued });
      logRejection(startDelivering(parts, status), log, 'start');
    },
    suspended() {
      wokeAt = -Infinity;
      log.note('suspend');
    },
    resumed() {
      sleep.noticed();
      woke();
    },
    stop: (graceMs) =>
      (stopping ??= stopAll(graceMs).catch((error: unknown) => {
        log.problem('stop', error);
      })),
  };
}

async function startDelivering({ scheduler, dialUp }: Parts, status: StatusFeed): Promise<void> {
  await status.newest();
  await scheduler.start();
  dialUp.start();
  status.changed();
}

async function closeParts(parts: Parts, graceMs: number): Promise<void> {
  const { ending, storage, pickup, dialUp, listener, scheduler, delivery, network, store, log } = parts;
  ending.abort(new Error('the program ends'));
  storage.close();
  pickup.close();
  dialUp.close();
  // The listener first: whatever is accepted after that is nobody's.
  await listener.close(Math.min(graceMs, LISTENER_GRACE_MS));
  await scheduler.close(graceMs);
  await delivery.close(DELIVERY_GRACE_MS);
  await network.close();
  await store.close();
  log.note('stopped');
  await log.close();
}
