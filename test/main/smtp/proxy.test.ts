import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { bypassesProxy, parseProxy } from '../../../main/smtp/proxy.ts';
import { fakeDns } from '../../fakes/fake-dns.ts';
import { startScriptedServer } from '../../fakes/scripted-smtp-server.ts';
import { deliveryRig, fastClock, messageOf, recipientsOf } from '../../support/delivery-rig.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});
const never = new AbortController().signal;

interface ScriptedProxy {
  readonly port: number;
  /** What clients asked to be connected to, as octets of the request. */
  readonly asked: Buffer[];
}

/** Answers each piece it gets with the next of `answers`, then leads to `port` on loopback; null = silence, 'close' = hangs up. */
async function startProxy(answers: readonly (Buffer | string | null)[], port: number): Promise<ScriptedProxy> {
  const asked: Buffer[] = [];
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    let step = 0;
    const onData = (piece: Buffer): void => {
      asked.push(piece);
      const answer = answers[step++];
      if (answer === null || answer === undefined) return;
      if (answer === 'close') return void socket.destroy();
      if (step < answers.length) return void socket.write(answer);
      socket.off('data', onData);
      const onward = net.connect(port, '127.0.0.1');
      sockets.push(onward);
      onward.on('error', () => undefined);
      // The answer and the server's greeting in one packet.
      onward.once('data', (greeting) => {
        socket.write(Buffer.concat([Buffer.from(answer), greeting]));
        socket.pipe(onward).pipe(socket);
      });
    };
    socket.on('data', onData);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as net.AddressInfo).port, asked };
}

const SOCKS_OK = [Buffer.from([5, 0]), Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])];
const SOCKS_OK_NAME = [Buffer.from([5, 0]), Buffer.concat([Buffer.from([5, 0, 0, 3, 2]), Buffer.from('ab\0\0')])];
const HTTP_OK = ['HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n'];

async function lab(kind: 'socks5' | 'http', answers: readonly (Buffer | string | null)[], host: string, speed = 1) {
  const server = await startScriptedServer({});
  open.push(() => server.close());
  const proxy = await startProxy(answers, server.port);
  const rig = deliveryRig(
    {
      connection: { proxy: `${kind}://127.0.0.1:${proxy.port}`, serverTimeoutSeconds: 5 },
      gateways: { list: [{ id: 'g1', name: 'Office', host, port: server.port, security: 'none' }] },
    },
    fakeDns({}),
    speed === 1 ? {} : { clock: fastClock(speed) },
  );
  open.push(() => rig.delivery.close(0));
  const send = async () => {
    const result = await rig.delivery.run(
      { kind: 'gateways', ids: ['g1'] },
      messageOf('Subject: x\r\n\r\nhello\r\n'),
      recipientsOf('bob@far.test'),
      never,
    );
    return { verdict: result.verdicts.get(1), error: result.tries[0]?.error, result };
  };
  return { server, proxy, send };
}

describe('a proxy', () => {
  it.each([
    ['socks5', SOCKS_OK, '192.0.2.10', '0501000101'],
    ['socks5', SOCKS_OK_NAME, '192.0.2.10', '0501000101'],
    ['socks5', SOCKS_OK, '2001:db8::10', '0501000420010db8000000000000000000000010'],
    ['http', HTTP_OK, '192.0.2.10', null],
    ['http', HTTP_OK, '2001:db8::10', null],
  ] as const)('leads to the gateway: %s (row %#)', async (kind, answers, host, request) => {
    const { send, server, proxy } = await lab(kind, answers, host);
    expect((await send()).verdict?.kind).toBe('delivered');
    expect(server.messages()).toHaveLength(1);
    const asked = Buffer.concat(proxy.asked);
    if (request === null) {
      const authority = `${host.includes(':') ? `[${host}]` : host}:${server.port}`;
      expect(asked.toString('latin1')).toContain(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    } else {
      const target = request === '0501000101' ? '05010001c000020a' : request;
      const port = server.port.toString(16).padStart(4, '0');
      expect(asked.subarray(0, 64).toString('hex')).toContain(`050100${target}${port}`);
    }
  });

  it('is given the name of a gateway that the DNS does not know here', async () => {
    const { send, proxy } = await lab('socks5', SOCKS_OK, 'smtp.far.test');
    expect((await send()).verdict?.kind).toBe('delivered');
    expect(Buffer.concat(proxy.asked).toString('latin1')).toContain('smtp.far.test');
  });

  it('is left aside for what is near', async () => {
    const { send, proxy } = await lab('socks5', ['close'], '127.0.0.1');
    expect((await send()).verdict?.kind).toBe('delivered');
    expect(proxy.asked).toEqual([]);
  });

  it.each([
    ['socks5', [Buffer.from([5, 255])], /wants a sign-in/],
    [
      'socks5',
      [Buffer.from([5, 0]), Buffer.from([5, 2, 0, 1, 0, 0, 0, 0, 0, 0])],
      /does not allow connections to port/,
    ],
    ['socks5', [Buffer.from([5, 0]), Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])], /connection refused/],
    ['socks5', [Buffer.from([5, 0]), Buffer.from([5, 4, 0, 1, 0, 0, 0, 0, 0, 0])], /not reachable/],
    ['socks5', ['HTTP/1.1 400 Bad Request\r\n\r\n', null], /does not answer like a SOCKS5 proxy/],
    ['socks5', ['close'], /does not answer like a SOCKS5 proxy/],
    ['http', ['HTTP/1.1 407 Who are you\r\n\r\n', null], /wants a sign-in/],
    ['http', ['HTTP/1.1 403 Forbidden\r\n\r\n', null], /does not allow connections to port .* \(HTTP 403\)/],
    ['http', ['HTTP/1.1 502 Bad Gateway\r\n\r\n', null], /not reachable/],
    ['http', ['220 mx.test ESMTP\r\n', null], /does not answer like an HTTP proxy/],
    ['http', [`HTTP/1.1 200 ok\r\nx: ${'y'.repeat(20_000)}`, null], /does not answer like an HTTP proxy/],
  ] as const)('that fails is named in words: %s (row %#)', async (kind, answers, words) => {
    // One more answer than there are questions keeps the script from leading on.
    const { send } = await lab(kind, [...answers, null], '192.0.2.10');
    const { verdict, error, result } = await send();
    expect(verdict?.kind).toBe('deferred');
    expect(error).toMatch(words);
    expect(result.nothingReached).toBe(true);
  });

  it('that says nothing is given up in time', async () => {
    const { send } = await lab('socks5', [null], '192.0.2.10', 200);
    expect((await send()).error).toMatch(/no answer in time/);
  });

  it('that is not there does not count against mail that goes direct', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const rig = deliveryRig(
      { connection: { proxy: `http://127.0.0.1:${port}` } },
      fakeDns({
        mx: { 'far.test': ['1 mx.far.test'] },
        a: { 'mx.far.test': ['192.0.2.10'] },
      }),
    );
    open.push(() => rig.delivery.close(0));
    const result = await rig.delivery.run(
      { kind: 'direct', domain: 'far.test' },
      messageOf('Subject: x\r\n\r\nhello\r\n'),
      recipientsOf('bob@far.test'),
      never,
    );
    expect(result.verdicts.get(1)).toMatchObject({ kind: 'deferred', scope: 'host', why: 'unreachable' });
    expect(result.tries[0]?.error).toBe(`the proxy 127.0.0.1:${port} cannot be reached`);
    expect(result.nothingReached).toBe(true);
  });
});

describe('the setting', () => {
  it.each([
    ['', null],
    ['socks5://proxy.test:1080', { kind: 'socks5', host: 'proxy.test', port: 1080 }],
    ['socks://proxy.test:1080', { kind: 'socks5', host: 'proxy.test', port: 1080 }],
    ['http://[::1]:3128', { kind: 'http', host: '::1', port: 3128 }],
    // Not past a proxy that is not understood.
    ['http://proxy.test:0', { kind: 'blocked', host: '', port: 0 }],
    ['socks5://a:b:1080', { kind: 'blocked', host: '', port: 0 }],
    ['blocked', { kind: 'blocked', host: '', port: 0 }],
  ])('%j', (text, expected) => {
    expect(parseProxy(text)).toEqual(expected);
  });
  it.each([
    ['127.0.0.1', true],
    ['::1', true],
    ['192.168.1.2', true],
    ['fe80::1', true],
    ['::ffff:10.0.0.1', true],
    ['93.184.216.34', false],
    ['2606:4700::1', false],
    ['mail.example.test', false],
  ])('%s is near: %s', (address, near) => {
    expect(bypassesProxy(address)).toBe(near);
  });
});
