// What the program costs while nothing happens: processor time and wake-ups of all its processes over a while, with the
// network monitor on. Linux, root. Started by `npx tsx test/bench/idle-cpu.ts [--seconds 60]`.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createNetworkLab, labMissing, networkOf } from '../support/netns.ts';
import { bundleProgram, startGateway, startProgramInLab } from '../support/laptop.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const seconds = Number(values.seconds);
const missing = labMissing();
if (missing !== null) throw new Error(missing);

/** Clock ticks are hundredths of a second on every Linux that Node runs on (sysconf(_SC_CLK_TCK)). */
const TICKS = 100;

/** The process and what it started, all the way down. */
function family(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), Number(fieldsOf(Number(name))[1]));
    } catch {
      // It ended meanwhile.
    }
  }
  const members = [pid];
  for (const member of members) for (const [child, parent] of parents) if (parent === member) members.push(child);
  return members;
}

/** The fields of /proc/PID/stat behind the name (which may hold blanks): state, parent, … */
function fieldsOf(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Milliseconds of processor time and voluntary wake-ups of every thread. */
function spent(pids: readonly number[]): { readonly cpuMs: number; readonly wakeUps: ReadonlyMap<string, number> } {
  let ticks = 0;
  const wakeUps = new Map<string, number>();
  for (const pid of pids) {
    const fields = fieldsOf(pid);
    // utime and stime are the 14th and 15th field, waited-for children (commands that were run) the 16th and 17th.
    for (const index of [11, 12, 13, 14]) ticks += Number(fields[index]);
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      wakeUps.set(`${pid}/${thread}`, Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1] ?? 0));
    }
  }
  return { cpuMs: (ticks * 1000) / TICKS, wakeUps };
}

const bundle = await bundleProgram();
const lab = await createNetworkLab();
try {
  const { namespace, gateway } = lab.isps.a;
  const arrivals = await startGateway(lab, { namespace, address: gateway, customers: networkOf(lab.isps.a) });
  const program = await startProgramInLab(lab, bundle, {
    gateways: { mode: 'always', list: [{ id: 'a', name: 'Provider', host: gateway }] },
  });
  try {
    await lab.plug('a');
    await program.submit('one');
    await arrivals.until('the message', (line) => line.id === 'one');
    // Connections are kept a while after their last message.
    await pause(15_000);
    const members = family(program.pid);
    const before = spent(members);
    await pause(seconds * 1000);
    const after = spent(members);
    const cpuMs = after.cpuMs - before.cpuMs;
    const woken = [...after.wakeUps].map(([thread, count]) => count - (before.wakeUps.get(thread) ?? 0));
    const all = woken.reduce((sum, count) => sum + count, 0);
    console.log(
      `idle for ${seconds} s: ${cpuMs} ms of processor time in ${members.length} processes = ${((cpuMs / (seconds * 1000)) * 100).toFixed(3)} %; ` +
        `${all} wake-ups of all threads, ${Math.max(...woken)} of the busiest (a timer of one second would make ${seconds})`,
    );
  } finally {
    await program.stop();
  }
} finally {
  await lab.close();
  await bundle.remove();
}
