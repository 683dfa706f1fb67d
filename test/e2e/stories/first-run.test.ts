/**
 * Story: the program is started for the first time: from an address to a test message in a mailbox. The gateway is found
 * in the DNS (RFC 6186), a real Postfix takes the sign-in and the mail; nothing leaves this computer.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScriptedProvider, type ScriptedProvider } from '../../fakes/scripted-oidc-provider.ts';
import { offering, startScriptedServer, WILLING, type ScriptedServer } from '../../fakes/scripted-smtp-server.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { canRunDnsmasq, startDnsmasq } from '../../support/dnsmasq.ts';
import { keepUntilEnd } from '../../support/kept.ts';
import { launchApp, type LaunchedApp } from '../../support/launch-app.ts';
import { canRunPostfix, startPostfix, type Postfix } from '../../support/postfix.ts';
import { electronPath, eventually } from '../../support/program.ts';
import { canHideNames, withoutNames } from '../../support/without-names.ts';
import { hands, tabTo } from './hands.ts';
import { catchBrowser, launchFirstRun, picture, startServers, type Servers } from './support.ts';

const ADDRESS = 'ann@office.test';
const PASSWORD = 'open sesame';

/** A heading of its own tells a screen reader that there is something new. */
async function headed(page: Page, name: string): Promise<void> {
  const heading = page.getByRole('heading', { level: 2, name });
  await heading.waitFor();
  await eventually(`“${name}” has the focus`, () =>
    heading.evaluate((element) => element === document.activeElement),
  ).toBe(true);
}

const clipboard = ({ app }: LaunchedApp): Promise<string> => app.evaluate(({ clipboard }) => clipboard.readText());

describe.skipIf(!canRunPostfix() || !canRunDnsmasq() || !canHideNames())('from an address to mail', () => {
  let postfix: Postfix;
  let dns: Awaited<ReturnType<typeof startDnsmasq>>;
  const folder = mkdtempSync(path.join(tmpdir(), 'first-run-'));
  const authority = path.join(folder, 'authority.pem');
  const keep = keepUntilEnd();
  beforeAll(async () => {
    keep({ remove: () => rmSync(folder, { recursive: true, force: true }) });
    const certificates = await makeCertificates();
    writeFileSync(authority, certificates.ca);
    postfix = keep(await startPostfix({ user: ADDRESS, password: PASSWORD, certificate: certificates.good }));
    dns = keep(
      await startDnsmasq([
        `srv-host=_submission._tcp.office.test,smtp.office.test,${postfix.port}`,
        'host-record=smtp.office.test,127.0.0.1',
        // A domain whose mail server is one outside of it, or whose network says so.
        `srv-host=_submission._tcp.society.test,smtp.office.test,${postfix.port}`,
      ]),
    );
  });

  describe.each(['mouse', 'keyboard'] as const)('with the %s', (kind) => {
    const hand = hands[kind];
    const mailbox = `${kind}@local.test`;
    let launched: LaunchedApp;
    let page: Page;
    const keep = keepUntilEnd();
    beforeAll(async () => {
      const { executable } = keep(withoutNames(electronPath()));
      const env = { NODE_EXTRA_CA_CERTS: authority };
      launched = keep(await launchFirstRun(`first-run-${kind}`, { dnsServers: [dns.server] }, { executable, env }));
      page = await launched.firstWindow();
    });

    it('asks for the address, and finds the gateway in the DNS', async () => {
      await page.getByRole('heading', { level: 1, name: 'Welcome to PostCast Server' }).waitFor();
      await headed(page, 'Which address do you send mail from?');
      await hand.enter(page, 'E-mail address', ADDRESS);
      await picture(launched, page, '1-address', { handbook: 'first-run' });
      await hand.button(page, 'Find my gateway');
      await headed(page, 'Is this your gateway?');
      await page.getByRole('status').getByText('Found in the DNS of office.test.').waitFor();
      expect(await page.getByLabel('Mail server').first().inputValue()).toBe('smtp.office.test');
      expect(await page.getByLabel('Port').first().inputValue()).toBe(String(postfix.port));
      expect(await page.getByLabel('Security').inputValue()).toBe('starttls');
      expect(await page.getByLabel('User name').inputValue()).toBe(ADDRESS);
    });

    it('says why the gateway does not work with a wrong password', async () => {
      await hand.enter(page, 'Password', 'a wrong one');
      await hand.button(page, 'Test and continue');
      const said = page.getByRole('status').filter({ hasText: 'This gateway does not work' });
      await said.waitFor();
      expect(await said.innerText()).toMatch(
        /Encrypted with TLSv1\.\d; the certificate is valid for smtp\.office\.test\.[^]+Sign-in refused: 535/,
      );
      await picture(launched, page, '2-wrong-password');
    });

    it('tests it, asks before it keeps a password without a key store, and goes on', async () => {
      await hand.enter(page, 'Password', PASSWORD);
      await hand.button(page, 'Test and continue');
      const question = page.getByRole('alertdialog', { name: 'Store the password without protection?' });
      await question.waitFor();
      expect((await launched.profile.settings())['gateways']).toBeUndefined();
      await hand.press(page, question.getByRole('button', { name: 'Store it obfuscated' }));
      await headed(page, 'Point your mail program at PostCast Server');
      const kept = (await launched.profile.settings())['gateways'];
      expect(kept?.['mode']).toBe('always');
      expect(kept?.['list']).toMatchObject([{ host: 'smtp.office.test', port: postfix.port, security: 'starttls' }]);
      expect(JSON.stringify(kept)).not.toContain(PASSWORD);
    });

    it('shows the values for each mail program, and copies them', async () => {
      const port = String(launched.profile.port);
      await hand.button(page, 'Copy Server');
      await eventually('the server is on the clipboard', () => clipboard(launched)).toBe('localhost');
      await hand.button(page, 'Copy Port');
      await eventually('the port is on the clipboard', () => clipboard(launched)).toBe(port);
      for (const program of ['Apple Mail', 'Outlook'] as const) {
        await hand.tab(page, program);
        await page.getByRole('tabpanel', { name: program }).getByText(port).waitFor();
      }
      await hand.tab(page, 'msmtp');
      await hand.button(page, 'Copy Lines');
      await eventually('the lines are on the clipboard', () => clipboard(launched)).toBe(
        ['account postcast', 'host localhost', `port ${port}`, `from ${ADDRESS}`, 'tls off', 'auth off']
          .concat('account default : postcast')
          .join('\n'),
      );
      await hand.tab(page, 'git send-email');
      await page.getByRole('tabpanel', { name: 'git send-email' }).getByText(`smtpServerPort ${port}`).waitFor();
      await picture(launched, page, '3-program');
    });

    it('sends a test message, says what became of it, and it is in the mailbox', async () => {
      expect(await page.getByLabel('From', { exact: true }).inputValue()).toBe(ADDRESS);
      await hand.enter(page, 'To', mailbox);
      await hand.button(page, 'Send test message');
      await page.getByRole('status').getByText('The gateway has taken it. Look into your mailbox.').waitFor();
      await picture(launched, page, '4-sent');
      await eventually(
        'it is there, once',
        () => postfix.messages().filter((text) => text.includes(`To: <${mailbox}>`)).length,
      ).toBe(1);
      const text = postfix.messages().find((one) => one.includes(`To: <${mailbox}>`)) ?? '';
      expect(text).toContain(`From: <${ADDRESS}>`);
      expect(text).toMatch(/with ESMTPSA/);
    });

    it('ends in the queue, and is done for good', async () => {
      await hand.button(page, 'Finish');
      await page.getByRole('navigation', { name: 'Folders' }).waitFor();
      await eventually(
        'it is remembered',
        async () => (await launched.profile.settings())['general']?.['welcomeDone'],
      ).toBe(true);
    });

    it('can be gone through again from the settings, and adds to what is there', async () => {
      const settings = await hand.settings(launched, page);
      await hand.press(settings, settings.getByRole('link', { name: 'General' }));
      await hand.button(settings, 'Set up again…');
      await settings.getByRole('heading', { level: 1, name: 'Setting up' }).waitFor();
      await hand.enter(settings, 'E-mail address', ADDRESS);
      await hand.button(settings, 'Find my gateway');
      await settings.getByText('Found in the DNS of office.test.').waitFor();
      await hand.button(settings, 'Close');
      await settings.getByRole('heading', { level: 1, name: 'General' }).waitFor();
      expect((await launched.profile.settings())['gateways']?.['list']).toHaveLength(1);
    });
  });

  describe.each([
    {
      language: 'en',
      words: {
        address: 'E-mail address',
        find: 'Find my gateway',
        question: 'Do you know this mail server?',
        sentence: 'The DNS says that the mail server of society.test is smtp.office.test.',
        use: 'Use smtp.office.test',
        form: 'Is this your gateway?',
        password: 'Password',
      },
    },
    {
      language: 'de',
      words: {
        address: 'E-Mail-Adresse',
        find: 'Mein Gateway finden',
        question: 'Kennen Sie diesen Mailserver?',
        sentence: 'Das DNS sagt, der Mailserver von society.test sei smtp.office.test.',
        use: 'smtp.office.test verwenden',
        form: 'Ist das Ihr Gateway?',
        password: 'Passwort',
      },
    },
  ])('a server outside of the domain of the address ($language)', ({ language, words }) => {
    const hand = hands.keyboard;
    const keep = keepUntilEnd();
    it('is asked about before there is a form for the password, and nothing is connected to', async () => {
      const { executable } = keep(withoutNames(electronPath()));
      const launched = keep(
        await launchApp({
          name: `stories/first-run-outside-${language}`,
          settings: { connection: { dnsServers: [dns.server] }, general: { welcomeDone: false, language } },
          executable,
        }),
      );
      const page = await launched.firstWindow();
      await hand.enter(page, words.address, 'ann@society.test');
      await hand.button(page, words.find);
      await headed(page, words.question);
      await page.getByRole('status').getByText(words.sentence).waitFor();
      expect(await page.getByLabel(words.password).count()).toBe(0);
      await picture(launched, page, 'asked');
      await hand.button(page, words.use);
      await headed(page, words.form);
      expect(await page.getByLabel(words.password).count()).toBe(1);
      expect((await launched.profile.settings())['gateways']).toBeUndefined();
    });
  });
});

describe('a gateway that wants a sign-in in the browser', () => {
  let gateway: ScriptedServer;
  let provider: ScriptedProvider;
  let launched: LaunchedApp;
  let page: Page;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    gateway = keep(
      await startScriptedServer({
        ...WILLING,
        EHLO: offering('AUTH XOAUTH2', '8BITMIME'),
        'AUTH XOAUTH2': '235 2.7.0 welcome',
      }),
    );
    provider = keep(await startScriptedProvider());
    launched = keep(await launchFirstRun('first-run-oauth', {}));
    page = await launched.firstWindow();
  });

  it('is saved, signed in to and tested without leaving the first run', async () => {
    const hand = hands.keyboard;
    const opened = await catchBrowser(launched);
    await hand.enter(page, 'E-mail address', ADDRESS);
    await hand.button(page, 'Enter by hand');
    await headed(page, 'Is this your gateway?');
    await page.getByLabel('Name').first().fill('Office');
    await page.getByLabel('Mail server').first().fill('127.0.0.1');
    await page.getByLabel('Port').first().fill(String(gateway.port));
    await page.getByLabel('Security').selectOption('None');
    await page.getByLabel('Sign-in', { exact: true }).selectOption('OAuth 2');
    await page.getByLabel('Allow sign-in over a connection that is not encrypted').check();
    await hand.enter(page, 'Provider', provider.issuer);
    await hand.enter(page, 'Client ID', 'client-1');
    await hand.button(page, 'Save and sign in…');
    const question = page.getByRole('alertdialog', { name: 'Store the sign-in without protection?' });
    await question.waitFor();
    await hand.press(page, question.getByRole('button', { name: 'Store it obfuscated' }));
    await eventually('the browser is opened', async () => (await opened()).length).toBe(1);
    expect((await provider.browser((await opened())[0] ?? '')).status).toBe(200);
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    await picture(launched, page, 'signed-in');
    await hand.button(page, 'Test and continue');
    await headed(page, 'Point your mail program at PostCast Server');
    expect(provider.given.length).toBeGreaterThan(0);
  });
});

describe('whoever does not want it', () => {
  let servers: Servers;
  let launched: LaunchedApp;
  let page: Page;
  const start = async (profile?: LaunchedApp['profile']): Promise<void> => {
    const more = profile === undefined ? {} : { profile };
    launched = await launchFirstRun('first-run-skipped', servers.connection, more);
    page = await launched.firstWindow();
  };
  beforeAll(async () => {
    servers = await startServers();
    await start();
  });
  afterAll(async () => {
    const { profile } = launched;
    await launched.close();
    await profile.remove();
    await servers.close();
  });

  it('sees the buttons of every step in the smallest window', async () => {
    await headed(page, 'Which address do you send mail from?');
    await launched.app.evaluate(({ BrowserWindow }) => {
      for (const window of BrowserWindow.getAllWindows()) window.setSize(900, 600);
    });
    await eventually('the window is small', () => page.evaluate(() => window.innerHeight)).toBeLessThanOrEqual(600);
    const seen = async (name: string) => {
      const place = await page.getByRole('button', { name, exact: true }).boundingBox();
      const height = await page.evaluate(() => window.innerHeight);
      expect(place, name).not.toBeNull();
      expect((place?.y ?? 0) + (place?.height ?? 0), name).toBeLessThanOrEqual(height);
    };
    for (const name of ['Find my gateway', 'Enter by hand', 'Go on without a gateway', 'Skip set-up']) await seen(name);
    await page.getByRole('button', { name: 'Enter by hand' }).click();
    await headed(page, 'Is this your gateway?');
    for (const name of ['Back', 'Test and continue', 'Skip set-up']) await seen(name);
    await page.getByRole('button', { name: 'Test and continue' }).click();
    await page.getByText('Give the gateway a name').waitFor();
    await eventually('the first wrong field has the focus', () =>
      page
        .getByLabel('Name')
        .first()
        .evaluate((field) => field === document.activeElement),
    ).toBe(true);
    await seen('Test and continue');
    await picture(launched, page, '1-low-window');
    await page.getByRole('button', { name: 'Back' }).click();
    await page.getByRole('button', { name: 'Go on without a gateway' }).click();
    await headed(page, 'Point your mail program at PostCast Server');
    for (const name of ['Back', 'Finish']) await seen(name);
    await page.getByRole('button', { name: 'Back' }).click();
  });

  it('skips it; it does not come back by itself, but by a button in the empty Outbox', async () => {
    await tabTo(page, page.getByRole('button', { name: 'Skip set-up' }));
    await page.keyboard.press('Enter');
    await page.getByRole('navigation', { name: 'Folders' }).waitFor();
    await eventually(
      'it is remembered',
      async () => (await launched.profile.settings())['general']?.['welcomeDone'],
    ).toBe(true);
    await page.getByRole('button', { name: 'Set up…' }).click();
    await page.getByRole('heading', { level: 1, name: 'Setting up' }).waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('navigation', { name: 'Folders' }).waitFor();
    await launched.quit();
    await start(launched.profile);
    await page.getByText('Nothing is waiting', { exact: true }).waitFor();
  });
});
