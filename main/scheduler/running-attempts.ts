/** Claimed messages in their attempts: starts them, ends them when the network or the program goes, gives back what was not tried. */
import { runAttempt, type AttemptDeps } from '../attempt/attempt.ts';
import { createInFlightLimit } from '../attempt/in-flight-limit.ts';
import { retryStoreOperation } from '../attempt/store-retry.ts';
import type { Delivery } from '../delivery/delivery-port.ts';
import type { Log } from '../log/log-port.ts';
import type { ClaimedMessage, QueueStore } from '../queue/queue-store.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Clock } from '../runtime/clock.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import type { SettingsStore } from '../settings/settings-store.ts';
import { createAttemptBacklog } from './attempt-backlog.ts';
import type { Conditions } from './conditions.ts';
import type { SchedulerEmitter } from './scheduler-events.ts';

/** A message whose attempt ended in an error of ours rests for this long. */
const REST_AFTER_ERROR_MS = 60_000;
/** At the end, what was cut off has so long to be written down: a little longer than a session waits for its last reply. */
const LAST_RECORDS_MS = 2_500;

export interface RunningAttemptsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: QueueStore;
  readonly delivery: Delivery;
  readonly reporter: Reporter;
  readonly settings: SettingsStore;
  readonly outgoing: AttemptDeps['outgoing'];
  readonly failed: AttemptDeps['failed'];
  readonly conditions: Conditions;
  readonly events: SchedulerEmitter;
  /** Something that a sender is to be told is on disk. */
  readonly reportDue: () => void;
}

interface MarksState {
  /** Goes up with each change of the network: trouble on one that is gone says nothing about the mail. */
  networkEpoch: number;
  /** Goes up whenever everything that waits is woken: what an attempt that began before then comes to is old news. */
  wakeCount: number;
  /** Hop keys that some recipient may wait for; a hop that works releases only what waits. */
  readonly waitedFor: Set<string>;
  /** Messages that went to Deleted in mid-attempt. */
  readonly deleted: Set<string>;
  /** Ends what is in flight. */
  abort: AbortController;
}

/** What attempts under way are to know of what happens meanwhile. */
interface AttemptMarks {
  /** Aborts when what is in flight now is interrupted. */
  signal(): AbortSignal;
  /** Trouble of attempts under way is put down to the network from here on, not to the mail. */
  networkChanged(): void;
  /** Ends what is in flight at once; policy sees a changed epoch and blames nobody. */
  interrupt(): void;
  /** Everything that waits is woken. */
  allWoken(): void;
  /** True once if some recipient may wait for this hop. */
  takeWaitingFor(hopKey: string): boolean;
  setDeleted(ids: readonly string[], deleted: boolean): void;
}

export interface RunningAttempts extends AttemptMarks {
  /** Messages in an attempt, or next in line for one. */
  count(): number;
  /** Room for one more message while `coming` others are being accepted. */
  hasRoom(coming: number): boolean;
  /** A message came in: what the pace of attempts depends on. */
  noteAccepted(): void;
  run(messages: readonly ClaimedMessage[]): void;
  /** Gives back what was claimed and not tried. Never rejects: what cannot be given back is found at the next start. */
  giveBack(message: ClaimedMessage, nextAt: number): Promise<void>;
  /** Begins nothing more; waits up to `ms` for attempts in flight, then ends them and waits (unless `ms` is 0) for their records. */
  close(ms: number): Promise<void>;
}

export function createRunningAttempts(deps: RunningAttemptsDeps): RunningAttempts {
  const { clock, log, store, events } = deps;
  const state: MarksState = {
    networkEpoch: 0,
    wakeCount: 0,
    waitedFor: new Set(),
    deleted: new Set(),
    abort: new AbortController(),
  };
  let whenIdle: (() => void) | null = null;
  const attemptDeps = attemptDepsOf(deps, state);
  const backlog = createAttemptBacklog(clock, (message) => logRejection(runOne(message), log, 'attempt'));

  const giveBack = async (message: ClaimedMessage, nextAt: number): Promise<void> => {
    const recipients = message.recipients.map((r) => r.id);
    await retryStoreOperation(deps, 'release', () => store.release(recipients, { nextAt, held: false })).catch(
      () => undefined,
    );
  };

  const runOne = async (message: ClaimedMessage): Promise<void> => {
    let leavesWork = true;
    try {
      leavesWork = await runAttempt(attemptDeps, message, state.abort.signal);
    } catch (error) {
      // A bug or a broken store: the rows stay `attempting` and would wait for a restart; give them back.
      log.problem('attempt', error);
      await giveBack(message, clock.now() + REST_AFTER_ERROR_MS);
    } finally {
      backlog.ended();
      if (backlog.size() === 0) {
        state.deleted.clear();
        events.emit('changed');
        whenIdle?.();
      }
      events.emit('attempt-ended', { leavesWork });
    }
  };

  /** Resolves when no attempt is under way, or after `ms`. */
  const untilIdle = async (ms: number): Promise<void> => {
    if (backlog.size() === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(ms, resolve);
      whenIdle = () => {
        cancel();
        resolve();
      };
    });
  };

  return {
    ...createMarks(state),
    count: () => backlog.size(),
    hasRoom: (coming) => backlog.hasRoom(coming),
    noteAccepted: () => {
      backlog.accepted();
    },
    run(messages) {
      if (messages.length === 0) return;
      const wasIdle = backlog.size() === 0;
      // Nothing is claimed of a message in Deleted: this one was restored since.
      for (const { id } of messages) state.deleted.delete(id);
      backlog.add(messages);
      if (wasIdle) events.emit('changed');
    },
    giveBack,
    async close(ms) {
      // Best effort: what is not given back is found at the next start.
      for (const message of backlog.close()) logRejection(giveBack(message, clock.now()), log, 'release');
      await untilIdle(ms);
      state.abort.abort(new Error('closing'));
      // What was sent to its end may still hear its reply; nothing of it may be forgotten with the store.
      if (ms > 0) await untilIdle(LAST_RECORDS_MS);
    },
  };
}

function createMarks(state: MarksState): AttemptMarks {
  return {
    signal: () => state.abort.signal,
    networkChanged() {
      state.networkEpoch += 1;
    },
    interrupt() {
      state.networkEpoch += 1;
      state.abort.abort(new Error('network changed'));
      state.abort = new AbortController();
    },
    allWoken() {
      state.wakeCount += 1;
      state.waitedFor.clear();
    },
    takeWaitingFor: (hopKey) => state.waitedFor.delete(hopKey),
    setDeleted(ids, deleted) {
      for (const id of ids) {
        if (deleted) state.deleted.add(id);
        else state.deleted.delete(id);
      }
    },
  };
}

/** What an attempt is given (main/attempt/attempt.ts). */
function attemptDepsOf(deps: RunningAttemptsDeps, state: MarksState): AttemptDeps {
  const { clock, log, store, delivery, reporter, outgoing, failed, reportDue, conditions, settings } = deps;
  return {
    ...{ clock, log, store, delivery, reporter, outgoing, failed, reportDue },
    environment: conditions.environment,
    networkEpoch: () => state.networkEpoch,
    wakes: () => state.wakeCount,
    isDeleted: (id) => state.deleted.has(id),
    waitsFor: (key) => state.waitedFor.add(key),
    inFlightLimit: createInFlightLimit(() => settings.get().connection.maxOutgoing),
  };
}
