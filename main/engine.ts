/**
 * The one loop: claims what is due, runs attempts side by side, and wakes on the nearest timer, new mail, a changed
 * network, resume, *send now*, and a hop that works again (ARCHITECTURE §2). What to do is decided in policy/.
 */
import { phrase } from '../shared/phrases.ts';
import type { Selection } from '../shared/ipc-contract.ts';
import type { Phrase } from '../shared/mail.ts';
import type { DialUpState, NetworkState } from '../shared/status.ts';
import type { Delivery } from './delivery/types.ts';
import { drop } from './drop.ts';
import { isNetworkChange } from './network/interpret.ts';
import { decideHold } from './policy/hold.ts';
import { latestNextAt } from './policy/retry-schedule.ts';
import type { World } from './policy/types.ts';
import type { ClaimedMessage, Clock, Dns, Log, NetworkMonitor, QueueStore, Random, SettingsStore } from './ports.ts';
import { runAttempt, type AttemptDeps } from './run-attempt.ts';

/** Most messages that are in some attempt at once; memory per message is one row and one chunk. */
const MOST_IN_FLIGHT = 200;
/** With fewer places than this the queue is not asked for more while others are under way: many are claimed at a time. */
const ROOM_WORTH_ASKING = 50;
/** Old sent and deleted mail is looked for this often. */
const TIDY_EVERY_MS = 15 * 60_000;
const DAY_MS = 86_400_000;
/** After trouble of our own (disk), the loop tries again after this. */
const AFTER_TROUBLE_MS = 5_000;

export interface EngineDeps extends Omit<AttemptDeps, 'world' | 'networkEpoch' | 'waitsFor'> {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: QueueStore;
  readonly delivery: Delivery;
  readonly dns: Pick<Dns, 'flush'>;
  readonly network: NetworkMonitor;
  readonly settings: SettingsStore;
  readonly log: Log;
  /** Names and addresses that are this computer, for the MX loop rule (RFC 5321 §5.1). */
  readonly ownNames: () => readonly string[];
  /** What dial-up is doing; null while nothing about it is known. */
  readonly dialUp: () => DialUpState;
}

export interface Engine {
  start(): Promise<void>;
  /** New mail is in the store. */
  newMail(): void;
  /**
   * A place for a message that is about to be accepted: the caller claims it with its commit, and calls back once with
   * what came of it, null if nothing did. Null: no place, or not now; the message waits in the queue.
   */
  reserve(): ((claimed: ClaimedMessage | null) => void) | null;
  /** Everything waiting goes at once; says why if it cannot (SPEC §5, §7). */
  sendNow(): Promise<{ readonly count: number; readonly phrase: Phrase }>;
  retry(selection: Selection, throughGateway: string | null): Promise<number>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  paused(): boolean;
  /** The computer woke up, or the clock jumped. */
  wokeUp(): Promise<void>;
  /** A gateway's password or settings changed: what waits for gateways may go. */
  gatewaysChanged(): void;
  /** Dial-up state changed: re-think the hold. */
  dialUpChanged(): void;
  world(): World;
  /** Messages in an attempt now. */
  sending(): number;
  /** Direct delivery is known to be blocked on this network (SPEC §4.4). */
  directBlocked(networkId: string): boolean;
  retestDirect(): Promise<Phrase>;
  forgetNetwork(id: string): void;
  /** Told whenever `world().hold`, `sending()` or `paused()` changed. Returns its unsubscribe. */
  onChange(listener: () => void): () => void;
  /** Stops claiming; waits up to `ms` for attempts in flight. */
  close(ms: number): Promise<void>;
}

export function createEngine(deps: EngineDeps): Engine {
  const { clock, store, delivery, log, network, settings } = deps;
  const listeners = new Set<() => void>();
  const unwatch: (() => void)[] = [];
  /** Hop keys that some recipient may wait for; a hop that works releases only what waits. */
  const waitedFor = new Set<string>();
  let inFlight = 0;
  let reserved = 0;
  let started = false;
  /** More may be due than was claimed last. */
  let moreDue = false;
  let isPaused = false;
  let closing = false;
  let pumping = false;
  let pumpAgain = false;
  let epoch = 0;
  let abort = new AbortController();
  let cancelTimer: (() => void) | null = null;
  let cancelTidy: (() => void) | null = null;
  let idle: (() => void) | null = null;
  let known: NetworkState = network.current();
  let dialUpWasUp = deps.dialUp().active.length > 0;
  let blocked = new Set<string>();

  const tell = (): void => {
    for (const listener of listeners) listener();
  };

  const hold = (): World['hold'] => decideHold({ paused: isPaused, network: known, dialUp: deps.dialUp() });

  const world = (): World => ({
    settings: settings.get(),
    now: clock.now(),
    networkId: known.id,
    networkName: known.name,
    hold: hold(),
    ownNames: deps.ownNames(),
  });

  const attemptDeps: AttemptDeps = { ...deps, world, networkEpoch: () => epoch, waitsFor: (key) => waitedFor.add(key) };

  const giveBack = (message: ClaimedMessage, nextAt: number): Promise<void> =>
    store
      .release(
        message.recipients.map((r) => r.id),
        { nextAt, held: false },
      )
      .catch((again: unknown) => {
        log.problem('release', again);
      });

  const runOne = async (message: ClaimedMessage): Promise<void> => {
    inFlight += 1;
    let somethingWaits = true;
    try {
      somethingWaits = await runAttempt(attemptDeps, message, abort.signal);
    } catch (error) {
      // A bug or a broken store: the rows stay `attempting` and would wait for a restart; give them back.
      log.problem('attempt', error);
      await giveBack(message, clock.now() + 60_000);
    } finally {
      inFlight -= 1;
      if (inFlight === 0) {
        tell();
        idle?.();
      }
      if (somethingWaits || moreDue) pump();
    }
  };

  const run = (messages: readonly ClaimedMessage[]): void => {
    if (messages.length > 0 && inFlight === 0) {
      inFlight += 1; // counted before telling, so that listeners see "sending"
      tell();
      inFlight -= 1;
    }
    for (const message of messages) drop(runOne(message), log, 'attempt');
  };

  const claim = async (): Promise<void> => {
    do {
      pumpAgain = false;
      const room = MOST_IN_FLIGHT - inFlight - reserved;
      if (closing || hold() !== null) return;
      if (room < ROOM_WORTH_ASKING) {
        moreDue = true;
        return;
      }
      const skipDomains = delivery.busyDomains();
      const claimed = await store.claimDue({ now: clock.now(), limit: room, skipDomains });
      moreDue = skipDomains.length > 0 || claimed.length > 0;
      run(claimed);
      if (claimed.length > 0) pumpAgain = true;
    } while (pumpAgain);
    await arm();
  };

  /** Asked anew after an await. */
  const isClosing = (): boolean => closing;

  /** @param ms Until the next look at the queue; null = none. */
  const setTimer = (ms: number | null): void => {
    cancelTimer?.();
    cancelTimer = ms === null ? null : clock.after(ms, pump);
  };

  /** Sets the timer for the nearest due recipient. */
  const arm = async (): Promise<void> => {
    setTimer(null);
    if (closing || hold() !== null || inFlight >= MOST_IN_FLIGHT) return;
    const at = await store.nextDueAt();
    // While mail is in flight for a busy hop its neighbours are due already: the end of an attempt pumps, not the timer.
    if (at === null || isClosing()) return;
    const wait = Math.max(at - clock.now(), inFlight > 0 ? 1_000 : 0);
    setTimer(wait);
  };

  function pump(): void {
    if (closing) return;
    if (pumping) {
      pumpAgain = true;
      return;
    }
    pumping = true;
    drop(
      claim()
        .catch((error: unknown) => {
          log.problem('claim', error);
          setTimer(AFTER_TROUBLE_MS);
        })
        .finally(() => {
          pumping = false;
          if (pumpAgain) pump();
        }),
      log,
      'claim',
    );
  }

  const wakeAll = async (): Promise<number> => {
    const now = clock.now();
    waitedFor.clear();
    const count = await store.wake({ kind: 'all' }, now);
    pump();
    return count;
  };

  /** What was in flight on a network that is gone is cut off at once; policy sees a changed epoch and blames nobody. */
  const cutOff = (): void => {
    epoch += 1;
    abort.abort(new Error('network changed'));
    abort = new AbortController();
    deps.dns.flush();
    delivery.networkChanged(known.id);
  };

  const startDelivering = async (): Promise<void> => {
    if (hold() !== null || closing) return;
    drop(delivery.probeGateways(abort.signal), log, 'probe');
    await wakeAll();
  };

  const networkChanged = async (next: NetworkState): Promise<void> => {
    const same = !isNetworkChange(known, next) && next.online === known.online;
    const heldBefore = hold() !== null;
    known = next;
    if (!same) {
      cutOff();
      log.note('network', { id: next.id, name: next.name, online: next.online, kind: next.kind });
      if (next.id !== null) await store.noteNetwork({ id: next.id, name: next.name, at: clock.now() });
    }
    tell();
    if (!same || (heldBefore && hold() === null)) await startDelivering();
  };

  const tidy = async (): Promise<void> => {
    const { keepSent, keepDeleted } = settings.get().general;
    const before = (days: number): number | null => (days < 0 ? null : clock.now() - days * DAY_MS);
    await store.expireKept({ sentBefore: before(keepSent), deletedBefore: before(keepDeleted) });
  };

  const armTidy = (): void => {
    cancelTidy = clock.after(TIDY_EVERY_MS, () => {
      drop(tidy(), log, 'tidy');
      armTidy();
    });
  };

  const clampClock = async (): Promise<void> => {
    await store.clampNextAt(latestNextAt(clock.now(), settings.get().connection.retryMinutes));
  };

  return {
    reserve() {
      if (!started || closing || moreDue || hold() !== null) return null;
      if (inFlight + reserved >= MOST_IN_FLIGHT || delivery.busyDomains().length > 0) return null;
      reserved += 1;
      return (claimed) => {
        reserved -= 1;
        if (claimed === null) pump();
        else if (closing || hold() !== null) drop(giveBack(claimed, clock.now()), log, 'release');
        else run([claimed]);
      };
    },
    async start() {
      isPaused = (await store.getMemo('paused')) === 'true';
      const memory = await store.getMemo('direct-blocked');
      if (memory !== null) blocked = new Set(JSON.parse(memory) as string[]);
      await clampClock();
      let before = settings.get();
      unwatch.push(
        network.watch((state) => {
          drop(networkChanged(state), log, 'network');
        }),
        delivery.onHopWorks((key) => {
          if (!waitedFor.delete(key)) return;
          drop(
            store.wake({ kind: 'hop', waitsFor: key }, clock.now()).then((count) => {
              if (count > 0) pump();
            }),
            log,
            'wake',
          );
        }),
        settings.onChange((next) => {
          const routesChanged =
            JSON.stringify([next.gateways, next.connection, next.administration.forceDelivery]) !==
            JSON.stringify([before.gateways, before.connection, before.administration.forceDelivery]);
          before = next;
          tell();
          // A changed mode or list takes effect for everything in the Outbox (SPEC §3.5).
          if (routesChanged) {
            delivery.forgetFailures();
            drop(startDelivering(), log, 'settings');
          } else pump();
        }),
      );
      // What was told before we listened.
      known = network.current();
      armTidy();
      drop(tidy(), log, 'tidy');
      if (known.id !== null) await store.noteNetwork({ id: known.id, name: known.name, at: clock.now() });
      started = true;
      await startDelivering();
    },
    newMail: pump,
    async sendNow() {
      const { hold } = world();
      if (hold !== null) return { count: 0, phrase: phrase(`hold.${hold}`) };
      delivery.forgetFailures();
      const count = await wakeAll();
      return { count, phrase: phrase('status.sendingNow', { count }) };
    },
    async retry(selection, throughGateway) {
      const count = await store.wake({ kind: 'selection', selection, forcedGateway: throughGateway }, clock.now());
      delivery.forgetFailures();
      pump();
      return count;
    },
    async pause() {
      isPaused = true;
      tell();
      await store.setMemo('paused', 'true');
    },
    async resume() {
      isPaused = false;
      tell();
      await store.setMemo('paused', null);
      await startDelivering();
    },
    paused: () => isPaused,
    async wokeUp() {
      log.note('woke-up');
      await clampClock();
      cutOff();
      delivery.forgetFailures();
      await startDelivering();
    },
    gatewaysChanged() {
      delivery.forgetFailures();
      drop(startDelivering(), log, 'gateways');
    },
    dialUpChanged() {
      const isUp = deps.dialUp().active.length > 0;
      const established = isUp && !dialUpWasUp;
      dialUpWasUp = isUp;
      tell();
      if (established && settings.get().dialUp.sendOnConnect) drop(startDelivering(), log, 'dial-up');
      else pump();
    },
    world,
    sending: () => inFlight,
    directBlocked: (id) => blocked.has(id),
    async retestDirect() {
      if (known.id !== null) blocked.delete(known.id);
      await store.setMemo('direct-blocked', JSON.stringify([...blocked]));
      await wakeAll();
      return phrase('direct.retesting');
    },
    forgetNetwork(id) {
      blocked.delete(id);
      if (id === known.id) delivery.forgetFailures();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close(ms) {
      closing = true;
      setTimer(null);
      cancelTidy?.();
      for (const stop of unwatch.splice(0)) stop();
      if (inFlight > 0) {
        await new Promise<void>((resolve) => {
          const cancel = clock.after(ms, resolve);
          idle = () => {
            cancel();
            resolve();
          };
        });
      }
      abort.abort(new Error('closing'));
    },
  };
}
