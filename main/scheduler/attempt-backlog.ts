/** Claimed messages on their way into attempts: how many run, how many are in line, and when the next one may begin. */
import { mayBeginAttempt, MAX_RUNNING_ATTEMPTS, BURST } from '../policy/attempt-pace.ts';
import type { ClaimedMessage } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';

/** Messages in line beyond those that run; more wait in the queue. */
const MAX_BACKLOG = 2_000;
/** Octets of messages in line that are kept at hand; beyond it they are read again when their turn comes. */
const MAX_OCTETS = 16 * 1024 * 1024;
/** While much mail comes in it is checked this often whether the next attempt may begin. */
const PACE_CHECK_MS = 20;

export interface AttemptBacklog {
  /** Attempts under way and messages in line. */
  size(): number;
  /** Room for one more message while `coming` others are being accepted. */
  hasRoom(coming: number): boolean;
  /** A message came in: what the pace depends on. */
  accepted(): void;
  add(messages: readonly ClaimedMessage[]): void;
  /** An attempt has come to its end. */
  ended(): void;
  /** Nothing begins any more; those in line, to be given back. */
  close(): readonly ClaimedMessage[];
}

/** @param begin Starts the attempt; `ended` is called once for each. */
export function createAttemptBacklog(
  clock: Pick<Clock, 'monotonic' | 'after'>,
  begin: (message: ClaimedMessage) => void,
): AttemptBacklog {
  const line: { readonly message: ClaimedMessage; readonly since: number }[] = [];
  /** When the last few messages came in, oldest first. */
  const arrivals: number[] = [];
  let running = 0;
  let octets = 0;
  let closed = false;
  let cancel: (() => void) | null = null;

  const accepting = (now: number): boolean =>
    arrivals.length === BURST.messages && now - (arrivals[0] ?? 0) < BURST.withinMs;

  const beginNext = (): void => {
    cancel?.();
    cancel = null;
    const now = clock.monotonic();
    for (let first = line[0]; first !== undefined && !closed; first = line[0]) {
      if (!mayBeginAttempt({ running, accepting: accepting(now), waitedMs: now - first.since })) break;
      line.shift();
      octets -= first.message.bytes?.byteLength ?? 0;
      running += 1;
      begin(first.message);
    }
    // The end of an attempt begins the next. The timer does where only the pace holds them up, not where all places are taken.
    if (line.length > 0 && !closed && running < MAX_RUNNING_ATTEMPTS) cancel = clock.after(PACE_CHECK_MS, beginNext);
  };

  return {
    size: () => running + line.length,
    hasRoom: (coming) => running + line.length + coming < MAX_BACKLOG,
    accepted() {
      arrivals.push(clock.monotonic());
      if (arrivals.length > BURST.messages) arrivals.shift();
    },
    add(messages) {
      const since = clock.monotonic();
      for (const { bytes, ...message } of messages) {
        const keeps = bytes !== undefined && octets + bytes.byteLength <= MAX_OCTETS;
        if (keeps) octets += bytes.byteLength;
        line.push({ message: keeps ? { ...message, bytes } : message, since });
      }
      beginNext();
    },
    ended() {
      running -= 1;
      if (line.length > 0) beginNext();
    },
    close() {
      closed = true;
      cancel?.();
      return line.splice(0).map(({ message }) => message);
    },
  };
}
