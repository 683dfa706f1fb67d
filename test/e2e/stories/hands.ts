/** The user's hands: one on the mouse, one that touches nothing but the keyboard. */
import type { Locator, Page } from 'playwright-core';
import type { LaunchedApp } from '../../support/launch-app.ts';
import { openFolder, openSettings, row } from './support.ts';

/** Presses Tab (or Shift+Tab) until `target` has the focus; fails if the keyboard does not get there. */
export async function tabTo(page: Page, target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  await target.waitFor({ state: 'attached' });
  const focused = (): Promise<boolean> => target.evaluate((element) => element === document.activeElement);
  for (let presses = 0; presses < 90; presses++) {
    if (await focused()) return;
    await page.keyboard.press(key);
  }
  throw new Error(`The keyboard does not reach ${String(target)}.`);
}

/** Presses a key again and again until `done`; fails after `most` times. */
export async function pressUntil(page: Page, key: string, done: () => Promise<boolean>, most = 40): Promise<void> {
  for (let presses = 0; presses < most; presses++) {
    if (await done()) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${most} times ${key} did not do it.`);
}

export interface Hand {
  /** Presses a button, a link, a switch; `key` is what the keyboard does it with. */
  press(page: Page, target: Locator, key?: 'Enter' | 'Space'): Promise<void>;
  button(page: Page, name: string): Promise<void>;
  /** Puts words into a field, in place of what stands there. */
  enter(page: Page, field: Locator | string, words: string): Promise<void>;
  tab(page: Page, name: string): Promise<void>;
  /** Goes to a folder; `key` is the shorter way there for the keyboard. */
  folder(page: Page, name: string, key?: 'Shift+Tab'): Promise<void>;
  /** Selects the row with these words. */
  row(page: Page, words: string): Promise<void>;
  settings(launched: LaunchedApp, main: Page): Promise<Page>;
}

const labelled = (page: Page, field: Locator | string): Locator =>
  typeof field === 'string' ? page.getByLabel(field, { exact: true }).first() : field;
const buttonOf = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true });

const mouse: Hand = {
  press: (_, target) => target.click(),
  button: (page, name) => buttonOf(page, name).click(),
  enter: (page, field, words) => labelled(page, field).fill(words),
  tab: (page, name) => page.getByRole('tab', { name }).click(),
  folder: (page, name) => openFolder(page, name),
  row: (page, words) => row(page, words).click(),
  settings: (launched, main) => openSettings(launched, main),
};

const keyboard: Hand = {
  async press(page, target, key = 'Enter') {
    await tabTo(page, target);
    await page.keyboard.press(key);
  },
  button: (page, name) => keyboard.press(page, buttonOf(page, name)),
  async enter(page, field, words) {
    await tabTo(page, labelled(page, field));
    await page.keyboard.press('Control+A');
    await page.keyboard.type(words);
  },
  async tab(page, name) {
    const tab = page.getByRole('tab', { name });
    await tabTo(page, page.locator('[role=tab][tabindex="0"]'));
    await pressUntil(page, 'ArrowRight', async () => (await tab.getAttribute('aria-selected')) === 'true', 6);
  },
  async folder(page, name, key) {
    await tabTo(page, page.getByRole('navigation').getByRole('button', { name }), key);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name }).waitFor({ state: 'attached' });
  },
  async row(page, words) {
    await row(page, words).waitFor();
    await tabTo(page, page.getByRole('grid', { name: 'Messages' }));
    await pressUntil(page, 'ArrowDown', async () => (await row(page, words).getAttribute('aria-selected')) === 'true');
  },
  settings: (launched, main) => openSettings(launched, main, (button) => keyboard.press(main, button)),
};

export const hands = { mouse, keyboard };
