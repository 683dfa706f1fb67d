/** What a page or a message might try in a window, and cannot (standards §3: IPC abuse, hostile HTML). */
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { keepUntilEnd } from '../support/kept.ts';
import { launchApp, type LaunchedApp } from '../support/launch-app.ts';
import { eventually, root, runCommand } from '../support/program.ts';

let launched: LaunchedApp;
let window: Page;
/** A server that a hostile page would like to be asked. */
const asked: string[] = [];
const canary = http.createServer((request, response) => {
  asked.push(request.url ?? '');
  response.end('window.ran = true');
});
let outside: string;

/** What the main process noticed; put there by the hook in beforeAll. */
interface Noticed {
  readonly opened: string[];
  readonly navigations: { readonly url: string; readonly prevented: boolean }[];
}
const noticed = (): Promise<Noticed> =>
  launched.app.evaluate(() => (globalThis as unknown as { noticed: Noticed }).noticed);

const keep = keepUntilEnd();
beforeAll(async () => {
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
  keep({ close: () => new Promise((resolve) => canary.close(resolve)) });
  outside = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`;
  launched = keep(await launchApp({ name: 'hostile', settings: { gateways: { mode: 'always' } } }));
  window = await launched.firstWindow();
  await window.getByRole('button', { name: 'Send now' }).waitFor();
  await launched.app.evaluate(({ BrowserWindow, shell }) => {
    const seen: Noticed = { opened: [], navigations: [] };
    (globalThis as unknown as { noticed: Noticed }).noticed = seen;
    shell.openExternal = (url) => {
      seen.opened.push(url);
      return Promise.resolve();
    };
    BrowserWindow.getAllWindows()[0]?.webContents.on('will-frame-navigate', (event) => {
      seen.navigations.push({ url: event.url, prevented: event.defaultPrevented });
    });
  });
});

describe('the bridge', () => {
  it.each([
    ['an unknown call', `'no.such', {}`],
    ['a name from the prototype', `'constructor', {}`],
    ['a name that is no text', `{ toString: null }, {}`],
    ['no input', `'queue.list'`],
    ['input of another kind', `'queue.list', 'outbox'`],
    ['a wrong value', `'queue.list', { folder: 'attic' }`],
    ['a path instead of an id', `'queue.show', { id: '../../../etc/passwd' }`],
    ['an address that is no web page', `'app.openExternal', { url: 'file:///etc/passwd' }`],
    ['an endless text', `'app.copy', { text: 'x'.repeat(5_000_000) }`],
    [
      'a wrong setting',
      `'settings.set', { changes: [{ path: 'server.port', value: { $gt: 0 } }, { path: '__proto__.x', value: 1 }] }`,
    ],
  ])('%s is refused with a Result', async (_, call) => {
    const result = await window.evaluate(`window.postcast.call(${call})`);
    const { ok, value } = result as { ok: boolean; value?: { saved?: boolean } };
    expect(ok && value?.saved !== false, JSON.stringify(result)).toBe(false);
    expect(await window.evaluate(`window.postcast.call('status.get', {}).then((answer) => answer.ok)`)).toBe(true);
  });

  it('answers nobody but the top frame of our own pages', async () => {
    const answer = await launched.app.evaluate(
      async ({ BrowserWindow }, preload) => {
        const foreign = new BrowserWindow({ show: false, webPreferences: { preload, sandbox: true } });
        await foreign.loadURL('data:text/html,<p>foreign</p>');
        const said: unknown = await foreign.webContents.executeJavaScript(`window.postcast.call('status.get', {})`);
        foreign.destroy();
        return said;
      },
      path.join(root, 'out/preload/preload.cjs'),
    );
    expect(answer).toMatchObject({ ok: false, error: { code: 'forbidden' } });
  });
});

describe('a page that was taken over', () => {
  it('opens no window; a web address goes to the browser, nothing else goes anywhere', async () => {
    for (const url of [
      'https://elsewhere.invalid/',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'smb://elsewhere.invalid/',
    ]) {
      expect(await window.evaluate((address) => globalThis.open(address) === null, url), url).toBe(true);
    }
    await eventually('the browser was asked for', async () => (await noticed()).opened).toEqual([
      'https://elsewhere.invalid/',
    ]);
    expect(launched.app.windows()).toHaveLength(1);
  });

  it('has a policy that runs no script but ours and asks nobody', async () => {
    const policy = await window.evaluate(async () =>
      (await fetch('/index.html')).headers.get('content-security-policy'),
    );
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/script-src 'self'(;|$)/);
    const tried = await window.evaluate(async (url) => {
      const inline = document.createElement('script');
      inline.textContent = 'globalThis.ranInline = true';
      document.head.append(inline);
      const loaded = (make: () => HTMLElement): Promise<string> =>
        new Promise((resolve) => {
          const element = make();
          element.onload = () => resolve('loaded');
          element.onerror = () => resolve('refused');
          document.head.append(element);
        });
      return {
        inline: 'ranInline' in globalThis,
        script: await loaded(() => Object.assign(document.createElement('script'), { src: `${url}/script` })),
        picture: await loaded(() => Object.assign(document.createElement('img'), { src: `${url}/picture` })),
        fetch: await fetch(`${url}/fetch`).then(
          () => 'loaded',
          () => 'refused',
        ),
        eval: ((): string => {
          try {
            // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- that is the test
            return String(new Function('return "ran"')());
          } catch {
            return 'refused';
          }
        })(),
        node: 'process' in globalThis || 'require' in globalThis,
      };
    }, outside);
    expect(tried).toEqual({
      inline: false,
      script: 'refused',
      picture: 'refused',
      fetch: 'refused',
      eval: 'refused',
      node: false,
    });
    expect(asked).toEqual([]);
  });
});

it('a hostile message is shown, loads nothing and runs nothing', async () => {
  const html = `<html><head>
    <base href="${outside}/">
    <meta http-equiv="refresh" content="0;url=${outside}/refresh">
    <link rel="stylesheet" href="${outside}/link.css"><link rel="prefetch" href="${outside}/prefetch">
    <style>@import "${outside}/import.css"; body { background: url(${outside}/background) } @font-face { font-family: x; src: url(${outside}/font) } p { font-family: x }</style>
    <script>parent.ran = true</script><script src="${outside}/script.js"></script></head>
    <body onload="parent.ran = true" background="${outside}/body">
    <p>Look at me</p><a href="${outside}/link">click here</a><a href="javascript:parent.ran=true">and here</a>
    <img src="${outside}/picture"><img src="x:" onerror="parent.ran = true"><img srcset="${outside}/set 2x">
    <svg onload="parent.ran = true"><image href="${outside}/svg"/><script>parent.ran = true</script></svg>
    <iframe src="${outside}/frame"></iframe><iframe srcdoc="<script>top.ran = true</script>"></iframe>
    <object data="${outside}/object"></object><embed src="${outside}/embed">
    <video poster="${outside}/poster" src="${outside}/video" autoplay></video><audio src="${outside}/audio" autoplay></audio>
    <form action="${outside}/form"><input autofocus onfocus="parent.ran = true"><button>send</button></form>
    <math><mtext></mtext><mglyph><style><img src="x:" onerror="parent.ran = true"></style></mglyph></math>
    <div style="background-image: url('${outside}/style')">styled</div></body></html>`;
  const file = path.join(launched.profile.folder, 'hostile.eml');
  const header = 'From: eve@client.test\r\nTo: bob@local.test\r\nSubject: <b onclick=alert(1)>hostile</b>\r\n';
  await writeFile(
    file,
    `${header}MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n${html.replaceAll('\n', '\r\n')}`,
  );
  const sent = await runCommand('swaks', [
    ...['--server', '127.0.0.1', '--port', String(launched.profile.port), '--helo', 'client.test', '--silent', '2'],
    ...['--from', 'eve@client.test', '--to', 'bob@local.test', '--data', `@${file}`],
  ]);
  expect(sent, sent.stderr).toMatchObject({ code: 0 });
  await window.getByRole('row', { name: 'hostile' }).click();
  await window.getByRole('tab', { name: 'Message' }).click();
  const frame = window.locator('iframe');
  expect(await frame.getAttribute('sandbox')).toBe('');
  const inside = frame.contentFrame();
  await inside.getByText('Look at me').waitFor();
  // Whatever the frame loads, it has loaded by then.
  await eventually('it is all there', () => inside.locator('html').evaluate(() => document.readyState)).toBe(
    'complete',
  );
  await inside.getByText('click here').click();
  await inside.getByText('and here').click();
  await launched.screenshot(window, 'hostile-message');
  expect(await window.evaluate(() => 'ran' in globalThis)).toBe(false);
  expect(asked).toEqual([]);
  expect((await noticed()).opened).toEqual(['https://elsewhere.invalid/']);
  expect(launched.app.windows()).toHaveLength(1);
});

// The last one: Playwright takes the page for one that is on its way, and waits with every locator.
it('a page cannot go elsewhere', async () => {
  const before = window.url();
  await window.evaluate((url) => {
    globalThis.location.href = url;
  }, `${outside}/navigate`);
  await eventually('it tried', async () => (await noticed()).navigations).toContainEqual({
    url: `${outside}/navigate`,
    prevented: true,
  });
  expect(window.url()).toBe(before);
  expect(await window.evaluate(`window.postcast.call('status.get', {}).then((answer) => answer.ok)`)).toBe(true);
});
