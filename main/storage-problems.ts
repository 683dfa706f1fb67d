/** What the user is told of the place where mail is kept: full, not writable, damaged, out of reach. */
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { phrase } from '../shared/phrases.ts';
import { LIMITS } from './listener/accept-policy.ts';
import type { Clock, StoreError, StoreRecovery } from './ports.ts';
import type { Problems } from './problems.ts';

/** While the disk is full it is looked at this often, so that the message goes when the reason does. */
const LOOK_AGAIN_MS = 15_000;

export interface StorageProblems {
  /** Octets free on the disk of the profile; raises or clears the problem *disk nearly full*. */
  freeSpace(): Promise<number>;
  /** The store was lost and cannot be opened again so far. */
  lost(error: StoreError): void;
  /** The store stands, at start or again. */
  opened(recovery: StoreRecovery): void;
  close(): void;
}

export function createStorageProblems(deps: {
  readonly profile: string;
  readonly clock: Clock;
  readonly problems: Problems;
}): StorageProblems {
  const { clock, problems } = deps;
  let cancel: (() => void) | null = null;
  let setAside = 0;

  const freeSpace = async (): Promise<number> => {
    const fs = await statfs(deps.profile);
    const free = fs.bavail * fs.bsize;
    if (free >= LIMITS.reserveBytes) problems.clear('disk');
    else {
      problems.raise('disk', 'error', phrase('problem.disk-full'));
      cancel ??= clock.after(LOOK_AGAIN_MS, () => {
        cancel = null;
        freeSpace().catch(() => undefined);
      });
    }
    return free;
  };

  return {
    freeSpace,
    lost(error) {
      switch (error.reason) {
        case 'full':
          problems.raise('store', 'error', phrase('problem.disk-full'));
          break;
        case 'read-only':
          problems.raise('store', 'error', phrase('problem.read-only'));
          break;
        default:
          problems.raise('store', 'error', phrase('problem.internal', { detail: error.message }));
      }
    },
    opened(recovery) {
      problems.clear('store');
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
