// Small things that every script needs. Node's own modules only: this runs before anything is installed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The work tree. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** One line to the person at the terminal. */
export function say(text) {
  process.stdout.write(`${text}\n`);
}

/** Seconds since `start` (from performance.now()), for people: `4.2 s`, `2 min 5 s`. */
export function elapsed(start) {
  const seconds = (performance.now() - start) / 1000;
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** Where a program lies on the PATH; undefined if it is not there. */
export function onPath(program) {
  return (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, program))
    .find((file) => existsSync(file));
}

/**
 * Runs a command to its end and collects what it printed (both streams, in order of arrival).
 * `timeoutSeconds` ends it, and all that it started, with code 124. Never throws: a command that cannot be started
 * comes back with code 127.
 */
export function runCommand(command, args, { cwd = ROOT, env = process.env, timeoutSeconds, onOutput } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    let timedOut = false;
    const timer =
      timeoutSeconds === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            endGroup(child.pid);
          }, timeoutSeconds * 1000);
    const collect = (chunk) => {
      output += chunk;
      onOutput?.(chunk);
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    running.add(child.pid);
    const finish = (code) => {
      clearTimeout(timer);
      running.delete(child.pid);
      resolve({
        code: timedOut ? 124 : code,
        output: timedOut ? `${output}\nEnded after ${timeoutSeconds} s.\n` : output,
      });
    };
    child.on('error', (error) => {
      output += `${error.message}\n`;
      finish(127);
    });
    child.on('close', (code) => finish(code ?? 1));
  });
}

// Children run in process groups of their own, so that a time-out reaches grandchildren as well; Ctrl+C therefore has
// to be passed on by hand.
const running = new Set();
function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.once(signal, () => {
    for (const pid of running) if (pid !== undefined) endGroup(pid);
    process.exit(code);
  });
}
