/** Whether IPv6 leads anywhere on this network (SPEC §4.4: announced but dead). */
import type { Clock } from '../ports.ts';
import type { SessionFailure, SmtpSession } from './smtp-client.ts';

const REMEMBERED_MS = 15 * 60_000;

export interface Ipv6Memory {
  /** False: IPv4 goes first. */
  works(): boolean;
  /** Looks at how connecting went: an IPv6 address that failed beside an IPv4 one that worked tells. */
  learn(opened: SmtpSession | SessionFailure): void;
  forget(): void;
}

export function createIpv6Memory(clock: Clock): Ipv6Memory {
  let deadUntil = -Infinity;
  return {
    works: () => clock.monotonic() >= deadUntil,
    learn(opened) {
      if (opened.kind !== 'ready') return;
      if (opened.address.family === 6) deadUntil = -Infinity;
      // Also when it was merely slower than its 250 ms: not heard of, it does not stand in the list of failures.
      else if (opened.addressFailures.some((f) => f.address.includes(':') && f.trouble.kind !== 'refused')) {
        deadUntil = clock.monotonic() + REMEMBERED_MS;
      }
    },
    forget() {
      deadUntil = -Infinity;
    },
  };
}
