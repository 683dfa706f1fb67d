/** Mail servers that failed a moment ago are in back-off (spec §5: the schedule holds per next hop too): a dead one is not tried by every message. */
import type { Verdict } from '../../shared/mail.ts';
import type { Settings } from '../../shared/settings.ts';
import type { Clock } from '../runtime/clock.ts';

const FIRST_BACKOFF_MS = 30_000;
const LONGEST_BACKOFF_MS = 15 * 60_000;
const MAX_HOSTS = 5000;

interface Backoff {
  readonly failures: number;
  readonly until: number;
  readonly verdict: Verdict;
}

export interface HostBackoff {
  /** The verdict of the host's last failure while it is in back-off; null: it may be tried. */
  verdictOf(host: string): Verdict | null;
  failed(host: string, verdict: Verdict): void;
  worked(host: string): void;
  forget(): void;
}

/** 30 s doubling to 15 min; the first one at most half the schedule's first interval, so that a retry finds its host tried again. */
export function createHostBackoff(clock: Clock, settings: () => Settings): HostBackoff {
  const backoffs = new Map<string, Backoff>();
  return {
    verdictOf(host) {
      const backoff = backoffs.get(host);
      return backoff && clock.monotonic() < backoff.until ? backoff.verdict : null;
    },
    failed(host, verdict) {
      const failures = Math.min((backoffs.get(host)?.failures ?? 0) + 1, 10);
      const first = Math.min(FIRST_BACKOFF_MS, ((settings().connection.retryMinutes[0] ?? 1) * 60_000) / 2);
      if (backoffs.size >= MAX_HOSTS)
        for (const old of [...backoffs.keys()].slice(0, MAX_HOSTS / 10)) backoffs.delete(old);
      backoffs.set(host, {
        failures,
        until: clock.monotonic() + Math.min(LONGEST_BACKOFF_MS, first * 2 ** (failures - 1)),
        verdict,
      });
    },
    worked(host) {
      backoffs.delete(host);
    },
    forget() {
      backoffs.clear();
    },
  };
}
