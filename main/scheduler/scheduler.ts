/**
 * The one loop: claims what is due, runs attempts side by side, and wakes on the nearest timer, new mail, a changed
 * network, resume, *send now*, and a hop that works again. What to do is decided in policy/.
 */
import { phrase } from '../../shared/phrases.ts';
import type { Selection } from '../../shared/ipc-contract.ts';
import type { Phrase } from '../../shared/mail.ts';
import type { DialUpState, NetworkState } from '../../shared/status.ts';
import { createAttemptBacklog } from './attempt-backlog.ts';
import type { Delivery } from '../delivery/delivery-port.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import { isNetworkChange } from '../network/interpret-facts.ts';
import type { NetworkMemory } from '../network/network-memory.ts';
import { createInFlightLimit } from '../attempt/in-flight-limit.ts';
import { clockSetBy } from '../policy/clock-set.ts';
import { sendsOnConnect } from '../policy/dialup-rules.ts';
import { MAX_RUNNING_ATTEMPTS } from '../policy/attempt-pace.ts';
import { decideHold } from '../policy/hold.ts';
import { latestNextAt } from '../policy/retry-schedule.ts';
import { settingsEffect } from '../policy/settings-effect.ts';
import type { Environment } from '../policy/model.ts';
import type { Dns } from '../dns/dns-port.ts';
import type { Log } from '../log/log-port.ts';
import type { NetworkMonitor } from '../network/network-port.ts';
import type { ActionDone, ClaimedMessage, MemoStore, ReportStore, ScheduleStore } from '../queue/queue-store.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import type { SettingsStore } from '../settings/settings-store.ts';
import { retryStoreOperation } from '../attempt/store-retry.ts';
import { createReportScheduler } from '../report/report-scheduler.ts';
import type { Reporter } from '../report/reporter.ts';
import { settingsHold } from '../settings/read-settings.ts';
import { runAttempt, type AttemptDeps } from '../attempt/attempt.ts';

/** With fewer places than this the queue is not asked for more while others are under way: many are claimed at a time. */
const ROOM_WORTH_ASKING = 50;
/** Old sent and deleted mail is looked for this often. */
const TIDY_EVERY_MS = 15 * 60_000;
const DAY_MS = 86_400_000;
/** While mail waits the clock is looked at this often at least: it may have been set back meanwhile. */
const LONGEST_SLEEP_MS = 5 * 60_000;
/** After trouble of our own (disk), the loop tries again after this. */
const AFTER_TROUBLE_MS = 5_000;
/** A message whose attempt ended in an error of ours rests for this long. */
const AFTER_TROUBLE_OF_ATTEMPT_MS = 60_000;
/** At the end, what was cut off has so long to be written down: a little longer than a session waits for its last word. */
const LAST_RECORDS_MS = 2_500;

export interface SchedulerDeps extends Omit<
  AttemptDeps,
  'environment' | 'networkEpoch' | 'wakes' | 'inFlightLimit' | 'waitsFor' | 'reportDue' | 'isDeleted'
> {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: ScheduleStore & ReportStore & MemoStore & AttemptDeps['store'];
  readonly delivery: Delivery;
  readonly dns: Pick<Dns, 'flush'>;
  readonly reporter: Reporter;
  readonly network: NetworkMonitor;
  readonly memory: NetworkMemory;
  readonly settings: SettingsStore;
  readonly log: Log;
  /** Names and addresses that are this computer, for the MX loop rule (RFC 5321 §5.1). */
  readonly ownNames: () => readonly string[];
  /** What dial-up is doing; null while nothing about it is known. */
  readonly dialUp: () => DialUpState;
}

export interface Scheduler {
  start(): Promise<void>;
  /** New mail is in the store. */
  newMail(): void;
  /** The store was lost and is back. */
  storeReopened(): void;
  /**
   * A place for a message that is about to be accepted: the caller claims it with its commit, and calls back once with
   * what came of it, null if nothing did. Null: no place, or not now; the message waits in the queue.
   */
  reserve(): ((claimed: ClaimedMessage | null) => void) | null;
  /** Everything waiting goes at once; says why if it cannot (spec §5, §7). */
  sendNow(): Promise<{ readonly count: number; readonly phrase: Phrase }>;
  retry(selection: Selection, throughGateway: string | null): Promise<ActionDone>;
  /** These messages went to Deleted while they were being sent. */
  deleted(ids: readonly string[]): void;
  /** Mail is back from Deleted, with the times that it had; resolves once those are within what the clock allows. */
  restored(ids: readonly string[]): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  paused(): boolean;
  /** The computer woke up, or the clock jumped. */
  wokeUp(): Promise<void>;
  /** A gateway has a new password or sign-in: it is tried at once, and what waits may go. */
  credentialsChanged(gatewayId: string): void;
  /** Dial-up state changed: re-think the hold. */
  dialUpChanged(): void;
  world(): Environment;
  /** Messages in an attempt now. */
  sending(): number;
  /** Direct delivery is known to be blocked on this network (spec §4.4). */
  directBlocked(networkId: string): boolean;
  retestDirect(): Promise<Phrase>;
  forgetNetwork(id: string): void;
  /** Told whenever `world().hold`, `sending()` or `paused()` changed. Returns its unsubscribe. */
  onChange(listener: () => void): () => void;
  /** Stops claiming; waits up to `ms` for attempts in flight, then cuts them off and waits (unless `ms` is 0) for their records. */
  close(ms: number): Promise<void>;
}

export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { clock, store, delivery, log, network, settings } = deps;
  const listeners = new Set<() => void>();
  const unwatch: (() => void)[] = [];
  /** Hop keys that some recipient may wait for; a hop that works releases only what waits. */
  const waitedFor = new Set<string>();
  /** Messages that went to Deleted in mid-attempt. */
  const deletedInFlight = new Set<string>();
  let reserved = 0;
  /** More may be due than was claimed last. */
  let moreDue = false;
  let isPaused = false;
  let clockOffset = clock.now() - clock.monotonic();
  let closing = false;
  let pumping = false;
  let pumpAgain = false;
  let epoch = 0;
  let wakes = 0;
  let abort = new AbortController();
  let cancelTimer: (() => void) | null = null;
  let cancelTidy: (() => void) | null = null;
  let cancelWake: (() => void) | null = null;
  let idle: (() => void) | null = null;
  let known: NetworkState = network.current();
  let dialUp: DialUpState = deps.dialUp();
  let started = false;

  const tell = (): void => {
    for (const listener of listeners) listener();
  };

  const hold = (): Environment['hold'] =>
    decideHold({ paused: isPaused, settings: settingsHold(settings), network: known, dialUp: deps.dialUp() });

  const world = (): Environment => ({
    settings: settings.get(),
    now: clock.now(),
    networkId: known.id,
    networkName: known.name,
    linkNames: linkNames(known),
    hold: hold(),
    ownNames: deps.ownNames(),
  });

  const attemptDeps: AttemptDeps = {
    ...deps,
    environment: world,
    networkEpoch: () => epoch,
    wakes: () => wakes,
    isDeleted: (id) => deletedInFlight.has(id),
    waitsFor: (key) => waitedFor.add(key),
    reportDue: () => {
      reports.reportDue();
    },
    inFlightLimit: createInFlightLimit(() => settings.get().connection.maxOutgoing),
  };

  const reports = createReportScheduler({
    clock,
    log,
    store,
    reporter: deps.reporter,
    retryMinutes: () => settings.get().connection.retryMinutes,
    onReportsQueued: () => {
      pump();
    },
  });

  const giveBack = async (message: ClaimedMessage, nextAt: number): Promise<void> => {
    const recipients = message.recipients.map((r) => r.id);
    await retryStoreOperation(deps, 'release', () => store.release(recipients, { nextAt, held: false })).catch(
      () => undefined,
    );
  };

  const line = createAttemptBacklog(clock, (message) => logRejection(runOne(message), log, 'attempt'));

  const runOne = async (message: ClaimedMessage): Promise<void> => {
    let somethingWaits = true;
    try {
      somethingWaits = await runAttempt(attemptDeps, message, abort.signal);
    } catch (error) {
      // A bug or a broken store: the rows stay `attempting` and would wait for a restart; give them back.
      log.problem('attempt', error);
      await giveBack(message, clock.now() + AFTER_TROUBLE_OF_ATTEMPT_MS);
    } finally {
      line.ended();
      if (line.size() === 0) {
        deletedInFlight.clear();
        tell();
        idle?.();
      }
      if (somethingWaits || moreDue) pump();
      reports.check();
    }
  };

  /** Resolves when no attempt is under way, or after `ms`. */
  const untilIdle = async (ms: number): Promise<void> => {
    if (line.size() === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(ms, resolve);
      idle = () => {
        cancel();
        resolve();
      };
    });
  };

  const run = (messages: readonly ClaimedMessage[]): void => {
    if (messages.length === 0) return;
    const wasIdle = line.size() === 0;
    // Nothing is claimed of a message in Deleted: this one was restored since.
    for (const { id } of messages) deletedInFlight.delete(id);
    line.add(messages);
    if (wasIdle) tell();
  };

  const claim = async (): Promise<void> => {
    await clockSetBack();
    do {
      pumpAgain = false;
      const room = MAX_RUNNING_ATTEMPTS - line.size() - reserved;
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

  const clampClock = async (): Promise<void> => {
    await store.clampNextAt(latestNextAt(clock.now(), settings.get().connection.retryMinutes));
  };

  /**
   * A clock that was set back leaves "not before" times too far away: what waits goes now, and true comes back. Set forward
   * it makes mail due.
   */
  const clockSetBack = async (): Promise<boolean> => {
    const offset = clock.now() - clock.monotonic();
    const moved = clockSetBy(clockOffset, offset);
    if (moved === 0) return false;
    log.note('clock-set', { seconds: Math.round(moved / 1000) });
    if (moved < 0) await store.wake({ kind: 'all' }, clock.now());
    clockOffset = offset;
    return moved < 0;
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
    if (closing || hold() !== null) return;
    if (line.size() >= MAX_RUNNING_ATTEMPTS) {
      // The end of an attempt asks again.
      moreDue = true;
      return;
    }
    const at = await store.nextDueAt();
    // While mail is in flight for a busy hop its neighbours are due already: the end of an attempt pumps, not the timer.
    if (at === null || isClosing()) return;
    // Set back since the queue was asked: `at` is of the old clock.
    if (await clockSetBack()) {
      pumpAgain = true;
      return;
    }
    const wait = Math.max(at - clock.now(), line.size() > 0 ? 1_000 : 0);
    setTimer(Math.min(wait, LONGEST_SLEEP_MS));
  };

  function pump(): void {
    // Mail taken while the program still starts waits for the start: tried before it, the start would have it tried again.
    if (!started || closing) return;
    if (pumping) {
      pumpAgain = true;
      return;
    }
    pumping = true;
    logRejection(
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
    wakes += 1;
    waitedFor.clear();
    try {
      return await store.wake({ kind: 'all' }, now);
    } finally {
      pump();
    }
  };

  /** What was in flight on a network that is gone is cut off at once; policy sees a changed epoch and blames nobody. */
  const cutOff = (): void => {
    epoch += 1;
    abort.abort(new Error('network changed'));
    abort = new AbortController();
    deps.dns.flush();
    delivery.networkChanged(addressesOf(known));
  };

  /**
   * @param why For the log: one line for every start.
   * @param gateways Ids of those that are asked whether they work here. Default: all.
   */
  const startDelivering = async (why: string, gateways?: readonly string[]): Promise<void> => {
    if (hold() !== null || closing) return;
    log.note('start delivering', { why });
    if (gateways?.length !== 0) logRejection(delivery.probeGateways(abort.signal, gateways), log, 'probe');
    try {
      await wakeAll();
    } catch (error) {
      // A full disk, or a store that is being reopened: what was to go at once goes as soon as that is over.
      log.problem('wake', error);
      cancelWake ??= clock.after(AFTER_TROUBLE_MS, () => {
        cancelWake = null;
        logRejection(startDelivering('wake'), log, 'wake');
      });
    }
  };

  /** The system's name; the user's own is kept with the settings. */
  const noteNetwork = async (): Promise<void> => {
    if (known.id === null) return;
    const given = settings.get().security.networkNames[known.id] ?? '';
    await store.noteNetwork({ id: known.id, name: given === '' ? known.name : null, at: clock.now() });
  };

  /**
   * Takes in what network and dial-up are now. Both tell of the same event (a call is a link as well): whoever comes first
   * finds the difference, and there is one start for it.
   */
  const lookAround = (): void => {
    if (!started || closing) return;
    const before = { network: known, dialUp };
    const wasHeld = decideHold({ paused: isPaused, settings: settingsHold(settings), ...before }) !== null;
    known = network.current();
    dialUp = deps.dialUp();
    const dialUpSettings = settings.get().dialUp;
    const moved = isNetworkChange(before.network, known) || known.online !== before.network.online;
    const dialled = dialUp.active.some((name) => !before.dialUp.active.includes(name));
    const onConnect = sendsOnConnect(before.dialUp.active, dialUp.active, dialUpSettings);
    if (moved) {
      cutOff();
      log.note('network', { id: known.id, name: known.name, online: known.online, kind: known.kind });
    } else {
      const left = addressesOf(known);
      if (addressesOf(before.network).some((address) => !left.includes(address))) {
        // Attempts that this ends say nothing about the mail.
        epoch += 1;
        delivery.dropConnections(left);
      }
    }
    // Before the log-in other names led to its page than after it.
    if (known.portal !== before.network.portal) delivery.forgetFailures();
    if (moved || known.name !== before.network.name) logRejection(noteNetwork(), log, 'network');
    tell();
    const released = wasHeld && world().hold === null;
    // A call that the user does not want used at once: what is due goes, nothing else (spec §7).
    if (dialled && !onConnect) pump();
    else if (moved || onConnect || released)
      logRejection(startDelivering(dialled ? 'dial-up' : 'network'), log, 'network');
    else pump();
  };

  const tidy = async (): Promise<void> => {
    const { keepSent, keepDeleted } = settings.get().general;
    const before = (days: number): number | null => (days < 0 ? null : clock.now() - days * DAY_MS);
    await store.expireKept({ sentBefore: before(keepSent), deletedBefore: before(keepDeleted) });
  };

  const armTidy = (): void => {
    cancelTidy = clock.after(TIDY_EVERY_MS, () => {
      logRejection(tidy(), log, 'tidy');
      armTidy();
    });
  };

  return {
    reserve() {
      line.accepted();
      if (!started || closing || moreDue || hold() !== null) return null;
      if (!line.hasRoom(reserved) || delivery.busyDomains().length > 0) return null;
      reserved += 1;
      return (claimed) => {
        reserved -= 1;
        if (claimed === null) pump();
        else if (closing || hold() !== null) logRejection(giveBack(claimed, clock.now()), log, 'release');
        else run([claimed]);
      };
    },
    async start() {
      // A store that cannot be asked or written to just now (full disk) must not keep the program from delivering later.
      isPaused = (await retryStoreOperation(deps, 'start', () => store.getMemo('paused'))) === 'true';
      await retryStoreOperation(deps, 'start', () => deps.memory.load());
      logRejection(retryStoreOperation(deps, 'clamp', clampClock), log, 'clamp');
      let before = settings.get();
      let heldBySettings = settingsHold(settings);
      unwatch.push(
        network.watch(lookAround),
        deps.memory.onDoubt(() => {
          if (world().hold === null) logRejection(delivery.probeGateways(abort.signal), log, 'probe');
        }),
        delivery.onHopWorks((key) => {
          if (!waitedFor.delete(key)) return;
          logRejection(
            store.wake({ kind: 'hop', waitsFor: key }, clock.now()).then((count) => {
              if (count > 0) pump();
            }),
            log,
            'wake',
          );
        }),
        delivery.names.onBack(() => {
          logRejection(startDelivering('names'), log, 'names');
        }),
        settings.onChange((next) => {
          const effect = settingsEffect(before, next);
          const released = heldBySettings && !settingsHold(settings);
          const sooner = String(next.connection.retryMinutes) !== String(before.connection.retryMinutes);
          before = next;
          heldBySettings = settingsHold(settings);
          // A shorter schedule counts for what waits by the longer one.
          if (sooner) logRejection(clampClock().then(pump), log, 'clamp');
          tell();
          // A changed mode or list takes effect for everything in the Outbox (spec §3.5).
          if (released || effect.routes) {
            delivery.forgetFailures();
            logRejection(startDelivering('settings', released ? undefined : effect.gateways), log, 'settings');
          } else pump();
        }),
      );
      // What was told before we listened.
      known = network.current();
      dialUp = deps.dialUp();
      started = true;
      armTidy();
      logRejection(tidy(), log, 'tidy');
      logRejection(noteNetwork(), log, 'network');
      reports.check();
      await startDelivering('start');
    },
    newMail: pump,
    storeReopened() {
      reports.reportDue();
      reports.check();
      pump();
    },
    async sendNow() {
      const { hold } = world();
      if (hold !== null) return { count: 0, phrase: phrase(`hold.${hold}`) };
      delivery.forgetFailures();
      const count = await wakeAll();
      return { count, phrase: phrase('status.sendingNow', { count }) };
    },
    async retry(selection, throughGateway) {
      const done = await store.retry(selection, throughGateway, clock.now());
      delivery.forgetFailures();
      pump();
      return done;
    },
    deleted(ids) {
      for (const id of ids) deletedInFlight.add(id);
    },
    async restored(ids) {
      for (const id of ids) deletedInFlight.delete(id);
      try {
        await clampClock();
      } finally {
        pump();
      }
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
      await startDelivering('resume');
    },
    paused: () => isPaused,
    async wokeUp() {
      log.note('woke-up');
      logRejection(clampClock(), log, 'clamp');
      cutOff();
      delivery.forgetFailures();
      await startDelivering('woke up');
    },
    credentialsChanged(gatewayId) {
      delivery.forgetFailures();
      logRejection(
        (async () => {
          // While the queue holds nothing is tried, a sign-in least of all (spec §7); what was refused is forgotten all the same.
          const trying = delivery.credentialsChanged(
            gatewayId,
            world().hold === null ? abort.signal : AbortSignal.abort(),
          );
          await startDelivering('gateways');
          await trying;
        })(),
        log,
        'gateways',
      );
    },
    dialUpChanged: lookAround,
    world,
    sending: () => line.size(),
    directBlocked: (id) => deps.memory.directBlocked(id),
    async retestDirect() {
      deps.memory.noteDirect({ kind: 'retest' });
      const { hold } = world();
      if (hold !== null) return { id: `hold.${hold}` };
      delivery.forgetFailures();
      await wakeAll();
      return phrase('direct.retesting');
    },
    forgetNetwork(id) {
      deps.memory.forget(id);
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
      cancelWake?.();
      reports.close();
      for (const stop of unwatch.splice(0)) stop();
      // Best effort: what is not given back is found at the next start.
      for (const message of line.close()) logRejection(giveBack(message, clock.now()), log, 'release');
      await untilIdle(ms);
      abort.abort(new Error('closing'));
      // What was sent to its end may still hear its reply; nothing of it may be forgotten with the store.
      if (ms > 0) await untilIdle(LAST_RECORDS_MS);
    },
  };
}

function addressesOf(network: NetworkState): readonly string[] {
  return network.links.flatMap((link) => link.addresses);
}

/** What the links are called: SSIDs, connections, VPNs. */
function linkNames(network: NetworkState): readonly string[] {
  return network.links.flatMap((link) => (link.name === null ? [] : [link.name]));
}
