/** Where an error goes that nobody waits for: the log of the program (main/log/), or a test's. */
export interface ProblemLog {
  problem(event: string, error: unknown): void;
}

/**
 * Takes over a promise that nobody waits for: a rejection ends in the log, never as an unhandled one.
 * The only way to let a promise go unawaited.
 */
export function logRejection(promise: Promise<unknown>, log: ProblemLog, event: string): void {
  promise.catch((error: unknown) => {
    log.problem(event, error);
  });
}
