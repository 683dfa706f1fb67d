import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A program that the bench started, in a process group of its own. */
export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it printed so far, both streams. */
  output(): string;
  /** Asks it to end (SIGTERM), waits `graceMs`, then ends its whole group. */
  end(graceMs?: number): Promise<void>;
}

const groups = new Set<number>();
// Whatever becomes of the bench: it leaves no process of its own behind.
process.once('exit', () => {
  for (const pid of groups) killGroup(pid);
});

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
}

/** Starts a program. Its standard output is also handed to `onOutput`. */
export function start(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
  onOutput?: (text: string) => void,
): Started {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-100_000);
    onOutput?.(text);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-100_000)));
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      output += error.message;
      resolve();
    });
  });
  const pid = child.pid ?? 0;
  if (pid !== 0) groups.add(pid);
  return {
    child,
    pid,
    output: () => output,
    end: async (graceMs = 10_000) => {
      if (pid === 0) return;
      child.kill('SIGTERM');
      await Promise.race([ended, pause(graceMs)]);
      killGroup(pid);
      await ended;
      groups.delete(pid);
    },
  };
}

/** Runs a program to its end; throws with its output if it fails or takes longer than `seconds`. */
export async function run(
  command: string,
  args: readonly string[],
  seconds: number,
  options: SpawnOptions = {},
): Promise<void> {
  const started = start(command, args, options);
  const code = await Promise.race([
    new Promise<number | string | null>((resolve) => {
      started.child.once('exit', (exit, signal) => resolve(exit ?? signal));
      started.child.once('error', (error) => resolve(error.message));
    }),
    pause(seconds * 1000, 'too long', { ref: false }),
  ]);
  if (code === 0) groups.delete(started.pid);
  else {
    await started.end(0);
    throw new Error(`${command} ${args.join(' ')}: ${code}\n${started.output()}`);
  }
}

/** A TCP port on loopback that nobody used a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}

/** Waits until the port greets with 220; returns the milliseconds since `since`. Looks every 2 ms. */
export async function untilGreeting(port: number, since: number, program: Started, seconds = 30): Promise<number> {
  while (performance.now() - since < seconds * 1000) {
    if (program.child.exitCode !== null) break;
    if (await greets(port)) return performance.now() - since;
    await pause(2);
  }
  throw new Error(`Nothing listens on port ${port}:\n${program.output()}`);
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port });
    const finish = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.setTimeout(5000, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('data', (data) => finish(data.toString('latin1').startsWith('220')));
    socket.once('end', () => finish(false));
  });
}

/** A process and all its descendants. */
function treeOf(pid: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const stat = readOrEmpty(`/proc/${name}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [pid];
  // The list grows while it is walked.
  for (const one of tree) tree.push(...(children.get(one) ?? []));
  return tree;
}

/** Hundredths of a second: what the kernel counts in, whatever its own tick is (USER_HZ). */
const TICK_MS = 10;

/** Milliseconds of processor time that a process and its descendants have used, those that ended included. */
export function processorMs(pid: number): number {
  return treeOf(pid).reduce((sum, one) => {
    const stat = readOrEmpty(`/proc/${one}/stat`);
    // Behind the name: state is field 3, utime 14, stime 15, and those of children that were waited for 16 and 17.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + [11, 12, 13, 14].reduce((ms, i) => ms + Number(fields[i] ?? 0) * TICK_MS, 0);
  }, 0);
}

/** Proportional set size in bytes of a process and all its descendants (each shared page counted in parts). */
export function pssOf(pid: number): { readonly bytes: number; readonly processes: number } {
  const tree = treeOf(pid);
  const sizes = tree.map((one) => Number(/^Pss:\s+(\d+) kB/m.exec(readOrEmpty(`/proc/${one}/smaps_rollup`))?.[1] ?? 0));
  return {
    bytes: sizes.reduce((sum, size) => sum + size, 0) * 1024,
    processes: sizes.filter((size) => size > 0).length,
  };
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
