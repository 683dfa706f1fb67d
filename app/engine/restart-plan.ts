/** When an engine that ended by itself is started again. Pure. */

/** How often, and how soon. */
export interface RestartLimits {
  /** Ends within `restartSpanMs` after each of which it is started again soon; the next start waits until the span has room. */
  readonly restarts: number;
  readonly restartSpanMs: number;
  /** Wait before it is started again, doubled with each end in the span. */
  readonly restartFirstMs: number;
}

/** What follows an end. */
export interface Restart {
  readonly waitMs: number;
  /** It ended too often: the wait is that for room in the span. */
  readonly resting: boolean;
}

/** `ends`: when it ended, this time last, in milliseconds of a clock that only goes forward. */
export function planRestart(ends: readonly number[], limits: RestartLimits): Restart {
  const now = ends.at(-1) ?? 0;
  const within = ends.filter((at) => now - at < limits.restartSpanMs);
  if (within.length <= limits.restarts)
    return { resting: false, waitMs: limits.restartFirstMs * 2 ** (within.length - 1) };
  // Once the end is over by which there are too many.
  const over = within[within.length - 1 - limits.restarts] ?? now;
  return { resting: true, waitMs: over + limits.restartSpanMs - now };
}
