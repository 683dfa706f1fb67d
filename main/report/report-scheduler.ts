/**
 * Decides when a report is made: once nothing of its message is under way that belongs into the same report
 * (main/policy/report-due.ts). What is due is kept in the queue, so that nothing is lost when the program ends in between.
 */
import { logRejection } from '../runtime/log-rejection.ts';
import { reportTime, sameReportUntil } from '../policy/report-due.ts';
import type { Log } from '../log/log-port.ts';
import type { QueueStore } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Reporter } from './reporter.ts';

/** Reports that are made side by side: their records share transactions, but each has its original in memory. */
const BATCH = 50;
/** After trouble of the store it is tried again after this. */
const RETRY_AFTER_MS = 15_000;

export interface ReportScheduler {
  /** A report became due, or may have: the next check asks the queue. */
  reportDue(): void;
  /** Makes the reports whose time has come, if any is due. To be called when an attempt ended, and at the start. */
  check(): void;
  /** Makes no further report. */
  close(): void;
}

export interface ReportSchedulerDeps {
  readonly clock: Clock;
  readonly log: Pick<Log, 'problem'>;
  readonly store: Pick<QueueStore, 'pendingReports' | 'reportMatter' | 'report'>;
  readonly reporter: Pick<Reporter, 'reportOf'>;
  readonly retryMinutes: () => readonly number[];
  /** Called after reports were put into the queue as messages. */
  readonly onReportsQueued: () => void;
}

export function createReportScheduler(deps: ReportSchedulerDeps): ReportScheduler {
  const { clock, log } = deps;
  /** True at the start: reports of an earlier run may be due. */
  let mayBeDue = true;
  let isChecking = false;
  let checkAgain = false;
  let closed = false;
  let cancelTimer: (() => void) | null = null;

  /** Asked anew after an await. */
  const isClosed = (): boolean => closed;
  const isToCheckAgain = (): boolean => checkAgain && !closed;

  /** Checks until nothing changed meanwhile. Resolves with the time of the next check, null = none is needed. */
  const checkOnce = async (): Promise<number | null> => {
    for (;;) {
      checkAgain = false;
      mayBeDue = false;
      const next = await makeDueReports(deps, isClosed);
      mayBeDue ||= next !== null;
      if (!isToCheckAgain()) return next;
    }
  };

  const run = async (): Promise<void> => {
    isChecking = true;
    const next = await checkOnce().catch((error: unknown) => {
      if (!closed) log.problem('reports', error);
      mayBeDue = true;
      return clock.now() + RETRY_AFTER_MS;
    });
    isChecking = false;
    cancelTimer?.();
    cancelTimer = closed || next === null ? null : clock.after(Math.max(0, next - clock.now()), check);
  };

  function check(): void {
    if (closed || (!mayBeDue && !isChecking)) return;
    // What a check under way has read may be outdated by now.
    checkAgain = true;
    if (!isChecking) logRejection(run(), log, 'reports');
  }

  return {
    reportDue() {
      mayBeDue = true;
    },
    check,
    close() {
      closed = true;
      cancelTimer?.();
    },
  };
}

/** Makes the reports whose time has come. Resolves with when the next one has to be looked for, null = not at a set time. */
async function makeDueReports(deps: ReportSchedulerDeps, isClosed: () => boolean): Promise<number | null> {
  const now = deps.clock.now();
  const pending = await deps.store.pendingReports(sameReportUntil(now, deps.retryMinutes()));
  const times = pending.map((one) => ({ id: one.id, time: reportTime(one, now) }));
  const ready = times.filter(({ time }) => time.kind === 'now');
  let next: number | null = null;
  const checkBy = (at: number): void => {
    next = Math.min(next ?? at, at);
  };
  for (const { time } of times) if (time.kind === 'gather') checkBy(time.until);
  for (let from = 0; from < ready.length && !isClosed(); from += BATCH) {
    const batch = ready.slice(from, from + BATCH);
    const made = await Promise.all(batch.map(async ({ id }) => makeReport(deps, id, isClosed)));
    if (made.includes(false)) checkBy(now + RETRY_AFTER_MS);
  }
  if (ready.length > 0) deps.onReportsQueued();
  return next;
}

/** False if it failed and has to be tried again. */
async function makeReport(
  { store, reporter, log }: ReportSchedulerDeps,
  id: string,
  isClosed: () => boolean,
): Promise<boolean> {
  try {
    const matter = await store.reportMatter(id);
    if (matter !== null) await store.report(await reporter.reportOf(matter));
    return true;
  } catch (error) {
    // A queue that was closed meanwhile keeps what is due for the next start.
    if (!isClosed()) log.problem('report', error);
    return false;
  }
}
