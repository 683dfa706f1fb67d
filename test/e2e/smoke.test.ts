import { statSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { keepUntilEnd } from '../support/kept.ts';
import { launchApp, type LaunchedApp } from '../support/launch-app.ts';

let launched: LaunchedApp;
const keep = keepUntilEnd();
beforeAll(async () => {
  launched = keep(await launchApp({ name: 'smoke' }));
});

it('opens its window in real Electron', async () => {
  const window = await launched.firstWindow();
  await window.waitForLoadState();
  expect(await window.title()).toBe('PostCast Server');
  expect(statSync(await launched.screenshot(window, 'window')).size).toBeGreaterThan(0);
});

it('keeps Node.js out of the window', async () => {
  const window = await launched.firstWindow();
  expect(await window.evaluate(() => 'process' in globalThis || 'require' in globalThis)).toBe(false);
});
