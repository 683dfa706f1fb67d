// The window under load: opening with 100,000 messages, frames while scrolling and while mail arrives, memory with the
// window open and after it is closed. After `npm run build`:
//   POSTCAST_TEST_ELECTRON=path/to/electron npx tsx test/bench/windows.ts
import { setTimeout as pause } from 'node:timers/promises';
import nodemailer from 'nodemailer';
import type { Page } from 'playwright-core';
import { launchApp } from '../support/launch-app.ts';
import { fillOutbox } from '../support/many-messages.ts';
import { makeProfile } from '../support/program.ts';
import { startXvfb } from '../support/xvfb.ts';
import { pssOf } from './processes.ts';
import { median } from './report.ts';

const COUNT = 100_000;
const OPENINGS = 9;
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

/** Milliseconds between painted frames while `act` goes on for `ms` in the page. */
async function frames(page: Page, ms: number, scroll: boolean): Promise<string> {
  // As text: what the TypeScript runner makes of a function does not run in a page.
  const gaps = await page.evaluate<number[]>(`new Promise((resolve) => {
    const found = [];
    const grid = document.querySelector('[role=grid]');
    const begin = performance.now();
    let last = begin;
    const step = () => {
      const now = performance.now();
      found.push(now - last);
      last = now;
      if (${String(scroll)}) grid.scrollTop += 120;
      if (now - begin < ${ms}) requestAnimationFrame(step);
      else resolve(found.slice(1));
    };
    requestAnimationFrame(step);
  })`);
  const sorted = [...gaps].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? NaN).toFixed(1);
  return `median ${at(0.5)} ms, 95 % ${at(0.95)} ms, longest ${at(1)} ms (${gaps.length} frames)`;
}

const display = await startXvfb();
process.env['DISPLAY'] = display.display;
const profile = await makeProfile({ dialUp: { requireConnection: true } });
await fillOutbox(profile.folder, COUNT);
const launched = await launchApp({ name: 'bench', profile, args: ['--hidden'] });
// The clock is the page's own: how often Playwright looks would decide a good part of the figure.
await launched.app.context().addInitScript(`{
  const observer = new MutationObserver(() => {
    const cells = [...document.querySelectorAll('[role=gridcell]')];
    if (!cells.some((cell) => cell.textContent === 'Thank you ${COUNT}')) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => {
      globalThis.firstRows = performance.timeOrigin + performance.now();
    }));
  });
  observer.observe(document, { childList: true, subtree: true });
}`);
try {
  const pid = launched.app.process().pid ?? 0;
  await pause(5000);
  say(`hidden, no window yet: ${megabytes(pssOf(pid).bytes)} in ${pssOf(pid).processes} processes`);
  const openings: number[] = [];
  for (let n = 1; n <= OPENINGS; n++) {
    let asked = 0;
    // A second start asks the running program for its window, as a click on the icon does.
    const page = await launched.openedBy(async () => {
      asked = await launched.app.evaluate(({ app }) => {
        const now = performance.timeOrigin + performance.now();
        app.emit('activate');
        return now;
      });
    });
    await page.getByRole('gridcell', { name: `Thank you ${COUNT}`, exact: true }).waitFor();
    let seen: number | undefined;
    while (seen === undefined) seen = await page.evaluate<number | undefined>('globalThis.firstRows');
    openings.push(seen - asked);
    if (n < OPENINGS) {
      await page.close();
      await pause(500);
      continue;
    }
    say(
      `asked for → first rows painted, ${OPENINGS} times: ${openings.map(Math.round).join(', ')} ms; median ${Math.round(median(openings))} ms`,
    );
    await pause(3000);
    say(`window open: ${megabytes(pssOf(pid).bytes)} in ${pssOf(pid).processes} processes`);
    say(`still: ${await frames(page, 3000, false)}`);
    say(`scrolling 120 px a frame: ${await frames(page, 5000, true)}`);
    const transport = nodemailer.createTransport({
      host: '127.0.0.1',
      port: profile.port,
      ignoreTLS: true,
      pool: true,
    });
    let sent = 0;
    const timer = setInterval(() => {
      sent++;
      transport
        .sendMail({ from: 'a@client.test', to: 'b@client.test', subject: `n ${sent}`, text: 'x' })
        .catch(() => undefined);
    }, 20);
    const still = await frames(page, 5000, false);
    clearInterval(timer);
    say(`while ${(sent / 5).toFixed(0)} messages/s arrive: ${still}`);
    transport.close();
    await page.close();
  }
  await pause(5000);
  const renderers = await launched.app.evaluate(
    ({ app }) => app.getAppMetrics().filter((one) => one.type === 'Tab').length,
  );
  say(
    `window closed: ${megabytes(pssOf(pid).bytes)} in ${pssOf(pid).processes} processes, ${renderers} of them for windows`,
  );
} finally {
  await launched.close();
  await profile.remove();
  await display.close();
}
