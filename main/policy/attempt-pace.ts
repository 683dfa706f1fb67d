/**
 * How fast attempts begin. During a burst of incoming mail, accepting has priority: the mail program waits for each `250`,
 * while delivery can wait. Single messages are never held up.
 */

/** Attempts side by side at most; memory for each is one row and one chunk. */
export const MAX_RUNNING_ATTEMPTS = 200;
/** Attempts side by side during a burst of incoming mail. */
export const RUNNING_WHILE_ACCEPTING = 1;
/** However much mail comes in, a message waits no longer than this for its attempt. Milliseconds. */
export const MAX_BACKLOG_WAIT_MS = 2_000;
/** This many messages within this many milliseconds are a burst. */
export const BURST = { messages: 5, withinMs: 50 } as const;

/** What the pace depends on. */
export interface AttemptPace {
  /** Attempts under way. */
  readonly running: number;
  /** A burst of mail is coming in. */
  readonly accepting: boolean;
  /** How long the first message of the backlog has waited, ms. */
  readonly waitedMs: number;
}

/** Whether the first message of the backlog may begin its attempt. Pure. */
export function mayBeginAttempt({ running, accepting, waitedMs }: AttemptPace): boolean {
  if (running >= MAX_RUNNING_ATTEMPTS) return false;
  return !accepting || running < RUNNING_WHILE_ACCEPTING || waitedMs >= MAX_BACKLOG_WAIT_MS;
}
