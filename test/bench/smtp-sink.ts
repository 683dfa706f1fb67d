import { freePort, start, untilGreeting } from './processes.ts';

/** Postfix's smtp-sink: takes every message and throws it away. */
export interface Sink {
  readonly port: number;
  /** Messages taken since the start of the sink. */
  count(): number;
  /** Resolves with performance.now() of the moment when `count` messages had been taken; rejects after `seconds`. */
  reaches(count: number, seconds: number): Promise<number>;
  end(): Promise<void>;
}

/** Starts smtp-sink on a free loopback port. It says on its standard output when a message has been taken. */
export async function startSink(): Promise<Sink> {
  const port = await freePort();
  let taken = 0;
  let waiting: { readonly count: number; readonly done: (at: number) => void }[] = [];
  const sink = start(
    'smtp-sink',
    [...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), '-c', `127.0.0.1:${port}`, '1000'],
    {},
    (text) => {
      const last = [...text.matchAll(/mesg=\s*(\d+)/g)].at(-1)?.[1];
      if (last === undefined) return;
      taken = Number(last);
      const now = performance.now();
      for (const { count, done } of waiting) if (taken >= count) done(now);
      waiting = waiting.filter(({ count }) => taken < count);
    },
  );
  await untilGreeting(port, performance.now(), sink);
  return {
    port,
    count: () => taken,
    reaches: (count, seconds) =>
      new Promise((resolve, reject) => {
        if (taken >= count) {
          resolve(performance.now());
          return;
        }
        const timer = setTimeout(
          () => reject(new Error(`After ${seconds} s the sink had ${taken} messages instead of ${count}.`)),
          seconds * 1000,
        );
        waiting.push({
          count,
          done: (at) => {
            clearTimeout(timer);
            resolve(at);
          },
        });
      }),
    end: () => sink.end(1000),
  };
}
