/** What the stories share: two mail servers, a program that knows them, its windows, and pictures. */
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import nodemailer from 'nodemailer';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { startScriptedServer, type ScriptedServer } from '../../fakes/scripted-smtp-server.ts';
import { canRunDnsmasq, startDnsmasq } from '../../support/dnsmasq.ts';
import type { keepUntilEnd } from '../../support/kept.ts';
import { launchApp, type LaunchedApp, type LaunchOptions } from '../../support/launch-app.ts';
import { root } from '../../support/program.ts';

/** Set by scripts/handbook.mjs: where the pictures of the user's manual go. */
const HANDBOOK = process.env['POSTCAST_HANDBOOK_PICTURES'];

/** Addresses that the office's server does not know. */
export const UNKNOWN = 'bodo@customer.test';
export const REFUSAL = '550 5.1.1 There is nobody called bodo here';

type Keep = ReturnType<typeof keepUntilEnd>;

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

/** Starts the program with both gateways, all mail through them. */
export async function launchStory(
  name: string,
  servers: Servers,
  { settings, ...more }: Pick<LaunchOptions, 'args' | 'env' | 'settings'> = {},
): Promise<LaunchedApp> {
  return launchApp({
    ...more,
    name: `stories/${name}`,
    settings: {
      ...settings,
      gateways: { mode: 'always', list: [servers.office.entry, servers.home.entry] },
      connection: servers.connection,
    },
  });
}

/** What a story begins with. */
export interface Story {
  readonly servers: Servers;
  readonly launched: LaunchedApp;
  /** The main window, ready. */
  readonly main: Page;
}

/** Opens a story: servers, program, window. They are kept, to be closed at its end. */
export async function openStory(keep: Keep, name: string): Promise<Story> {
  const servers = keep(await startServers());
  const launched = keep(await launchStory(name, servers));
  return { servers, launched, main: await mainWindow(launched) };
}

/** Starts the program for the first time, with nothing but what it needs to stay on loopback. */
export function launchFirstRun(
  name: string,
  connection: Servers['connection'],
  more: Pick<LaunchOptions, 'env' | 'executable' | 'profile'> = {},
): Promise<LaunchedApp> {
  return launchApp({ ...more, name: `stories/${name}`, settings: { connection, general: { welcomeDone: false } } });
}

/** The main window, ready. */
export async function mainWindow(launched: LaunchedApp): Promise<Page> {
  const page = await launched.firstWindow();
  await page.getByRole('navigation', { name: 'Folders' }).waitFor();
  return page;
}

/** Opens the settings at their first page, SMTP Gateways; with a click unless told how a button is pressed. */
export async function openSettings(
  launched: LaunchedApp,
  main: Page,
  press: (button: Locator) => Promise<void> = (button) => button.click(),
): Promise<Page> {
  const settings = await launched.openedBy(() => press(main.getByRole('button', { name: 'Settings' })));
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
