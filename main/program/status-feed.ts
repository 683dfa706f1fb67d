/** The program's state as windows, tray and command line see it, and when it is told: the one place where it is coalesced. */
import type { FolderCounts } from '../../shared/mail.ts';
import type { AppStatus } from '../../shared/status.ts';
import { noWayOut } from '../policy/way-out.ts';
import { coalesce } from '../runtime/coalesce.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import type { Parts } from './build.ts';
import type { ProblemReports } from './problem-reports.ts';
import { appStatus } from './status.ts';

/** Several things change at once: they are told together. */
const GATHER_MS = 100;
/** Each event is emitted this often at most. */
const EVERY_MS = 250;
const EMPTY_COUNTS: FolderCounts = {
  outbox: 0,
  sent: 0,
  bad: 0,
  bounced: 0,
  deleted: 0,
  unseenBad: 0,
  unseenBounced: 0,
};

export interface StatusFeed {
  /** With the numbers of messages as they were counted last. */
  current(): AppStatus;
  /** Counts first. What the store cannot answer stays as it was. */
  newest(): Promise<AppStatus>;
  /** Something that the status shows may be different. */
  changed(): void;
  queueChanged(): void;
  gatewaysChanged(): void;
  settingsChanged(): void;
  close(): void;
}

export function createStatusFeed(
  { version, profile }: { readonly version: string; readonly profile: string },
  parts: Parts,
  reports: Pick<ProblemReports, 'secretsFile'>,
): StatusFeed {
  const { clock, log, events, store } = parts;
  let counts = EMPTY_COUNTS;

  const current = (): AppStatus => statusOf(version, profile, counts, parts);

  /** What keeps the store from answering is told as a problem: it must not keep the problems from being told. */
  const count = async (): Promise<void> => {
    try {
      counts = await store.counts();
    } catch (error) {
      log.problem('counts', error);
    }
  };

  const publish = async (): Promise<void> => {
    await count();
    reports.secretsFile();
    events.emit('status:changed', current());
  };

  const often = { gatherMs: 0, everyMs: EVERY_MS };
  const told = {
    status: coalesce(clock, { gatherMs: GATHER_MS, everyMs: EVERY_MS }, () => logRejection(publish(), log, 'status')),
    queue: coalesce(clock, often, () => events.emit('queue:changed', {})),
    gateways: coalesce(clock, often, () => events.emit('gateways:changed', {})),
    settings: coalesce(clock, often, () => events.emit('settings:changed', {})),
  };

  return {
    current,
    async newest() {
      await count();
      return current();
    },
    changed: told.status.request,
    queueChanged: told.queue.request,
    gatewaysChanged: told.gateways.request,
    settingsChanged: told.settings.request,
    close() {
      for (const each of Object.values(told)) each.close();
    },
  };
}

function statusOf(version: string, profile: string, counts: FolderCounts, parts: Parts): AppStatus {
  const { scheduler, settings, delivery, memory } = parts;
  const { mode } = settings.get().gateways;
  return appStatus({
    version,
    pid: process.pid,
    profile,
    paused: scheduler.paused(),
    hold: scheduler.environment().hold,
    noWayOut: noWayOut(mode, delivery.gatewayStates(), memory.directBlocked()),
    listener: parts.listener.state(),
    network: parts.network.current(),
    dialUp: parts.dialUp.state(),
    counts,
    sending: scheduler.sending(),
    mode,
    names: parts.names.trouble(),
    secrets: parts.secrets.state(),
    problems: parts.problems.list(),
  });
}
