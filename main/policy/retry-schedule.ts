/** When a deferred recipient is tried again (spec §5). Durations and times in milliseconds. */

/** Each interval is stretched or shrunk by up to this share, so that what failed together does not return together. */
export const JITTER = 0.2;
const MINUTE_MS = 60_000;
/** After "too many recipients" the rest goes in a further transaction, soon (RFC 5321 §4.5.3.1.10). */
export const SOON_MS = 1_000;

/**
 * The wait before the next attempt.
 * @param retryIndex place in the schedule, from 0; past its end the last interval repeats
 * @param retryMinutes `connection.retryMinutes`, at least one, each > 0
 * @param random 0 <= x < 1
 */
export function retryDelay(retryIndex: number, retryMinutes: readonly number[], random: number): number {
  return Math.round(interval(retryIndex, retryMinutes) * (1 - JITTER + 2 * JITTER * random));
}

/**
 * Where a message lies between the shortest and the longest wait: 0 <= x < 1, always the same for it. Its recipients come
 * back together however many claims they were in, for few connections and one report; different messages are spread over the interval.
 */
export function messageJitter(messageId: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < messageId.length; i += 1) hash = Math.imul(hash ^ messageId.charCodeAt(i), 0x01000193) >>> 0;
  // The last characters alone move few of the high bits.
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0) / 2 ** 32;
}

/** The next place in the schedule; stays at the end once there. */
export function nextRetryIndex(retryIndex: number, retryMinutes: readonly number[]): number {
  return Math.min(Math.max(0, retryIndex) + 1, retryMinutes.length - 1);
}

/** The latest "not before" that the schedule can have given: whatever lies behind it stems from a clock that was wrong. */
export function latestNextAt(now: number, retryMinutes: readonly number[]): number {
  return now + Math.round(Math.max(...retryMinutes) * MINUTE_MS * (1 + JITTER));
}

/** A stored "not before", never further away than the schedule allows (the clock may have been set back). */
export function clampNextAt(nextAt: number, now: number, retryMinutes: readonly number[]): number {
  return Math.min(nextAt, latestNextAt(now, retryMinutes));
}

function interval(retryIndex: number, retryMinutes: readonly number[]): number {
  const place = Math.min(Math.max(0, Math.trunc(retryIndex)), retryMinutes.length - 1);
  return (retryMinutes[place] ?? 60) * MINUTE_MS;
}
