/** What the parts of the scheduler tell each other: a part that is asked by another one never calls it back. */
import type { Emitter } from '../runtime/emitter.ts';

export interface SchedulerEvents {
  /** Hold, pause or the number of messages in an attempt may be others now. */
  readonly changed: undefined;
  /** Something in the queue may be due. */
  readonly due: undefined;
  /** An attempt is over. `leavesWork`: something came of it that will be due (a retry, a recipient given back). */
  readonly 'attempt-ended': { readonly leavesWork: boolean };
}

export type SchedulerEmitter = Emitter<SchedulerEvents>;
