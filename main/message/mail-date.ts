/** Dates in header fields (RFC 5322 §3.3). Pure. */

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * A date-time for header fields and reports.
 * @param at milliseconds since the epoch
 * @param zone minutes east of UTC
 */
export function formatMailDate(at: number, zone = 0): string {
  const local = new Date(at + zone * 60_000);
  const pad = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.abs(zone);
  const offset = `${zone < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}${pad(minutes % 60)}`;
  const time = `${pad(local.getUTCHours())}:${pad(local.getUTCMinutes())}:${pad(local.getUTCSeconds())}`;
  return `${DAYS[local.getUTCDay()] ?? ''}, ${local.getUTCDate()} ${MONTHS[local.getUTCMonth()] ?? ''} ${local.getUTCFullYear()} ${time} ${offset}`;
}
