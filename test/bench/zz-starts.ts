// usage: tsx starts.ts N rootA rootB ... : start -> greeting in turns, with PSS after SETTLE
import { startXvfb } from '/work/wt/thread/test/support/xvfb.ts';
import { startEmptyTray } from '/work/wt/thread/test/bench/electron.ts';
import { freePort, start, untilGreeting, pssOf } from '/work/wt/thread/test/bench/processes.ts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
const executable = process.env['POSTCAST_TEST_ELECTRON']!;
const [n, settle, ...roots] = process.argv.slice(2);
const display = await startXvfb();
const res: Record<string, number[]> = {}, mem: Record<string, number[]> = {};
for (let i = 0; i < Number(n); i++) {
  for (const root of ['tray', ...roots]) {
    if (root === 'tray') {
      const s = await startEmptyTray({ executable, display: display.display });
      (res[root] ??= []).push(Math.round(s.startMs));
      if (Number(settle)) { await pause(Number(settle)); (mem[root] ??= []).push(Math.round(pssOf(s.pid).bytes / 1e6)); }
      await s.end();
      continue;
    }
    const profile = await mkdtemp('/tmp/thr-p-');
    const port = await freePort();
    await writeFile(path.join(profile, 'settings.json'), JSON.stringify({ version: 1, security: { captivePortalProbe: false }, server: { host: ['127.0.0.1'], port, hostname: 'laptop.bench.test' }, gateways: { mode: 'always', list: [{ id: 'sink', name: 'Sink', host: '127.0.0.1', port: 9, security: 'none', auth: 'none' }] } }));
    const since = performance.now();
    const p = start(executable, ['--no-sandbox', '--password-store=basic', root, '--profile', profile, '--hidden'], { cwd: root, env: { ...process.env, DISPLAY: display.display } });
    const ms = await untilGreeting(port, since, p);
    (res[root] ??= []).push(Math.round(ms));
    if (Number(settle)) { await pause(Number(settle)); (mem[root] ??= []).push(Math.round(pssOf(p.pid).bytes / 1e6)); }
    await p.end();
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
const med = (a: number[]) => [...a].sort((x, y) => x - y)[Math.floor(a.length / 2)];
for (const k of Object.keys(res)) console.log(k, 'start', med(res[k]!), res[k]!.join(' '), mem[k] ? `mem ${med(mem[k]!)} ${mem[k]!.join(' ')}` : '');
await display.close();
