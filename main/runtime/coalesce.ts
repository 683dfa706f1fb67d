import type { Clock } from './clock.ts';

/** Something that is done at most once in a while, however often it is asked for. */
export interface Coalesced {
  request(): void;
  /** What was asked for and not done is not done any more. */
  close(): void;
}

export interface CoalesceTimes {
  /** Requests within this time after the first one are one; ms. */
  readonly gatherMs: number;
  /** From one run to the next at least; ms. */
  readonly everyMs: number;
}

/**
 * @param run Called for one or more requests: `gatherMs` after the first (0: at once), and not before `everyMs` have
 * passed since the last run.
 */
export function coalesce(
  clock: Pick<Clock, 'monotonic' | 'after'>,
  { gatherMs, everyMs }: CoalesceTimes,
  run: () => void,
): Coalesced {
  let cancel: (() => void) | null = null;
  let notBefore = -Infinity;
  let closed = false;
  const runNow = (): void => {
    cancel = null;
    notBefore = clock.monotonic() + everyMs;
    run();
  };
  return {
    request() {
      if (closed || cancel !== null) return;
      const wait = Math.max(gatherMs, notBefore - clock.monotonic());
      if (wait <= 0) runNow();
      else cancel = clock.after(wait, runNow);
    },
    close() {
      closed = true;
      cancel?.();
      cancel = null;
    },
  };
}
