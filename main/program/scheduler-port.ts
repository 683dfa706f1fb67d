import type { HoldReason } from '../../shared/mail.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';

/**
 * What parts that are built before the scheduler ask it for. The scheduler needs those parts, so it is bound once it is
 * built; until then nothing is tried, and mail waits in the queue.
 */
export interface SchedulerPort {
  /** Why nothing may be tried; null: it may. */
  hold(): HoldReason | 'not-built' | null;
  paused(): boolean;
  /** Messages in an attempt. */
  sending(): number;
  /** As `Scheduler.reserve`. */
  reserve: Scheduler['reserve'];
  bind(scheduler: Scheduler): void;
}

export function createSchedulerPort(): SchedulerPort {
  let bound: Scheduler | null = null;
  return {
    hold: () => (bound === null ? 'not-built' : bound.environment().hold),
    paused: () => bound?.paused() ?? false,
    sending: () => bound?.sending() ?? 0,
    reserve: () => bound?.reserve() ?? null,
    bind(scheduler) {
      bound = scheduler;
    },
  };
}
