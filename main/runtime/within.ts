import type { Clock } from './clock.ts';

/** Waits for `work` to settle, `ms` at most. Never rejects: what came of it is asked of whoever did it. */
export function within(clock: Pick<Clock, 'after'>, ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      resolve();
    };
    const cancel = clock.after(ms, resolve);
    work.then(done, done);
  });
}
