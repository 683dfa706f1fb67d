import type { Clock } from '../../main/runtime/clock.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that only moves when told to: weeks of retries in milliseconds. */
export class VirtualClock implements Clock {
  #wall: number;
  #mono = 0;
  #order = 0;
  #timers: Timer[] = [];

  constructor(start = Date.UTC(2026, 0, 5, 9, 0, 0)) {
    this.#wall = start;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#mono;
  }

  after(ms: number, run: () => void): () => void {
    const timer: Timer = { at: this.#mono + Math.max(0, ms), order: (this.#order += 1), run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  }

  /** Milliseconds until the next timer, null if none is set. */
  untilNext(): number | null {
    const at = Math.min(...this.#timers.map((t) => t.at));
    return Number.isFinite(at) ? at - this.#mono : null;
  }

  /** Moves on by `ms`, running every timer that falls due, in order; `settle` runs after each (lets promises finish). */
  async advance(ms: number, settle: () => Promise<void> = async () => Promise.resolve()): Promise<void> {
    const end = this.#mono + ms;
    for (;;) {
      await settle();
      const next = this.#timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!next) break;
      this.#wall += next.at - this.#mono;
      this.#mono = next.at;
      this.#timers = this.#timers.filter((t) => t !== next);
      next.run();
    }
    this.#wall += end - this.#mono;
    this.#mono = end;
    await settle();
  }

  /** The wall clock jumps (set by the user, by NTP, or the laptop slept); timers do not notice. */
  jump(ms: number): void {
    this.#wall += ms;
  }
}
