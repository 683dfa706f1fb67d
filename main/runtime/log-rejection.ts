import type { Log } from '../log/log-port.ts';

/**
 * Takes over a promise that nobody waits for: a rejection ends in the log, never as an unhandled one.
 * The only way to let a promise go unawaited.
 */
export function logRejection(promise: Promise<unknown>, log: Pick<Log, 'problem'>, event: string): void {
  promise.catch((error: unknown) => {
    log.problem(event, error);
  });
}
