/** What a screen reader and a keyboard find: axe on every page and dialog, and the roles and names that the stories rely on. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Locator, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startScriptedProvider } from '../../fakes/scripted-oidc-provider.ts';
import { keepUntilEnd } from '../../support/kept.ts';
import type { LaunchedApp } from '../../support/launch-app.ts';
import { eventually } from '../../support/program.ts';
import {
  catchBrowser,
  dress,
  handOver,
  launchFirstRun,
  openFolder,
  openSettings,
  openStory,
  picture,
  row,
  startServers,
  UNKNOWN,
  type Servers,
} from './support.ts';

/** What axe finds wrong, in words; both colour schemes. Legacy mode: Electron opens no page for its reports. */
async function faults(page: Page, leftOut: readonly string[] = []): Promise<readonly string[]> {
  const found: string[] = [];
  // Nothing is half faded in or out while it is looked at.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const colorScheme of ['light', 'dark'] as const) {
    await dress(page, colorScheme);
    const { violations } = await new AxeBuilder({ page })
      .setLegacyMode(true)
      // Helpers of the component library that pass the focus on the moment they get it.
      .exclude('[data-tabster-dummy]')
      .disableRules([...leftOut])
      .analyze();
    for (const { id, nodes } of violations) {
      for (const { target, failureSummary } of nodes)
        found.push(`${colorScheme} ${id} ${target.join(' ')}: ${failureSummary ?? ''}`);
    }
  }
  await dress(page, 'light');
  return found;
}

/** What a screen reader is told of an element besides its name. */
async function description(element: Locator): Promise<string> {
  return element.evaluate((one) =>
    (one.getAttribute('aria-describedby') ?? '')
      .split(' ')
      .map((id) => document.getElementById(id)?.textContent ?? '')
      .join(' ')
      .trim(),
  );
}

/** Waits until an element has the keyboard. */
async function hasKeyboard(what: string, element: Locator): Promise<void> {
  await eventually(what, () => element.evaluate((one) => one === document.activeElement)).toBe(true);
}

/** Each box of a dialog or page has a name, and words of help or the reason why it is wrong. */
async function boxesWithoutHelp(place: Locator): Promise<readonly string[]> {
  const boxes = await place.locator('input:not([type=hidden]), select, textarea').all();
  const bare = [];
  for (const box of boxes) if ((await description(box)) === '') bare.push(await box.evaluate((one) => one.outerHTML));
  return bare;
}

/** A menu hangs over the page and is in no landmark, as menus are. */
const MENU = ['region'];

describe('axe finds nothing', () => {
  let launched: LaunchedApp;
  let main: Page;
  let settings: Page;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    ({ launched, main } = await openStory(keep, 'accessibility'));
    await main.emulateMedia({ reducedMotion: 'reduce' });
    settings = await openSettings(launched, main);
    await settings.emulateMedia({ reducedMotion: 'reduce' });
  });

  it('in the empty window', async () => {
    await main.getByText('Nothing is waiting', { exact: true }).waitFor();
    expect(await faults(main)).toEqual([]);
  });

  it('in the folder Bad with a message in each tab', async () => {
    await handOver(launched.profile.port, { to: `${UNKNOWN}, carol@customer.test`, subject: 'Invitation' });
    await main.getByRole('navigation').getByRole('button', { name: 'Bad 1 not looked at yet 1' }).waitFor();
    expect(await faults(main)).toEqual([]);
    await openFolder(main, 'Bad');
    await row(main, 'Invitation').click();
    for (const [tab, words] of [
      ['Recipients', 'It is in Bad'],
      ['Timeline', 'Attempt 1'],
      ['Message', 'here is what you asked for'],
      ['Source', 'Subject: Invitation'],
    ] as const) {
      await main.getByRole('tab', { name: tab }).click();
      await main.getByRole('tabpanel', { name: tab }).getByText(words).first().waitFor();
      expect(await faults(main), tab).toEqual([]);
    }
  });

  it('in the dialog that edits recipients, and in the menus', async () => {
    await main.getByRole('button', { name: 'Edit recipients and send again…' }).click();
    await main.getByRole('dialog', { name: 'Edit recipients and send again' }).waitFor();
    expect(await faults(main)).toEqual([]);
    await main.keyboard.press('Escape');
    for (const name of ['More actions', 'Columns']) {
      await main.getByRole('button', { name }).click();
      await main.getByRole('menu').waitFor();
      expect(await faults(main, MENU), name).toEqual([]);
      await main.keyboard.press('Escape');
      await main.getByRole('menu').waitFor({ state: 'detached' });
    }
    await row(main, 'Invitation').click({ button: 'right' });
    await main.getByRole('menuitem', { name: 'Send again', exact: true }).waitFor();
    expect(await faults(main, MENU), 'context menu').toEqual([]);
    await main.keyboard.press('Escape');
    const grid = main.getByRole('grid', { name: 'Messages' });
    await hasKeyboard('the keyboard is back in the list', grid);
    await main.keyboard.press('Shift+F10');
    await main.getByRole('menuitem', { name: 'Edit recipients and send again…' }).press('Enter');
    await main.getByRole('dialog').getByLabel('Recipients, one a line').press('Escape');
    await hasKeyboard('the keyboard is back in the list after the dialog', grid);
  });

  it('in the question before messages are deleted for good', async () => {
    await row(main, 'Invitation').click();
    await main.keyboard.press('Delete');
    await openFolder(main, 'Deleted');
    await row(main, 'Invitation').click();
    await main.keyboard.press('Delete');
    const question = main.getByRole('alertdialog', { name: 'Delete for good?' });
    await question.waitFor();
    expect(await description(question)).toMatch(/cannot be undone/);
    await hasKeyboard('Enter does no harm', question.getByRole('button', { name: 'Cancel' }));
    expect(await faults(main)).toEqual([]);
    await picture(launched, main, 'delete-for-good');
    await main.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    await hasKeyboard('the keyboard is back in the list', main.getByRole('grid', { name: 'Messages' }));
    await row(main, 'Invitation').waitFor();
  });

  it('on the page Activity, for each span of time, and its table', async () => {
    await main.getByRole('navigation').getByRole('button', { name: 'Activity' }).click();
    await main.getByRole('heading', { level: 1, name: 'Activity' }).waitFor();
    for (const name of ['Two days', 'Month', 'Hour']) {
      await main.getByRole('tab', { name }).click();
      await main
        .getByRole('tabpanel', { name })
        .getByRole('figure', { name: /\d accepted/ })
        .waitFor();
      expect(await faults(main), name).toEqual([]);
    }
    await main.getByText('As a table').click();
    await main.getByRole('table').getByRole('columnheader', { name: 'Accepted' }).waitFor();
    expect(await faults(main), 'table').toEqual([]);
    await picture(launched, main, 'activity');
  });

  it('on any page of the settings', async () => {
    const links = settings.getByRole('navigation').getByRole('link');
    const pages = await links.allInnerTexts();
    expect(pages.length).toBeGreaterThanOrEqual(8);
    for (const name of pages) {
      await settings.getByRole('link', { name, exact: true }).click();
      await settings.getByRole('heading', { level: 1, name }).waitFor();
      expect(await faults(settings), name).toEqual([]);
      await picture(launched, settings, `settings-${name.toLowerCase().replaceAll(' ', '-')}`);
    }
  });

  it('in the search of the settings', async () => {
    const search = settings.getByRole('searchbox', { name: 'Search settings' });
    await search.fill('proxy');
    await settings.getByRole('status').getByText('1 setting found').waitFor();
    expect(await faults(settings), 'found').toEqual([]);
    await search.fill('zebra');
    await settings.getByRole('status').getByText('Nothing found').waitFor();
    expect(await faults(settings), 'nothing').toEqual([]);
    await search.fill('');
  });

  it('with an account, a DKIM key, and settings that cannot be imported', async () => {
    await settings.getByRole('link', { name: 'Server' }).click();
    const accounts = settings.getByRole('group', { name: 'Accounts' });
    await accounts.getByLabel('Name', { exact: true }).fill('printer');
    await accounts.getByLabel('Password').fill('open sesame');
    await accounts.getByRole('button', { name: 'Add' }).click();
    await accounts.getByRole('button', { name: 'Remove printer' }).waitFor();
    await settings.getByText('Account printer saved').first().waitFor();
    expect(await faults(settings), 'account').toEqual([]);
    await settings.getByRole('button', { name: 'Remove printer' }).press('Enter');
    await hasKeyboard('the keyboard is beside the line that has gone', accounts.getByLabel('Name', { exact: true }));
    await settings.getByRole('link', { name: 'Security' }).click();
    await settings.getByLabel('Domain').fill('office.test');
    await settings.getByRole('button', { name: 'Make key' }).click();
    await settings.getByText('v=DKIM1').waitFor();
    expect(await settings.locator('[aria-live=polite]').filter({ hasText: 'v=DKIM1' }).count()).toBe(1);
    expect(await faults(settings), 'DKIM').toEqual([]);
    await picture(launched, settings, 'dkim-key');
    const keys = settings.getByRole('list', { name: 'DKIM signatures' });
    const saved = async (): Promise<unknown> => (await launched.profile.settings())['security']?.['dkim'];
    await eventually('the line', () => keys.getByRole('listitem').allInnerTexts()).toHaveLength(1);
    await eventually('is saved', saved).toMatchObject([{ domain: 'office.test', selector: 'postcast', enabled: true }]);
    await settings.getByLabel('Domain').fill('home.test');
    await settings.getByLabel('Selector').fill('not one');
    await settings.getByText('Letters, digits and - only').waitFor();
    expect(await settings.getByRole('button', { name: 'Make key' }).isEnabled()).toBe(false);
    await settings.getByLabel('Selector').fill('home');
    await settings.getByRole('button', { name: 'Make key' }).click();
    await settings.getByText('home._domainkey.home.test').waitFor();
    await settings.getByRole('button', { name: 'Remove home.test (home)' }).press('Enter');
    const other = settings.getByRole('button', { name: 'Remove office.test (postcast)' });
    await hasKeyboard('the keyboard is on the other line', other);
    await settings.getByText('home._domainkey.home.test').waitFor({ state: 'detached' });
    await other.click();
    await eventually('the key is no longer used', saved).toEqual([]);
    await eventually('and no longer shown', () => keys.getByRole('listitem').count()).toBe(0);
    await settings.getByRole('link', { name: 'General' }).click();
    const file = path.join(launched.profile.folder, 'other.json');
    await launched.app.evaluate(({ dialog }, name) => {
      dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [name] });
    }, file);
    for (const [text, title] of [
      ['{"version":1,"server":{"port":"none"}}', 'The settings could not be imported'],
      [JSON.stringify(await launched.profile.settings()), 'Settings imported'],
    ] as const) {
      await writeFile(file, text);
      await settings.getByRole('button', { name: 'Import…' }).click();
      await settings.getByText(title).first().waitFor();
      expect(await faults(settings), title).toEqual([]);
    }
  });

  it('in the dialog of a gateway: new, wrong, filled in, tested', async () => {
    await settings.getByRole('link', { name: 'SMTP Gateways' }).click();
    await settings.getByRole('button', { name: 'Add gateway' }).click();
    const dialog = settings.getByRole('dialog', { name: 'Add gateway' });
    await dialog.waitFor();
    expect(await faults(settings), 'new').toEqual([]);
    expect(await boxesWithoutHelp(dialog)).toEqual([]);
    await dialog.getByRole('button', { name: 'Add' }).click();
    await dialog.getByText('Give the gateway a name').waitFor();
    expect(await faults(settings), 'wrong').toEqual([]);
    expect(await description(dialog.getByLabel('Mail server'))).toMatch(/^Needed/);
    await picture(launched, settings, 'gateway-wrong');
    await settings.keyboard.press('Escape');
    await settings.getByRole('button', { name: 'Edit Home provider' }).click();
    await dialog.waitFor({ state: 'detached' });
    const edit = settings.getByRole('dialog', { name: 'Edit gateway' });
    await edit.waitFor();
    expect(await faults(settings), 'filled in').toEqual([]);
    await edit.getByRole('button', { name: 'Test' }).click();
    await edit.getByRole('status').getByText('This gateway works').waitFor();
    expect(await faults(settings), 'tested').toEqual([]);
    await picture(launched, settings, 'gateway-tested', { handbook: 'gateway' });
    await settings.keyboard.press('Escape');
    await edit.waitFor({ state: 'detached' });
  });

  it('in the sign-in in the browser, and the question before it is kept without a key store', async () => {
    const provider = await startScriptedProvider();
    const opened = await catchBrowser(launched);
    try {
      await settings.getByRole('button', { name: 'Edit Home provider' }).click();
      const dialog = settings.getByRole('dialog', { name: 'Edit gateway' });
      await dialog.getByLabel('Sign-in', { exact: true }).selectOption('OAuth 2');
      await dialog.getByLabel('User name').fill('ann@office.test');
      await dialog.getByLabel('Provider', { exact: true }).fill(provider.issuer);
      await dialog.getByLabel('Client ID').fill('client-1');
      expect(await faults(settings), 'to be signed in').toEqual([]);
      expect(await boxesWithoutHelp(dialog)).toEqual([]);
      await dialog.getByRole('button', { name: 'Save and sign in…' }).click();
      const question = settings.getByRole('alertdialog', { name: 'Store the sign-in without protection?' });
      await question.waitFor();
      expect(await faults(settings), 'the question').toEqual([]);
      await question.getByRole('button', { name: 'Store it obfuscated' }).click();
      const waiting = dialog.getByRole('button', { name: 'Waiting for the browser…' });
      await waiting.waitFor();
      await hasKeyboard('the keyboard is back where it was', waiting);
      expect(await faults(settings), 'waiting').toEqual([]);
      await eventually('the browser is opened', async () => (await opened()).length).toBe(1);
      await provider.browser((await opened())[0] ?? '');
      await dialog.getByRole('status').getByText('Signed in').waitFor();
      expect(await faults(settings), 'signed in').toEqual([]);
      await picture(launched, settings, 'gateway-signed-in');
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await dialog.waitFor({ state: 'detached' });
    } finally {
      await provider.close();
    }
  });

  it('in the question before a password is kept without a key store', async () => {
    await settings.getByRole('button', { name: 'Edit Office' }).click();
    const dialog = settings.getByRole('dialog', { name: 'Edit gateway' });
    await dialog.getByLabel('Sign-in', { exact: true }).selectOption('Password');
    await dialog.getByLabel('User name').fill('ann');
    await dialog.getByLabel('Password', { exact: true }).fill('open sesame');
    expect(await boxesWithoutHelp(dialog)).toEqual([]);
    const save = dialog.getByRole('button', { name: 'Save' });
    await save.click();
    const question = settings.getByRole('alertdialog', { name: 'Store the password without protection?' });
    await question.waitFor();
    expect(await description(question)).toMatch(/no key store/);
    await hasKeyboard('Enter stores nothing', question.getByRole('button', { name: 'Do not store' }));
    expect(await faults(settings)).toEqual([]);
    await picture(launched, settings, 'consent');
    await settings.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    await hasKeyboard('the keyboard is back where it was', save);
    expect(await dialog.getByLabel('Password', { exact: true }).inputValue()).toBe('open sesame');
    await settings.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await hasKeyboard('and where the dialog was opened', settings.getByRole('button', { name: 'Edit Office' }));
  });

  it('and what changes is said: the status bar and the number of selected messages are live regions', async () => {
    const live = main.getByLabel('Status', { exact: true }).getByRole('status');
    await eventually('one live region in the status bar', () => live.count()).toBe(1);
    expect(await live.getAttribute('aria-live')).toBe('polite');
    await main.getByRole('button', { name: 'Pause' }).click();
    await eventually('it says so', () => live.innerText()).toMatch(/paused/i);
    await handOver(launched.profile.port, { to: 'carol@customer.test', subject: 'One' });
    await handOver(launched.profile.port, { to: 'carol@customer.test', subject: 'Two' });
    await openFolder(main, 'Outbox');
    await row(main, 'Two').waitFor();
    await row(main, 'One').waitFor();
    await main.getByRole('grid').focus();
    await main.keyboard.press('Control+A');
    await eventually('the number is said', () =>
      main.getByRole('group', { name: 'Actions' }).getByRole('status').innerText(),
    ).toBe('2 messages selected');
  });
});

describe('axe finds nothing in the first run', () => {
  let servers: Servers;
  let launched: LaunchedApp;
  let page: Page;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    servers = keep(await startServers());
    launched = keep(await launchFirstRun('accessibility-first-run', servers.connection));
    page = await launched.firstWindow();
    await page.emulateMedia({ reducedMotion: 'reduce' });
  });
  const step = async (name: string): Promise<void> => {
    const here = page.getByRole('list', { name: 'Steps' }).locator('[aria-current=step]');
    await eventually('the step that is current', () => here.innerText()).toContain(name);
  };

  it('at the address, and when it is none', async () => {
    await step('Your address');
    expect(await faults(page)).toEqual([]);
    const field = page.getByLabel('E-mail address').first();
    await field.fill('not an address');
    await field.blur();
    await page.getByText('Not an e-mail address').waitFor();
    expect(await description(field)).toMatch(/^Not an e-mail address/);
    expect(await faults(page), 'wrong').toEqual([]);
  });

  it('at the gateway: found, wanting a sign-in, wrong, failed, and the question about its password', async () => {
    // Known by the built-in list: nobody is asked.
    await page.getByLabel('E-mail address').first().fill('ann@gmail.com');
    await page.getByRole('button', { name: 'Find my gateway' }).click();
    await page.getByRole('status').getByText('Known for addresses at this provider.').waitFor();
    await step('Your gateway');
    await page.getByRole('button', { name: 'Save and sign in…' }).waitFor();
    expect(await faults(page), 'found').toEqual([]);
    const form = page.getByRole('main');
    expect(await boxesWithoutHelp(form.locator('form'))).toEqual([]);
    await page.getByLabel('Sign-in', { exact: true }).selectOption('Password');
    await page.getByLabel('Security').selectOption('None');
    await page.getByLabel('Mail server').fill('');
    await page.getByRole('button', { name: 'Test and continue' }).click();
    await page.getByText('Needed').waitFor();
    expect(await faults(page), 'wrong').toEqual([]);
    await page.getByLabel('Mail server').fill(String(servers.office.entry['host']));
    await page.getByLabel('Port').fill(String(servers.office.entry['port']));
    await page.getByLabel('Password', { exact: true }).fill('open sesame');
    await page.getByRole('button', { name: 'Test and continue' }).click();
    await page.getByRole('status').getByText('This gateway does not work').waitFor();
    expect(await faults(page), 'failed').toEqual([]);
    await page.getByRole('button', { name: 'Continue anyway' }).click();
    await page.getByRole('alertdialog').waitFor();
    expect(await faults(page), 'question').toEqual([]);
    await page.getByRole('button', { name: 'Store it obfuscated' }).click();
  });

  it('at the values for each mail program, and with a test message on its way', async () => {
    await step('Your mail program');
    const tabs = await page.getByRole('tab').allInnerTexts();
    expect(tabs).toHaveLength(6);
    for (const name of tabs) {
      await page.getByRole('tab', { name, exact: true }).click();
      await page.getByRole('tabpanel', { name }).waitFor();
      expect(await faults(page), name).toEqual([]);
    }
    await page
      .getByRole('button', { name: 'Copy Port' })
      .or(page.getByRole('button', { name: 'Copy Lines' }))
      .first()
      .click();
    await page.getByText('Copied').first().waitFor();
    await page.getByLabel('To', { exact: true }).fill('carol@customer.test');
    await page.getByRole('button', { name: 'Send test message' }).click();
    await page.getByRole('status').getByText('Not yet:').waitFor();
    expect(await faults(page), 'sent').toEqual([]);
    await picture(launched, page, 'test-message');
  });
});
