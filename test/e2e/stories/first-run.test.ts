/** Story: the program is started for the first time: the address, the gateway by hand, and skipping the rest. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { launchApp, type LaunchedApp } from '../../support/launch-app.ts';
import { eventually } from '../../support/program.ts';
import { picture, startServers, tabTo, type Servers } from './support.ts';

describe.each(['mouse', 'keyboard'] as const)('the first run (%s)', (hand) => {
  let servers: Servers;
  let launched: LaunchedApp;
  let page: Page;
  beforeAll(async () => {
    servers = await startServers();
    launched = await launchApp({
      name: `stories/first-run-${hand}`,
      settings: {
        connection: servers.connection,
        gateways: { mode: 'never', list: [] },
        general: { welcomeDone: false },
      },
    });
    page = await launched.firstWindow();
  });
  afterAll(async () => {
    await launched.close();
    await servers.close();
  });
  const press = async (name: string): Promise<void> => {
    const button = page.getByRole('button', { name, exact: true });
    if (hand === 'mouse') return button.click();
    await tabTo(page, button);
    await page.keyboard.press('Enter');
  };
  const enter = async (name: string, words: string): Promise<void> => {
    const field = page.getByLabel(name).first();
    if (hand === 'mouse') return field.fill(words);
    await tabTo(page, field);
    await page.keyboard.press('Control+A');
    await page.keyboard.type(words);
  };

  it('asks for the address first', async () => {
    await page.getByRole('heading', { level: 1, name: 'Welcome to PostCast Server' }).waitFor();
    await enter('E-mail address', 'ann@office.test');
    await picture(launched, page, '1-address', { handbook: 'first-run' });
    await press('Enter by hand');
  });

  it('takes the gateway by hand', async () => {
    const { entry } = servers.office;
    await enter('Mail server', String(entry['host']));
    await enter('Port', String(entry['port']));
    await picture(launched, page, '2-gateway');
  });

  it('can be skipped, and does not come back', async () => {
    await press('Skip set-up');
    await page.getByRole('navigation', { name: 'Folders' }).waitFor();
    await eventually(
      'it is remembered',
      async () => (await launched.profile.settings())['general']?.['welcomeDone'],
    ).toBe(true);
  });
});
