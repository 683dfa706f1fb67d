/** The other end of the control socket, for the command line. Plain Node, small, quick to load. */
import net from 'node:net';
import type { EngineMethodName, Input, Output } from '../../shared/ipc-contract.ts';
import { fail, type Result } from '../../shared/result.ts';
import { encodeFrame, LineReader, MAX_FRAME_BYTES } from './frames.ts';

/** A connection to the running program. */
export interface ControlClient {
  call<M extends EngineMethodName>(method: M, input: Input<M>): Promise<Result<Output<M>>>;
  close(): void;
}

/** Connects, or answers null if no program listens there. Rejects on anything else, such as missing rights. */
export async function connectControl(address: string): Promise<ControlClient | null> {
  const socket = net.connect(address);
  const connected = await new Promise<boolean>((resolve, reject) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(false);
      else reject(error);
    });
  });
  if (!connected) return null;

  const waiting = new Map<number, (result: Result<unknown>) => void>();
  const lost = (message: string): void => {
    for (const settle of waiting.values()) settle(fail('connection-lost', message));
    waiting.clear();
    socket.destroy();
  };
  const reader = new LineReader(2 * MAX_FRAME_BYTES);
  let lastId = 0;
  socket.on('error', () => lost('The program ended the conversation.'));
  socket.on('close', () => lost('The program ended the conversation.'));
  socket.on('data', (chunk: Buffer) => {
    const lines = reader.push(chunk);
    if (lines === 'too-long') return lost('The answer was too long.');
    for (const line of lines) {
      const { id, result } = JSON.parse(line) as { id: number | null; result: Result<unknown> };
      if (id === null) {
        for (const settle of waiting.values()) settle(result);
        waiting.clear();
      } else {
        waiting.get(id)?.(result);
        waiting.delete(id);
      }
    }
  });
  return {
    call: (method, input) =>
      new Promise((resolve) => {
        const id = ++lastId;
        waiting.set(id, resolve as (result: Result<unknown>) => void);
        socket.write(encodeFrame({ id, method, input }));
      }),
    close: () => {
      socket.removeAllListeners('close');
      socket.end();
      socket.unref();
    },
  };
}
