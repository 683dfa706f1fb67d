/** The real clock and randomness. */
import { randomBytes } from 'node:crypto';
import type { Clock, Random } from './clock.ts';

/** setTimeout takes 31 bits of milliseconds; what is longer is waited for in pieces. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    let left = Math.max(0, ms);
    let timer: NodeJS.Timeout | undefined;
    const arm = (): void => {
      const piece = Math.min(left, LONGEST_TIMER_MS);
      left -= piece;
      timer = setTimeout(() => {
        if (left > 0) arm();
        else run();
      }, piece);
    };
    arm();
    return () => {
      clearTimeout(timer);
    };
  },
};

const NUMBER_BYTES = 6;

/** Fetched from the system in one go: a call for each number costs more than everything that is done with it. */
function numbers(): () => number {
  let pool = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at >= pool.length) {
      pool = randomBytes(NUMBER_BYTES * 512);
      at = 0;
    }
    const value = pool.readUIntBE(at, NUMBER_BYTES) / 2 ** 48;
    at += NUMBER_BYTES;
    return value;
  };
}

export const systemRandom: Random = {
  next: numbers(),
  hex: (bytes) => randomBytes(bytes).toString('hex'),
};
