/**
 * When the drop folder is read, and what the user is told of it: at the start, when `postcast sendmail` says so,
 * when there is room on the disk again, when the queue is open again, and every few minutes whatever happens.
 */
import path from 'node:path';
import type { Phrase } from '../../shared/mail.ts';
import { phrase } from '../../shared/phrases.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import type { Log } from '../log/log-port.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Maildrop } from './maildrop.ts';

const EVERY_MS = 5 * 60_000;

export interface Pickup {
  /** Looks now. How many messages came into the queue; rejects if the folder cannot be read. */
  now(): Promise<number>;
  /** As `now`, for callers that cannot do anything about an error. */
  soon(): void;
  close(): void;
}

export function createPickup(deps: {
  readonly maildrop: Maildrop;
  /** As the user is told it. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the user is told of drops that were set aside. */
  readonly problems: {
    raise(id: string, severity: 'error' | 'warning', words: Phrase): void;
    clear(id: string): void;
  };
  /** Messages came into the queue. */
  readonly taken: () => void;
  /** The queue has no room for what waits. */
  readonly noRoom: () => void;
}): Pickup {
  const { clock, log, problems, directory } = deps;
  let cancel: (() => void) | null = null;
  let closed = false;
  let first = true;
  /** Drops that the user was told of: a problem that was dismissed does not come back every few minutes. */
  let told = new Set<string>();

  const now = async (): Promise<number> => {
    const found = await deps.maildrop.pickup();
    if (found.taken > 0) deps.taken();
    if (found.refused === 'full') deps.noRoom();
    if (found.inBad === 0) problems.clear('drops-set-aside');
    else if (found.setAside > 0) {
      const params = { count: found.inBad, folder: path.join(directory, 'bad'), why: found.whyAside };
      problems.raise('drops-set-aside', 'error', phrase('problem.drops-set-aside', params));
    } else if (first) {
      const params = { count: found.inBad, folder: path.join(directory, 'bad') };
      problems.raise('drops-set-aside', 'error', phrase('problem.drops-lie-aside', params));
    }
    if (found.waiting.length === 0) problems.clear('drops-wait');
    else if (found.waiting.some((name) => !told.has(name))) {
      const params = { count: found.waiting.length, folder: path.join(directory, 'new'), why: found.why };
      problems.raise('drops-wait', 'error', phrase('problem.drops-wait', params));
    }
    told = new Set(found.waiting);
    first = false;
    return found.taken;
  };

  const soon = (): void => {
    if (!closed) logRejection(now(), log, 'pickup');
  };
  const arm = (): void => {
    cancel = clock.after(EVERY_MS, () => {
      soon();
      arm();
    });
  };
  arm();

  return {
    now,
    soon,
    close() {
      closed = true;
      cancel?.();
    },
  };
}
