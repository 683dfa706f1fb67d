/** The program as a process that can be killed: prints a line of JSON when it listens, or why it does not. */
import { readFileSync, writeSync } from 'node:fs';
import { startProgram } from '../../main/program/program.ts';
import { programParts, type RigSettings } from './program-parts.ts';

interface ChildTask {
  readonly profile: string;
  readonly settings: RigSettings;
}

/** `method`: one of the program's API, or watch, blocked, rss, attachment. */
export interface ChildQuestion {
  readonly n: number;
  readonly method: string;
  readonly input: unknown;
}
export interface ChildAnswer {
  readonly n: number;
  readonly value: unknown;
}

const [, , taskFile = ''] = process.argv;
const task = JSON.parse(readFileSync(taskFile, 'utf8')) as ChildTask;
const workers = {
  store: new URL('./store-worker.mjs', import.meta.url),
  preview: new URL('./preview-worker.mjs', import.meta.url),
};
try {
  const program = await startProgram(programParts(task.profile, workers, task.settings).parts);
  const { listener } = program.status();
  writeSync(1, `${JSON.stringify({ listener })}\n`);
  const blocking = watchBlocking();
  const call = program.api as unknown as Readonly<Record<string, (input: unknown) => Promise<unknown>>>;
  const ask = async ({ method, input }: ChildQuestion): Promise<unknown> => {
    switch (method) {
      case 'watch':
        blocking.start();
        return null;
      case 'blocked':
        return blocking.stop();
      case 'rss':
        return process.memoryUsage().rss;
      case 'attachment': {
        const { id, index } = input as { readonly id: string; readonly index: number };
        const found = await program.attachment(id, index);
        return found.ok ? found.value.name : null;
      }
      default:
        return call[method]?.(input);
    }
  };
  process.on('message', (question: ChildQuestion) => {
    void ask(question).then((value) => process.send?.({ n: question.n, value } satisfies ChildAnswer));
  });
  process.on('SIGTERM', () => {
    void program.stop(2_000).finally(() => process.exit(0));
  });
} catch (error) {
  writeSync(1, `${JSON.stringify({ error: error instanceof Error ? error.message : String(error) })}\n`);
  process.exit(1);
}

const LOOK_EVERY_MS = 10;

/** Milliseconds that this thread was ready and waited for a processor; 0 where the kernel does not tell. */
function waitedForProcessor(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** How long the event loop stood still at most (ms), without the time in which other processes had the processors. */
function watchBlocking(): { start(): void; stop(): number } {
  let longest = 0;
  let timer: NodeJS.Timeout | undefined;
  let before = { at: 0, waited: 0 };
  const look = (): void => {
    const now = { at: performance.now(), waited: waitedForProcessor() };
    longest = Math.max(longest, now.at - before.at - LOOK_EVERY_MS - (now.waited - before.waited));
    before = now;
  };
  return {
    start() {
      longest = 0;
      before = { at: performance.now(), waited: waitedForProcessor() };
      timer = setInterval(look, LOOK_EVERY_MS);
    },
    stop() {
      clearInterval(timer);
      look();
      return longest;
    },
  };
}
