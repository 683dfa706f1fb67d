import { expect, it } from 'vitest';
import type { FinishedReport, PendingReport, ReportMatter } from '../../../main/queue/queue-store.ts';
import { StoreError } from '../../../main/queue/queue-store.ts';
import { createReportScheduler } from '../../../main/report/report-scheduler.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

/** A report scheduler on a queue whose answers the test gives. */
function setUp() {
  const clock = new VirtualClock();
  let pending: readonly Partial<PendingReport>[] = [];
  let gate: Promise<void> = Promise.resolve();
  let trouble: Error | null = null;
  const seen = { asked: 0, reported: [] as string[], queued: 0, logged: 0 };
  const reports = createReportScheduler({
    clock,
    log: { problem: () => (seen.logged += 1) },
    store: {
      pendingReports: async () => {
        seen.asked += 1;
        const answer = pending.map((one) => ({ id: 'a', since: clock.now(), inFlight: 0, dueSoon: 0, ...one }));
        await gate;
        if (trouble !== null) throw trouble;
        return answer;
      },
      reportMatter: async (id) => Promise.resolve({ message: { id } } as ReportMatter),
      report: async (report) => {
        seen.reported.push((report as unknown as { about: string }).about);
        return Promise.resolve();
      },
    },
    reporter: {
      reportOf: async ({ message }) => Promise.resolve({ about: message.id } as unknown as FinishedReport),
    },
    retryMinutes: () => [1],
    onReportsQueued: () => (seen.queued += 1),
  });
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    reports,
    clock,
    seen,
    settle,
    has: (...those: readonly Partial<PendingReport>[]) => (pending = those),
    fails: (error: Error | null) => (trouble = error),
    /** Answers wait until the returned function is called. */
    hold: () => {
      let open = (): void => undefined;
      gate = new Promise((resolve) => (open = resolve));
      return open;
    },
  };
}

it('asks the queue at the start, and then only when a report may be due', async () => {
  const { reports, seen, settle, has } = setUp();
  reports.check();
  await settle();
  reports.check();
  await settle();
  expect(seen).toMatchObject({ asked: 1, reported: [], queued: 0 });
  has({});
  reports.reportDue();
  reports.check();
  await settle();
  expect(seen).toMatchObject({ asked: 2, reported: ['a'], queued: 1 });
});

it('checks once more when an attempt ended while it checked: what it read may be outdated', async () => {
  const { reports, seen, settle, has, hold } = setUp();
  has({ inFlight: 1 });
  const open = hold();
  reports.check();
  await settle();
  has({});
  reports.check();
  open();
  await settle();
  expect(seen).toMatchObject({ asked: 2, reported: ['a'] });
});

it('comes back by itself after trouble of the queue, and when the gathering has lasted long enough', async () => {
  const { reports, clock, seen, settle, has, fails } = setUp();
  fails(new StoreError('busy', 'the queue is being reopened'));
  reports.check();
  await settle();
  fails(null);
  has({ inFlight: 1, since: clock.now() });
  await clock.advance(20_000, settle);
  expect(seen).toMatchObject({ asked: 2, reported: [], logged: 1 });
  await clock.advance(16 * 60_000, settle);
  expect(seen.reported).toEqual(['a']);
});

it('makes no report once it is closed', async () => {
  const { reports, clock, seen, settle, has, hold } = setUp();
  has({});
  const open = hold();
  reports.check();
  reports.close();
  open();
  await settle();
  reports.reportDue();
  reports.check();
  await clock.advance(3_600_000, settle);
  expect(seen).toMatchObject({ asked: 1, reported: [] });
});
