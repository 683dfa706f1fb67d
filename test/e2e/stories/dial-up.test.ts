/** Story: no sending without a dial-up connection. Mail waits, and the program says for what. */
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { keepUntilEnd } from '../../support/kept.ts';
import type { LaunchedApp } from '../../support/launch-app.ts';
import { eventually } from '../../support/program.ts';
import { hands } from './hands.ts';
import { handOver, openStory, picture, subjectsAt, type Servers } from './support.ts';

const RULE = 'Do not send messages if a dial-up connection cannot be detected';

describe.each(['mouse', 'keyboard'] as const)('a dial-up connection is required (%s)', (kind) => {
  let servers: Servers;
  let launched: LaunchedApp;
  let main: Page;
  let settings: Page;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    ({ servers, launched, main } = await openStory(keep, `dial-up-${kind}`));
  });
  const hand = hands[kind];
  // At its start the program looks whether the gateways answer on this network; from the rule on, nothing.
  const sessions = (): number => servers.office.server.sessions.length + servers.home.server.sessions.length;
  let before = 0;
  const required = async (): Promise<unknown> => (await launched.profile.settings())['dialUp']?.['requireConnection'];

  it('is switched on', async () => {
    settings = await hand.settings(launched, main);
    await hand.press(settings, settings.getByRole('link', { name: 'Dial-Up' }));
    await hand.press(settings, settings.getByRole('switch', { name: RULE }), 'Space');
    await eventually('saved', required).toBe(true);
    await settings.getByText('No dial-up connection is detected now.').waitFor();
    await picture(launched, settings, '1-required', { handbook: 'dial-up' });
  });

  it('holds the message and says for what it waits', async () => {
    before = sessions();
    await handOver(launched.profile.port, { to: 'carol@customer.test', subject: 'Report' });
    await hand.row(main, 'Report');
    await main.getByRole('tabpanel').getByText('Waiting for a dial-up connection.').waitFor();
    await main.getByRole('contentinfo').getByText('Waiting for a dial-up connection').waitFor();
    await picture(launched, main, '2-waiting', { handbook: 'waiting' });
  });

  it('is not overridden by Send now, which says why nothing goes', async () => {
    if (kind === 'mouse')
      await main.getByRole('group', { name: 'Actions' }).getByRole('button', { name: 'Send now' }).click();
    else await main.keyboard.press('F5');
    await main.locator('.fui-Toast').getByText('Waiting for a dial-up connection.').waitFor();
    await picture(launched, main, '3-send-now-says-why');
    expect(sessions()).toBe(before);
  });

  it('lets the mail go when it is switched off again', async () => {
    await hand.press(settings, settings.getByRole('switch', { name: RULE }), 'Space');
    await eventually('saved', required).toBe(false);
    await eventually('the server has it', () => subjectsAt(servers.office)).toEqual(['Report']);
  });
});
