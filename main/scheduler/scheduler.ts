/**
 * When mail is tried. Room: one loop claims what is due and runs attempts side by side (claim-loop.ts, running-attempts.ts);
 * a watch hears what happens around the queue and carries out what policy decides (environment-watch.ts); housekeeping has
 * what comes round by itself. From outside only this file and accept-and-claim.ts are imported.
 */
import type { Selection } from '../../shared/ipc-contract.ts';
import type { Phrase } from '../../shared/mail.ts';
import type { DialUpState } from '../../shared/status.ts';
import type { AttemptDeps } from '../attempt/attempt.ts';
import { retryStoreOperation } from '../attempt/store-retry.ts';
import type { Delivery } from '../delivery/delivery-port.ts';
import type { Dns } from '../dns/dns-port.ts';
import type { Log } from '../log/log-port.ts';
import type { NetworkMemory } from '../network/network-memory.ts';
import type { NetworkMonitor } from '../network/network-port.ts';
import type { Environment } from '../policy/model.ts';
import type { ActionDone, ClaimedMessage, QueueStore } from '../queue/queue-store.ts';
import { createReportScheduler, type ReportScheduler } from '../report/report-scheduler.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import { createEmitter } from '../runtime/emitter.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import type { SettingsStore } from '../settings/settings-store.ts';
import { createClaimLoop, type ClaimLoop } from './claim-loop.ts';
import { createConditions, type Conditions } from './conditions.ts';
import { createEnvironmentWatch, type EnvironmentWatch } from './environment-watch.ts';
import { createHousekeeping, type Housekeeping } from './housekeeping.ts';
import { createRunningAttempts, type RunningAttempts } from './running-attempts.ts';
import type { SchedulerEmitter, SchedulerEvents } from './scheduler-events.ts';
import { createUserCommands } from './user-commands.ts';
import { createWakeMail, type WakeMail } from './wake-mail.ts';

export interface SchedulerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: QueueStore;
  readonly delivery: Delivery;
  readonly dns: Pick<Dns, 'flush'>;
  readonly reporter: Reporter;
  readonly network: NetworkMonitor;
  readonly memory: NetworkMemory;
  readonly settings: SettingsStore;
  readonly log: Log;
  /** The message as it goes out (with a DKIM signature in front, if one is configured). */
  readonly outgoing: AttemptDeps['outgoing'];
  /** Told once a message stands in Bad or Bounced. */
  readonly failed: AttemptDeps['failed'];
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
  /** Dial-up changed: the queue may hold now, or no more. */
  dialUpChanged(): void;
  /** The present moment, as policy decides on it. */
  environment(): Environment;
  /** Messages in an attempt now. */
  sending(): number;
  /** Direct delivery is known to be blocked on this network (spec §4.4). */
  directBlocked(networkId: string): boolean;
  retestDirect(): Promise<Phrase>;
  forgetNetwork(id: string): void;
  /** Told whenever `environment().hold`, `sending()` or `paused()` changed. Returns its unsubscribe. */
  onChange(listener: () => void): () => void;
  /** Stops claiming; waits up to `ms` for attempts in flight, then ends them and waits (unless `ms` is 0) for their records. */
  close(ms: number): Promise<void>;
}

/** What the scheduler consists of. */
export interface SchedulerParts {
  readonly conditions: Conditions;
  readonly events: SchedulerEmitter;
  readonly reports: ReportScheduler;
  readonly attempts: RunningAttempts;
  readonly housekeeping: Housekeeping;
  readonly claims: ClaimLoop;
  readonly wakeMail: WakeMail;
  readonly watch: EnvironmentWatch;
}

export function createScheduler(deps: SchedulerDeps): Scheduler {
  const parts = buildParts(deps);
  const { conditions, events, reports, attempts, claims, watch } = parts;
  events.on('due', claims.request);
  events.on('attempt-ended', (attempt) => {
    claims.attemptEnded(attempt);
    reports.check();
  });
  return {
    ...createUserCommands(deps, parts),
    start: async () => start(deps, parts),
    close: async (ms) => close(parts, ms),
    reserve: claims.reserve,
    newMail: claims.request,
    storeReopened() {
      reports.reportDue();
      reports.check();
      claims.request();
    },
    wokeUp: watch.wokeUp,
    credentialsChanged: watch.credentialsChanged,
    dialUpChanged: watch.linksChanged,
    environment: conditions.environment,
    sending: attempts.count,
    paused: conditions.paused,
    directBlocked: (id) => deps.memory.directBlocked(id),
    onChange: (listener) => events.on('changed', listener),
  };
}

function buildParts(deps: SchedulerDeps): SchedulerParts {
  const { clock, log, store, reporter, settings } = deps;
  const events = createEmitter<SchedulerEvents>((error) => {
    log.problem('scheduler', error);
  });
  const conditions = createConditions(deps);
  const reports = createReportScheduler({
    clock,
    log,
    store,
    reporter,
    retryMinutes: () => settings.get().connection.retryMinutes,
    onReportsQueued: () => {
      events.emit('due');
    },
  });
  const attempts = createRunningAttempts({ ...deps, conditions, events, reportDue: reports.reportDue });
  const housekeeping = createHousekeeping(deps);
  const claims = createClaimLoop({ ...deps, conditions, attempts, housekeeping });
  const wakeMail = createWakeMail({ ...deps, conditions, attempts, events });
  const watch = createEnvironmentWatch({ ...deps, conditions, attempts, housekeeping, wakeMail, events });
  return { conditions, events, reports, attempts, housekeeping, claims, wakeMail, watch };
}

async function start(deps: SchedulerDeps, parts: SchedulerParts): Promise<void> {
  const { log, store } = deps;
  const { conditions, housekeeping, reports, watch, wakeMail } = parts;
  // A store that cannot be asked or written to just now (full disk) must not keep the program from delivering later.
  conditions.setPaused((await retryStoreOperation(deps, 'start', () => store.getMemo('paused'))) === 'true');
  await retryStoreOperation(deps, 'start', () => deps.memory.load());
  if (conditions.phase() === 'closing') return;
  logRejection(retryStoreOperation(deps, 'clamp', housekeeping.limitDelays), log, 'clamp');
  watch.start();
  conditions.enter('running');
  housekeeping.start();
  logRejection(watch.noteNetwork(), log, 'network');
  reports.check();
  await wakeMail.startDelivering('start');
}

async function close(parts: SchedulerParts, ms: number): Promise<void> {
  parts.conditions.enter('closing');
  parts.claims.close();
  parts.housekeeping.close();
  parts.wakeMail.close();
  parts.reports.close();
  parts.watch.close();
  await parts.attempts.close(ms);
}
