import { expect, it } from 'vitest';
import type { FinishedReport, PendingReport, ReportMatter } from '../../../main/queue/queue-store.ts';
import { StoreError } from '../../../main/queue/queue-store.ts';
import { createReportScheduler } from '../../../main/report/report-scheduler.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

/** A desk over a queue whose answers the test gives. */
function setUp() {
  const clock = new VirtualClock();
  let pending: readonly Partial<PendingReport>[] = [];
  let gate: Promise<void> = Promise.resolve();
  let trouble: Error | null = null;
  const seen = { asked: 0, told: [] as string[], written: 0, logged: 0 };
  const desk = createReportScheduler({
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
        seen.told.push((report as unknown as { about: string }).about);
        return Promise.resolve();
      },
    },
    reporter: {
      reportOf: async ({ message }) => Promise.resolve({ about: message.id } as unknown as FinishedReport),
    },
    retryMinutes: () => [1],
    written: () => (seen.written += 1),
  });
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    desk,
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

it('asks the queue at the start, and then only when something may be to be told', async () => {
  const { desk, seen, settle, has } = setUp();
  desk.look();
  await settle();
  desk.look();
  await settle();
  expect(seen).toMatchObject({ asked: 1, told: [], written: 0 });
  has({});
  desk.noted();
  desk.look();
  await settle();
  expect(seen).toMatchObject({ asked: 2, told: ['a'], written: 1 });
});

it('looks once more when an attempt ended while it looked: what it found may be old', async () => {
  const { desk, seen, settle, has, hold } = setUp();
  has({ inFlight: 1 });
  const open = hold();
  desk.look();
  await settle();
  has({});
  desk.look();
  open();
  await settle();
  expect(seen).toMatchObject({ asked: 2, told: ['a'] });
});

it('comes back by itself after trouble of the queue, and when the gathering has lasted long enough', async () => {
  const { desk, clock, seen, settle, has, fails } = setUp();
  fails(new StoreError('busy', 'the queue is being reopened'));
  desk.look();
  await settle();
  fails(null);
  has({ inFlight: 1, since: clock.now() });
  await clock.advance(20_000, settle);
  expect(seen).toMatchObject({ asked: 2, told: [], logged: 1 });
  await clock.advance(16 * 60_000, settle);
  expect(seen.told).toEqual(['a']);
});

it('that is closed tells nothing more', async () => {
  const { desk, clock, seen, settle, has, hold } = setUp();
  has({});
  const open = hold();
  desk.look();
  desk.close();
  open();
  await settle();
  desk.noted();
  desk.look();
  await clock.advance(3_600_000, settle);
  expect(seen).toMatchObject({ asked: 1, told: [] });
});
