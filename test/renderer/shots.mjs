// Pictures of every page, dialog and empty state over the mock bridge; checks each with axe.
// Usage: node test/renderer/shots.mjs [name filter]; needs `vite build -c test/renderer/vite.mock.config.ts` and a chromium.
import { AxeBuilder } from '@axe-core/playwright';
import { createReadStream, existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { chromium } from 'playwright-core';

const root = path.join(import.meta.dirname, '../../test-output/renderer-mock');
const out = path.join(import.meta.dirname, '../../test-output/shots');
const only = process.argv[2] ?? '';
mkdirSync(out, { recursive: true });
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const server = createServer((request, response) => {
  const file = path.join(root, path.normalize(new URL(request.url ?? '/', 'http://localhost').pathname));
  if (!file.startsWith(root) || !existsSync(file)) return void response.writeHead(404).end();
  response.writeHead(200, { 'content-type': types[path.extname(file)] ?? 'application/octet-stream' });
  createReadStream(file).pipe(response);
});
await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)));
const address = server.address();
const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/mock.html`;

const row = (n) => async (page) => page.locator(`[role=row][id=row-${n}]`).click();
const folder = (name) => async (page) => page.getByRole('navigation').getByRole('button', { name }).click();
const tab = (name) => async (page) => page.getByRole('tab', { name }).click();
const button = (name) => async (page) => page.getByRole('button', { name }).first().click();
const gateways = '#/settings/gateways';
const scenes = [
  ['queue', '', '', []],
  ['queue-message', '', '', [row(2)]],
  ['queue-timeline', '', '', [row(3), tab('Timeline')]],
  ['queue-preview', '', '', [row(2), tab('Message')]],
  ['queue-html', '', '', [row(2), tab('Message'), async (page) => page.getByRole('switch').click()]],
  ['queue-source', '', '', [row(2), tab('Source')]],
  ['queue-bad', '', '', [folder('Bad'), row(1)]],
  ['queue-sent', '', '', [folder('Sent'), row(5)]],
  ['queue-multi', '', '', [row(1), async (page) => page.locator('#row-5').click({ modifiers: ['Shift'] })]],
  ['queue-menu', '', '', [async (page) => page.locator('#row-4').click({ button: 'right' })]],
  ['queue-columns', '', '', [button('Columns')]],
  ['queue-search-none', '', '', [async (page) => page.getByRole('searchbox').fill('zzzz')]],
  ['queue-resend', '', '', [row(3), button('Edit recipients')]],
  ['queue-deleted', '', '', [folder('Deleted')]],
  ['queue-toast', '', '', [row(3), async (page) => page.keyboard.press('Delete')]],
  ['empty-outbox', 'done', '', []],
  ['activity', '', '', [button('Activity')]],
  ['welcome', 'empty', '', []],
  [
    'welcome-gateway',
    'empty',
    '',
    [
      async (page) => page.getByRole('textbox', { name: 'E-mail address' }).fill('anna@harbour-office.test'),
      button('Find my gateway'),
      async (page) => page.getByRole('textbox', { name: 'Mail server' }).waitFor(),
    ],
  ],
  ['welcome-program', 'empty', '', [button('Go on without a gateway')]],
  ['german', 'german', '', [row(2)]],
  ['german-gateways', 'german', gateways, []],
  ['settings-search', '', gateways, [async (page) => page.getByRole('searchbox').fill('log')]],
  [
    'queue-for-good',
    '',
    '',
    [
      row(3),
      async (page) => page.keyboard.press('Delete'),
      folder('Deleted'),
      row(0),
      async (page) => page.keyboard.press('Delete'),
    ],
  ],
  ['failed', 'failed', '', []],
  ['unreadable', 'unreadable', '', []],
  ['gateways', '', gateways, []],
  [
    'gateways-list',
    '',
    gateways,
    [async (page) => page.getByRole('list', { name: 'Gateways' }).scrollIntoViewIfNeeded()],
  ],
  ['gateways-domains', '', gateways, [async (page) => page.getByText('only to specified domains').click()]],
  ['gateways-always', '', gateways, [async (page) => page.getByText('Always use SMTP').click()]],
  ['gateways-undelivered', '', gateways, [async (page) => page.getByText('for undelivered').click()]],
  ['gateways-empty', 'empty', gateways, []],
  [
    'gateway-add',
    '',
    gateways,
    [
      button('Add gateway'),
      async (page) => page.getByRole('textbox', { name: 'Port' }).fill('99999'),
      async (page) => page.getByRole('textbox', { name: 'Mail server' }).fill('bad host'),
    ],
  ],
  [
    'gateway-test',
    '',
    gateways,
    [button('Edit Office'), async (page) => page.getByRole('button', { name: 'Test', exact: true }).click()],
  ],
  [
    'gateway-consent',
    'consent',
    gateways,
    [
      button('Edit Office'),
      async (page) => page.getByRole('dialog').getByLabel('Password').fill('x'),
      async (page) => page.getByRole('button', { name: 'Save', exact: true }).click(),
    ],
  ],
  ...['administration', 'dial-up', 'server', 'connection', 'security', 'general', 'networks'].map((name) => [
    name,
    '',
    `#/settings/${name}`,
    [],
  ]),
  ['server-wrong', '', '#/settings/server', [async (page) => page.getByLabel('Port').fill('70000')]],
];
const looks = [
  ['light', 1280, 800],
  ['dark', 1280, 800],
  ['light', 900, 600],
];
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
let faults = 0;
for (const [scheme, width, height] of looks) {
  for (const [name, scene, hash, steps] of scenes) {
    if (only !== '' && !new RegExp(only).test(`${name}-${scheme}-${width}`)) continue;
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      locale: 'en-GB',
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        console.log(`${name}: ${message.text().slice(0, 300)}`);
    });
    page.on('pageerror', (error) => console.log(`${name}: ${error.message}`));
    await page.goto(`${base}?scene=${scene}${hash}`);
    await page.waitForSelector('main, [role=alert]');
    try {
      for (const step of steps) await step(page);
    } catch (error) {
      faults++;
      console.log(`${name}-${scheme}-${width}: ${String(error).split('\n')[0]}`);
    }
    await page.waitForTimeout(250);
    await page.screenshot({ path: path.join(out, `${name}-${scheme}-${width}.png`) });
    if (width === 1280) {
      const { violations } = await new AxeBuilder({ page }).exclude('iframe').analyze();
      for (const violation of violations) {
        faults++;
        console.log(
          `axe ${name}-${scheme}: ${violation.id}: ${violation.nodes
            .slice(0, 2)
            .map((node) => `${node.target.join(' ')} ${node.failureSummary?.split('\n')[1] ?? ''}`)
            .join(' | ')
            .slice(0, 400)}`,
        );
      }
    }
    await context.close();
  }
}
await browser.close();
server.close();
console.log(`${faults} faults`);
process.exitCode = faults === 0 ? 0 : 1;
