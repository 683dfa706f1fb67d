/** Story: another port is typed into the settings. The program goes there once, when the typing is done. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { keepUntilEnd } from '../../support/kept.ts';
import type { LaunchedApp } from '../../support/launch-app.ts';
import { freePort } from '../../support/ports.ts';
import { eventually, greeting } from '../../support/program.ts';
import { handOver, launchStory, mainWindow, openSettings, startServers, subjectsAt, type Servers } from './support.ts';

describe('a port is typed, key by key', () => {
  let servers: Servers;
  let launched: LaunchedApp;
  let main: Page;
  let settings: Page;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    servers = keep(await startServers());
    launched = keep(await launchStory('typed-settings', servers, { settings: { administration: { log: 'single' } } }));
    main = await mainWindow(launched);
    settings = await openSettings(launched, main);
  });

  /** Ports that the listener went to, by the log. */
  const ports = async (): Promise<readonly number[]> => {
    const folder = path.join(launched.profile.folder, 'logs');
    const texts = await Promise.all((await readdir(folder)).map((name) => readFile(path.join(folder, name), 'utf8')));
    return [...texts.join('').matchAll(/Z listening .*port=(\d+)/g)].map(([, port]) => Number(port));
  };
  const probes = (): number => servers.office.server.sessions.length + servers.home.server.sessions.length;
  const saved = async (group: string, name: string): Promise<unknown> =>
    (await launched.profile.settings())[group]?.[name];

  it('the listener moves once, and no gateway hears of it', async () => {
    // At its start the program has asked both gateways.
    await eventually('both gateways were asked', probes).toBe(2);
    const begun = await ports();
    const port = await freePort();
    await settings.getByRole('link', { name: 'Server' }).click();
    const field = settings.getByRole('textbox', { name: 'Port' });
    await field.selectText();
    for (const digit of String(port)) {
      await field.press(digit);
      expect(await saved('server', 'port')).toBe(launched.profile.port);
    }
    await field.press('Enter');
    await eventually('it is saved', () => saved('server', 'port')).toBe(port);
    await main.getByText(`Accepting mail on port ${port}`, { exact: true }).waitFor();
    expect(await greeting(port)).toMatch(/^220 /);
    await launched.screenshot(settings, '1-typed');
    expect((await ports()).slice(begun.length)).toEqual([port]);
    // A message that comes through says that nothing else was under way before it.
    await handOver(port, { to: 'carol@customer.test', subject: 'Later' });
    await eventually('the gateway has it', () => subjectsAt(servers.office)).toEqual(['Later']);
    expect(probes()).toBe(3);
  });

  it('what is not valid moves nothing; Escape brings back what was there', async () => {
    const before = await saved('server', 'port');
    const field = settings.getByRole('textbox', { name: 'Port' });
    await field.fill('70000');
    await settings.getByText('At most 65535').waitFor();
    await field.press('Enter');
    await field.press('Escape');
    expect(await field.inputValue()).toBe(String(before));
    const address = settings.getByRole('textbox', { name: 'Addresses' });
    await address.fill('999.1.1.1');
    await settings.getByText('999.1.1.1: Not an IP address').waitFor();
    await launched.screenshot(settings, '2-no-address');
    await address.fill('');
    expect(await saved('server', 'port')).toBe(before);
  });

  it('what was typed last is saved when the window is closed', async () => {
    await settings.getByRole('link', { name: 'Connection' }).click();
    const field = settings.getByRole('textbox', { name: 'Port for direct delivery' });
    await field.fill('2525');
    expect(await saved('connection', 'directPort')).not.toBe(2525);
    const title = await settings.title();
    await launched.app.evaluate(({ BrowserWindow }, wanted) => {
      for (const window of BrowserWindow.getAllWindows()) if (window.getTitle() === wanted) window.close();
    }, title);
    await eventually('it is saved', () => saved('connection', 'directPort')).toBe(2525);
  });
});
