/** *E-mail message is undeliverable after N days, hours or attempts* (spec §6), and what does not count (§4.3). */
import type { Settings } from '../../shared/settings.ts';
import { assertNever } from '../../shared/result.ts';
import type { RecipientHistory } from './model.ts';

type Limit = Settings['administration']['undeliverableAfter'];

const HOUR_MS = 3_600_000;
/**
 * An age limit needs this many counted attempts: a laptop that slept past the limit with mail it had never tried meets
 * greylisting (RFC 6647) on its first attempt, and must not give up on that.
 */
const MIN_ATTEMPTS = 2;

/** When the age limit falls due; null for a limit in attempts. */
export function deadline(limit: Limit, countedFrom: number): number | null {
  switch (limit.unit) {
    case 'days':
      return countedFrom + limit.value * 24 * HOUR_MS;
    case 'hours':
      return countedFrom + limit.value * HOUR_MS;
    case 'attempts':
      return null;
    default:
      return assertNever(limit.unit);
  }
}

/**
 * Whether the recipient is given up, asked after a failed attempt. Only an attempt that counts can end it: age alone,
 * however the clock jumped, does not (spec §4.3).
 * @param counted whether the attempt that has just failed counts; `history.attempts` does not include it yet
 */
export function limitReached(
  limit: Limit,
  history: Pick<RecipientHistory, 'attempts' | 'countedFrom'>,
  now: number,
  counted: boolean,
): boolean {
  if (!counted) return false;
  const attempts = history.attempts + 1;
  const due = deadline(limit, history.countedFrom);
  return due === null ? attempts >= limit.value : now >= due && attempts >= MIN_ATTEMPTS;
}
