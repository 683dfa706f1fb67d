import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort, onFreePort } from './ports.ts';
import { accepts, startServer } from './server-process.ts';

describe('a port for a server', () => {
  it('can be listened on, and lies below those that the system gives away', async () => {
    const port = await freePort(['127.0.0.1', '127.0.0.2']);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.2', resolve));
    expect(await accepts(port, '127.0.0.2')).toBe(true);
    expect(await accepts(port)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(port).toBeLessThan(32_768);
  });

  it('is another one when the start fails, twice', async () => {
    const ports: number[] = [];
    const started = await onFreePort((port) => {
      ports.push(port);
      return ports.length < 3 ? Promise.reject(new Error('taken')) : Promise.resolve(`on ${port}`);
    });
    expect(ports).toHaveLength(3);
    expect(started).toBe(`on ${ports[2]}`);
    await expect(onFreePort(() => Promise.reject(new Error('no such option')))).rejects.toThrow('no such option');
  });
});

describe('a server that is a program', () => {
  const node = (code: string, ready: () => Promise<boolean>) =>
    startServer(process.execPath, ['-e', code], ready, { forks: true });

  it('that ends before it is ready is not waited for, and its words are told', async () => {
    const started = node('console.error("address in use"); process.exit(2)', () => Promise.resolve(false));
    await expect(started).rejects.toThrow(/it ended with 2\naddress in use/);
  });

  it('that is not there is told', async () => {
    await expect(startServer('/no/such/server', [], () => Promise.resolve(false))).rejects.toThrow(/ENOENT/);
  });

  // Windows has no process groups.
  it.skipIf(process.platform === 'win32')('is ended with what it started, by force if need be', async () => {
    const port = await freePort();
    const server = await node(
      `const listen = 'require("node:net").createServer().listen(${port}, "127.0.0.1")';
       require('node:child_process').spawn(process.execPath, ['-e', listen]); setInterval(() => {}, 1000)`,
      () => accepts(port),
    );
    await server.close();
    await expect.poll(() => accepts(port), { timeout: 30_000 }).toBe(false);
    await server.close();
  });
});
