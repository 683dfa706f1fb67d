/** What has to be done now and then whatever happens: kept mail that is old enough goes, and a clock that was set is noticed. */
import { clockSetBy } from '../policy/clock-set.ts';
import { latestNextAt } from '../policy/retry-schedule.ts';
import type { Log } from '../log/log-port.ts';
import type { QueueStore } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import type { SettingsStore } from '../settings/settings-store.ts';

/** Old sent and deleted mail is looked for this often. */
const EXPIRE_EVERY_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

export interface Housekeeping {
  /** Removes kept mail that is old enough, now and every quarter of an hour. */
  start(): void;
  /** Brings the times of next attempts within what the retry schedule allows from now (spec §5). */
  limitDelays(): Promise<void>;
  /**
   * A clock that was set back leaves "not before" times too far away: what waits goes now, and true comes back. Set forward
   * it makes mail due.
   */
  noticeClockSet(): Promise<boolean>;
  close(): void;
}

export function createHousekeeping(deps: {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<QueueStore, 'wake' | 'clampNextAt' | 'expireKept'>;
  readonly settings: Pick<SettingsStore, 'get'>;
}): Housekeeping {
  const { clock, log, store, settings } = deps;
  /** How far the time of day is ahead of the monotonic clock, ms. */
  let clockOffset = clock.now() - clock.monotonic();
  let cancelTimer: (() => void) | null = null;

  const expireKept = async (): Promise<void> => {
    const { keepSent, keepDeleted } = settings.get().general;
    const before = (days: number): number | null => (days < 0 ? null : clock.now() - days * DAY_MS);
    await store.expireKept({ sentBefore: before(keepSent), deletedBefore: before(keepDeleted) });
  };

  const setTimer = (): void => {
    cancelTimer = clock.after(EXPIRE_EVERY_MS, () => {
      logRejection(expireKept(), log, 'tidy');
      setTimer();
    });
  };

  return {
    start() {
      setTimer();
      logRejection(expireKept(), log, 'tidy');
    },
    async limitDelays() {
      await store.clampNextAt(latestNextAt(clock.now(), settings.get().connection.retryMinutes));
    },
    async noticeClockSet() {
      const offset = clock.now() - clock.monotonic();
      const moved = clockSetBy(clockOffset, offset);
      if (moved === 0) return false;
      log.note('clock-set', { seconds: Math.round(moved / 1000) });
      if (moved < 0) await store.wake({ kind: 'all' }, clock.now());
      clockOffset = offset;
      return moved < 0;
    },
    close() {
      cancelTimer?.();
    },
  };
}
