/** Free space on the disk of the queue, as far as the listener knows it: asked at most every two seconds, counted down in between. */
import type { Clock } from '../runtime/clock.ts';
import { within } from '../runtime/within.ts';
import { LIMITS } from './accept-policy.ts';

const ASK_EVERY_MS = 2000;
/** MAIL waits this long for a fresh answer if there is an older one: the threads that ask may be busy elsewhere. */
const WAIT_MS = 500;

export interface DiskRoom {
  /** Octets that are free, null if not known. */
  available(): number | null | Promise<number | null>;
  /** Counts octets that are about to be written; false: they would use up the reserve. */
  mayWrite(octets: number): boolean;
}

/** @param freeSpace octets free on the disk; undefined: nothing is known, and nothing is refused for it */
export function createDiskRoom(clock: Clock, freeSpace: (() => Promise<number>) | undefined): DiskRoom {
  if (!freeSpace) return { available: () => null, mayWrite: () => true };
  let free: number | null = null;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<number | null> | null = null;
  const ask = (): Promise<number | null> => {
    asking ??= freeSpace()
      .catch(() => null)
      .then((answer) => {
        free = answer;
        askedAt = clock.monotonic();
        asking = null;
        return answer;
      });
    return asking;
  };
  const isFresh = (): boolean => clock.monotonic() - askedAt < ASK_EVERY_MS;
  return {
    available() {
      if (isFresh()) return free;
      const asked = ask();
      return free === null ? asked : within(clock, WAIT_MS, asked).then(() => free);
    },
    mayWrite(octets) {
      if (!isFresh()) void ask();
      if (free === null) return true;
      free -= octets;
      return free >= LIMITS.reserveForBegunBytes;
    },
  };
}
