/** What a screen reader and a keyboard find: axe on every page and dialog, and the roles and names that the stories rely on. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LaunchedApp } from '../../support/launch-app.ts';
import { eventually } from '../../support/program.ts';
import {
  dress,
  handOver,
  launchStory,
  mainWindow,
  openFolder,
  openSettings,
  picture,
  row,
  startServers,
  UNKNOWN,
  type Servers,
} from './support.ts';

/** What axe finds wrong, in words; both colour schemes. Legacy mode: Electron opens no page for its reports. */
async function faults(page: Page, leftOut: readonly string[] = []): Promise<readonly string[]> {
  const found: string[] = [];
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

/** A menu hangs over the page and is in no landmark, as menus are. */
const MENU = ['region'];

describe('axe finds nothing', () => {
  let servers: Servers;
  let launched: LaunchedApp;
  let main: Page;
  let settings: Page;
  beforeAll(async () => {
    servers = await startServers();
    launched = await launchStory('accessibility', servers);
    main = await mainWindow(launched);
  });
  afterAll(async () => {
    await launched.close();
    await servers.close();
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
  });

  it('on any page of the settings', async () => {
    settings = await openSettings(launched, main);
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

  it('in the dialog of a gateway, filled in, wrong, and tested', async () => {
    await settings.getByRole('link', { name: 'SMTP Gateways' }).click();
    await settings.getByRole('button', { name: 'Edit Home provider' }).click();
    const dialog = settings.getByRole('dialog');
    await dialog.waitFor();
    expect(await faults(settings), 'filled in').toEqual([]);
    await dialog.getByRole('button', { name: 'Test' }).click();
    await dialog.getByText('This gateway works').waitFor();
    expect(await faults(settings), 'tested').toEqual([]);
    await picture(launched, settings, 'gateway-tested', { handbook: 'gateway' });
    await dialog.getByLabel('Mail server').fill('not a host');
    expect(await faults(settings), 'wrong').toEqual([]);
    await picture(launched, settings, 'gateway-wrong');
    await settings.keyboard.press('Escape');
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
