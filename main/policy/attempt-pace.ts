/**
 * How fast attempts begin. While much mail comes in, accepting goes first: the mail program waits for each `250`, the
 * next hop waits for nobody. Mail that comes in ones and twos is never held up.
 */

/** Attempts side by side at most; memory for each is one row and one chunk. */
export const MAX_RUNNING_ATTEMPTS = 200;
/** Attempts side by side while much mail comes in. */
export const RUNNING_WHILE_ACCEPTING = 1;
/** However much comes in: after this long in line a message goes. Milliseconds. */
export const LONGEST_IN_LINE_MS = 2_000;
/** This many messages within this many milliseconds are much. */
export const BURST = { messages: 5, withinMs: 50 } as const;

/** What the pace depends on. */
export interface AttemptPace {
  /** Attempts under way. */
  readonly running: number;
  /** Much mail was accepted just now. */
  readonly accepting: boolean;
  /** How long the first message in line has waited, ms. */
  readonly waitedMs: number;
}

/** Whether the first message in line may begin its attempt. Pure. */
export function mayBeginAttempt({ running, accepting, waitedMs }: AttemptPace): boolean {
  if (running >= MAX_RUNNING_ATTEMPTS) return false;
  return !accepting || running < RUNNING_WHILE_ACCEPTING || waitedMs >= LONGEST_IN_LINE_MS;
}
