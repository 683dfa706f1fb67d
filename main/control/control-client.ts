/** The other end of the control socket, for the command line. Plain Node, small, quick to load. */
import net from 'node:net';
import type { EngineMethodName, Input, Output } from '../../shared/ipc-contract.ts';
import { fail, type Result } from '../../shared/result.ts';
import { encodeFrame, LineReader, MAX_FRAME_BYTES } from './frames.ts';
import { requireOwnFolder, requireOwnSocket } from './own-place.ts';
import type { ControlPlace } from './profile-path.ts';

/** A connection to the running program. */
export interface ControlClient {
  call<M extends EngineMethodName>(method: M, input: Input<M>): Promise<Result<Output<M>>>;
  close(): void;
}

/** True if something of this user's stands there; rejects with ForeignOwnerError if it is another's. */
async function isOurs({ folder, address }: ControlPlace): Promise<boolean> {
  // A named pipe has no owner that Node.js could tell: whoever made it first under that name is spoken to.
  if (folder === null) return true;
  try {
    // Nobody else can put a socket into a folder that is ours and that only we may write to: no need to ask the socket
    // itself who is at its other end, which Node.js cannot do (SO_PEERCRED).
    await requireOwnFolder(folder);
    await requireOwnSocket(address);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Connects, or answers null if no program listens there. Rejects with ForeignOwnerError, before a word is said, if the place is not
 * this user's alone; with the system's error on anything else, such as missing rights.
 */
export async function connectControl(place: ControlPlace): Promise<ControlClient | null> {
  if (!(await isOurs(place))) return null;
  const socket = net.connect(place.address);
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
      const answer = parseAnswer(line);
      if (answer === null) return lost('The answer was not understood.');
      const { id, result } = answer;
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

/** Null if it is no answer of ours. */
function parseAnswer(line: string): { readonly id: number | null; readonly result: Result<unknown> } | null {
  try {
    const answer = JSON.parse(line) as { id: number | null; result: Result<unknown> } | null;
    return typeof answer?.result === 'object' ? answer : null;
  } catch {
    return null;
  }
}
