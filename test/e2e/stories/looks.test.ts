/** How the windows look where there is little room, words are long, or the system forces its own colours. */
import type { Locator, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { keepUntilEnd } from '../../support/kept.ts';
import type { LaunchedApp } from '../../support/launch-app.ts';
import { eventually, until } from '../../support/program.ts';
import { handOver, launchStory, row, startServers, UNKNOWN } from './support.ts';

/** The smallest window that there is. */
const SMALL = { width: 900, height: 600 };

const keep = keepUntilEnd();
let launched: LaunchedApp;
let main: Page;
let settings: Page;
beforeAll(async () => {
  const servers = keep(await startServers());
  launched = keep(await launchStory('looks', servers, { settings: { general: { language: 'de' } } }));
  main = await launched.firstWindow();
  await handOver(launched.profile.port, { to: UNKNOWN, subject: 'Lost' });
  await handOver(launched.profile.port, { to: UNKNOWN, subject: 'Lost too' });
  const bad = main.getByRole('navigation').getByRole('button', { name: 'Unzustellbar' });
  await until('both are there', async () => /2\s+2/.test(await bad.innerText()));
  await bad.click();
  await row(main, 'Lost too').click();
  settings = await launched.openedBy(() => main.getByRole('button', { name: 'Einstellungen' }).click());
  await settings.getByRole('radiogroup', { name: 'Priorität von Office' }).waitFor();
});

/** Makes all windows as small as they get. */
async function shrink(page: Page): Promise<void> {
  await launched.app.evaluate(({ BrowserWindow }, { width, height }) => {
    for (const one of BrowserWindow.getAllWindows()) one.setContentSize(width, height);
  }, SMALL);
  await eventually('the window is small', () => page.evaluate(() => window.innerWidth)).toBe(SMALL.width);
}

/** Labels of which a part is hidden or lies outside of the window. Lists and what is typed may be longer than their box. */
function cutLabels(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const labels = 'header button, nav button, nav a, nav span, [role=tab], footer span, main button, h1, h2, label';
    return [...document.querySelectorAll<HTMLElement>(labels)].flatMap((one) => {
      const words = one.textContent.trim();
      const box = one.getBoundingClientRect();
      const shown = words !== '' && box.width > 2 && one.closest('[role=grid]') === null;
      const cut = one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline';
      return shown && (cut || box.right > window.innerWidth + 1) ? [words] : [];
    });
  });
}

describe('German words in the smallest window', () => {
  it('are whole in the queue: folders, buttons, tabs, status bar', async () => {
    await shrink(main);
    expect(await cutLabels(main)).toEqual([]);
    await main.getByRole('grid').focus();
    await main.keyboard.press('Control+A');
    await main.getByRole('group', { name: 'Aktionen' }).getByText('2 Nachrichten ausgewählt').waitFor();
    expect(await cutLabels(main), 'with more than one selected').toEqual([]);
    await launched.screenshot(main, 'small-queue');
  });

  it('are whole on any page of the settings', async () => {
    await shrink(settings);
    for (const link of await settings.getByRole('navigation').getByRole('link').all()) {
      const name = await link.innerText();
      await link.click();
      await settings.getByRole('heading', { level: 1, name }).waitFor();
      expect(await cutLabels(settings), name).toEqual([]);
    }
    await settings.getByRole('navigation').getByRole('link').first().click();
  });
});

describe('with forced colours', () => {
  /** The colours of an element, as they are painted. */
  const colours = (element: Locator): Promise<string> =>
    element.evaluate((one) => {
      const { backgroundColor, color } = getComputedStyle(one);
      return `${color} on ${backgroundColor}`;
    });
  /** What the system has for something that is chosen. */
  const chosen = (page: Page): Promise<string> =>
    page.evaluate(() => {
      const probe = document.createElement('i');
      probe.style.cssText = 'forced-color-adjust: none; color: HighlightText; background-color: Highlight';
      document.body.append(probe);
      const { backgroundColor, color } = getComputedStyle(probe);
      probe.remove();
      return `${color} on ${backgroundColor}`;
    });
  for (const colorScheme of ['light', 'dark'] as const) {
    it(`the folder, the page, the row and the priority that are chosen are told apart (${colorScheme})`, async () => {
      for (const page of [main, settings]) {
        await page.emulateMedia({ forcedColors: 'active', colorScheme, reducedMotion: 'reduce' });
      }
      await row(main, 'Lost too').click();
      const folders = main.getByRole('navigation');
      const priority = settings.getByRole('radiogroup', { name: 'Priorität von Office' });
      const pairs: readonly (readonly [string, Page, Locator, Locator])[] = [
        [
          'folder',
          main,
          folders.getByRole('button', { name: 'Unzustellbar' }),
          folders.getByRole('button', { name: 'Ausgang' }),
        ],
        ['row', main, main.locator('[role=row][aria-selected=true]'), main.locator('[role=row][aria-selected=false]')],
        [
          'page',
          settings,
          settings.getByRole('link', { name: 'SMTP-Gateways' }),
          settings.getByRole('link', { name: 'Server' }),
        ],
        [
          'priority',
          settings,
          priority.getByRole('radio', { checked: true }),
          priority.getByRole('radio', { checked: false }).first(),
        ],
      ];
      for (const [what, page, one, other] of pairs) {
        await eventually(`${what} that is chosen`, () => colours(one)).toBe(await chosen(page));
        expect(await colours(other), what).not.toBe(await chosen(page));
      }
      // Nothing in it keeps a colour of its own, in which it could not be read.
      const inside = await main
        .locator('[role=row][aria-selected=true], nav [aria-current]')
        .locator('*')
        .evaluateAll((all) => [...new Set(all.map((one) => getComputedStyle(one).color))]);
      expect(inside).toHaveLength(1);
      await priority.getByRole('radio', { checked: true }).focus();
      await settings.keyboard.press('ArrowRight');
      await settings.keyboard.press('ArrowLeft');
      await launched.screenshot(main, `forced-queue-${colorScheme}`);
      await launched.screenshot(settings, `forced-settings-${colorScheme}`);
    });
  }
});
