/** Story: another provider today. The priorities of the gateways are changed while mail flows. */
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { keepUntilEnd } from '../../support/kept.ts';
import type { LaunchedApp } from '../../support/launch-app.ts';
import { eventually } from '../../support/program.ts';
import { hands, pressUntil, tabTo } from './hands.ts';
import { handOver, openFolder, openSettings, openStory, picture, row, subjectsAt, type Servers } from './support.ts';

const names = async (settings: Page): Promise<readonly string[]> => {
  const lines = await settings.getByRole('list', { name: 'Gateways' }).getByRole('listitem').allInnerTexts();
  return lines.map((line) => line.split('\n')[0] ?? '');
};

describe('priorities are changed', () => {
  let servers: Servers;
  let launched: LaunchedApp;
  let main: Page;
  let settings: Page;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    ({ servers, launched, main } = await openStory(keep, 'priority'));
  });

  /** Hands one over and waits until a server has it. */
  const send = async (subject: string, expected: 'office' | 'home'): Promise<void> => {
    await handOver(launched.profile.port, { to: 'carol@customer.test', subject });
    await eventually(`“${subject}” goes to ${expected}`, () => [
      subjectsAt(servers.office).includes(subject),
      subjectsAt(servers.home).includes(subject),
    ]).toEqual([expected === 'office', expected === 'home']);
  };

  it('by a click, and the next message goes the new way, with mail flowing all the time', async () => {
    await send('Offer', 'office');
    settings = await openSettings(launched, main);
    expect(await names(settings)).toEqual(['Office', 'Home provider']);
    const flow = { on: true };
    const stream = (async () => {
      for (let n = 1; flow.on; n++) {
        await handOver(launched.profile.port, { to: 'list@customer.test', subject: `Newsletter ${n}` });
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return subjectsAt(servers.office).length;
    })();
    await settings
      .getByRole('radiogroup', { name: 'Priority of Home provider' })
      .getByRole('radio', { name: 'Highest' })
      .click();
    await eventually('the order changed', () => names(settings)).toEqual(['Home provider', 'Office']);
    await eventually('it is saved', async () => {
      const list = (await launched.profile.settings())['gateways']?.['list'] as { id: string; priority: string }[];
      return list.map(({ id, priority }) => `${id} ${priority}`);
    }).toEqual(['home highest', 'office normal']);
    await send('Offer, second version', 'home');
    flow.on = false;
    await stream;
    await picture(launched, settings, '1-home-first', { handbook: 'gateways', handbookDark: 'gateways-dark' });
    const all = [...subjectsAt(servers.office), ...subjectsAt(servers.home)].filter((one) => one.startsWith('News'));
    await eventually('nothing waits', () => main.getByText('Nothing is waiting', { exact: true }).count()).toBe(1);
    expect(new Set(all).size).toBe(all.length);
  });

  it('by dragging within a priority', async () => {
    await settings
      .getByRole('radiogroup', { name: 'Priority of Office' })
      .getByRole('radio', { name: 'Highest' })
      .click();
    await eventually('same priority, Home first', () => names(settings)).toEqual(['Home provider', 'Office']);
    const items = settings.getByRole('list', { name: 'Gateways' }).getByRole('listitem');
    await items.nth(1).dragTo(items.nth(0), { sourcePosition: { x: 14, y: 30 }, targetPosition: { x: 60, y: 12 } });
    await eventually('Office first', () => names(settings)).toEqual(['Office', 'Home provider']);
    await send('Minutes', 'office');
  });

  it('with the keyboard', async () => {
    await settings.getByRole('button', { name: 'Use Home provider earlier' }).focus();
    await settings.keyboard.press('Alt+ArrowUp');
    await eventually('Home first', () => names(settings)).toEqual(['Home provider', 'Office']);
    await send('Minutes, corrected', 'home');
  });

  it('and each message says why it went the way it went', async () => {
    await openFolder(main, 'Sent');
    for (const [subject, gateway] of [
      ['Minutes, corrected', 'Home provider'],
      ['Minutes Today', 'Office'],
    ] as const) {
      await row(main, subject.replace(' Today', '')).last().click();
      await main.getByText(`Sent through “${gateway}” because all mail goes through gateways.`).waitFor();
    }
    await picture(launched, main, '2-why', { handbook: 'sent' });
    await main.getByRole('tab', { name: 'Timeline' }).click();
    await main.getByRole('tabpanel').getByText('Attempt 1').waitFor();
    await picture(launched, main, '3-timeline', { handbook: 'timeline' });
  });
});

describe('the whole of it with the keyboard alone', () => {
  let servers: Servers;
  let launched: LaunchedApp;
  let main: Page;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    ({ servers, launched, main } = await openStory(keep, 'priority-keyboard'));
  });

  it('opens the settings, changes the priority, and reads why', async () => {
    const hand = hands.keyboard;
    const settings = await hand.settings(launched, main);
    const group = settings.getByRole('radiogroup', { name: 'Priority of Home provider' });
    await tabTo(settings, group.getByRole('radio', { name: 'Normal', exact: true }));
    await settings.keyboard.press('ArrowLeft');
    await eventually('one step up', () => group.getByRole('radio', { name: 'High', exact: true }).isChecked()).toBe(
      true,
    );
    await eventually('the order changed', () => names(settings)).toEqual(['Home provider', 'Office']);
    await picture(launched, settings, '1-focus');
    await handOver(launched.profile.port, { to: 'carol@customer.test', subject: 'Offer' });
    await eventually('it goes to Home', () => subjectsAt(servers.home)).toEqual(['Offer']);

    await hand.folder(main, 'Sent');
    await hand.row(main, 'Offer');
    await main.getByText('Sent through “Home provider” because all mail goes through gateways.').waitFor();
    await tabTo(main, main.getByRole('tab', { name: 'Recipients' }));
    await main.keyboard.press('ArrowRight');
    await pressUntil(main, 'Enter', async () => (await main.getByText('Attempt 1').count()) > 0, 2);
    await picture(launched, main, '2-timeline');
  });
});
