/**
 * Limits how many messages may be in flight: with a server, but not on record yet. Only these are sent twice if the program
 * is killed.
 */

export interface InFlightLimit {
  /**
   * Waits for a place; whoever waited longest gets the next one. Never rejects: once `signal` aborts it resolves without a
   * place, since the transaction that asked ends by itself.
   * @returns Gives the place back. May be called more than once.
   */
  acquire(signal: AbortSignal): Promise<() => void>;
}

/** @param limit Number of places (at least 1), asked each time: a lower setting takes effect as places come back. */
export function createInFlightLimit(limit: () => number): InFlightLimit {
  const waiting = new Set<() => void>();
  let inUse = 0;

  const grantWaiting = (): void => {
    for (const grant of waiting) {
      if (inUse >= limit()) return;
      grant();
    }
  };

  const takePlace = (): (() => void) => {
    let isHeld = true;
    inUse += 1;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      inUse -= 1;
      grantWaiting();
    };
  };

  return {
    acquire: async (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve(() => undefined);
        if (inUse < limit() && waiting.size === 0) return resolve(takePlace());
        const grant = (): void => {
          waiting.delete(grant);
          signal.removeEventListener('abort', giveUp);
          resolve(takePlace());
        };
        const giveUp = (): void => {
          waiting.delete(grant);
          resolve(() => undefined);
        };
        waiting.add(grant);
        signal.addEventListener('abort', giveUp, { once: true });
      }),
  };
}
