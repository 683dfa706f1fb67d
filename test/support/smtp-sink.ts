/** Postfix's smtp-sink: a server that takes every message, and keeps them one to a file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { greeting, until } from './program.ts';

/** What arrived. */
export interface SmtpSink {
  readonly port: number;
  /** The recipients of all transactions, in no order, each as often as it came. */
  recipients(): readonly string[];
  close(): Promise<void>;
}

/** Starts a sink on a loopback port that is free. */
export async function startSmtpSink(port: number): Promise<SmtpSink> {
  const folder = await mkdtemp(path.join(tmpdir(), 'smtp-sink-'));
  await chmod(folder, 0o777);
  const asRoot = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('smtp-sink', [...asRoot, '-R', folder, '-d', 'message.', `127.0.0.1:${port}`, '1000'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const exited = once(child, 'exit');
  await until('smtp-sink greets', async () => {
    if (child.exitCode !== null) throw new Error(`smtp-sink ended: ${complaints}`);
    return (await greeting(port)).startsWith('220 ');
  });
  /** A file is complete once it is written; its text never changes after that. */
  const complete = new Map<string, readonly string[]>();
  return {
    port,
    recipients: () => {
      for (const name of readdirSync(folder)) {
        if (complete.has(name)) continue;
        const text = readFileSync(path.join(folder, name), 'latin1');
        if (!text.endsWith('\n')) continue;
        complete.set(
          name,
          [...text.matchAll(/^X-Rcpt-Args: <(.*?)>/gm)].map((match) => match[1] ?? ''),
        );
      }
      return [...complete.values()].flat();
    },
    close: async () => {
      child.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
