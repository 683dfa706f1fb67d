/**
 * Places for messages that a server may have taken while the record of it is not on disk yet. What dies with the program
 * is sent again, so their number is the most that a crash can double.
 */

export interface InFlightLimit {
  /**
   * Waits for a place, the longest waiting first. Never rejects: once `signal` aborts it resolves without one, as the
   * transaction that it is for ends by itself.
   * @returns Gives the place back; more than once does no harm.
   */
  acquire(signal: AbortSignal): Promise<() => void>;
}

/** @param most How many there are (at least 1), asked each time: a setting that was lowered takes effect as they come back. */
export function createInFlightLimit(most: () => number): InFlightLimit {
  const waiting = new Set<() => void>();
  let taken = 0;

  const handOut = (): void => {
    for (const take of waiting) {
      if (taken >= most()) return;
      take();
    }
  };
  const occupy = (): (() => void) => {
    let mine = true;
    taken += 1;
    return () => {
      if (!mine) return;
      mine = false;
      taken -= 1;
      handOut();
    };
  };

  return {
    acquire: async (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve(() => undefined);
        if (taken < most() && waiting.size === 0) return resolve(occupy());
        const take = (): void => {
          waiting.delete(take);
          signal.removeEventListener('abort', leave);
          resolve(occupy());
        };
        const leave = (): void => {
          waiting.delete(take);
          resolve(() => undefined);
        };
        waiting.add(take);
        signal.addEventListener('abort', leave, { once: true });
      }),
  };
}
