import type { Clock } from '../../main/runtime/clock.ts';
import { systemClock } from '../../main/runtime/system-clock.ts';

/** The system's clock, but the time of day can be moved on: what waits for hours or days is there at once. Timers run as ever. */
export class JumpingClock implements Clock {
  #ahead = 0;

  now(): number {
    return systemClock.now() + this.#ahead;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  after(ms: number, run: () => void): () => void {
    return systemClock.after(ms, run);
  }

  /** As after a sleep of `ms`. */
  jump(ms: number): void {
    this.#ahead += ms;
  }
}
