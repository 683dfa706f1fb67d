import { chmod, chown, lstat, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { once } from 'node:events';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectControl } from '../../../main/control/control-client.ts';
import {
  startControlServer,
  type ControlServer,
  type ControlServerOptions,
} from '../../../main/control/control-server.ts';
import { createDispatch } from '../../../main/control/dispatch.ts';
import { controlPlace, thisComputer, type ControlPlace } from '../../../main/control/profile-path.ts';
import { engineMethods } from '../../../shared/ipc-contract.ts';
import { createStubEngine } from '../../fakes/stub-engine.ts';
import { hasSocketFiles } from '../../support/unix-files.ts';

let folder: string;
let place: ControlPlace;
const servers: ControlServer[] = [];
const problems: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pc-ctl-'));
  place = controlPlace(folder, thisComputer(os));
  problems.length = 0;
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close(100);
  await rm(folder, { recursive: true, force: true });
});

async function start(change: Partial<ControlServerOptions> = {}) {
  const engine = createStubEngine();
  const server = await startControlServer({
    place,
    dispatch: createDispatch(engineMethods, engine.api, (event) => problems.push(event)),
    problem: (event) => problems.push(event),
    ...change,
  });
  servers.push(server);
  return { engine, server };
}

/** Sends octets and collects what comes back until the other side closes or `lines` lines are there. */
async function speak(
  octets: string | Buffer,
  lines = 1,
): Promise<{ readonly answers: Record<string, unknown>[]; readonly closed: boolean }> {
  const socket = net.connect(place.address);
  await once(socket, 'connect');
  let text = '';
  let closed = false;
  socket.on('error', () => undefined);
  const done = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.split('\n').length > lines) resolve();
    });
    socket.on('close', () => {
      closed = true;
      resolve();
    });
  });
  socket.write(octets);
  await done;
  socket.destroy();
  const answers = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { answers, closed };
}

describe('the control socket', () => {
  it.skipIf(!hasSocketFiles)('is 0600 in a 0700 folder, also when the folder was open before', async () => {
    await mkdir(place.folder!, { mode: 0o755 });
    await chmod(place.folder!, 0o755);
    await start();
    expect((await lstat(place.address)).mode & 0o777).toBe(0o600);
    expect((await lstat(place.folder!)).mode & 0o777).toBe(0o700);
  });

  it('answers calls of the contract, in order, on one connection', async () => {
    await start();
    const text = ['status.get', 'queue.list', 'settings.get']
      .map((method, id) => `${JSON.stringify({ id, method, input: { folder: 'outbox' } })}\n`)
      .join('');
    const { answers } = await speak(text, 3);
    expect(answers.map((answer) => [answer['id'], (answer['result'] as { ok: boolean }).ok])).toEqual([
      [0, true],
      [1, true],
      [2, true],
    ]);
  });

  it('hands over parsed input with its defaults', async () => {
    const { engine } = await start();
    await speak('{"id":1,"method":"queue.list","input":{"folder":"bad"}}\n');
    expect(engine.calls).toEqual([
      {
        name: 'queue.list',
        input: { folder: 'bad', search: '', sort: 'age', descending: true, offset: 0, limit: 100 },
      },
    ]);
  });

  it.each([
    ['garbage', 'EHLO example.test\r\n'],
    ['HTTP', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['octets that are no text', Buffer.from([0xff, 0xfe, 0, 1, 2, 10])],
    ['a list', '[1]\n'],
    ['no id', '{"method":"status.get"}\n'],
    ['an id that is no number', '{"id":"1","method":"status.get"}\n'],
    ['a method that is no text', '{"id":1,"method":["status.get"]}\n'],
  ])('ends the conversation with words on %s, and lives', async (_name, octets) => {
    const { engine } = await start();
    const { answers } = await speak(octets);
    expect(answers).toMatchObject([{ id: null, result: { ok: false, error: { code: 'bad-input' } } }]);
    expect(engine.calls).toEqual([]);
    expect((await speak('{"id":1,"method":"status.get"}\n')).answers).toMatchObject([{ id: 1, result: { ok: true } }]);
  });

  it.each([
    ['windows only', 'app.openLogs', {}, 'unknown-method'],
    ['unknown', 'queue.drop', {}, 'unknown-method'],
    ['prototype', 'hasOwnProperty', {}, 'unknown-method'],
    ['bad id', 'queue.show', { id: '../../etc/passwd' }, 'bad-input'],
  ])('refuses a call that is %s', async (_name, method, input, code) => {
    await start();
    const { answers } = await speak(`${JSON.stringify({ id: 7, method, input })}\n`);
    expect(answers).toMatchObject([{ id: 7, result: { ok: false, error: { code } } }]);
  });

  it('refuses a line over the limit without an end, holding no more than that', async () => {
    const { engine } = await start({ maxFrameBytes: 1000 });
    const { answers } = await speak('x'.repeat(5000));
    expect(answers).toMatchObject([{ id: null, result: { error: { code: 'too-long' } } }]);
    expect(engine.calls).toEqual([]);
  });

  it('takes a line at the limit, cut anywhere', async () => {
    const line = JSON.stringify({ id: 1, method: 'status.get', input: { pad: 'ö'.repeat(200) } });
    await start({ maxFrameBytes: Buffer.byteLength(line) });
    const socket = net.connect(place.address);
    const bytes = Buffer.from(`${line}\n`);
    for (let i = 0; i < bytes.length; i += 7) socket.write(bytes.subarray(i, i + 7));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(JSON.parse(answer.toString('utf8'))).toMatchObject({ id: 1, result: { ok: true } });
    socket.destroy();
  });

  it.skipIf(!hasSocketFiles)('removes a socket that a crash left behind', async () => {
    await mkdir(place.folder!, { mode: 0o700 });
    // Closing a server removes its socket: a raw handle is left open and forgotten by a child that is killed.
    const { spawn } = await import('node:child_process');
    const child = spawn(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(place.address)}, () => console.log('up'))`,
    ]);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await lstat(place.address)).isSocket()).toBe(true);
    await start();
    expect((await speak('{"id":1,"method":"status.get"}\n')).answers).toMatchObject([{ id: 1 }]);
  });

  it('leaves a socket alone that somebody answers on', async () => {
    await start();
    await expect(start()).rejects.toThrow(/already answers/);
    expect((await speak('{"id":1,"method":"status.get"}\n')).answers).toHaveLength(1);
  });

  it.skipIf(!hasSocketFiles)('leaves a file alone that is in the way', async () => {
    await mkdir(place.folder!, { mode: 0o700 });
    await writeFile(place.address, 'keep me');
    await expect(start()).rejects.toThrow(/not a socket/);
    expect((await lstat(place.address)).isFile()).toBe(true);
  });

  it.skipIf(!hasSocketFiles)('does not follow a folder that is a link', async () => {
    await mkdir(path.join(folder, 'elsewhere'));
    await symlink(path.join(folder, 'elsewhere'), place.folder!);
    await expect(start()).rejects.toThrow(/not a folder of this user/);
  });

  it('lets a call under way get its answer when it closes', async () => {
    let release: (() => void) | undefined;
    let started: Promise<unknown> = Promise.resolve();
    const begun = new Promise<void>((resolve) => {
      started = start({
        dispatch: async () => {
          resolve();
          await new Promise<void>((go) => (release = go));
          return { ok: true, value: 'done' };
        },
      });
    });
    // The socket is there once the server listens.
    let client = null;
    while (client === null) {
      client = await connectControl(place);
      if (client === null) await new Promise((resolve) => setImmediate(resolve));
    }
    const answer = client.call('status.get', {});
    await begun;
    await started;
    const closing = servers.splice(0)[0]!.close(5000);
    release!();
    expect(await answer).toEqual({ ok: true, value: 'done' });
    await closing;
    expect(await connectControl(place)).toBeNull();
  });

  it('gives the client words when the program ends in mid-call', async () => {
    const { server } = await start({ dispatch: () => new Promise(() => undefined) });
    const client = (await connectControl(place))!;
    const answer = client.call('status.get', {});
    await once(net.connect(place.address), 'connect');
    servers.length = 0;
    await server.close(10);
    expect(await answer).toMatchObject({ ok: false, error: { code: 'connection-lost' } });
  });
});

describe('before the client says a word', () => {
  /** Whoever listens at the place, and how many came. */
  async function stranger(answer = ''): Promise<{ visitors: number; readonly close: () => void }> {
    if (place.folder !== null) await mkdir(place.folder, { recursive: true, mode: 0o700 });
    const seen = { visitors: 0, close: () => void server.close() };
    const server = net.createServer((socket) => {
      seen.visitors += 1;
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write(answer));
    });
    server.listen(place.address);
    await once(server, 'listening');
    return seen;
  }

  const refused: [string, boolean, () => Promise<unknown>, RegExp][] = [
    ['a folder that others may write to', false, () => chmod(place.folder!, 0o720), /other users may write/],
    ['a folder of another user', true, () => chown(place.folder!, 4321, 4321), /belongs to another user/],
    ['a socket of another user', true, () => chown(place.address, 4321, 4321), /belongs to another user/],
    [
      'a folder that is a link',
      false,
      async () => {
        await rename(place.folder!, `${place.folder!}-elsewhere`);
        await symlink(`${place.folder!}-elsewhere`, place.folder!);
      },
      /is not a folder/,
    ],
    [
      'a link in the place of the socket',
      false,
      async () => {
        await rename(place.address, `${place.address}-elsewhere`);
        await symlink(`${place.address}-elsewhere`, place.address);
      },
      /is not a socket/,
    ],
  ];
  for (const [what, needsRoot, prepare, words] of refused) {
    it.skipIf(!hasSocketFiles || (needsRoot && process.getuid?.() !== 0))(`it refuses ${what}`, async () => {
      const other = await stranger();
      await prepare();
      await expect(connectControl(place)).rejects.toThrow(words);
      // Whoever comes after it was not there before either.
      other.close();
      expect(other.visitors).toBe(0);
    });
  }

  it('nobody there is no error', async () => {
    expect(await connectControl(place)).toBeNull();
    if (place.folder !== null) await mkdir(place.folder, { mode: 0o700 });
    expect(await connectControl(place)).toBeNull();
  });

  it('an answer that is none ends the conversation in words', async () => {
    const other = await stranger('{"id":1}\n');
    const client = (await connectControl(place))!;
    expect(await client.call('status.get', {})).toMatchObject({ ok: false, error: { code: 'connection-lost' } });
    other.close();
  });
});
