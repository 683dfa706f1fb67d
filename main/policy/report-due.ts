/** When a sender is told: one report for a message and a moment, however many recipients (spec §6, standards 49). */

/** What is told waits no longer than this for the rest of the message: a recipient may hang at a silent server. */
export const GATHER_MOST_MS = 15 * 60_000;
/** What falls due this soon belongs to the same moment: recipients that went together do not come back to the millisecond. */
const SAME_MOMENT_MS = 30_000;
const MINUTE_MS = 60_000;

/** Tell now, or not before something changes, at `until` at the latest. */
export type ReportTime = { readonly kind: 'now' } | { readonly kind: 'gather'; readonly until: number };

/**
 * @param pending since when something is to be told, and how many other recipients of the message are in an attempt or
 *   about to be: what comes of them goes into the same report
 */
export function reportTime(
  pending: { readonly since: number; readonly inFlight: number; readonly dueSoon: number },
  now: number,
): ReportTime {
  if (pending.inFlight === 0 && pending.dueSoon === 0) return { kind: 'now' };
  const until = pending.since + GATHER_MOST_MS;
  // A clock that was set back says nothing about how long it has been: not to wait is the safe side.
  return now >= until || now < pending.since ? { kind: 'now' } : { kind: 'gather', until };
}

/** Recipients that are due until then count as about to be in an attempt. A first retry never does. */
export function sameMoment(now: number, retryMinutes: readonly number[]): number {
  return now + Math.min(SAME_MOMENT_MS, (Math.min(...retryMinutes) * MINUTE_MS) / 2);
}
