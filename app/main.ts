import { app, BrowserWindow } from 'electron';
import path from 'node:path';

const profile = process.argv[process.argv.indexOf('--profile') + 1];
if (process.argv.includes('--profile') && profile !== undefined) app.setPath('userData', path.resolve(profile));

await app.whenReady();
const window = new BrowserWindow({
  title: 'PostCast Server',
  width: 1280,
  height: 800,
  webPreferences: { preload: path.join(import.meta.dirname, '../preload/preload.cjs'), sandbox: true },
});
await window.loadFile(path.join(import.meta.dirname, '../renderer/index.html'));
