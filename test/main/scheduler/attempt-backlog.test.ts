import { expect, it } from 'vitest';
import { createAttemptBacklog } from '../../../main/scheduler/attempt-backlog.ts';
import type { ClaimedMessage } from '../../../main/queue/queue-store.ts';
import { MAX_BACKLOG_WAIT_MS, MAX_RUNNING_ATTEMPTS, BURST } from '../../../main/policy/attempt-pace.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

function message(id: number, octets = 100): ClaimedMessage {
  return {
    id: `m${id}`,
    acceptedAt: 0,
    mailFrom: null,
    size: octets,
    dsn: {},
    body8bit: false,
    smtputf8: false,
    origin: { kind: 'sendmail' },
    attempt: 1,
    recipients: [],
    bytes: new Uint8Array(octets),
  };
}

function setUp(): {
  clock: VirtualClock;
  begun: ClaimedMessage[];
  line: ReturnType<typeof createAttemptBacklog>;
} {
  const clock = new VirtualClock();
  const begun: ClaimedMessage[] = [];
  const line = createAttemptBacklog(clock, (each) => begun.push(each));
  return { clock, begun, line };
}

const ids = (messages: readonly ClaimedMessage[]): readonly string[] => messages.map(({ id }) => id);

it('a message by itself begins at once', () => {
  const { line, begun } = setUp();
  line.accepted();
  line.add([message(1)]);
  expect(ids(begun)).toEqual(['m1']);
  expect(line.size()).toBe(1);
});

it('while much comes in one runs at a time, in order; afterwards all go', async () => {
  const { line, begun, clock } = setUp();
  for (let i = 0; i < BURST.messages; i++) line.accepted();
  line.add([message(1), message(2), message(3), message(4)]);
  expect(ids(begun)).toEqual(['m1']);
  line.ended();
  expect(ids(begun)).toEqual(['m1', 'm2']);
  expect(line.size()).toBe(3);
  await clock.advance(BURST.withinMs + 20);
  expect(ids(begun)).toEqual(['m1', 'm2', 'm3', 'm4']);
});

it('mail that never stops coming does not keep a message in line for ever', async () => {
  const { line, begun, clock } = setUp();
  for (let i = 0; i < BURST.messages; i++) line.accepted();
  line.add([message(1), message(2)]);
  for (let ms = 0; ms < MAX_BACKLOG_WAIT_MS + 40; ms += 5) {
    line.accepted();
    await clock.advance(5);
  }
  expect(ids(begun)).toEqual(['m1', 'm2']);
});

it('runs no more than its most, and goes on when one ends', () => {
  const { line, begun } = setUp();
  line.add(Array.from({ length: MAX_RUNNING_ATTEMPTS + 2 }, (_, i) => message(i)));
  expect(begun).toHaveLength(MAX_RUNNING_ATTEMPTS);
  line.ended();
  expect(begun).toHaveLength(MAX_RUNNING_ATTEMPTS + 1);
});

it('keeps a bounded amount of octets at hand', () => {
  const { line, begun } = setUp();
  for (let i = 0; i < BURST.messages; i++) line.accepted();
  const large = 6 * 1024 * 1024;
  for (const id of [1, 2, 3, 4]) line.add([message(id, large)]);
  const left = line.close();
  expect(ids(begun)).toEqual(['m1']);
  expect(left.map(({ bytes }) => bytes?.byteLength)).toEqual([large, large, undefined]);
});

it('closed, it gives back those in line and begins none', async () => {
  const { line, begun, clock } = setUp();
  for (let i = 0; i < BURST.messages; i++) line.accepted();
  line.add([message(1), message(2), message(3)]);
  expect(ids(line.close())).toEqual(['m2', 'm3']);
  expect(line.size()).toBe(1);
  line.ended();
  await clock.advance(10_000);
  expect(ids(begun)).toEqual(['m1']);
});
