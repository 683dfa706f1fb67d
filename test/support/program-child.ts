/** The program as a process that can be killed: prints a line of JSON when it listens, or why it does not. */
import { readFileSync } from 'node:fs';
import { writeSync } from 'node:fs';
import { startProgram } from '../../main/program.ts';
import { programParts, type RigSettings } from './program-parts.ts';

interface ChildTask {
  readonly profile: string;
  readonly settings: RigSettings;
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
  process.on('SIGTERM', () => {
    program.stop(2_000).finally(() => process.exit(0));
  });
} catch (error) {
  writeSync(1, `${JSON.stringify({ error: error instanceof Error ? error.message : String(error) })}\n`);
  process.exit(1);
}
