import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRedirectServer, type RedirectServer } from '../../../../main/secrets/oauth/redirect-server.ts';
import { VirtualClock } from '../../../fakes/virtual-clock.ts';

let server: RedirectServer;
let abort: AbortController;
beforeEach(async () => {
  abort = new AbortController();
  server = await openRedirectServer({ state: 'S1', waitMs: 1000, clock: new VirtualClock(), signal: abort.signal });
});
afterEach(async () => {
  abort.abort();
  await server.answer;
});

/** The first line of the answer to these octets; '' if the connection was just closed. */
async function ask(request: string): Promise<string> {
  const { port, host } = new URL(server.uri);
  const socket = net.connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.write(`${request}\r\nHost: ${host}\r\n\r\n`);
  await once(socket, 'close');
  return text.split('\r\n')[0] ?? '';
}

it.each<[string, RegExp]>([
  ['GET // HTTP/1.1', /^HTTP\/1\.1 404/],
  ['GET //?state=S1&code=planted HTTP/1.1', /^HTTP\/1\.1 404/],
  ['GET //evil.test/?state=S1&code=planted HTTP/1.1', /^HTTP\/1\.1 404/],
  ['GET http://evil.test/?state=S1&code=planted HTTP/1.1', /^HTTP\/1\.1 404/],
  ['GET http://[/?state=S1 HTTP/1.1', /^HTTP\/1\.1 404/],
  ['GET /\\\\evil HTTP/1.1', /^HTTP\/1\.1 404/],
  ['GET /%zz HTTP/1.1', /^HTTP\/1\.1 404/],
  ['GET /?%zz&state=%E0%A4%A HTTP/1.1', /^HTTP\/1\.1 400/],
  ['GET /?state=S1&state=S1 HTTP/1.1', /^HTTP\/1\.1 400/],
  ['GET ? HTTP/1.1', /^(HTTP\/1\.1 4|$)/],
  ['GET * HTTP/1.1', /^(HTTP\/1\.1 4|$)/],
  ['OPTIONS * HTTP/1.1', /^(HTTP\/1\.1 4|$)/],
  ['CONNECT evil.test:443 HTTP/1.1', /^(HTTP\/1\.1 4|$)/],
  ['nonsense', /^(HTTP\/1\.1 4|$)/],
])('turns %s away, and still takes the answer', async (request, expected) => {
  expect(await ask(request)).toMatch(expected);
  expect(await ask('GET /?code=a%20b&state=S1&iss=x?y HTTP/1.1')).toMatch(/^HTTP\/1\.1 200/);
  const answer = await server.answer;
  expect(answer.kind === 'answer' && Object.fromEntries(answer.params)).toEqual({
    code: 'a b',
    state: 'S1',
    iss: 'x?y',
  });
});
