/** The one loop: claims what is due while there is room, hands it to attempts, and sleeps until the next is due. */
import type { Delivery } from '../delivery/delivery-port.ts';
import type { Log } from '../log/log-port.ts';
import { MAX_RUNNING_ATTEMPTS } from '../policy/attempt-pace.ts';
import type { ClaimedMessage, QueueStore } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import type { Conditions } from './conditions.ts';
import type { Housekeeping } from './housekeeping.ts';
import type { RunningAttempts } from './running-attempts.ts';

/** With fewer places than this the queue is not asked for more while others are under way: many are claimed at a time. */
const ROOM_WORTH_ASKING = 50;
/** While mail waits the clock is looked at this often at least: it may have been set back meanwhile. */
const LONGEST_SLEEP_MS = 5 * 60_000;
/** While attempts run, what is due is waited for this long at least: most of it waits for them. */
const SLEEP_WHILE_RUNNING_MS = 1_000;
/** After trouble of our own (disk), the loop tries again after this. */
const AFTER_TROUBLE_MS = 5_000;

export interface ClaimLoopDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<QueueStore, 'claimDue' | 'nextDueAt'>;
  readonly delivery: Pick<Delivery, 'busyDomains'>;
  readonly conditions: Conditions;
  readonly attempts: RunningAttempts;
  readonly housekeeping: Pick<Housekeeping, 'noticeClockSet'>;
}

interface ClaimState {
  /** Places given to messages that are about to be accepted. */
  reserved: number;
  /** More may be due than was claimed last. */
  moreDue: boolean;
  round: 'none' | 'claiming' | 'claiming-and-asked-again';
  /** Cancels the timer of the next round. */
  cancelTimer: (() => void) | null;
}

export interface ClaimLoop {
  /** Something may be due: a round begins, or another follows the one that is under way. */
  request(): void;
  /** An attempt is over: asks for a round if there is anything to claim. */
  attemptEnded(attempt: { readonly leavesWork: boolean }): void;
  /** As `Scheduler.reserve`. */
  reserve(): ((claimed: ClaimedMessage | null) => void) | null;
  close(): void;
}

/** How long the loop sleeps if the next recipient is due `at`; ms. */
function sleepUntil(at: number, now: number, running: number): number {
  return Math.min(Math.max(at - now, running > 0 ? SLEEP_WHILE_RUNNING_MS : 0), LONGEST_SLEEP_MS);
}

export function createClaimLoop(deps: ClaimLoopDeps): ClaimLoop {
  const { clock, log, store, conditions, attempts, housekeeping } = deps;
  const state: ClaimState = { reserved: 0, moreDue: false, round: 'none', cancelTimer: null };

  /** @param ms Until the next round; null = none. */
  const setTimer = (ms: number | null): void => {
    state.cancelTimer?.();
    state.cancelTimer = ms === null ? null : clock.after(ms, request);
  };

  const claimAndRun = async (): Promise<void> => {
    await housekeeping.noticeClockSet();
    do {
      state.round = 'claiming';
      if (!mayTry(conditions)) return;
      const room = MAX_RUNNING_ATTEMPTS - attempts.count() - state.reserved;
      if (room < ROOM_WORTH_ASKING) {
        state.moreDue = true;
        return;
      }
      if ((await claimSome(deps, state, room)) > 0) state.round = 'claiming-and-asked-again';
    } while (wasAskedAgain());
    await setTimerForNextDue();
  };

  /** Asked anew after an await. */
  const wasAskedAgain = (): boolean => state.round === 'claiming-and-asked-again';

  const setTimerForNextDue = async (): Promise<void> => {
    setTimer(null);
    if (!mayTry(conditions)) return;
    if (attempts.count() >= MAX_RUNNING_ATTEMPTS) {
      // The end of an attempt asks again.
      state.moreDue = true;
      return;
    }
    const at = await store.nextDueAt();
    // While mail is in flight for a busy hop its neighbours are due already: the end of an attempt asks, not the timer.
    if (at === null || conditions.phase() === 'closing') return;
    // Set back since the queue was asked: `at` is of the old clock.
    if (await housekeeping.noticeClockSet()) {
      state.round = 'claiming-and-asked-again';
      return;
    }
    setTimer(sleepUntil(at, clock.now(), attempts.count()));
  };

  function request(): void {
    // Mail taken while the program still starts waits for the start: tried before it, the start would have it tried again.
    if (conditions.phase() !== 'running') return;
    if (state.round !== 'none') {
      state.round = 'claiming-and-asked-again';
      return;
    }
    state.round = 'claiming';
    logRejection(round(), log, 'claim');
  }

  const round = async (): Promise<void> => {
    try {
      await claimAndRun();
    } catch (error) {
      log.problem('claim', error);
      setTimer(AFTER_TROUBLE_MS);
    }
    const again = wasAskedAgain();
    state.round = 'none';
    if (again) request();
  };

  return {
    request,
    attemptEnded: ({ leavesWork }) => {
      if (leavesWork || state.moreDue) request();
    },
    reserve: () => reserve(deps, state, request),
    close: () => setTimer(null),
  };
}

function mayTry(conditions: Conditions): boolean {
  return conditions.phase() !== 'closing' && conditions.hold() === null;
}

/** Claims what is due for `room` messages at most, and begins their attempts. @returns how many there were. */
async function claimSome(deps: ClaimLoopDeps, state: ClaimState, room: number): Promise<number> {
  const { clock, store, delivery, attempts } = deps;
  const skipDomains = delivery.busyDomains();
  const claimed = await store.claimDue({ now: clock.now(), limit: room, skipDomains });
  state.moreDue = skipDomains.length > 0 || claimed.length > 0;
  attempts.run(claimed);
  return claimed.length;
}

/** As `Scheduler.reserve`. */
function reserve(
  { clock, log, delivery, conditions, attempts }: ClaimLoopDeps,
  state: ClaimState,
  request: () => void,
): ReturnType<ClaimLoop['reserve']> {
  attempts.noteAccepted();
  if (conditions.phase() !== 'running' || state.moreDue || conditions.hold() !== null) return null;
  if (!attempts.hasRoom(state.reserved) || delivery.busyDomains().length > 0) return null;
  state.reserved += 1;
  return (claimed) => {
    state.reserved -= 1;
    if (claimed === null) request();
    else if (!mayTry(conditions)) logRejection(attempts.giveBack(claimed, clock.now()), log, 'release');
    else attempts.run([claimed]);
  };
}
