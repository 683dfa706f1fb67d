/**
 * Detects that the computer slept where nobody says so (the shell's powerMonitor is the first source): the wall clock went
 * on and the monotonic one did not, or a coarse timer came far too late. Also true after the clock was set forward; a false
 * alarm costs one reading of the network.
 */
import type { Clock } from '../runtime/clock.ts';

/** How often the clocks are compared. Coarse: it only has to beat the user's patience. */
const LOOK_EVERY_MS = 30_000;
/** Less than this is a busy computer. */
const JUMP_MS = 15_000;

/** The clocks at one moment, milliseconds. */
export interface ClockReading {
  readonly wall: number;
  readonly monotonic: number;
}

/**
 * How long (milliseconds) the computer slept between two readings that should lie `expected` apart; 0 = it did not. Pure.
 * A wall clock that was set back is no sleep.
 */
export function sleptBetween(before: ClockReading, after: ClockReading, expected: number): number {
  const wall = after.wall - before.wall;
  const monotonic = after.monotonic - before.monotonic;
  const unaccounted = Math.max(wall - monotonic, Math.min(wall, monotonic) - expected);
  return unaccounted > JUMP_MS ? unaccounted : 0;
}

export interface SleepWatch {
  /** Somebody else told of the sleep: it is not to be told again. */
  noticed(): void;
  stop(): void;
}

/** Calls `woke` with the milliseconds slept. */
export function watchForSleep(clock: Clock, woke: (sleptMs: number) => void): SleepWatch {
  let before: ClockReading = { wall: clock.now(), monotonic: clock.monotonic() };
  let cancel: () => void = () => undefined;
  const look = (): void => {
    const after = { wall: clock.now(), monotonic: clock.monotonic() };
    const slept = sleptBetween(before, after, LOOK_EVERY_MS);
    before = after;
    cancel = clock.after(LOOK_EVERY_MS, look);
    if (slept > 0) woke(slept);
  };
  cancel = clock.after(LOOK_EVERY_MS, look);
  return {
    noticed() {
      before = { wall: clock.now(), monotonic: clock.monotonic() };
      cancel();
      cancel = clock.after(LOOK_EVERY_MS, look);
    },
    stop() {
      cancel();
    },
  };
}
