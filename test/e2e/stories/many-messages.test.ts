/** Story: a hundred thousand messages wait, and more arrive. The window stays a window that one can work with. */
import nodemailer from 'nodemailer';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { keepUntilEnd } from '../../support/kept.ts';
import { launchApp, type LaunchedApp } from '../../support/launch-app.ts';
import { fillOutbox } from '../../support/many-messages.ts';
import { eventually, makeProfile, type TestProfile } from '../../support/program.ts';
import { tabTo } from './hands.ts';
import { handOver, mainWindow, picture, row } from './support.ts';

const COUNT = 100_000;

describe('a hundred thousand messages', () => {
  let profile: TestProfile;
  let launched: LaunchedApp;
  let main: Page;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    // Without the connection that is required nothing is tried: they all stay, and more come.
    profile = keep(await makeProfile({ dialUp: { requireConnection: true }, general: { welcomeDone: true } }));
    await fillOutbox(profile.folder, COUNT);
    launched = keep(await launchApp({ name: 'stories/many-messages', profile }));
    main = await mainWindow(launched);
  });

  const grid = () => main.getByRole('grid', { name: 'Messages' });
  const scrollTo = (top: number): Promise<void> =>
    grid().evaluate((frame, to) => {
      frame.scrollTop = to;
    }, top);
  /** Subject and place on the screen of each row that is read and to be seen. */
  const places = (): Promise<Readonly<Record<string, number>>> =>
    grid().evaluate((frame) => {
      const box = frame.getBoundingClientRect();
      const seen: Record<string, number> = {};
      for (const element of frame.querySelectorAll('[role=row][id]')) {
        const { top, bottom } = element.getBoundingClientRect();
        const subject = element.children[3]?.textContent ?? '';
        if (subject !== '' && top >= box.top + 34 && bottom <= box.bottom) seen[subject] = Math.round(top);
      }
      return seen;
    });

  it('are there when the window opens, the newest on top', async () => {
    await row(main, `Thank you ${COUNT}`).waitFor();
    expect(await grid().getAttribute('aria-rowcount')).toBe(String(COUNT + 1));
    await main.getByRole('navigation').getByRole('button', { name: 'Outbox 100,000' }).waitFor();
    // Few elements, however many messages.
    expect(await grid().getByRole('row').count()).toBeLessThan(80);
    await picture(launched, main, '1-opened');
  });

  it('can be scrolled from end to end', async () => {
    for (const share of [0.5, 0.25, 0.99]) {
      await scrollTo(share * COUNT * 34);
      await eventually('rows are read', async () => Object.keys(await places()).length).toBeGreaterThan(5);
    }
    await grid().focus();
    await main.keyboard.press('End');
    await main.getByRole('gridcell', { name: 'Invoice 1', exact: true }).waitFor();
    await picture(launched, main, '2-the-oldest');
    await main.keyboard.press('Home');
    await row(main, `Thank you ${COUNT}`).waitFor();
  });

  it('can be sorted by a column, and back', async () => {
    await main.getByRole('columnheader', { name: 'Subject' }).getByRole('button').click();
    await eventually('by subject', async () => Object.keys(await places())[0]).toBe('Invitation 10005');
    await main.getByRole('columnheader', { name: 'Accepted' }).getByRole('button').click();
    await row(main, `Thank you ${COUNT}`).waitFor();
  });

  it('can be searched with the keyboard', async () => {
    await main.keyboard.press('Control+F');
    await main.keyboard.type('needle');
    await eventually('a thousand found', () => grid().getAttribute('aria-rowcount')).toBe('1001');
    await main.keyboard.type(' 99900');
    await eventually('one found', () => grid().getAttribute('aria-rowcount')).toBe('2');
    await main.keyboard.press('ArrowDown');
    await main.keyboard.press('ArrowDown');
    await main.getByRole('heading', { level: 2, name: 'Question 99900' }).waitFor();
    await picture(launched, main, '3-found', { handbook: 'search' });
    await main.keyboard.press('Control+F');
    await main.keyboard.press('Escape');
    await row(main, `Thank you ${COUNT}`).waitFor();
  });

  it('do not move under the pointer while more arrive', async () => {
    await scrollTo(200 * 34 + 10);
    await eventually('rows are read', async () => Object.keys(await places()).length).toBeGreaterThan(5);
    const box = await grid().boundingBox();
    await main.mouse.move((box?.x ?? 0) + 300, (box?.y ?? 0) + 150);
    const before = await places();
    for (let n = 1; n <= 20; n++) {
      await handOver(profile.port, { to: 'carol@customer.test', subject: `Arrived ${n}` });
    }
    await eventually('all are counted', () => grid().getAttribute('aria-rowcount')).toBe(String(COUNT + 21));
    expect(await places()).toEqual(before);
  });

  it('nor in any frame while fifty a second arrive', async () => {
    await scrollTo(400 * 34 + 5);
    const box = await grid().boundingBox();
    const at = { x: (box?.x ?? 0) + 300, y: (box?.y ?? 0) + 150 };
    await main.mouse.move(at.x, at.y);
    await eventually('rows are read', async () => Object.keys(await places()).length).toBeGreaterThan(5);
    const total = Number(await grid().getAttribute('aria-rowcount'));
    // Written down in each frame: what stands under the pointer, and where.
    await grid().evaluate((frame, { x, y }) => {
      const seen = new Set<string>();
      const look = () => {
        const found = document.elementFromPoint(x, y)?.closest('[role=row]');
        const subject = found?.children[3]?.textContent ?? 'nothing';
        seen.add(`${subject} at ${Math.round(found?.getBoundingClientRect().top ?? NaN)}`);
        frame.setAttribute('data-seen', [...seen].join('; '));
        if (!frame.hasAttribute('data-done')) requestAnimationFrame(look);
      };
      look();
    }, at);
    const before = await grid().getAttribute('data-seen');
    expect(before).toMatch(/^[A-Z].* \d+ at \d+$/);
    const transport = nodemailer.createTransport({
      host: '127.0.0.1',
      port: profile.port,
      ignoreTLS: true,
      pool: true,
    });
    for (let n = 1; n <= 150; n++) {
      const mail = { from: 'ann@laptop.test', to: 'carol@customer.test', subject: `Fast ${n}`, text: 'x' };
      // Fifty a second where the machine can; slower where it cannot, which makes nothing easier.
      await Promise.all([transport.sendMail(mail), new Promise((resolve) => setTimeout(resolve, 20))]);
    }
    transport.close();
    await eventually('all are counted', () => grid().getAttribute('aria-rowcount')).toBe(String(total + 150));
    expect(await grid().getAttribute('data-seen')).toBe(before);
    await grid().evaluate((frame) => frame.setAttribute('data-done', ''));
  });

  it('nor while the list is scrolled to its top', async () => {
    await scrollTo(0);
    await row(main, 'Fast 150').waitFor();
    const box = await grid().boundingBox();
    await main.mouse.move((box?.x ?? 0) + 300, (box?.y ?? 0) + 152);
    const before = await places();
    await handOver(profile.port, { to: 'carol@customer.test', subject: 'Arrived 21' });
    await eventually('it is counted', () => grid().getAttribute('aria-rowcount')).toBe(String(COUNT + 172));
    expect(await places()).toEqual(before);
    // Out of the way, the newest may come in.
    await main.mouse.move(10, 10);
    await scrollTo(0);
    await row(main, 'Arrived 21').waitFor();
  });

  it('and all of it with the keyboard: sort, go to the end, select a range', async () => {
    const sort = main.getByRole('columnheader', { name: 'Size' }).getByRole('button');
    await tabTo(main, sort);
    await main.keyboard.press('Enter');
    await eventually('sorted by size', () =>
      main.getByRole('columnheader', { name: 'Size' }).getAttribute('aria-sort'),
    ).toBe('ascending');
    // End goes nowhere before it is known where the end is.
    await eventually('the list is read', () => grid().getAttribute('aria-rowcount')).not.toBe('-1');
    await tabTo(main, grid(), 'Shift+Tab');
    await main.keyboard.press('End');
    // The last page comes from the database first.
    await main.locator('[role="row"][aria-selected="true"]').waitFor();
    for (const count of [2, 3, 4]) {
      await main.keyboard.press('Shift+ArrowUp');
      await main.getByText(`${count} messages selected`).first().waitFor();
    }
    await picture(launched, main, '4-selected');
  });
});
