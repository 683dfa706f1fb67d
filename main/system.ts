/** The real clock and randomness. */
import { randomBytes } from 'node:crypto';
import type { Clock, Random } from './ports.ts';

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

export const systemRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  hex: (bytes) => randomBytes(bytes).toString('hex'),
};
