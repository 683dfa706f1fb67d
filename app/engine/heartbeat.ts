/** Notices a thread that stands still. */

/** How a thread is watched. */
export interface HeartbeatLimits {
  /** It is asked for a sign of life this often. */
  readonly beatMs: number;
  /** It hangs once this many in a row were not answered. Counted, not timed: sleep and a busy main thread add none. */
  readonly missedBeats: number;
}

/** Asks with `ping`, which rejects if there is nobody to ask, and calls `hung` once. Returns what ends it. */
export function watchHeartbeat(limits: HeartbeatLimits, ping: () => Promise<unknown>, hung: () => void): () => void {
  let missed = 0;
  const beat = setInterval(() => {
    if (missed >= limits.missedBeats) {
      clearInterval(beat);
      hung();
      return;
    }
    missed += 1;
    ping().then(
      () => {
        missed = 0;
      },
      () => undefined,
    );
  }, limits.beatMs);
  return () => clearInterval(beat);
}
