/** The program as a process that can be killed: prints a line of JSON when it listens, or why it does not. */
import { readFileSync, writeSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startProgram } from '../../main/program.ts';
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
  const delay = monitorEventLoopDelay({ resolution: 10 });
  const call = program.api as unknown as Readonly<Record<string, (input: unknown) => Promise<unknown>>>;
  const ask = async ({ method, input }: ChildQuestion): Promise<unknown> => {
    switch (method) {
      case 'watch':
        delay.reset();
        delay.enable();
        return null;
      case 'blocked':
        delay.disable();
        return delay.max / 1e6;
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
