/** Repeats an operation of the store until it succeeds. */
import type { Log } from '../log/log-port.ts';
import type { Clock } from '../runtime/clock.ts';
import { StoreError } from '../queue/queue-store.ts';

/** Delays between tries in milliseconds; the last one repeats. */
const DELAYS_MS = [200, 1_000, 5_000, 15_000] as const;

/**
 * Runs a record or a release until the store has done it: if it were forgotten that a server accepted a message, it would
 * be sent twice, and a recipient that is claimed and not given back would wait for a restart.
 *
 * Rejects once the store is closed (the outcome then counts as unknown at the next start), and at once with anything but a
 * StoreError.
 * @param event name of the operation, for the log
 */
export async function retryStoreOperation<T>(
  deps: { readonly clock: Clock; readonly log: Pick<Log, 'problem'> },
  event: string,
  run: () => Promise<T>,
): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await run();
    } catch (error) {
      deps.log.problem(event, error);
      if (!(error instanceof StoreError) || error.reason === 'closed') throw error;
      const wait = DELAYS_MS[Math.min(tries, DELAYS_MS.length - 1)] ?? 15_000;
      await new Promise<void>((resolve) => deps.clock.after(wait, resolve));
    }
  }
}
