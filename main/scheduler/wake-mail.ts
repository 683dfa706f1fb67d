/** Makes everything that waits go at once: at the start, after a change of network or settings, when the user says so. */
import type { Delivery } from '../delivery/delivery-port.ts';
import type { Log } from '../log/log-port.ts';
import type { DeliveryStartReason } from '../policy/environment-change.ts';
import type { QueueStore } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import type { Conditions } from './conditions.ts';
import type { RunningAttempts } from './running-attempts.ts';
import type { SchedulerEmitter } from './scheduler-events.ts';

/** After trouble of our own (disk), everything is woken again after this. */
const AFTER_TROUBLE_MS = 5_000;

export interface WakeMail {
  /** The next attempt of every recipient that waits becomes now. @returns how many there are. Rejects with StoreError. */
  all(): Promise<number>;
  /** What waits for this hop becomes due. Rejects with StoreError. */
  waitingFor(hopKey: string): Promise<void>;
  /**
   * Unless the queue holds: asks the gateways whether they work and wakes everything. Never rejects; what the store
   * refuses is tried again.
   * @param why For the log: one line for every start.
   * @param gateways Ids of those that are asked. Default: all.
   */
  startDelivering(why: DeliveryStartReason, gateways?: readonly string[]): Promise<void>;
  /** Unless the queue holds: asks the gateways whether they work. */
  askGateways(gateways?: readonly string[]): void;
  close(): void;
}

export function createWakeMail(deps: {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<QueueStore, 'wake'>;
  readonly delivery: Pick<Delivery, 'probeGateways'>;
  readonly conditions: Conditions;
  readonly attempts: RunningAttempts;
  readonly events: SchedulerEmitter;
}): WakeMail {
  const { clock, log, store, delivery, conditions, attempts, events } = deps;
  let cancelRetry: (() => void) | null = null;

  const all = async (): Promise<number> => {
    const now = clock.now();
    attempts.allWoken();
    try {
      return await store.wake({ kind: 'all' }, now);
    } finally {
      events.emit('due');
    }
  };

  const askGateways = (gateways?: readonly string[]): void => {
    if (conditions.hold() !== null) return;
    logRejection(delivery.probeGateways(attempts.signal(), gateways), log, 'probe');
  };

  const startDelivering = async (why: DeliveryStartReason, gateways?: readonly string[]): Promise<void> => {
    if (conditions.hold() !== null || conditions.phase() === 'closing') return;
    log.note('start delivering', { why });
    if (gateways?.length !== 0) askGateways(gateways);
    try {
      await all();
    } catch (error) {
      // A full disk, or a store that is being reopened: what was to go at once goes as soon as that is over.
      log.problem('wake', error);
      cancelRetry ??= clock.after(AFTER_TROUBLE_MS, () => {
        cancelRetry = null;
        logRejection(startDelivering('wake'), log, 'wake');
      });
    }
  };

  return {
    all,
    async waitingFor(hopKey) {
      if (!attempts.takeWaitingFor(hopKey)) return;
      const count = await store.wake({ kind: 'hop', waitsFor: hopKey }, clock.now());
      if (count > 0) events.emit('due');
    },
    startDelivering,
    askGateways,
    close() {
      cancelRetry?.();
    },
  };
}
