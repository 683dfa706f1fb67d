/** Electron's main thread does nothing for a while: mail is accepted all the same. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { keepUntilEnd } from '../support/kept.ts';
import { launchApp } from '../support/launch-app.ts';
import { eventually, postcastJson } from '../support/program.ts';
import { LineClient } from '../support/smtp-load.ts';

const keep = keepUntilEnd();
const MESSAGES = 100;
const LONGEST_MS = 120_000;

it('while the main thread is busy, every SMTP reply comes, and the command line is answered', async () => {
  const launched = keep(await launchApp({ name: 'busy-main-thread', args: ['--hidden'] }));
  const { folder, port } = launched.profile;
  const [begun, enough, over] = ['begun', 'enough', 'over'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  // Started hidden there is no window to wait for, and an engine that has not started yet waits for the main thread.
  await eventually('mail is accepted', async () => {
    const early = new LineClient(port);
    const greeting = await early.reply();
    early.socket.destroy();
    return greeting.slice(0, 3);
  }).toBe('220');
  const busy = launched.app.evaluate(
    (_electron, files) => {
      const fs = process.getBuiltinModule('node:fs');
      fs.writeFileSync(files.begun, '');
      const until = Date.now() + files.longestMs;
      while (!fs.existsSync(files.enough) && Date.now() < until);
      fs.writeFileSync(files.over, '');
    },
    { begun, enough, over, longestMs: LONGEST_MS },
  );
  await eventually('the main thread is busy', () => existsSync(begun)).toBe(true);
  const client = new LineClient(port);
  const took: number[] = [];
  const say = async (line: string): Promise<string> => {
    const since = performance.now();
    const reply = await client.say(line);
    took.push(performance.now() - since);
    return reply;
  };
  expect(await client.reply()).toMatch(/^220/);
  expect(await say('EHLO client.test')).toMatch(/^250/);
  for (let n = 0; n < MESSAGES; n++) {
    expect(await say('MAIL FROM:<a@local.test>')).toMatch(/^250/);
    expect(await say(`RCPT TO:<b${n}@far.test>`)).toMatch(/^250/);
    expect(await say('DATA')).toMatch(/^354/);
    expect(await say(`Subject: ${n}\r\n\r\nHello\r\n.`)).toMatch(/^250/);
  }
  client.socket.destroy();
  const { counts } = await postcastJson<{ readonly counts: { readonly outbox: number } }>(launched.profile, ['status']);
  expect(existsSync(over), 'the main thread was still busy').toBe(false);
  expect(counts.outbox).toBe(MESSAGES);
  writeFileSync(enough, '');
  await busy;
  took.sort((a, b) => a - b);
  console.info(`99th percentile of the replies: ${took[Math.floor(took.length * 0.99)]?.toFixed(1)} ms`);
});
