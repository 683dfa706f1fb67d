/**
 * A long-lived child process that says something on a line whenever the system changes. While it is not there, for whatever
 * reason, its owner is asked to look for itself every few seconds; it is started again after growing pauses.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Log } from '../log/log-port.ts';
import type { Clock } from '../runtime/clock.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
/** How often the owner looks for itself while the child is not heard. */
export const LOOK_EVERY_MS = 5_000;
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
  /**
   * Whether a line shows that the child works: one that says something as soon as it works is heard from that line on.
   * Absent: it says nothing before there are news, and is heard as soon as it runs.
   */
  readonly isProofOfLife?: (line: string) => boolean;
  /** Called when the child begins to be heard, and when it is heard no longer: what happened in between was not told. */
  readonly onHearing: () => void;
  /** Called every LOOK_EVERY_MS while the child is not heard. */
  readonly onLook: () => void;
}

/** The child, started. */
export interface HelperProcess {
  /** True while the child tells of changes. */
  hears(): boolean;
  /** Resolves when the child has ended. */
  stop(): Promise<void>;
}

/** Starts the child and keeps it. */
export function keepHelperProcess(parts: HelperProcessParts): HelperProcess {
  const { clock, log, command } = parts;
  let child: ChildProcess | null = null;
  let ended: Promise<void> = Promise.resolve();
  let cancel: (() => void) | null = null;
  let pause = FIRST_PAUSE_MS;
  let stopped = false;
  let heard = false;
  let saidMissing = false;
  let cancelLook = clock.after(LOOK_EVERY_MS, look);

  function look(): void {
    cancelLook = clock.after(LOOK_EVERY_MS, look);
    parts.onLook();
  }

  function setHeard(now: boolean): void {
    if (heard === now || stopped) return;
    heard = now;
    cancelLook();
    if (!now) cancelLook = clock.after(LOOK_EVERY_MS, look);
    parts.onHearing();
  }

  function start(): void {
    cancel = null;
    const began = clock.monotonic();
    let over: () => void = () => undefined;
    ended = new Promise((resolve) => (over = resolve));
    let isOver = false;
    const end = (error: NodeJS.ErrnoException | null): void => {
      over();
      if (stopped || isOver) return;
      isOver = true;
      child = null;
      setHeard(false);
      if (clock.monotonic() - began > WELL_AFTER_MS) pause = FIRST_PAUSE_MS;
      if (error === null) log.note('network helper ended', { command, againInSeconds: pause / 1000 });
      else if (!saidMissing) log.note('network helper missing', { command, code: error.code ?? 'unknown' });
      saidMissing = error !== null;
      cancel = clock.after(pause, start);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    };
    try {
      child = spawnHelper(command, parts.args);
    } catch (error) {
      end(error as NodeJS.ErrnoException);
      return;
    }
    listen(child);
    child.once('error', end);
    child.once('close', () => end(null));
    // For the stop the end of the process is enough, whatever becomes of its output.
    child.once('exit', () => {
      if (stopped) over();
    });
  }

  function listen({ stdout }: ChildProcess): void {
    let rest = '';
    // There is none if no more files could be opened; the error is told then.
    stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LONGEST_LINE) rest = '';
      for (const line of lines) {
        const bare = line.replace(/\r$/, '');
        parts.onLine(bare);
        if (!heard && parts.isProofOfLife?.(bare) === true) setHeard(true);
      }
    });
    child?.once('spawn', () => {
      saidMissing = false;
      if (parts.isProofOfLife === undefined) setHeard(true);
    });
  }

  start();
  return {
    hears: () => heard,
    async stop() {
      stopped = true;
      cancel?.();
      cancelLook();
      try {
        child?.kill();
      } catch {
        // It could not be started, which is still to be told: Windows does not take that for an end.
      }
      await ended;
    },
  };
}

/** English and unadorned, whatever the user's language is. */
function spawnHelper(command: string, args: readonly string[]): ChildProcess {
  return spawn(command, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, LC_ALL: 'C' },
    windowsHide: true,
  });
}
