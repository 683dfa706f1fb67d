/**
 * How long (ms) a test waits for what is bound to come. A machine that is busy with other tests takes ten times as long as a
 * quiet one; a test that works never waits that long.
 */
export const PATIENCE_MS = 60_000;
