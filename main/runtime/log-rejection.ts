import type { Log } from '../ports.ts';

/**
 * Takes over a promise that nobody waits for: a rejection ends in the log, never as an unhandled one.
 * The only way in this house to let a promise go (ARCHITECTURE §4).
 */
export function drop(promise: Promise<unknown>, log: Pick<Log, 'problem'>, event: string): void {
  promise.catch((error: unknown) => {
    log.problem(event, error);
  });
}
