/** When a report is made: one for a message and a moment, however many recipients (spec §6, standards 49). */

/** A report waits no longer than this for the other recipients of the message: one may hang at a silent server. */
export const MAX_GATHER_MS = 15 * 60_000;
/** Recipients that fall due this soon belong into the same report: those tried together are not due to the same millisecond. */
const SAME_MOMENT_MS = 30_000;
const MINUTE_MS = 60_000;

/** Make the report now, or once something changes, at `until` at the latest. */
export type ReportTime = { readonly kind: 'now' } | { readonly kind: 'gather'; readonly until: number };

/**
 * @param pending since when the report is due, and how many other recipients of the message are in an attempt or about to
 *   be: their outcome goes into the same report
 */
export function reportTime(
  pending: { readonly since: number; readonly inFlight: number; readonly dueSoon: number },
  now: number,
): ReportTime {
  if (pending.inFlight === 0 && pending.dueSoon === 0) return { kind: 'now' };
  const until = pending.since + MAX_GATHER_MS;
  // If the clock was set back it is not known how long it has been; not to wait is safe.
  return now >= until || now < pending.since ? { kind: 'now' } : { kind: 'gather', until };
}

/** Recipients that are due until then count as about to be in an attempt. A first retry never does. */
export function sameReportUntil(now: number, retryMinutes: readonly number[]): number {
  return now + Math.min(SAME_MOMENT_MS, (Math.min(...retryMinutes) * MINUTE_MS) / 2);
}
