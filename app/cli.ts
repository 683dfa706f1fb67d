#!/usr/bin/env node
/** `postcast` (spec §10): plain Node, small and quick; talks to the running program over its control socket. */
import { version } from '../package.json';
import { run } from './cli/run.ts';

// `postcast list | head` closes the pipe early; that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});

async function main(): Promise<void> {
  process.exitCode = await run(process.argv.slice(2), {
    version,
    out: (data) =>
      new Promise((resolve) => {
        process.stdout.write(data, () => resolve());
      }),
    error: (text) => void process.stderr.write(text),
    input: process.stdin,
    interactive: process.stdin.isTTY,
    columns: process.stdout.isTTY ? process.stdout.columns : 0,
  });
}

// A bug that rejects ends the process as loudly as an exception would.
void main();
