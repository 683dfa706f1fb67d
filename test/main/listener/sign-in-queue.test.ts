import { describe, expect, test } from 'vitest';
import { createSignInQueue, type SignInAnswer } from '../../../main/listener/sign-in-queue.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A line whose checks take no virtual time; `right` is everybody's password. */
function start() {
  const clock = new VirtualClock();
  const seen = { checks: 0, now: 0, most: 0 };
  const line = createSignInQueue(clock, async (_name, password) => {
    seen.checks += 1;
    seen.now += 1;
    seen.most = Math.max(seen.most, seen.now);
    await turn();
    seen.now -= 1;
    return password === 'right';
  });
  const ask = (address: string, name: string, password: string, connection = 'x'): Promise<SignInAnswer> =>
    line.check({ address, name, password, connection });
  /** Lets time pass; what is being checked when a timer is due comes to its end first. */
  const pass = (ms: number): Promise<void> =>
    clock.advance(ms, async () => {
      do await turn();
      while (seen.now > 0);
    });
  return { line, seen, ask, pass, clock };
}

/** Somebody who tries again at each answer, `connections` at a time, as long as `going` says. */
function guess(
  lab: ReturnType<typeof start>,
  address: string,
  name: (n: number) => string,
  connections: number,
): { stop(): void } {
  let going = true;
  let n = 0;
  const forever = async (): Promise<void> => {
    while (going) {
      const answer = await lab.ask(address, name((n += 1)), 'wrong');
      // A client that was put off comes back in a second.
      if (answer !== 'wrong') await new Promise<void>((resolve) => lab.clock.after(SECOND, resolve));
    }
  };
  for (let i = 0; i < connections; i += 1) void forever();
  return {
    stop: () => {
      going = false;
    },
  };
}

async function minutes(lab: ReturnType<typeof start>, count: number): Promise<number[]> {
  const each: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const before = lab.seen.checks;
    await lab.pass(MINUTE);
    each.push(lab.seen.checks - before);
  }
  return each;
}

describe('guesses that are checked in each minute', () => {
  test('one name over 40 connections of this computer', async () => {
    const lab = start();
    const guesser = guess(lab, '127.0.0.1', () => 'ann', 40);
    const [first = 0, ...later] = await minutes(lab, 5);
    guesser.stop();
    expect(first).toBeLessThanOrEqual(10);
    expect(first).toBeGreaterThan(3);
    for (const checked of later) expect(checked).toBeLessThanOrEqual(2);
    expect(lab.seen.most).toBe(1);
  });

  test('a name each from one address of the network', async () => {
    const lab = start();
    const guesser = guess(lab, '192.0.2.7', (n) => `user${n}`, 40);
    const [first = 0, ...later] = await minutes(lab, 3);
    guesser.stop();
    // Those of the first moment are in line before the first has failed.
    expect(first).toBeLessThanOrEqual(20);
    for (const checked of later) expect(checked).toBeLessThanOrEqual(5);
  });

  test('one name from everywhere', async () => {
    const lab = start();
    const guessers = Array.from({ length: 60 }, (_, n) => guess(lab, `192.0.2.${n}`, () => 'ann', 1));
    const [first = 0, ...later] = await minutes(lab, 3);
    for (const guesser of guessers) guesser.stop();
    expect(first).toBeLessThanOrEqual(40);
    for (const checked of later) expect(checked).toBeLessThanOrEqual(15);
  });

  test('any name from this computer: bounded all the same', async () => {
    const lab = start();
    const guesser = guess(lab, '::1', (n) => `user${n}`, 40);
    const [first = 0, later = 0] = await minutes(lab, 2);
    guesser.stop();
    expect(first).toBeLessThanOrEqual(310);
    expect(later).toBeLessThanOrEqual(245);
  });
});

describe('those who know their password', () => {
  test('a program with a wrong one does not keep out another name of this computer', async () => {
    const lab = start();
    const guesser = guess(lab, '127.0.0.1', () => 'ann', 40);
    await lab.pass(5 * MINUTE);
    await expect(lab.ask('127.0.0.1', 'bob', 'right')).resolves.toBe('right');
    guesser.stop();
  });

  test('who has signed in from an address is not kept out by guesses from others', async () => {
    const lab = start();
    await lab.ask('192.0.2.200', 'ann', 'right');
    const guessers = Array.from({ length: 60 }, (_, n) => guess(lab, `192.0.2.${n}`, () => 'ann', 1));
    await lab.pass(5 * MINUTE);
    await expect(lab.ask('192.0.2.200', 'ann', 'right')).resolves.toBe('right');
    for (const guesser of guessers) guesser.stop();
  });

  test('who mistypes it twice waits for nothing; a success makes the next failures free again', async () => {
    const lab = start();
    for (let i = 0; i < 20; i += 1) {
      await expect(lab.ask('127.0.0.1', 'ann', 'wrong')).resolves.toBe('wrong');
      await expect(lab.ask('127.0.0.1', 'ann', 'wrong')).resolves.toBe('wrong');
      await expect(lab.ask('127.0.0.1', 'ann', 'right')).resolves.toBe('right');
    }
    expect(lab.clock.now()).toBe(new VirtualClock().now());
  });

  test('many connections of one program sign in side by side', async () => {
    const lab = start();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => lab.ask('127.0.0.1', 'ann', 'right', String(n))),
    );
    expect(new Set(answers)).toEqual(new Set(['right']));
  });

  test('after failures the next try waits its moment and is checked then', async () => {
    const lab = start();
    for (let i = 0; i < 3; i += 1) await lab.ask('127.0.0.1', 'ann', 'wrong');
    let answer = '';
    void lab.ask('127.0.0.1', 'ann', 'right').then((given) => (answer = given));
    await lab.pass(999);
    expect([answer, lab.seen.checks]).toEqual(['', 3]);
    await lab.pass(1);
    await expect.poll(() => answer).toBe('right');
  });
});

test('an unknown name is put off exactly as a known one is', async () => {
  const answers = async (name: string): Promise<readonly string[]> => {
    const lab = start();
    const given: string[] = [];
    for (let i = 0; i < 10; i += 1) {
      const asked = lab.ask('192.0.2.7', name, 'wrong').then((answer) => given.push(`${lab.clock.now()} ${answer}`));
      await lab.pass(10 * SECOND);
      await asked;
    }
    return given;
  };
  const known = await answers('ann');
  expect(await answers('nobody')).toEqual(known);
  expect(known.join()).toMatch(/wrong.*slow-down/);
});

test('what waits is bounded, forgotten with its connection, and let go at the end', async () => {
  const lab = start();
  const many = Array.from({ length: 300 }, (_, n) => lab.ask('127.0.0.1', `user${n}`, 'right', String(n)));
  const answers: string[] = [];
  for (const each of many) void each.then((answer) => answers.push(answer));
  await turn();
  expect(answers.filter((answer) => answer === 'busy').length).toBe(99);
  for (let n = 0; n < 150; n += 1) lab.line.left(String(n));
  lab.line.close();
  await expect.poll(() => answers.length).toBeGreaterThan(140);
  expect(lab.seen.checks).toBeLessThan(20);
  await expect(lab.ask('127.0.0.1', 'late', 'right')).resolves.toBe('busy');
});

test('a check that fails for itself is nobody’s failure', async () => {
  const clock = new VirtualClock();
  let working = false;
  const line = createSignInQueue(clock, () =>
    working ? Promise.resolve(true) : Promise.reject(new Error('out of memory')),
  );
  const ask = () => line.check({ address: '127.0.0.1', name: 'ann', password: 'right', connection: '1' });
  for (let i = 0; i < 10; i += 1) await expect(ask()).rejects.toThrow('out of memory');
  working = true;
  await expect(ask()).resolves.toBe('right');
});
