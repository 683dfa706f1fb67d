import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** A display of one's own. */
export interface VirtualDisplay {
  /** For the DISPLAY variable, such as `:3`. */
  readonly display: string;
  close(): Promise<void>;
}

/**
 * Starts an Xvfb on a display number that is free. Size in pixels.
 * Throws if Xvfb is not installed or ends before it is ready.
 */
export async function startXvfb({ width = 1400, height = 900 } = {}): Promise<VirtualDisplay> {
  const child = spawn(
    'Xvfb',
    ['-displayfd', '3', '-screen', '0', `${width}x${height}x24`, '-nolisten', 'tcp', '-noreset'],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] },
  );
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const exited = once(child, 'exit').then(() => undefined);
  const number = await Promise.race([
    once(createInterface({ input: child.stdio[3] as Readable }), 'line').then(([line]) => String(line)),
    exited,
  ]);
  if (number === undefined) throw new Error(`Xvfb ended before it was ready: ${complaints}`);
  return {
    display: `:${number}`,
    close: async () => {
      child.kill();
      await exited;
    },
  };
}
