/** What the stories share: two mail servers, a program that knows them, pictures, and hands that only touch the keyboard. */
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import nodemailer from 'nodemailer';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { startScriptedServer, type ScriptedServer } from '../../fakes/scripted-smtp-server.ts';
import { canRunDnsmasq, startDnsmasq } from '../../support/dnsmasq.ts';
import { launchApp, type LaunchedApp, type LaunchOptions } from '../../support/launch-app.ts';
import { root, type SettingsSections } from '../../support/program.ts';

/** Set by scripts/handbook.mjs: where the pictures of the user's manual go. */
const HANDBOOK = process.env['POSTCAST_HANDBOOK_PICTURES'];

/** Addresses that the office's server does not know. */
export const UNKNOWN = 'bodo@customer.test';
export const REFUSAL = '550 5.1.1 There is nobody called bodo here';

/** One gateway of the stories. */
export interface StoryGateway {
  readonly server: ScriptedServer;
  /** As it stands in the settings. */
  readonly entry: Readonly<Record<string, unknown>>;
}

/** The servers of a story. */
export interface Servers {
  readonly office: StoryGateway;
  readonly home: StoryGateway;
  /** Settings with which the program finds their names; nothing but loopback. */
  readonly connection: Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}

/**
 * Starts both servers. For the manual they have names and the usual port, so that its pictures look like a user's
 * settings; else a loopback address and a free port.
 */
export async function startServers(): Promise<Servers> {
  const named = HANDBOOK !== undefined && canRunDnsmasq();
  const dns = named
    ? await startDnsmasq(['host-record=smtp.office.test,127.0.7.1', 'host-record=smtp.provider.test,127.0.7.2'])
    : null;
  const start = async (host: string, name: string): Promise<ScriptedServer> =>
    startScriptedServer(
      { greeting: `220 ${name} ESMTP`, [`RCPT TO:<${UNKNOWN}`]: REFUSAL },
      named ? { host, port: 587 } : {},
    );
  const office = await start('127.0.7.1', 'smtp.office.test');
  const home = await start('127.0.7.2', 'smtp.provider.test');
  const entry = (id: string, name: string, host: string, { port }: ScriptedServer): StoryGateway['entry'] => ({
    ...{ id, name, host: named ? host : '127.0.0.1', port, security: 'none', auth: 'none', priority: 'normal' },
  });
  return {
    office: { server: office, entry: entry('office', 'Office', 'smtp.office.test', office) },
    home: { server: home, entry: entry('home', 'Home provider', 'smtp.provider.test', home) },
    connection: dns === null ? {} : { dnsServers: [dns.server] },
    close: async () => {
      await Promise.all([office.close(), home.close(), dns?.close()]);
    },
  };
}

/** Starts the program with both gateways, all mail through them; `sections` are put over that. */
export async function launchStory(
  name: string,
  servers: Servers,
  sections: SettingsSections = {},
  more: Pick<LaunchOptions, 'args' | 'env'> = {},
): Promise<LaunchedApp> {
  return launchApp({
    ...more,
    name: `stories/${name}`,
    settings: {
      gateways: { mode: 'always', list: [servers.office.entry, servers.home.entry], ...sections['gateways'] },
      connection: { ...servers.connection, ...sections['connection'] },
      ...Object.fromEntries(Object.entries(sections).filter(([key]) => key !== 'gateways' && key !== 'connection')),
    },
  });
}

/** The main window, ready. */
export async function mainWindow(launched: LaunchedApp): Promise<Page> {
  const page = await launched.firstWindow();
  await page.getByRole('navigation', { name: 'Folders' }).waitFor();
  return page;
}

/** Opens the settings at their first page, SMTP Gateways. */
export async function openSettings(launched: LaunchedApp, main: Page): Promise<Page> {
  const settings = await launched.openedBy(() => main.getByRole('button', { name: 'Settings' }).click());
  await settings.getByRole('heading', { level: 1, name: 'SMTP Gateways' }).waitFor();
  return settings;
}

/** Hands one message to the program, as a mail program does. */
export async function handOver(
  port: number,
  mail: { readonly to: string; readonly subject: string; readonly text?: string },
) {
  const transport = nodemailer.createTransport({
    host: '127.0.0.1',
    port,
    secure: false,
    ignoreTLS: true,
    name: 'client.test',
  });
  try {
    await transport.sendMail({
      from: 'Ann Miller <ann@laptop.test>',
      text: 'Hello,\n\nhere is what you asked for.\n\nAnn\n',
      ...mail,
    });
  } finally {
    transport.close();
  }
}

/** Subjects of the messages that a server took, oldest first. */
export function subjectsAt({ server }: StoryGateway): readonly string[] {
  return server.messages().map((text) => /^Subject: (.*)\r$/m.exec(text)?.[1] ?? '');
}

/** Goes to a folder with the mouse. */
export async function openFolder(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation').getByRole('button', { name }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor({ state: 'attached' });
}

/** The row of the table with these words in it. */
export function row(page: Page, words: string): Locator {
  return page.getByRole('row', { name: words });
}

/** Puts a window into light or dark, and waits until nothing is on its way there. */
export async function dress(page: Page, scheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme });
  await expect
    .poll(
      () =>
        page.evaluate(
          () =>
            `${document.documentElement.style.colorScheme}${document.getAnimations().filter((one) => one instanceof CSSTransition).length}`,
        ),
      { timeout: 30_000 },
    )
    .toBe(`${scheme}0`);
}

/**
 * Takes a picture in light and in dark (test-output/stories/STORY/LABEL-light.png). `handbook` names the light one in the
 * manual; `handbookDark` the dark one.
 */
export async function picture(
  launched: LaunchedApp,
  page: Page,
  label: string,
  manual: { readonly handbook?: string; readonly handbookDark?: string } = {},
): Promise<void> {
  for (const scheme of ['dark', 'light'] as const) {
    await dress(page, scheme);
    const file = await launched.screenshot(page, `${label}-${scheme}`);
    const name = scheme === 'light' ? manual.handbook : manual.handbookDark;
    if (HANDBOOK === undefined || name === undefined) continue;
    const folder = path.resolve(root, HANDBOOK);
    await mkdir(folder, { recursive: true });
    await copyFile(file, path.join(folder, `${name}.png`));
  }
}

/** Catches what would be opened in the user's browser. @returns the addresses so far */
export async function catchBrowser({ app }: LaunchedApp): Promise<() => Promise<readonly string[]>> {
  await app.evaluate(({ shell }) => {
    const opened: string[] = [];
    Object.assign(globalThis, { openedInBrowser: opened });
    shell.openExternal = (url) => {
      opened.push(url);
      return Promise.resolve();
    };
  });
  return () => app.evaluate(() => [...(globalThis as unknown as { openedInBrowser: string[] }).openedInBrowser]);
}

/** Presses Tab (or Shift+Tab) until `target` has the focus; fails if the keyboard does not get there. */
export async function tabTo(page: Page, target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  await target.waitFor({ state: 'attached' });
  const focused = (): Promise<boolean> => target.evaluate((element) => element === document.activeElement);
  for (let presses = 0; presses < 90; presses++) {
    if (await focused()) return;
    await page.keyboard.press(key);
  }
  throw new Error(`The keyboard does not reach ${String(target)}.`);
}

/** Presses a key again and again until `done`; fails after `most` times. */
export async function pressUntil(page: Page, key: string, done: () => Promise<boolean>, most = 40): Promise<void> {
  for (let presses = 0; presses < most; presses++) {
    if (await done()) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${most} times ${key} did not do it.`);
}

/** Goes to a folder with the keyboard alone. */
export async function tabToFolder(page: Page, name: string, key?: 'Shift+Tab'): Promise<void> {
  await tabTo(page, page.getByRole('navigation').getByRole('button', { name }), key);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name }).waitFor({ state: 'attached' });
}

/** Goes to the row with these words with the keyboard alone, which selects it. */
export async function arrowToRow(page: Page, words: string): Promise<void> {
  await row(page, words).waitFor();
  await tabTo(page, page.getByRole('grid', { name: 'Messages' }));
  await pressUntil(page, 'ArrowDown', async () => (await row(page, words).getAttribute('aria-selected')) === 'true');
}
