import { describe, expect, it } from 'vitest';
import { keepHelperProcess } from '../../../main/network/helper-process.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

/** Runs a script of Node as the child; everything it says and what happens to it comes as events. */
function keep(script: string, command = process.execPath) {
  const clock = new VirtualClock();
  const events: string[] = [];
  const waiting: { readonly met: () => boolean; readonly done: () => void }[] = [];
  const say = (event: string): void => {
    events.push(event);
    for (const { met, done } of waiting) if (met()) done();
  };
  const stop = keepHelperProcess({
    clock,
    log: {
      note: (event, facts) => say(`${event} ${String(facts?.['againInSeconds'] ?? facts?.['code'])}`),
      problem: () => say('problem'),
    },
    command,
    args: ['-e', script],
    onLine: (line) => say(`line ${line}`),
    onStart: () => say('start'),
    onMissing: () => say('missing'),
  });
  return {
    clock,
    events,
    stop,
    until: (met: (events: readonly string[]) => boolean) =>
      new Promise<void>((done) => {
        waiting.push({ met: () => met(events), done });
        if (met(events)) done();
      }),
  };
}
const count = (events: readonly string[], event: string): number => events.filter((seen) => seen === event).length;

describe('a child that reports by the line', () => {
  it('is heard line by line, however its output is cut', async () => {
    const child = keep(
      `process.stdout.write('on'); setTimeout(() => { process.stdout.write('e\\r\\ntwo\\nthr'); setTimeout(() => process.stdout.write('ee\\n'), 20) }, 20); setInterval(() => {}, 1000)`,
    );
    await child.until((events) => count(events, 'line three') === 1);
    expect(child.events).toEqual(['start', 'line one', 'line two', 'line three']);
    await child.stop();
  });

  it('is started again when it ends, after 1, 2, 4 … seconds', async () => {
    const child = keep('');
    for (const [round, seconds] of [1, 2, 4].entries()) {
      await child.until(
        (events) => count(events, 'start') === round + 1 && count(events, `network helper ended ${seconds}`) === 1,
      );
      await child.clock.advance(seconds * 1000 - 1);
      expect(count(child.events, 'start')).toBe(round + 1);
      await child.clock.advance(1);
    }
    await child.until((events) => count(events, 'start') === 4);
    await child.stop();
  });

  it('is not tried again when it does not exist', async () => {
    const child = keep('', 'no-such-program-here');
    await child.until((events) => events.includes('missing'));
    expect(child.events).toEqual(['network helper missing ENOENT', 'missing']);
    expect(child.clock.untilNext()).toBeNull();
    await child.stop();
  });

  it('is ended by the stop, and not started again', async () => {
    const child = keep('setInterval(() => {}, 1000)');
    await child.until((events) => events.includes('start'));
    await child.stop();
    expect(child.clock.untilNext()).toBeNull();
    expect(child.events).toEqual(['start']);
  });
});
