/** Time and chance, as the engine asks for them; virtual and seeded in tests (test/fakes). Times are milliseconds since the epoch, durations milliseconds. */

/** Wall clock and timers; virtual in tests. */
export interface Clock {
  now(): number;
  /** Monotonic milliseconds, for durations. */
  monotonic(): number;
  /** Calls `run` once after `ms` (>= 0). Returns its cancel. Long delays are the implementation's trouble. */
  after(ms: number, run: () => void): () => void;
}

/** Randomness; seeded in tests. */
export interface Random {
  /** 0 <= x < 1. */
  next(): number;
  /** Hex string of `bytes` random octets. */
  hex(bytes: number): string;
}
