/**
 * The local socket of the command line (spec §10). Room: both ends of that socket, its frames, and the table of calls that
 * windows share; plain Node, and nothing of the other rooms. From outside: control-server.ts, control-client.ts,
 * dispatch.ts, profile-path.ts, own-place.ts. Only the same user can open it. 0600 in a 0700 folder; on Windows a
 * named pipe, whose default access list keeps other users from writing to it. One request at a time per connection.
 */
import { chmod, lstat, mkdir, rm } from 'node:fs/promises';
import net from 'node:net';
import { fail } from '../../shared/result.ts';
import type { Dispatch } from './dispatch.ts';
import { encodeFrame, LineReader, MAX_FRAME_BYTES, parseRequest } from './frames.ts';
import type { ControlPlace } from './profile-path.ts';

/** The running server. */
export interface ControlServer {
  /** No new calls; calls under way get their answers for up to `graceMs`, then the socket is gone. */
  close(graceMs: number): Promise<void>;
}

/** Options of startControlServer. */
export interface ControlServerOptions {
  readonly place: ControlPlace;
  readonly dispatch: Dispatch;
  readonly problem: (event: string, error: unknown) => void;
  /** The longest request in octets. */
  readonly maxFrameBytes?: number;
  /** Connections beyond this are closed at once. */
  readonly maxConnections?: number;
  /** A connection that says nothing for so long is closed. */
  readonly idleMs?: number;
}

/**
 * Listens. Rejects with a plain sentence if the folder is not ours alone, or if another program answers on the socket.
 * A socket that nobody answers on is left from a crash and removed.
 */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { place, problem } = options;
  const limit = options.maxFrameBytes ?? MAX_FRAME_BYTES;
  if (place.folder !== null) {
    await ownFolder(place.folder);
    await removeStale(place.address);
  }
  const served: Served = { sockets: new Set(), busy: 0, whenIdle: null };
  const server = net.createServer((socket) => {
    serve(socket, served, limit, options);
  });
  server.maxConnections = options.maxConnections ?? 32;
  server.on('error', (error) => problem('control socket', error));
  await listen(server, place);

  return {
    close: async (graceMs) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      if (served.busy > 0) {
        let timer: NodeJS.Timeout | undefined;
        await Promise.race([
          new Promise<void>((resolve) => (served.whenIdle = resolve)),
          new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs))),
        ]);
        clearTimeout(timer);
      }
      // end() lets the last answer through; destroySoon closes once it is written.
      for (const socket of served.sockets) socket.destroySoon();
      const forced = setTimeout(() => {
        for (const socket of served.sockets) socket.destroy();
      }, 500);
      await closed;
      clearTimeout(forced);
    },
  };
}

/** The connections of now. */
interface Served {
  readonly sockets: Set<net.Socket>;
  /** Connections that wait for an answer. */
  busy: number;
  /** Called when none waits any more. */
  whenIdle: (() => void) | null;
}

/** One connection: its requests one after the other. */
function serve(socket: net.Socket, served: Served, limit: number, options: ControlServerOptions): void {
  const { dispatch, problem } = options;
  served.sockets.add(socket);
  const reader = new LineReader(limit);
  const waiting: string[] = [];
  let working = false;
  const work = async (): Promise<void> => {
    if (working) return;
    working = true;
    served.busy++;
    socket.pause();
    for (let line = waiting.shift(); line !== undefined; line = waiting.shift()) {
      if (line.trim() === '') continue;
      const request = parseRequest(line);
      if (request === null) {
        socket.end(encodeFrame({ id: null, result: fail('bad-input', 'Not a request.') }));
        waiting.length = 0;
        break;
      }
      const result = await dispatch(request.method, request.input);
      if (socket.writable) socket.write(encodeFrame({ id: request.id, result }));
    }
    working = false;
    served.busy--;
    if (served.busy === 0) served.whenIdle?.();
    socket.resume();
  };
  socket.setTimeout(options.idleMs ?? 60_000, () => {
    if (!working) socket.destroy();
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => served.sockets.delete(socket));
  socket.on('data', (chunk: Buffer) => {
    const lines = reader.push(chunk);
    if (lines === 'too-long') {
      socket.end(encodeFrame({ id: null, result: fail('too-long', 'The request is too long.') }));
      socket.pause();
      // What else it sends is not even read; the answer has a moment to get through.
      setTimeout(() => socket.destroy(), 1000).unref();
      return;
    }
    waiting.push(...lines);
    if (waiting.length > 0) work().catch((error: unknown) => problem('control socket', error));
  });
}

/** Makes the folder 0700; rejects if it is a link or another user's. */
async function ownFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const stats = await lstat(folder);
  const uid = process.getuid?.();
  if (!stats.isDirectory() || (uid !== undefined && stats.uid !== uid)) {
    throw new Error(`${folder} is not a folder of this user's; the command line cannot be served there.`);
  }
  if ((stats.mode & 0o077) !== 0) await chmod(folder, 0o700);
}

async function removeStale(address: string): Promise<void> {
  const stats = await lstat(address).catch(() => null);
  if (stats === null) return;
  if (!stats.isSocket()) throw new Error(`${address} is in the way: it is not a socket. It was left alone.`);
  const alive = await new Promise<boolean>((resolve) => {
    const probe = net.connect(address);
    const finish = (answer: boolean): void => {
      probe.destroy();
      resolve(answer);
    };
    probe.once('connect', () => finish(true));
    probe.once('error', () => finish(false));
  });
  if (alive) throw new Error(`Another program already answers on ${address}.`);
  await rm(address, { force: true });
}

async function listen(server: net.Server, place: ControlPlace): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(place.address, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // Between listen and here the 0700 folder guards it.
  if (place.folder !== null) await chmod(place.address, 0o600);
}
