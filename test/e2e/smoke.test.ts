import { statSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchApp, type LaunchedApp } from '../support/launch-app.ts';

let launched: LaunchedApp;
beforeAll(async () => {
  launched = await launchApp({ name: 'smoke' });
});
afterAll(() => launched.close());

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
