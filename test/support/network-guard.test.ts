import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { isLoopback, takeOffences } from './network-guard.ts';

async function connectionError(socket: net.Socket): Promise<string> {
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  return error.code ?? error.message;
}

describe('the guard against connections off loopback', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['[::1]', true],
    ['::ffff:127.0.0.1', true],
    ['localhost', true],
    ['192.0.2.1', false],
    ['2001:db8::1', false],
    ['127.example.test', false],
    ['mx.example.test', false],
  ])('%s is on loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });

  it('refuses and remembers a connection by options, by arguments and by fetch', async () => {
    expect(await connectionError(net.connect({ host: '192.0.2.1', port: 25 }))).toBe('ENETUNREACH');
    expect(await connectionError(new net.Socket().connect(587, 'mx.example.test'))).toBe('ENETUNREACH');
    await expect(fetch('http://192.0.2.2/')).rejects.toThrow();
    expect(takeOffences()).toEqual(['192.0.2.1:25', 'mx.example.test:587', '192.0.2.2:80']);
  });

  it('lets a connection on loopback through', async () => {
    const server = net.createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const [greeting] = (await once(net.connect(port, '127.0.0.1').setEncoding('utf8'), 'data')) as [string];
    expect(greeting).toBe('hello');
    server.close();
  });
});
