// How long it takes from asking for the window to its first drawing, which has the rows (renderer/prefetch-window.ts), with
// 100,000 messages in the Outbox and no debugger attached. After `npm run build`:
//   POSTCAST_TEST_ELECTRON=path/to/electron npx tsx test/bench/opening.ts
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fillOutbox } from '../support/many-messages.ts';
import { electronPath, makeProfile } from '../support/program.ts';
import { startXvfb } from '../support/xvfb.ts';
import { median } from './report.ts';

const COUNT = 100_000;
const OPENINGS = 9;
const root = path.resolve(import.meta.dirname, '../..');
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const display = await startXvfb();
const profile = await makeProfile({ dialUp: { requireConnection: true } });
const folder = mkdtempSync(path.join(tmpdir(), 'opening-'));
try {
  await fillOutbox(profile.folder, COUNT);
  for (const name of ['out', 'assets']) cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  copyFileSync(path.join(import.meta.dirname, 'opening-entry.mjs'), path.join(folder, 'out/main/opening-entry.mjs'));
  const description = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as object;
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ ...description, main: 'out/main/opening-entry.mjs' }),
  );
  const program = spawn(
    electronPath(),
    [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), folder, '--profile', profile.folder, '--hidden'],
    {
      env: { ...process.env, DISPLAY: display.display, OPENINGS: String(OPENINGS) },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const ended = once(program, 'exit');
  const times: number[] = [];
  for await (const line of createInterface({ input: program.stdout })) {
    if (!line.startsWith('opened ')) continue;
    const { ms, cells } = JSON.parse(line.slice('opened '.length)) as { ms: number; cells: number };
    if (cells === 0) throw new Error('There are no rows in what was painted.');
    times.push(ms);
  }
  await ended;
  say(
    `asked for → first drawing, ${times.length} times: ${times.map(Math.round).join(', ')} ms; median ${Math.round(median(times))} ms`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
  await profile.remove();
  await display.close();
}
