import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Subject } from './postfix.ts';
import { processorMs, run } from './processes.ts';
import type { Sink } from './smtp-sink.ts';

/** Messages per second. */
export interface Rates {
  readonly accepted: number;
  /** From the first submission to the last arrival, so never more than `accepted`. */
  readonly relayed: number;
  /** Milliseconds of processor time for each message, accepted and relayed. */
  readonly processorMs: number;
}

/**
 * Puts `messages` of 4 KiB into the subject over ten sessions at once and waits until the sink has them all.
 * `keep`: each session sends its messages over one connection instead of a fresh one for each.
 */
export async function load(subject: Subject, sink: Sink, messages: number, keep: boolean): Promise<Rates> {
  const before = sink.count();
  const used = processorMs(subject.pid);
  const since = performance.now();
  const arrived = sink.reaches(before + messages, 180);
  arrived.catch(() => undefined);
  await run(
    'smtp-source',
    [
      ...(keep ? ['-d'] : []),
      ...['-s', '10', '-m', String(messages), '-l', '4096', '-M', 'client.bench.test'],
      ...['-f', 'sender@bench.test', '-t', 'recipient@bench.test', `127.0.0.1:${subject.port}`],
    ],
    180,
  );
  const accepted = messages / ((performance.now() - since) / 1000);
  const relayed = messages / (((await arrived) - since) / 1000);
  return { accepted, relayed, processorMs: (processorMs(subject.pid) - used) / messages };
}

/** Milliseconds from connecting to the subject until the message is at the sink, one message after the other. */
export async function latencies(subject: Subject, sink: Sink, messages: number): Promise<readonly number[]> {
  const taken: number[] = [];
  for (let i = 0; i < messages; i++) {
    const since = performance.now();
    const arrived = sink.reaches(sink.count() + 1, 30);
    arrived.catch(() => undefined);
    await submit(subject.port);
    taken.push((await arrived) - since);
    // Both may tidy up after a message; that is not part of the next one's way.
    await pause(20);
  }
  return taken;
}

const BODY = `${'x'.repeat(70)}\r\n`.repeat(56);

async function submit(port: number): Promise<void> {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const expect = async (code: string): Promise<void> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true || !value.startsWith(code)) throw new Error(`Instead of ${code}: ${value ?? 'the end'}`);
      if (value[3] !== '-') return;
    }
  };
  try {
    await expect('220');
    for (const [line, code] of [
      ['EHLO client.bench.test', '250'],
      ['MAIL FROM:<sender@bench.test>', '250'],
      ['RCPT TO:<recipient@bench.test>', '250'],
      ['DATA', '354'],
      [`From: <sender@bench.test>\r\nTo: <recipient@bench.test>\r\nSubject: one\r\n\r\n${BODY}.`, '250'],
      ['QUIT', '221'],
    ] as const) {
      socket.write(`${line}\r\n`);
      await expect(code);
    }
  } finally {
    socket.destroy();
    if (!socket.closed) await once(socket, 'close');
  }
}
