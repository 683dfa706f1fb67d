/** What the user is told of the place where mail is kept: full, not writable, damaged, out of reach. */
import { rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Phrase } from '../../shared/mail.ts';
import { phrase } from '../../shared/phrases.ts';
import { LIMITS } from '../listener/accept-policy.ts';
import { StoreError, type StoreRecovery } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Problems } from './problems.ts';

/** While the disk is full it is looked at this often, so that the message goes when the reason does. */
const LOOK_AGAIN_MS = 15_000;
/** Made and removed in the profile, to see whether it can be written to. */
const WRITE_TEST = '.write-test';

export interface StorageProblems {
  /** Octets free on the disk of the profile; raises or clears the problem *disk nearly full*. */
  freeSpace(): Promise<number>;
  /** The store was lost and cannot be opened again so far. */
  lost(error: StoreError): void;
  /** The store stands, at start or again. */
  opened(recovery: StoreRecovery): void;
  close(): void;
}

/** Why the queue could not be opened at the start, in words that a user can act upon. What it does not know comes back as it is. */
export function startTrouble(error: unknown, profile: string): unknown {
  if (!(error instanceof StoreError)) return error;
  switch (error.reason) {
    case 'full':
      return new StoreError(
        'full',
        `The disk with the folder ${profile} is full. Make some room on it, then start the program again; waiting mail is kept.`,
      );
    case 'read-only':
      return new StoreError(
        'read-only',
        `The profile folder ${profile} cannot be written to. Waiting mail is kept (${error.message}).`,
      );
    default:
      return error;
  }
}

export function createStorageProblems(deps: {
  readonly profile: string;
  readonly clock: Clock;
  readonly problems: Problems;
  /** There is room on the disk after there was none. */
  readonly roomAgain: () => void;
}): StorageProblems {
  const { clock, problems } = deps;
  let cancel: (() => void) | null = null;
  let wasFull = false;
  let setAside = 0;
  /** Goes up with whatever is heard of the store: words that took their time must not come after better news. */
  let rounds = 0;

  const freeSpace = async (): Promise<number> => {
    const fs = await statfs(deps.profile);
    const free = fs.bavail * fs.bsize;
    if (free >= LIMITS.reserveBytes) {
      problems.clear('disk');
      if (wasFull) deps.roomAgain();
      wasFull = false;
    } else {
      wasFull = true;
      problems.raise('disk', 'error', phrase('problem.disk-full'));
      lookAgain();
    }
    return free;
  };

  function lookAgain(): void {
    cancel ??= clock.after(LOOK_AGAIN_MS, () => {
      cancel = null;
      // A disk that cannot be asked now is asked again: the problem must not stay for ever.
      freeSpace().catch(lookAgain);
    });
  }

  return {
    freeSpace,
    lost(error) {
      const round = (rounds += 1);
      void wordsFor(error, deps.profile).then((words) => {
        if (round === rounds) problems.raise('store', 'error', words);
      });
    },
    opened(recovery) {
      rounds += 1;
      problems.clear('store');
      // A disk that is full already is told now, not when the first mail is refused.
      freeSpace().catch(() => undefined);
      if (recovery.setAside === null) return;
      setAside += 1;
      const params = { file: path.basename(recovery.setAside), count: recovery.salvaged };
      problems.raise(
        setAside === 1 ? 'queue' : `queue-${setAside}`,
        'error',
        phrase('problem.queue-set-aside', params),
      );
    },
    close() {
      cancel?.();
    },
  };
}

/** SQLite calls a disk that became read-only under it an I/O error: what it is, the disk itself is asked. Never rejects. */
async function wordsFor(error: StoreError, profile: string): Promise<Phrase> {
  let { reason } = error;
  if (reason === 'other') {
    const file = path.join(profile, WRITE_TEST);
    try {
      await writeFile(file, '');
      await rm(file, { force: true });
    } catch (trouble) {
      const code = (trouble as NodeJS.ErrnoException).code ?? '';
      if (['EROFS', 'EACCES', 'EPERM'].includes(code)) reason = 'read-only';
      else if (['ENOSPC', 'EDQUOT'].includes(code)) reason = 'full';
    }
  }
  if (reason === 'full') return phrase('problem.disk-full');
  if (reason === 'read-only') return phrase('problem.read-only');
  return phrase('problem.internal', { detail: error.message });
}
