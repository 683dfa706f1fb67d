/** The icon in the tray, as the desktop sees it over D-Bus. */
import { beforeAll, describe, expect, it } from 'vitest';
import { keepUntilEnd } from '../support/kept.ts';
import { launchApp, type LaunchedApp } from '../support/launch-app.ts';
import { eventually, postcast, until } from '../support/program.ts';
import { startFakeTray, type FakeTray, type MenuLine } from '../support/session-bus.ts';

describe.skipIf(process.platform !== 'linux')('the tray icon', () => {
  let tray: FakeTray;
  let launched: LaunchedApp;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    tray = keep(await startFakeTray());
    launched = keep(
      await launchApp({
        name: 'tray',
        args: ['--hidden'],
        settings: { gateways: { mode: 'never' } },
        env: { DBUS_SESSION_BUS_ADDRESS: tray.address },
      }),
    );
    await until('the icon is registered', () => tray.items().length === 1);
  });

  const labels = async (): Promise<readonly string[]> => (await tray.menu()).map(({ label }) => label);
  const item = async (label: string): Promise<MenuLine> => {
    const found = (await tray.menu()).find((one) => one.label === label);
    if (found === undefined) throw new Error(`The menu has no "${label}".`);
    return found;
  };
  const tooltip = async (): Promise<string> => JSON.stringify(await tray.property('ToolTip'));

  it('offers everything that spec §9 names', async () => {
    await eventually('the menu is there', labels).toEqual([
      'Ready',
      '',
      'Open PostCast Server',
      'Send now',
      'Pause',
      'Use gateways',
      'Settings…',
      '',
      'Quit',
    ]);
    const { children } = await item('Use gateways');
    expect(children.map(({ label, checked }) => [label, checked])).toEqual([
      ['Do not use SMTP gateways', true],
      ['Use gateways for undelivered messages', false],
      ['Use gateways whenever an error occurs', false],
      ['Use gateways only for certain domains', false],
      ['Always use SMTP gateways', false],
    ]);
    expect((await item('Send now')).enabled).toBe(false);
    expect(await tooltip()).toContain('PostCast Server – Ready');
  });

  it('shows another state by words and picture as soon as it is one, with the count of what waits', async () => {
    const picture = async (): Promise<string> => JSON.stringify(await tray.property('IconPixmap'));
    const before = await picture();
    await tray.click(await item('Pause'));
    await eventually('the menu says so', labels).toContain('Resume');
    expect(await labels()).toContain('Paused');
    await eventually('the picture is another one', picture).not.toBe(before);
    await postcast(launched.profile, ['sendmail', '-f', 'ann@client.test', 'bob@local.test'], 'Subject: x\n\nx\n');
    await eventually('the tooltip counts', tooltip).toContain('1 message waiting');
  });

  it('sets the mode with one click', async () => {
    const always = (await item('Use gateways')).children[4];
    if (always === undefined) throw new Error('no modes');
    await tray.click(always);
    const mode = async (): Promise<unknown> => (await launched.profile.settings())['gateways']?.['mode'];
    await eventually('the mode is saved', mode).toBe('always');
    await eventually('the menu shows it', async () => (await item('Use gateways')).children[4]?.checked).toBe(true);
    await tray.click(await item('Resume'));
    await eventually('it goes on', labels).toContain('Pause');
  });

  it('opens the window, and the settings', async () => {
    const main = await launched.openedBy(async () => tray.click(await item('Open PostCast Server')));
    await main.getByRole('button', { name: 'Send now' }).waitFor();
    const settings = await launched.openedBy(async () => tray.click(await item('Settings…')));
    await settings.getByRole('heading', { level: 1, name: 'SMTP Gateways' }).waitFor();
  });
});
