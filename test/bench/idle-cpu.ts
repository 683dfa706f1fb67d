// What the program costs while nothing happens: processor time and wake-ups of all its processes over a while, with the
// network monitor on and a network there. Three subjects, one after the other: the engine in plain Node.js, the built
// program in Electron (hidden, no window), and the empty Electron tray program, which is Electron's own share.
// Linux, root. Started by `npx tsx test/bench/idle-cpu.ts [--seconds 60] [--only node,program,tray] [--threads]`.
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import setUpElectron from '../support/e2e-setup.ts';
import { startElectronInLab } from '../support/electron-in-lab.ts';
import { bundleProgram, startGateway, startProgramInLab } from '../support/laptop.ts';
import { createNetworkLab, labMissing, networkOf, type NetworkLab } from '../support/netns.ts';
import { electronPath } from '../support/program.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    only: { type: 'string', default: 'node,program,tray' },
    threads: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const wanted = values.only.split(',');
const missing = labMissing();
if (missing !== null) throw new Error(missing);

/** Clock ticks are hundredths of a second on every Linux that Node runs on (sysconf(_SC_CLK_TCK)). */
const TICKS = 100;
/** Connections are kept a while after their last message, and Chromium has things to do after its start. */
const SETTLE_MS = 20_000;

interface Subject {
  readonly pid: number;
  stop(): Promise<void>;
}

/** The process and what it started, all the way down. */
function family(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), Number(fieldsOf(`/proc/${name}/stat`)[1]));
    } catch {
      // It ended meanwhile.
    }
  }
  const members = [pid];
  for (const member of members) for (const [child, parent] of parents) if (parent === member) members.push(child);
  return members;
}

/** The fields of a stat file behind the name (which may hold blanks): state, parent, … */
function fieldsOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

interface Thread {
  readonly name: string;
  readonly ticks: number;
  readonly wakeUps: number;
}

interface Spent {
  readonly ticks: number;
  readonly threads: ReadonlyMap<string, Thread>;
}

/** Ticks of processor time of the processes, and what each of their threads did. */
function spent(pids: readonly number[]): Spent {
  let ticks = 0;
  const threads = new Map<string, Thread>();
  for (const pid of pids) {
    const fields = fieldsOf(`/proc/${pid}/stat`);
    // utime and stime are the 14th and 15th field, waited-for children (commands that were run) the 16th and 17th.
    for (const index of [11, 12, 13, 14]) ticks += Number(fields[index]);
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const folder = `/proc/${pid}/task/${thread}`;
      const own = fieldsOf(`${folder}/stat`);
      threads.set(`${pid}/${thread}`, {
        name: readFileSync(`${folder}/comm`, 'utf8').trim(),
        ticks: Number(own[11]) + Number(own[12]),
        wakeUps: Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync(`${folder}/status`, 'utf8'))?.[1] ?? 0),
      });
    }
  }
  return { ticks, threads };
}

async function measure(name: string, subject: Subject): Promise<void> {
  await pause(SETTLE_MS);
  const members = family(subject.pid);
  const before = spent(members);
  await pause(seconds * 1000);
  const now = family(subject.pid);
  if (now.join() !== members.join()) console.log(`(its processes changed: ${members.join()} -> ${now.join()})`);
  const after = spent(members);
  const cpuMs = ((after.ticks - before.ticks) * 1000) / TICKS;
  const woken = [...after.threads]
    .map(([thread, { name: called, ticks, wakeUps }]) => ({
      thread,
      called,
      ticks: ticks - (before.threads.get(thread)?.ticks ?? 0),
      wakeUps: wakeUps - (before.threads.get(thread)?.wakeUps ?? 0),
    }))
    .sort((a, b) => b.wakeUps - a.wakeUps);
  const [busiest] = woken;
  console.log(
    `${name}, idle for ${seconds} s: ${cpuMs} ms of processor time in ${members.length} processes = ${((cpuMs / (seconds * 1000)) * 100).toFixed(3)} %; ` +
      `${woken.reduce((sum, { wakeUps }) => sum + wakeUps, 0)} wake-ups of ${woken.length} threads, ` +
      `${busiest?.wakeUps ?? 0} of the busiest, ${busiest?.called ?? ''} (a timer of one second would make ${seconds})`,
  );
  if (!values.threads) return;
  for (const { thread, called, ticks, wakeUps } of woken)
    if (ticks > 0 || wakeUps > 0) console.log(`  ${thread} ${called}: ${wakeUps} wake-ups, ${ticks * 10} ms`);
}

async function startEmptyTray(lab: NetworkLab): Promise<Subject> {
  const folder = mkdtempSync(path.join(tmpdir(), 'postcast-bench-'));
  const child = lab.start(
    lab.laptop,
    electronPath(),
    [
      ...['--no-sandbox', '--password-store=basic', `--user-data-dir=${folder}`],
      ...[path.join(import.meta.dirname, 'empty-tray'), '--port', '2526'],
    ],
    { env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nonexistent/bus' } },
  );
  child.stdout.resume();
  child.stderr.resume();
  return {
    pid: child.pid ?? -1,
    async stop() {
      const over = once(child, 'close');
      child.kill('SIGTERM');
      await over;
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}

/** In a laptop that is plugged in at a provider; the program has sent one message before. */
async function inLab(name: string, start: (lab: NetworkLab, gateways: object) => Promise<Subject>): Promise<void> {
  const lab = await createNetworkLab();
  try {
    const { namespace, gateway } = lab.isps.a;
    await startGateway(lab, { namespace, address: gateway, customers: networkOf(lab.isps.a) });
    await lab.plug('a');
    const subject = await start(lab, {
      mode: 'always',
      list: [{ id: 'a', name: 'Provider', host: gateway, port: 587, security: 'none' }],
    });
    try {
      await measure(name, subject);
    } finally {
      await subject.stop();
    }
  } finally {
    await lab.close();
  }
}

if (wanted.includes('node')) {
  const bundle = await bundleProgram();
  try {
    await inLab('plain Node.js', async (lab, gateways) => {
      const program = await startProgramInLab(lab, bundle, { gateways });
      await program.submit('one');
      await program.statusUntil('it is out', ({ counts }) => counts.sent === 1, 30_000);
      return program;
    });
  } finally {
    await bundle.remove();
  }
}
if (wanted.includes('program') || wanted.includes('tray')) {
  const closeDisplay = await setUpElectron();
  try {
    if (wanted.includes('program')) {
      await inLab('program in Electron', async (lab, gateways) => {
        const program = await startElectronInLab(lab, { gateways: { ...gateways } });
        await program.submit('one');
        await program.statusUntil('it is out', ({ counts }) => counts.sent === 1);
        return program;
      });
    }
    if (wanted.includes('tray')) await inLab('empty tray', (lab) => startEmptyTray(lab));
  } finally {
    await closeDisplay();
  }
}
