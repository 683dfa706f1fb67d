/** Writing down what happened, whatever it takes. */
import type { Log } from '../log/log-port.ts';
import type { Clock } from '../runtime/clock.ts';
import { StoreError } from '../queue/queue-store.ts';

/** How long to wait between tries; the last one repeats. */
const AGAIN_MS = [200, 1_000, 5_000, 15_000] as const;

/**
 * Asks the store again and again until it has done it: what a server accepted and we forget would be sent twice, and
 * what is claimed and not given back would wait for a restart. Rejects once the store is closed (recovery then calls the
 * outcome unknown), and at once with anything that is no StoreError.
 */
export async function retryStoreOperation<T>(
  deps: { readonly clock: Clock; readonly log: Pick<Log, 'problem'> },
  event: string,
  run: () => Promise<T>,
): Promise<T> {
  for (let turn = 0; ; turn += 1) {
    try {
      return await run();
    } catch (error) {
      deps.log.problem(event, error);
      if (!(error instanceof StoreError) || error.reason === 'closed') throw error;
      const wait = AGAIN_MS[Math.min(turn, AGAIN_MS.length - 1)] ?? 15_000;
      await new Promise<void>((resolve) => deps.clock.after(wait, resolve));
    }
  }
}
