/**
 * Story: one address is wrong, another recipient has to wait. The wrong one is mended and the message sent again, also while
 * it is with a server; nobody is forgotten, nobody gets it twice.
 */
import type { Locator, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { keepUntilEnd } from '../../support/kept.ts';
import type { LaunchedApp } from '../../support/launch-app.ts';
import { eventually } from '../../support/program.ts';
import type { Dialogue } from '../../fakes/scripted-smtp-server.ts';
import {
  handOver,
  openFolder,
  openStory,
  picture,
  REFUSAL,
  row,
  subjectsAt,
  UNKNOWN,
  type Servers,
} from './support.ts';

const KNOWS: Dialogue = { [`RCPT TO:<${UNKNOWN}`]: REFUSAL };

describe('send again to the right address', () => {
  let servers: Servers;
  let launched: LaunchedApp;
  let main: Page;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    ({ servers, launched, main } = await openStory(keep, 'send-again'));
  });

  const become = (dialogue: Dialogue): void => {
    servers.office.server.become({ ...KNOWS, ...dialogue });
    servers.home.server.become({ ...KNOWS, ...dialogue });
  };
  /** Recipients of a message that either server took. */
  const told = (who: string): number =>
    [servers.office, servers.home]
      .flatMap(({ server }) => server.sessions.flatMap(({ lines }) => lines))
      .filter((line) => line.startsWith(`RCPT TO:<${who}@`)).length;
  /** Subjects at the office. Where all recipients are refused, what was pipelined ends in a message without anything. */
  const taken = (): readonly string[] => subjectsAt(servers.office).filter((subject) => subject !== '');
  const recipients = (): Locator => main.getByRole('tabpanel').getByRole('listitem');
  const dialog = (): Locator => main.getByRole('dialog', { name: 'Edit recipients and send again' });
  const box = (): Locator => dialog().getByLabel('Recipients, one a line');
  const send = (): Locator => dialog().getByRole('button', { name: 'Send' });
  const openDialog = async (): Promise<void> => {
    await main.getByRole('button', { name: 'Edit recipients and send again…' }).click();
    await dialog().waitFor();
  };

  it('names those who failed, and says who is still tried', async () => {
    become({ 'RCPT TO:<dora@': '450 4.2.0 Greylisted, try again in an hour' });
    await handOver(launched.profile.port, { to: `${UNKNOWN}, dora@customer.test`, subject: 'Minutes' });
    await row(main, 'Minutes').click();
    await eventually('one failed, one waits', async () =>
      (await recipients().allInnerTexts()).map((text) => text.split('\n')[0]),
    ).toEqual(['Bad', 'Will retry']);
    expect((await recipients().allInnerTexts())[0]).toContain(
      'the message stays in the Outbox for those who still wait',
    );
    await openDialog();
    await eventually('the failed address stands in the box', () => box().inputValue()).toBe(UNKNOWN);
    expect(await dialog().getByRole('checkbox', { name: UNKNOWN }).isChecked()).toBe(true);
    expect(await dialog().getByRole('checkbox', { name: 'dora@customer.test' }).isChecked()).toBe(false);
    await picture(launched, main, '1-named');
    await box().fill('bob@customer.test');
    await dialog().getByText('for 1 recipient the old message is still tried').waitFor();
    await picture(launched, main, '2-mended');
    await send().click();
    await dialog().waitFor({ state: 'detached' });
    await eventually('Bob has it', taken).toEqual(['Minutes']);
  });

  it('leaves the message in the Outbox for the one who waits, who gets it once', async () => {
    await row(main, 'dora@customer.test').click();
    await eventually('the old one says so', async () =>
      (await recipients().allInnerTexts()).map((text) => text.split('\n')[0]),
    ).toEqual(['Replaced', 'Will retry']);
    await main.getByText('You sent the message again to bob@customer.test instead.').waitFor();
    await picture(launched, main, '3-still-waits');
    const before = told('dora');
    become({});
    await main.getByRole('region', { name: 'Message details' }).getByRole('button', { name: 'Send now' }).click();
    await eventually('Dora has it', taken).toEqual(['Minutes', 'Minutes']);
    expect([told('dora') - before, told('bob')]).toEqual([1, 1]);
    await main.getByRole('navigation').getByRole('button', { name: 'Sent 2' }).waitFor();
  });

  it('waits, while the message is with a server, for its answer', async () => {
    become({ message: { then: 'silence' } });
    await handOver(launched.profile.port, { to: `${UNKNOWN}, erin@customer.test`, subject: 'Agenda' });
    await eventually('the server has the final dot', () => subjectsAt(servers.office).at(-1)).toBe('Agenda');
    await row(main, 'Agenda').click();
    await openDialog();
    await dialog().getByText(/are with a server at this moment. You can send as soon as the answers are there/).waitFor();
    expect(await dialog().getByRole('checkbox', { name: 'erin@customer.test' }).isDisabled()).toBe(true);
    expect(await send().isDisabled()).toBe(true);
    await picture(launched, main, '4-with-a-server');
    become({});
    servers.office.server.say('250 2.0.0 taken');
    await eventually('what failed stands in the box', () => box().inputValue()).toBe(UNKNOWN);
    await dialog().getByText('at this moment').waitFor({ state: 'detached' });
    expect(await dialog().getByRole('checkbox').count()).toBe(1);
    await box().fill('bob@customer.test\nerin@customer.test');
    await dialog().getByText('erin@customer.test has the message already and will get it twice.').waitFor();
    await picture(launched, main, '5-answered');
    await box().fill('bob@customer.test');
    await send().click();
    await dialog().waitFor({ state: 'detached' });
    await eventually('Bob has it', () => taken().filter((s) => s === 'Agenda')).toHaveLength(2);
    expect([told('erin'), told('bob')]).toEqual([1, 2]);
  }); // prettier-ignore

  it('a message deleted while it is being sent says so, and not that it is tried again', async () => {
    become({ message: { then: 'silence' } });
    await openFolder(main, 'Outbox');
    await handOver(launched.profile.port, { to: 'fred@customer.test', subject: 'Draft' });
    await eventually('the server has the final dot', () => subjectsAt(servers.office).at(-1)).toBe('Draft');
    await row(main, 'Draft').click();
    await main.keyboard.press('Delete');
    await main.getByText('It was deleted while it was being sent').first().waitFor();
    await openFolder(main, 'Deleted');
    await row(main, 'Draft').click();
    await main.getByText('The message was deleted while it was being sent. What the server takes now').waitFor();
    await picture(launched, main, '6-deleted-while-sent');
    // For good it goes when the answer is there.
    await main.keyboard.press('Delete');
    await main.getByRole('button', { name: 'Delete for good' }).last().click();
    await main
      .getByText('1 message is being sent at this moment, and stays until the answer is there.', { exact: true })
      .waitFor();
    await picture(launched, main, '7-stays');
    become({});
    servers.office.server.say('450 4.3.0 not now');
    await eventually('what it says', async () => (await recipients().allInnerTexts()).join(' ')).toContain(
      'It is in Deleted and is not tried. Restore it to have it sent.',
    );
    const words = (await recipients().allInnerTexts()).join(' ');
    expect(words).toMatch(/^Not sent/);
    expect(words).toContain('The message was deleted while it was being sent.');
    expect(words).not.toContain('tried again');
    await picture(launched, main, '8-not-sent');
    expect(told('fred')).toBe(1);
  });
});
