/** A server that is a program of its own: started, waited for, ended. */
import { spawn } from 'node:child_process';
import net from 'node:net';
import { PATIENCE_MS } from './patience.ts';

export interface ServerProcess {
  /** What it wrote to both streams so far. */
  said(): string;
  /** Ends it and waits for that. */
  close(): Promise<void>;
}

/** Whether somebody takes connections there. */
export function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host });
    socket.setTimeout(5_000, () => socket.destroy());
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(false));
  });
}

/**
 * Starts it in the foreground and waits until `ready`. Rejects with what it said as soon as it ends, or when it is not
 * ready after a minute; it does not run any more then. `forks`: it has children that do not end by themselves when it ends.
 */
export async function startServer(
  command: string,
  args: readonly string[],
  ready: () => Promise<boolean>,
  { cwd, forks = false }: { readonly cwd?: string; readonly forks?: boolean } = {},
): Promise<ServerProcess> {
  // Else it stays in the tests' own group, and is ended with it should somebody end the tests.
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: forks });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  let end: string | null = null;
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      end ??= error.message;
      resolve();
    });
    child.once('exit', (code, signal) => {
      end ??= `it ended with ${String(signal ?? code)}`;
      resolve();
    });
  });
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(forks ? -child.pid : child.pid, name);
    } catch {
      // It has ended just now.
    }
  };
  const close = async (): Promise<void> => {
    if (end === null) signal('SIGTERM');
    const late = setTimeout(() => signal('SIGKILL'), PATIENCE_MS / 6);
    await ended;
    clearTimeout(late);
  };
  const give = Date.now() + PATIENCE_MS;
  for (;;) {
    const isReady = await ready();
    // Assigned in the callbacks above. Who answers after it has ended is somebody else.
    const why = end as string | null;
    if (isReady && why === null) return { said: () => said, close };
    if (why !== null || Date.now() > give) {
      await close();
      throw new Error(`${command} did not come up: ${why ?? `not ready after ${PATIENCE_MS / 1000} s`}\n${said}`);
    }
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
}
