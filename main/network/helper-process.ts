/** A long-lived child process that says something on a line whenever the system changes; started anew when it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Log } from '../log/log-port.ts';
import type { Clock } from '../runtime/clock.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
/** A child that lived this long was well: the next pause is short again. */
const WELL_AFTER_MS = 60_000;
/** Nothing that these programs print is longer; what is longer is not kept. */
const LONGEST_LINE = 4 * 1024 * 1024;

export interface HelperProcessParts {
  readonly clock: Clock;
  readonly log: Pick<Log, 'note' | 'problem'>;
  readonly command: string;
  readonly args: readonly string[];
  readonly onLine: (line: string) => void;
  /** Called when the child runs (first start included): what happened in between was not heard. */
  readonly onStart?: () => void;
  /** Called once for good if the command does not exist or may not be run; nothing is tried again then. */
  readonly onMissing?: () => void;
}

/** Starts it. Returns its stop, which resolves when the child has ended. */
export function keepHelperProcess(parts: HelperProcessParts): () => Promise<void> {
  const { clock, log, command } = parts;
  let child: ChildProcess | null = null;
  let ended: Promise<void> = Promise.resolve();
  let cancel: (() => void) | null = null;
  let pause = FIRST_PAUSE_MS;
  let stopped = false;

  function start(): void {
    cancel = null;
    const began = clock.monotonic();
    // English and unadorned, whatever the user's language is.
    const running = spawn(command, parts.args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C' },
      windowsHide: true,
    });
    child = running;
    let rest = '';
    running.stdout.setEncoding('utf8');
    running.stdout.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LONGEST_LINE) rest = '';
      for (const line of lines) parts.onLine(line.replace(/\r$/, ''));
    });
    running.once('spawn', () => parts.onStart?.());
    ended = new Promise((resolve) => {
      const over = (error: NodeJS.ErrnoException | null): void => {
        if (child !== running) return;
        child = null;
        resolve();
        if (stopped) return;
        if (error?.code === 'ENOENT' || error?.code === 'EACCES' || error?.code === 'EPERM') {
          log.note('network helper missing', { command, code: error.code });
          parts.onMissing?.();
          return;
        }
        if (clock.monotonic() - began > WELL_AFTER_MS) pause = FIRST_PAUSE_MS;
        log.note('network helper ended', { command, againInSeconds: pause / 1000 });
        cancel = clock.after(pause, start);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      };
      running.once('error', over);
      running.once('close', () => {
        over(null);
      });
    });
  }

  start();
  return async () => {
    stopped = true;
    cancel?.();
    child?.kill();
    await ended;
  };
}
