/**
 * Makes reports of what senders are to be told, once a message has nothing under way that belongs into the same report
 * (main/policy/report-due.ts). What is to be told stands in the queue: a desk that is closed in between loses nothing.
 */
import { logRejection } from '../runtime/log-rejection.ts';
import { reportTime, sameMoment } from '../policy/report-due.ts';
import type { Log } from '../log/log-port.ts';
import type { QueueStore } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Reporter } from './reporter.ts';

/** Reports that are made side by side: their records share transactions, their octets memory. */
const AT_A_TIME = 50;
/** After trouble of our own it is tried again after this. */
const AFTER_TROUBLE_MS = 15_000;

export interface ReportScheduler {
  /** Something new is to be told. */
  noted(): void;
  /** A moment at which a report may be due: an attempt is over, the program starts. Looks only if there may be any. */
  look(): void;
  close(): void;
}

/** @param deps.written Told after reports have become messages. */
export function createReportScheduler(deps: {
  readonly clock: Clock;
  readonly log: Pick<Log, 'problem'>;
  readonly store: Pick<QueueStore, 'pendingReports' | 'reportMatter' | 'report'>;
  readonly reporter: Pick<Reporter, 'reportOf'>;
  readonly retryMinutes: () => readonly number[];
  readonly written: () => void;
}): ReportScheduler {
  const { clock, store, log } = deps;
  /** At the start nobody knows: the queue is asked. */
  let mayBe = true;
  let looking = false;
  let again = false;
  let closed = false;
  let cancel: (() => void) | null = null;

  /** True if it is told, or there is nothing to tell. */
  const tell = async (id: string): Promise<boolean> => {
    try {
      const matter = await store.reportMatter(id);
      if (matter !== null) await store.report(await deps.reporter.reportOf(matter));
      return true;
    } catch (error) {
      // A queue that was closed meanwhile keeps what is to be told for the next start.
      if (!closed) log.problem('report', error);
      return false;
    }
  };

  /** The time of the next look that nothing else causes; null if none is needed. */
  const round = async (): Promise<number | null> => {
    const now = clock.now();
    mayBe = false;
    const pending = await store.pendingReports(sameMoment(now, deps.retryMinutes()));
    const times = pending.map((one) => ({ id: one.id, time: reportTime(one, now) }));
    const ready = times.filter(({ time }) => time.kind === 'now');
    let next: number | null = null;
    for (const { time } of times) if (time.kind === 'gather') next = Math.min(next ?? time.until, time.until);
    for (let from = 0; from < ready.length && !closed; from += AT_A_TIME) {
      const told = await Promise.all(ready.slice(from, from + AT_A_TIME).map(async ({ id }) => tell(id)));
      if (told.includes(false)) next = Math.min(next ?? Infinity, now + AFTER_TROUBLE_MS);
    }
    if (ready.length > 0) deps.written();
    mayBe ||= next !== null;
    return next;
  };

  /** Asked anew after an await. */
  const lookAgain = (): boolean => again && !closed;

  const rounds = async (): Promise<number | null> => {
    for (;;) {
      again = false;
      const next = await round();
      if (!lookAgain()) return next;
    }
  };

  const work = async (): Promise<void> => {
    looking = true;
    const next = await rounds().catch((error: unknown) => {
      if (!closed) log.problem('reports', error);
      mayBe = true;
      return clock.now() + AFTER_TROUBLE_MS;
    });
    looking = false;
    cancel?.();
    cancel = closed || next === null ? null : clock.after(Math.max(0, next - clock.now()), look);
  };

  function look(): void {
    // While it looks, what it found may be old already.
    if (closed || (!mayBe && !looking)) return;
    again = true;
    if (!looking) logRejection(work(), log, 'reports');
  }

  return {
    noted() {
      mayBe = true;
    },
    look,
    close() {
      closed = true;
      cancel?.();
    },
  };
}
