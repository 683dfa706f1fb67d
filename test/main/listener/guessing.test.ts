/** Guessing passwords at the listener: slow, whatever it costs in connections, and nobody's mail stands behind it. */
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { hashPassword } from '../../../main/listener/passwords.ts';
import { greeted, startListener, type Harness } from './harness.ts';

let h: Harness | undefined;
afterEach(async () => {
  await h?.close();
  h = undefined;
});

const plain = (user: string, password: string): string =>
  `AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`;
const guessers = (port: number) => Promise.all(Array.from({ length: 40 }, () => greeted(port)));

test.each([
  ['one name', () => 'ann'],
  ['a name each', (n: number) => `user${n}`],
])('while 40 connections guess (%s), MAIL is answered before most of them', async (_what, name) => {
  h = await startListener(
    { users: [{ name: 'ann', hash: await hashPassword('right') }], tls: { allowInsecureAuth: true } },
    {
      freeSpace: async () => {
        const { bavail, bsize } = await statfs(tmpdir());
        return bavail * bsize;
      },
    },
  );
  const clients = await guessers(h.port);
  const mail = await greeted(h.port);
  let checked = 0;
  const guesses = clients.map(async (client, n) => {
    if ((await client.say(plain(name(n), 'wrong'))).startsWith('535')) checked += 1;
  });
  await Promise.race(guesses);
  expect(await mail.say('MAIL FROM:<a@example.test>')).toMatch(/^250/);
  expect(checked).toBeLessThan(20);
  for (const client of [...clients, mail]) client.end();
});

test('a name that failed too often is put off with 454, the third put off with 421; another name signs in', async () => {
  const hash = await hashPassword('right');
  const users = ['ann', 'bob'].map((name) => ({ name, hash }));
  let checks = 0;
  h = await startListener(
    { users, tls: { allowInsecureAuth: true } },
    {
      passwords: {
        check: async (password) => {
          checks += 1;
          return password === 'right';
        },
      },
    },
  );
  const { port, clock } = h;
  for (let failed = 0; failed < 7; failed += 1) {
    const client = await greeted(port);
    client.write(`${plain('ann', 'wrong')}\r\n`);
    const reply = client.reply();
    await expect
      .poll(async () => {
        await clock.advance(500);
        return checks;
      })
      .toBeGreaterThan(failed);
    expect(await reply).toMatch(/^535 5\.7\.8 /);
    client.end();
  }
  checks = 0;
  const client = await greeted(port);
  expect(await client.say(plain('ann', 'wrong'))).toMatch(/^454 4\.7\.0 /);
  expect(await client.say(plain('ann', 'right'))).toMatch(/^454 4\.7\.0 /);
  expect(await client.say(plain('ann', 'right'))).toMatch(/^421 4\.7\.0 /);
  const other = await greeted(port);
  expect(await other.say(plain('bob', 'right'))).toMatch(/^235/);
  expect(checks).toBe(1);
  await clock.advance(60_000);
  const later = await greeted(port);
  expect(await later.say(plain('ann', 'right'))).toMatch(/^235/);
  for (const each of [client, other, later]) each.end();
});

test('a disk that is slow to say how full it is holds up no MAIL: what it said last counts', async () => {
  let answer: () => Promise<number> = async () => 2 ** 40;
  h = await startListener({}, { freeSpace: () => answer() });
  const client = await greeted(h.port);
  expect(await client.say('MAIL FROM:<a@example.test>')).toMatch(/^250/);
  await client.say('RSET');
  answer = () => new Promise(() => undefined);
  await h.clock.advance(60_000);
  client.write('MAIL FROM:<a@example.test>\r\n');
  let reply = '';
  void client.reply().then((given) => (reply = given));
  await expect
    .poll(async () => {
      await h?.clock.advance(500);
      return reply;
    })
    .toMatch(/^250/);
  client.end();
});
