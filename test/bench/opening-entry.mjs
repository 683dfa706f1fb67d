// The program's entry with a hand on the clock: asks for the window as a click on the icon does and tells, without any
// debugger attached, when the page painted first. Put in the place of the program's entry by opening.ts.
import { app, BrowserWindow } from 'electron';
import { setTimeout as pause } from 'node:timers/promises';
import './main.js';

const PAINT =
  "[performance.timeOrigin + performance.getEntriesByName('first-contentful-paint')[0].startTime, document.querySelectorAll('[role=gridcell]').length]";

async function openAndClose() {
  await app.whenReady();
  await pause(4000);
  for (let n = 0; n < Number(process.env.OPENINGS); n++) {
    const asked = performance.timeOrigin + performance.now();
    app.emit('activate');
    await pause(2500);
    const [window] = BrowserWindow.getAllWindows();
    const [painted, cells] = await window.webContents.executeJavaScript(PAINT);
    process.stdout.write(`opened ${JSON.stringify({ ms: painted - asked, cells })}\n`);
    window.close();
    await pause(700);
  }
  app.quit();
}

void openAndClose();
