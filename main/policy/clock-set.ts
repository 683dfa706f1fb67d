/** Whether the computer's clock was set, from how far the time of day is ahead of the monotonic clock. Pure. */

/** Less than this is drift, or the small corrections that systems make all the time. */
const CLOCK_SET_MS = 30_000;

/**
 * By how much the clock was set between two looks, in whole milliseconds: less than 0 = back; 0 = it was not set.
 * @param before time of day less monotonic time, ms, at the first look. The monotonic clock has fractions of milliseconds.
 * @param after the same at the second look
 */
export function clockSetBy(before: number, after: number): number {
  const moved = Math.round(after - before);
  return Math.abs(moved) < CLOCK_SET_MS ? 0 : moved;
}
