/** Story: no sending without a dial-up connection. Mail waits, and the program says for what. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LaunchedApp } from '../../support/launch-app.ts';
import { eventually } from '../../support/program.ts';
import {
  arrowToRow,
  handOver,
  launchStory,
  mainWindow,
  openSettings,
  picture,
  row,
  startServers,
  subjectsAt,
  tabTo,
  type Servers,
} from './support.ts';

const RULE = 'Do not send messages if a dial-up connection cannot be detected';

describe.each(['mouse', 'keyboard'] as const)('a dial-up connection is required (%s)', (hand) => {
  let servers: Servers;
  let launched: LaunchedApp;
  let main: Page;
  let settings: Page;
  beforeAll(async () => {
    servers = await startServers();
    launched = await launchStory(`dial-up-${hand}`, servers);
    main = await mainWindow(launched);
  });
  afterAll(async () => {
    await launched.close();
    await servers.close();
  });
  const mouse = hand === 'mouse';
  // At its start the program looks whether the gateways answer on this network; from the rule on, nothing.
  const sessions = (): number => servers.office.server.sessions.length + servers.home.server.sessions.length;
  let before = 0;
  const required = async (): Promise<unknown> => (await launched.profile.settings())['dialUp']?.['requireConnection'];

  it('is switched on', async () => {
    if (mouse) {
      settings = await openSettings(launched, main);
      await settings.getByRole('link', { name: 'Dial-Up' }).click();
      await settings.getByRole('switch', { name: RULE }).click();
    } else {
      settings = await launched.openedBy(async () => {
        await tabTo(main, main.getByRole('button', { name: 'Settings' }));
        await main.keyboard.press('Enter');
      });
      await tabTo(settings, settings.getByRole('link', { name: 'Dial-Up' }));
      await settings.keyboard.press('Enter');
      await tabTo(settings, settings.getByRole('switch', { name: RULE }));
      await settings.keyboard.press('Space');
    }
    await eventually('saved', required).toBe(true);
    await settings.getByText('No dial-up connection is detected now.').waitFor();
    await picture(launched, settings, '1-required', { handbook: 'dial-up' });
  });

  it('holds the message and says for what it waits', async () => {
    before = sessions();
    await handOver(launched.profile.port, { to: 'carol@customer.test', subject: 'Report' });
    if (mouse) await row(main, 'Report').click();
    else await arrowToRow(main, 'Report');
    await main.getByRole('tabpanel').getByText('Waiting for a dial-up connection.').waitFor();
    await main.getByRole('contentinfo').getByText('Waiting for a dial-up connection').waitFor();
    await picture(launched, main, '2-waiting', { handbook: 'waiting' });
  });

  it('is not overridden by Send now, which says why nothing goes', async () => {
    if (mouse) await main.getByRole('group', { name: 'Actions' }).getByRole('button', { name: 'Send now' }).click();
    else await main.keyboard.press('F5');
    await main.locator('.fui-Toast').getByText('Waiting for a dial-up connection.').waitFor();
    await picture(launched, main, '3-send-now-says-why');
    expect(sessions()).toBe(before);
  });

  it('lets the mail go when it is switched off again', async () => {
    const rule = settings.getByRole('switch', { name: RULE });
    if (mouse) await rule.click();
    else {
      await tabTo(settings, rule);
      await settings.keyboard.press('Space');
    }
    await eventually('saved', required).toBe(false);
    await eventually('the server has it', () => subjectsAt(servers.office)).toEqual(['Report']);
  });
});
