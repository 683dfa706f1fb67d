/** Mail servers that failed a moment ago rest (spec §5: the schedule holds per next hop too), so that a dead one is not asked by every message. */
import type { Verdict } from '../../shared/mail.ts';
import type { Settings } from '../../shared/settings.ts';
import type { Clock } from '../runtime/clock.ts';

const FIRST_REST_MS = 30_000;
const LONGEST_REST_MS = 15 * 60_000;
const MAX_HOSTS = 5000;

interface Rest {
  readonly failures: number;
  readonly until: number;
  readonly verdict: Verdict;
}

export interface HostBackoff {
  /** Hosts to try now; and what the others said last. */
  sort(hosts: readonly string[]): { readonly use: readonly string[]; readonly resting: ReadonlyMap<string, Verdict> };
  failed(host: string, verdict: Verdict): void;
  worked(host: string): void;
  forget(): void;
}

/** 30 s doubling to 15 min, but never longer than half the schedule's first interval allows: a retry finds its host rested. */
export function createHostBackoff(clock: Clock, settings: () => Settings): HostBackoff {
  const rests = new Map<string, Rest>();
  return {
    sort(hosts) {
      const now = clock.monotonic();
      const resting = new Map<string, Verdict>();
      for (const host of hosts) {
        const rest = rests.get(host);
        if (rest && now < rest.until) resting.set(host, rest.verdict);
      }
      return { use: hosts.filter((h) => !resting.has(h)), resting };
    },
    failed(host, verdict) {
      const failures = Math.min((rests.get(host)?.failures ?? 0) + 1, 10);
      const first = Math.min(FIRST_REST_MS, ((settings().connection.retryMinutes[0] ?? 1) * 60_000) / 2);
      if (rests.size >= MAX_HOSTS) for (const old of [...rests.keys()].slice(0, MAX_HOSTS / 10)) rests.delete(old);
      rests.set(host, {
        failures,
        until: clock.monotonic() + Math.min(LONGEST_REST_MS, first * 2 ** (failures - 1)),
        verdict,
      });
    },
    worked(host) {
      rests.delete(host);
    },
    forget() {
      rests.clear();
    },
  };
}
