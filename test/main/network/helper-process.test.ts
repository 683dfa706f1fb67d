import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { keepHelperProcess, type HelperProcessParts } from '../../../main/network/helper-process.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

/** Runs a script of Node as the child; everything it says and what happens to it comes as events. */
function keep(
  script: string,
  { command = process.execPath, isProofOfLife }: Partial<Pick<HelperProcessParts, 'command' | 'isProofOfLife'>> = {},
) {
  const clock = new VirtualClock();
  const events: string[] = [];
  const waiting: { readonly met: () => boolean; readonly done: () => void }[] = [];
  const say = (event: string): void => {
    events.push(event);
    for (const { met, done } of waiting) if (met()) done();
  };
  const child = keepHelperProcess({
    clock,
    log: {
      note: (event, facts) => say(`${event} ${String(facts?.['againInSeconds'] ?? facts?.['code'])}`),
      problem: () => say('problem'),
    },
    command,
    args: ['-e', script],
    onLine: (line) => say(`line ${line}`),
    ...(isProofOfLife === undefined ? {} : { isProofOfLife }),
    onHearing: () => say(child.hears() ? 'heard' : 'deaf'),
    onLook: () => say('look'),
  });
  return {
    clock,
    events,
    stop: () => child.stop(),
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
    expect(child.events).toEqual(['heard', 'line one', 'line two', 'line three']);
    await child.stop();
  });

  it('is started again when it ends, after 1, 2, 4 … seconds', async () => {
    const child = keep('');
    for (const [round, seconds] of [1, 2, 4].entries()) {
      await child.until(
        (events) => count(events, 'heard') === round + 1 && count(events, `network helper ended ${seconds}`) === 1,
      );
      await child.clock.advance(seconds * 1000 - 1);
      expect(count(child.events, 'heard')).toBe(round + 1);
      await child.clock.advance(1);
    }
    await child.until((events) => count(events, 'heard') === 4);
    await child.stop();
  });

  it('is tried again when it does not exist, and said to be missing once', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'postcast-helper-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const command = path.join(folder, 'helper.exe');
    const child = keep('setInterval(() => {}, 1000)', { command });
    await child.until((events) => events.includes('network helper missing ENOENT'));
    await child.clock.advance(500);
    copyFileSync(process.execPath, command);
    await child.clock.advance(500);
    await child.until((events) => events.includes('heard'));
    expect(child.events).toEqual(['network helper missing ENOENT', 'heard']);
    await child.stop();
  });

  it('is done without while it is not there: its owner looks every 5 seconds', async () => {
    const child = keep('', { command: 'no-such-program-here' });
    await child.until((events) => events.includes('network helper missing ENOENT'));
    await child.clock.advance(4_999);
    expect(count(child.events, 'look')).toBe(0);
    await child.clock.advance(10_001);
    expect(count(child.events, 'look')).toBe(3);
    await child.stop();
  });

  it('is not missed while it is heard, and missed as soon as it ends', async () => {
    const child = keep(`console.log('pid', process.pid); setInterval(() => {}, 1000)`);
    await child.until((events) => events.some((event) => event.startsWith('line pid')));
    await child.clock.advance(60_000);
    expect(count(child.events, 'look')).toBe(0);
    process.kill(Number(child.events.at(-1)?.split(' ').at(-1)));
    await child.until((events) => events.includes('deaf'));
    await child.clock.advance(5_000);
    expect(count(child.events, 'look')).toBe(1);
    await child.stop();
  });

  it('that has to prove that it works is heard from its first sensible line on', async () => {
    const child = keep(
      `process.stdout.write('banner\\n'); setTimeout(() => { process.stdout.write('{}\\n') }, 20); setInterval(() => {}, 1000)`,
      { isProofOfLife: (line) => line === '{}' },
    );
    await child.until((events) => events.includes('heard'));
    expect(child.events).toEqual(['line banner', 'line {}', 'heard']);
    await child.clock.advance(60_000);
    expect(count(child.events, 'look')).toBe(0);
    await child.stop();
  });

  it('is ended by the stop, and not started again', async () => {
    const child = keep('setInterval(() => {}, 1000)');
    await child.until((events) => events.includes('heard'));
    await child.stop();
    expect(child.clock.untilNext()).toBeNull();
    expect(child.events).toEqual(['heard']);
  });
});
