/** Story: a wrong address. The message goes to Bad; the user reads why, mends the address and sends again. */
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { keepUntilEnd } from '../../support/kept.ts';
import type { LaunchedApp } from '../../support/launch-app.ts';
import { eventually } from '../../support/program.ts';
import { hands } from './hands.ts';
import { handOver, openStory, picture, REFUSAL, subjectsAt, UNKNOWN, type Servers } from './support.ts';

describe.each(['mouse', 'keyboard'] as const)('a message goes to Bad (%s)', (kind) => {
  let servers: Servers;
  let launched: LaunchedApp;
  let main: Page;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    ({ servers, launched, main } = await openStory(keep, `bad-${kind}`));
  });
  const hand = hands[kind];

  it('stands out in the list of folders', async () => {
    await handOver(launched.profile.port, { to: `${UNKNOWN}, carol@customer.test`, subject: 'Invitation' });
    await handOver(launched.profile.port, { to: 'carol@customer.test', subject: 'Thank you' });
    await main.getByRole('navigation').getByRole('button', { name: 'Bad 1 not looked at yet 1' }).waitFor();
    await eventually('Carol has hers', () => [...subjectsAt(servers.office)].sort()).toEqual([
      'Invitation',
      'Thank you',
    ]);
    await picture(launched, main, '1-bad-stands-out');
  });

  it('says who did not get it, and what the server said', async () => {
    await hand.folder(main, 'Bad');
    await hand.row(main, 'Invitation');
    const recipients = main.getByRole('tabpanel').getByRole('listitem');
    await recipients.nth(1).waitFor();
    const words = await recipients.allInnerTexts();
    expect(words[0]).toMatch(new RegExp(`^Bad\\n+${UNKNOWN}`));
    expect(words[0]).toContain(REFUSAL.slice(10));
    expect(words[0]).toContain('It is in Bad: nothing is returned to the sender, you decide what happens.');
    expect(words[1]).toMatch(/^Relayed\n+carol@customer\.test/);
    await picture(launched, main, '2-why', { handbook: 'bad', handbookDark: 'bad-dark' });
  });

  it('is sent again to the address that was meant', async () => {
    await hand.button(main, 'Edit recipients and send again…');
    const dialog = main.getByRole('dialog', { name: 'Edit recipients and send again' });
    const box = dialog.getByLabel('Recipients, one a line');
    await eventually('the failed address stands in the box', () => box.inputValue()).toBe(UNKNOWN);
    await hand.enter(main, box, kind === 'mouse' ? 'bob customer.test' : 'bodo@@customer.test');
    await dialog.getByText('is not an e-mail address').waitFor();
    expect(await dialog.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
    await picture(launched, main, '3-still-wrong');
    await hand.enter(main, box, 'bob@customer.test');
    await picture(launched, main, '4-mended', { handbook: 'resend' });
    await hand.press(main, dialog.getByRole('button', { name: 'Send' }));
    await dialog.waitFor({ state: 'detached' });
    await eventually(
      'the server has it',
      () =>
        servers.office.server.sessions.flatMap(({ lines }) => lines).filter((line) => line.includes('<bob@')).length,
    ).toBe(1);
  });

  it('leaves Bad: the old message, which Carol got, lies in Sent as the new one does', async () => {
    await main.getByText('No bad messages').waitFor();
    await main.getByRole('navigation').getByRole('button', { name: 'Sent 3' }).waitFor();
    // The message that had the focus is gone; the keyboard goes on from the folder.
    if (kind === 'keyboard')
      await eventually('the focus is on the folder', () =>
        main.evaluate(() => document.activeElement?.getAttribute('aria-current')),
      ).toBe('page');
    await hand.folder(main, 'Sent', 'Shift+Tab');
    await hand.row(main, 'bob@customer.test');
    await main.getByRole('tabpanel').getByText('bob@customer.test').waitFor();
    await picture(launched, main, '5-sent');
  });
});
