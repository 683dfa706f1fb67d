/** The first thing that a user does (issue: mail goes through), in the real window, with real servers and mail programs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { keepUntilEnd } from '../support/kept.ts';
import { launchApp, type LaunchedApp } from '../support/launch-app.ts';
import { canRunPostfix, startPostfix, type Postfix } from '../support/postfix.ts';
import { eventually, runCommand } from '../support/program.ts';
import { openFolder, openSettings, row } from './stories/support.ts';

const PASSWORD = 'open sesame';
const folder = mkdtempSync(path.join(tmpdir(), 'first-mail-'));
let postfix: Postfix;
let launched: LaunchedApp;
let main: Page;
let settings: Page;

const crlf = (...lines: readonly string[]): string => lines.map((line) => `${line}\r\n`).join('');
const headers = (subject: string, ...more: readonly string[]): readonly string[] => [
  'From: Ann <ann@client.test>',
  'To: undisclosed-recipients:;',
  `Subject: ${subject}`,
  'Date: Mon, 23 Nov 2026 10:00:00 +0100',
  `Message-ID: <${subject.replaceAll(' ', '-')}@client.test>`,
  ...more,
  '',
];
const attachment = Buffer.alloc(10_000_000, 'PostCast attachment \0\x01\x02\xff', 'latin1')
  .toString('base64')
  .replaceAll(/.{76}/g, '$&\r\n');

/** The five messages; latin1, so that every character is an octet. */
const MESSAGES = [
  {
    subject: 'plain',
    from: 'ann@client.test',
    to: ['bob@local.test'],
    bytes: crlf(...headers('plain'), 'Hello Bob,', '.a line with a dot', '', '..', 'Ann'),
  },
  {
    subject: 'ten megabytes',
    from: 'ann@client.test',
    to: ['bob@local.test'],
    bytes: crlf(
      ...headers('ten megabytes', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=part'),
      '--part',
      'Content-Type: text/plain',
      '',
      'The pictures are attached.',
      '--part',
      'Content-Type: application/octet-stream; name="pictures.bin"',
      'Content-Disposition: attachment; filename="pictures.bin"',
      'Content-Transfer-Encoding: base64',
      '',
      attachment,
      '--part--',
    ),
  },
  {
    subject: 'eight bits',
    from: 'ann@client.test',
    to: ['bob@local.test'],
    bytes: crlf(
      ...headers(
        'eight bits',
        'MIME-Version: 1.0',
        'Content-Type: text/plain; charset=utf-8',
        'Content-Transfer-Encoding: 8bit',
      ),
      Buffer.from('Grüße aus Köln, 東京 und Ελλάδα', 'utf8').toString('latin1'),
      'and some octets that are no UTF-8: \xe4\xf6\xfc\xff',
    ),
  },
  {
    subject: 'international',
    // swaks knows nothing of SMTPUTF8, so the parameters of MAIL travel inside its address; its own `>` ends the ENVID.
    from: 'ann@client.test> SMTPUTF8 ENVID=first-mail',
    to: ['jürgen@local.test'],
    bytes: crlf(...headers('international'), 'Hello Jürgen'.replace('ü', 'u')),
  },
  {
    subject: 'one is refused',
    from: 'ann@client.test',
    to: ['bob@local.test', 'nobody@local.test', 'eve@local.test'],
    bytes: crlf(...headers('one is refused'), 'Hello all three of you.'),
  },
] as const;

describe.skipIf(!canRunPostfix())('the first mail', { timeout: 120_000 }, () => {
  const keep = keepUntilEnd();
  beforeAll(async () => {
    keep({ close: () => rmSync(folder, { recursive: true, force: true }) });
    const certificates = await makeCertificates();
    postfix = keep(await startPostfix({ user: 'ann', password: PASSWORD, certificate: certificates.good }));
    const authority = path.join(folder, 'authority.pem');
    writeFileSync(authority, certificates.ca);
    launched = keep(await launchApp({ name: 'first-mail', env: { NODE_EXTRA_CA_CERTS: authority } }));
    main = await launched.firstWindow();
  });

  const shot = (page: Page, label: string): Promise<string> => launched.screenshot(page, label);

  it('opens with an empty Outbox that says where mail goes in', async () => {
    await main.getByText(`localhost, port ${launched.profile.port}`).waitFor();
    await shot(main, '01-empty-outbox');
  });

  it('a gateway is added by clicking and typing, and its test says that it works', async () => {
    settings = await openSettings(launched, main);
    await shot(settings, '02-no-gateway-yet');
    await settings.getByRole('button', { name: 'Add gateway' }).click();
    const dialog = settings.getByRole('dialog');
    await dialog.getByLabel(/^Name/).fill('Office');
    await dialog.getByLabel('Mail server').fill('127.0.0.1');
    await dialog.getByLabel('Port').fill(String(postfix.port));
    await dialog.getByLabel('Security').selectOption('STARTTLS required');
    await dialog.getByLabel('User name').fill('ann');
    await dialog.getByLabel('Password', { exact: true }).fill('wrong');
    await dialog.getByRole('button', { name: 'Test' }).click();
    await dialog.getByText('This gateway does not work').waitFor();
    await shot(settings, '03-test-with-a-wrong-password');
    await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await dialog.getByRole('button', { name: 'Test' }).click();
    await dialog.getByText('This gateway works').waitFor();
    await shot(settings, '04-test-works');
    await dialog.getByRole('button', { name: 'Add' }).click();
  });

  it('without a key ring it asks before it keeps the password, and keeps nothing if told not to', async () => {
    const question = settings.getByRole('alertdialog');
    await question.getByText('Store the password without protection?').waitFor();
    await shot(settings, '05-no-key-ring');
    await question.getByRole('button', { name: 'Do not store' }).click();
    const dialog = settings.getByRole('dialog');
    expect(await dialog.getByLabel('Mail server').inputValue()).toBe('127.0.0.1');
    expect(await settings.getByRole('button', { name: 'Edit Office' }).count()).toBe(0);
    await dialog.getByRole('button', { name: 'Add' }).click();
    await question.getByRole('button', { name: 'Store it obfuscated' }).click();
    await settings.getByRole('button', { name: 'Edit Office' }).waitFor();
    await shot(settings, '06-gateway-added');
  });

  it('the mode is chosen with one click', async () => {
    await settings.getByRole('radio', { name: 'Always use SMTP gateways' }).click();
    await eventually('the mode is saved', async () => (await launched.profile.settings())['gateways']?.['mode']).toBe(
      'always',
    );
    await shot(settings, '07-mode-always');
    await settings.close();
  });

  it('what swaks hands over is in the Outbox', async () => {
    await main.getByRole('button', { name: 'Pause' }).click();
    await main.getByRole('button', { name: 'Resume' }).waitFor();
    for (const { subject, from, to, bytes } of MESSAGES) {
      const file = path.join(folder, `${subject}.eml`);
      // swaks ends the last line itself.
      writeFileSync(file, bytes.slice(0, -2), 'latin1');
      const sent = await runCommand('swaks', [
        ...['--server', '127.0.0.1', '--port', String(launched.profile.port), '--helo', 'client.test'],
        ...['--from', from, '--to', to.join(','), '--data', `@${file}`, '--silent', '2'],
      ]);
      expect(sent, `${subject}: ${sent.stdout}${sent.stderr}`).toMatchObject({ code: 0 });
    }
    for (const { subject } of MESSAGES) await row(main, subject).waitFor();
    await shot(main, '08-outbox-paused');
    expect(await main.getByRole('row').count()).toBe(1 + MESSAGES.length);
  });

  it('the table shows it in Sent once it is resumed, the refused one in Bad', async () => {
    await main.getByRole('button', { name: 'Resume' }).click();
    await main.getByText('Nothing is waiting').waitFor();
    await shot(main, '09-outbox-empty-again');
    await openFolder(main, 'Sent');
    for (const { subject } of MESSAGES.slice(0, 4)) await row(main, subject).waitFor();
    expect(await main.getByRole('row').count()).toBe(5);
    await row(main, 'ten megabytes').click();
    await main.getByText('Sent through “Office” because all mail goes through gateways.').waitFor();
    await shot(main, '10-sent');
    await openFolder(main, 'Bad');
    await row(main, 'one is refused').click();
    const recipients = main.getByRole('tabpanel').getByRole('listitem');
    await recipients.nth(2).waitFor();
    const words = await recipients.allInnerTexts();
    expect(words.map((text) => text.split('\n')[0])).toEqual(['Relayed', 'Bad', 'Relayed']);
    expect(words[1]).toContain('nobody@local.test');
    expect(words[1]).toMatch(/550 5\.1\.1 .*No such user/);
    await shot(main, '11-bad-with-the-words-of-the-server');
    await main.getByRole('tab', { name: 'Timeline' }).click();
    await main.getByRole('tabpanel').getByText('TLSv1.3').waitFor();
    await shot(main, '12-bad-timeline');
    await main.getByRole('tab', { name: 'Message' }).click();
    await main.getByText('Hello all three of you.').waitFor();
    await shot(main, '13-bad-message');
  });

  it('the octets that arrived are those that were sent, below the lines of the servers', async () => {
    // Bob got four, Jürgen one, Eve one.
    await eventually('all copies are in the mailbox', () => postfix.messages().length).toBe(6);
    const arrived = postfix.messages().map((text) => text.replaceAll('\n', '\r\n'));
    for (const { subject, to, bytes } of MESSAGES) {
      const copies = arrived.filter((text) => text.endsWith(bytes));
      expect(copies, subject).toHaveLength(to.filter((one) => !one.startsWith('nobody')).length);
      for (const copy of copies) {
        const above = copy.slice(0, copy.length - bytes.length).replaceAll(/\r\n[ \t]+/g, ' ');
        const names = above.split('\r\n').map((line) => line.split(':')[0]);
        // Postfix's three and its Received, ours, nothing else.
        expect(names, subject).toEqual(['Return-Path', 'X-Original-To', 'Delivered-To', 'Received', 'Received', '']);
        expect(above).toContain('Return-Path: <ann@client.test>');
      }
    }
    const addressed = arrived.map((text) => /^X-Original-To: (.*)\r$/m.exec(text)?.[1]).sort();
    expect(addressed.map((one) => Buffer.from(one ?? '', 'latin1').toString('utf8'))).toEqual(
      ['bob', 'bob', 'bob', 'bob', 'eve', 'jürgen'].map((name) => `${name}@local.test`),
    );
  });

  it('the password stands in no file that says what it is', async () => {
    const found = await runCommand('grep', ['-rl', '--binary-files=text', PASSWORD, launched.profile.folder]);
    expect(found.stdout).toBe('');
  });
});
