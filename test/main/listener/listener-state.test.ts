import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Client, greeted, inData, settingsWith, startListener, type Harness } from './harness.ts';

let h: Harness | undefined;
let other: Server | undefined;
afterEach(async () => {
  await h?.close();
  other?.close();
  other = undefined;
});

async function takePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer();
  other = server;
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

describe('where it listens', () => {
  test('a taken port: failed in words, with a port that is free; tried again when settings are applied', async () => {
    h = await startListener();
    const port = await takePort();
    h.settings = settingsWith({ port });
    const state = await h.listener.apply(h.settings);
    expect(state).toMatchObject({ kind: 'failed', port, reason: 'taken' });
    if (state.kind !== 'failed') throw new Error('unreachable');
    expect(state.message).toContain(String(port));
    expect(state.suggestedPort).toBeGreaterThan(0);
    expect(state.suggestedPort).not.toBe(port);
    await new Promise((resolve) => other?.close(resolve));
    other = undefined;
    expect(await h.listener.apply(h.settings)).toMatchObject({ kind: 'listening', port });
    const client = await greeted(port);
    expect(await client.say('NOOP')).toMatch(/^250/);
    client.end();
  });

  test('an address that this computer does not have is left out while another works; alone it is a failure', async () => {
    h = await startListener({ host: ['127.0.0.1', '192.0.2.1'] });
    expect(h.listener.state()).toMatchObject({
      kind: 'listening',
      hosts: ['127.0.0.1'],
      missing: [{ host: '192.0.2.1', reason: 'address' }],
    });
    h.settings = settingsWith({ host: ['192.0.2.1'] });
    expect(await h.listener.apply(h.settings)).toMatchObject({ kind: 'failed', reason: 'address' });
  });

  test('a port that is taken at one address does not stop the others, and is had once it is free', async () => {
    const port = await takePort('127.0.0.9');
    // As an address of the LAN: a port taken on loopback is every local program's trouble.
    h = await startListener({ host: ['127.0.0.1', '192.0.2.1', '::ffff:127.0.0.9'], port });
    expect(h.listener.state()).toMatchObject({
      kind: 'listening',
      hosts: ['127.0.0.1'],
      missing: [
        { host: '192.0.2.1', reason: 'address' },
        { host: '::ffff:127.0.0.9', reason: 'taken' },
      ],
    });
    const client = await greeted(port);
    const seen: string[] = [];
    h.listener.onState((state) => seen.push(state.kind));
    await h.listener.networkChanged();
    expect(seen).toEqual([]);
    await new Promise((resolve) => other?.close(resolve));
    other = undefined;
    const { hosts } = (await h.listener.networkChanged()) as { hosts: readonly string[] };
    expect(hosts).toEqual(['127.0.0.1', '::ffff:127.0.0.9']);
    expect(seen).toEqual(['listening']);
    // Who was connected meanwhile heard nothing of it.
    expect(await client.say('NOOP')).toMatch(/^250/);
    client.end();
  });

  test('no address at all is tried again when the network changes, without a word until it is there', async () => {
    h = await startListener();
    h.settings = settingsWith({ host: ['192.0.2.1'] });
    expect(await h.listener.apply(h.settings)).toMatchObject({ kind: 'failed', reason: 'address' });
    const seen: string[] = [];
    h.listener.onState((state) => seen.push(state.kind));
    await h.listener.networkChanged();
    expect(seen).toEqual([]);
    h.settings = settingsWith({ host: ['localhost'] });
    expect(await h.listener.networkChanged()).toMatchObject({ kind: 'listening', hosts: ['localhost'] });
  });

  test('its name in A-labels: clients and later readers of the fields know no others', async () => {
    h = await startListener({ hostname: 'mail.bücher.test' });
    const client = await inData(h.port);
    expect(await client.say('Subject: x\r\n\r\nx\r\n.')).toMatch(/^250/);
    client.end();
    const text = h.stored[0]?.bytes.toString('latin1');
    expect(text).toMatch(/\tby mail\.xn--bcher-kva\.test /);
    expect(text).toMatch(/Message-ID: <[^@]+@mail\.xn--bcher-kva\.test>/);
  });

  test('states are told to who asked, until they stop asking', async () => {
    h = await startListener();
    const seen: string[] = [];
    const stop = h.listener.onState((state) => seen.push(state.kind));
    h.settings = settingsWith({ port: await takePort() });
    await h.listener.apply(h.settings);
    expect(seen).toEqual(['starting', 'failed']);
    stop();
    await h.listener.close(0);
    expect(seen).toEqual(['starting', 'failed']);
    expect(h.listener.state()).toEqual({ kind: 'stopped' });
  });

  test('changed lists take effect on sessions that are open, without a new port', async () => {
    h = await startListener();
    const client = await greeted(h.port);
    await client.say('MAIL FROM:<a@example.test>');
    h.settings = settingsWith({ blockedRecipients: ['b@example.test'] });
    expect(await h.listener.apply(h.settings)).toMatchObject({ kind: 'listening', port: h.port });
    expect(await client.say('RCPT TO:<b@example.test>')).toMatch(/^550 5\.7\.1 /);
    client.end();
  });
});

describe('shutdown', () => {
  test('an idle session gets 421; one in DATA gets its reply first, then 421; new ones are not taken', async () => {
    h = await startListener();
    const idle = await greeted(h.port);
    const busy = await inData(h.port);
    busy.write('Subject: x\r\n\r\n');
    await expect.poll(() => h?.open()).toBe(1);
    const closing = h.listener.close(60_000);
    expect(await idle.reply()).toMatch(/^421 4\.3\.2 /);
    busy.write('.\r\n');
    expect(await busy.reply()).toMatch(/^250 2\.0\.0 queued/);
    expect(await busy.reply()).toMatch(/^421 4\.3\.2 /);
    idle.end();
    busy.end();
    await closing;
    expect(h.stored.length).toBe(1);
    const late = new Client(h.port);
    expect(await late.reply()).toBe('');
  });

  test('what does not end in time is cut off and not stored', async () => {
    h = await startListener();
    const busy = await inData(h.port);
    busy.write('Subject: x\r\n\r\n');
    await expect.poll(() => h?.open()).toBe(1);
    const closing = h.listener.close(5000);
    await h.clock.advance(5001);
    await closing;
    expect(await busy.closed()).toBe('');
    await expect.poll(() => h?.open()).toBe(0);
    expect(h.stored).toEqual([]);
  });
});
