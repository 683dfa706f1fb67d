/** Postfix's smtp-sink: a server that takes every message, and keeps them one to a file. */
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onFreePort } from './ports.ts';
import { greeting } from './program.ts';
import { startServer } from './server-process.ts';

/** What arrived. */
export interface SmtpSink {
  readonly port: number;
  /** The recipients of all transactions, in no order, each as often as it came. */
  recipients(): readonly string[];
  close(): Promise<void>;
}

/** Starts a sink on a loopback port that is free; on this one, if one is given. */
export function startSmtpSink(port?: number): Promise<SmtpSink> {
  return port === undefined ? onFreePort(startOn) : startOn(port);
}

async function startOn(port: number): Promise<SmtpSink> {
  const folder = await mkdtemp(path.join(tmpdir(), 'smtp-sink-'));
  await chmod(folder, 0o777);
  const asRoot = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const sink = await startServer(
    'smtp-sink',
    [...asRoot, '-R', folder, '-d', 'message.', `127.0.0.1:${port}`, '1000'],
    async () => (await greeting(port)).startsWith('220 '),
    { cwd: folder },
  ).catch(async (error: unknown) => {
    await remove();
    throw error;
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
      await sink.close();
      await remove();
    },
  };
}
