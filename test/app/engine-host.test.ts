/** The engine's thread, hosted as the main thread does it, in plain Node.js: a real worker, a real queue, real sockets. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { BroadcastChannel, Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleForNode } from '../../scripts/lib/bundle.mjs';
import { hostEngine, type EngineLimits, type HostedEngine } from '../../app/engine/engine-host.ts';
import type { RunningEngine } from '../../app/engine/engine-port.ts';
import type { KeyStore, KeyStoreState } from '../../main/secrets/key-store.ts';
import { freePort } from '../support/ports.ts';
import { submit } from '../support/smtp-load.ts';

const root = path.resolve(import.meta.dirname, '../..');
let out = '';
let profile = '';
let port = 0;
let threads = 0;
let quits = 0;
let open: HostedEngine[] = [];
const troubles: string[] = [];
const url = (name: string): URL => pathToFileURL(path.join(out, `${name}.mjs`));
const thread = (): Worker => {
  threads += 1;
  return new Worker(url('mortal-engine'));
};

beforeAll(async () => {
  mkdirSync(path.join(root, 'test-output'), { recursive: true });
  out = mkdtempSync(path.join(root, 'test-output', 'engine-thread-'));
  await bundleForNode({
    entries: {
      'mortal-engine': path.join(root, 'test/support/mortal-engine.ts'),
      'store-worker': path.join(root, 'main/queue/store-worker.ts'),
      'preview-worker': path.join(root, 'main/preview/preview-worker.ts'),
    },
    into: out,
  });
}, 120_000);
afterAll(() => rmSync(out, { recursive: true, force: true }));

beforeEach(async () => {
  profile = mkdtempSync(path.join(tmpdir(), 'pc-engine-'));
  port = await freePort();
  [threads, quits, troubles.length] = [0, 0, 0];
  writeFileSync(
    path.join(profile, 'settings.json'),
    JSON.stringify({
      server: { host: ['127.0.0.1'], port, hostname: 'laptop.test' },
      // What is accepted stays: nothing leaves, and nobody is asked for names.
      dialUp: { requireConnection: true },
      connection: { dnsServers: ['127.0.0.1:9'] },
      security: { captivePortalProbe: false },
    }),
  );
});
afterEach(async () => {
  for (const hosted of open) await hosted.stop(1_000);
  open = [];
  rmSync(profile, { recursive: true, force: true });
});

/** The system's key store: reverses what it is given. */
const unlocked: KeyStoreState = { ability: 'protected', backend: 'test' };
const turned = (text: string): string => Array.from(text).reverse().join('');
const keyStore: KeyStore = {
  state: () => unlocked,
  encrypt: async (text) => Promise.resolve({ state: unlocked, data: turned(text) }),
  decrypt: async (data) => Promise.resolve({ state: unlocked, text: turned(data) }),
};

function host(limits: Partial<EngineLimits> = {}): HostedEngine {
  const hosted = hostEngine({
    first: thread(),
    another: thread,
    start: {
      profile,
      version: '0.0.0-test',
      workers: { store: url('store-worker').href, preview: url('preview-worker').href },
    },
    keyStore,
    keyStoreReady: Promise.resolve(),
    openExternal: () => Promise.resolve(),
    writeSettings: (stored) => writeFile(path.join(profile, 'settings.json'), JSON.stringify(stored)),
    quit: () => (quits += 1),
    trouble: (event, error) => troubles.push(`${event}: ${String(error)}`),
    limits,
  });
  open.push(hosted);
  return hosted;
}

async function tell(word: 'end' | 'hang'): Promise<void> {
  const channel = new BroadcastChannel('engine-thread');
  channel.postMessage(word);
  await new Promise((resolve) => setImmediate(resolve));
  channel.close();
}
const listening = (engine: RunningEngine): string => engine.status().listener.kind;
const problems = (engine: RunningEngine): readonly string[] => engine.status().problems.map(({ phrase }) => phrase.id);
const outbox = async (engine: RunningEngine): Promise<readonly string[]> => {
  const page = await engine.api['queue.list']({
    folder: 'outbox',
    search: '',
    sort: 'age',
    descending: false,
    offset: 0,
    limit: 100,
  });
  return page.ok ? page.value.rows.map((row) => row.subject) : [page.error.code];
};
const accepts = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port });
    socket.once('data', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });

describe('the engine in its thread', () => {
  it('accepts mail, answers calls with their input parsed, and tells what happens', async () => {
    const engine = await host().started;
    expect(listening(engine)).toBe('listening');
    expect(engine.settings()).toMatchObject({ theme: 'system', notifications: true });
    const told: string[] = [];
    engine.on('queue:changed', () => told.push('queue'));
    expect(await submit(port, 'one')).toMatch(/^250/);
    await expect.poll(() => told).toContain('queue');
    expect(await outbox(engine)).toHaveLength(1);
    await expect.poll(() => engine.status().counts.outbox).toBe(1);
    expect(await engine.call('queue.show', {})).toMatchObject({ ok: false, error: { code: 'bad-input', field: 'id' } });
    expect(await engine.call('no.such', {})).toMatchObject({ ok: false, error: { code: 'unknown-method' } });
    expect(await engine.attachment('none', 0)).toMatchObject({ ok: false, error: { code: 'not-found' } });
  });

  it('sees its own change of settings before the call is answered; the shell is told of its part', async () => {
    const engine = await host().started;
    const told: string[] = [];
    engine.onSettings(({ theme }) => told.push(theme));
    await engine.api['settings.set']({ changes: [{ path: 'general.theme', value: 'dark' }] });
    expect(await engine.api['settings.get']({})).toMatchObject({ value: { general: { theme: 'dark' } } });
    await expect.poll(() => told).toContain('dark');
    expect(engine.settings().theme).toBe('dark');
    expect(readFileSync(path.join(profile, 'settings.json'), 'utf8')).toContain('"dark"');
  });

  it('has secrets encrypted by the main thread, and keeps them itself', async () => {
    const engine = await host().started;
    const gateway = { id: 'g0', name: 'g0', host: '127.0.0.1', port: 9, security: 'none' };
    await engine.call('settings.set', { changes: [{ path: 'gateways.list', value: [gateway] }] });
    expect(await engine.call('secrets.set', { gatewayId: 'g0', secret: 'hunter2' })).toMatchObject({
      value: { stored: true },
    });
    const kept = readFileSync(path.join(profile, 'secrets'), 'utf8');
    expect(kept).toContain('2retnuh');
    expect(await engine.call('gateways.states', {})).toMatchObject({ value: { states: [{ hasSecret: true }] } });
  });

  it('passes on that the user wants to quit; ends when it is told to, and leaves nothing behind', async () => {
    const hosted = host();
    const engine = await hosted.started;
    expect(await engine.api['app.quit']({})).toMatchObject({ ok: true });
    expect(quits).toBe(1);
    await hosted.stop(1_000);
    expect(await accepts()).toBe(false);
    expect(existsSync(path.join(profile, 'control', 'socket'))).toBe(false);
    expect(await engine.call('status.get', {})).toMatchObject({ ok: false, error: { code: 'engine-down' } });
    expect(troubles).toEqual([]);
  });

  it('is not started again if there is no way to keep mail, and says why', async () => {
    mkdirSync(path.join(profile, 'queue.db'));
    await expect(host().started).rejects.toThrow(/EISDIR|unable to open database file/);
    expect(threads).toBe(1);
  });
});

describe('an engine that ends by itself', () => {
  it('is started again with its mail; calls meanwhile fail clearly, and the user is told', async () => {
    const engine = await host().started;
    expect(await submit(port, 'one')).toMatch(/^250/);
    const before = await outbox(engine);
    await tell('end');
    await expect.poll(() => engine.call('status.get', {})).toMatchObject({ error: { code: 'engine-down' } });
    const told: string[] = [];
    engine.on('queue:changed', () => told.push('queue'));
    await expect.poll(() => listening(engine)).toBe('listening');
    expect(told).toContain('queue');
    expect(problems(engine)).toEqual(['problem.engineRestarted']);
    expect(await outbox(engine)).toEqual(before);
    expect(await submit(port, 'two')).toMatch(/^250/);
    expect(await outbox(engine)).toHaveLength(2);
    expect(threads).toBe(2);
    await engine.api['control.dismissProblem']({ id: 'engine-restarted' });
    await expect.poll(() => problems(engine)).toEqual([]);
  });

  it('too often: is tried again only once the span has room, and that is told', async () => {
    const engine = await host({ restarts: 1, restartFirstMs: 10 }).started;
    await tell('end');
    await expect.poll(() => problems(engine)).toEqual(['problem.engineRestarted']);
    await tell('end');
    await expect.poll(() => problems(engine)).toContain('problem.engineResting');
    expect(engine.status().state).toBe('attention');
    expect(listening(engine)).toBe('stopped');
    expect(threads).toBe(2);
  });

  it('is there again once the span has room', async () => {
    const engine = await host({ restarts: 0, restartSpanMs: 300 }).started;
    await tell('end');
    await expect.poll(() => problems(engine)).toContain('problem.engineResting');
    await expect.poll(() => listening(engine)).toBe('listening');
  });

  it('is noticed when it hangs, ended, and started again with its mail', async () => {
    const engine = await host({ beatMs: 500, missedBeats: 8 }).started;
    expect(await submit(port, 'one')).toMatch(/^250/);
    await tell('hang');
    const asked = engine.call('status.get', {});
    expect(await asked).toMatchObject({ error: { code: 'engine-down' } });
    await expect.poll(() => problems(engine)).toEqual(['problem.engineRestarted']);
    expect(troubles.join('\n')).toContain('does not answer');
    expect(await outbox(engine)).toHaveLength(1);
  });

  it('can be told to end while it is down', async () => {
    const hosted = host({ restartFirstMs: 3_600_000 });
    const engine = await hosted.started;
    await tell('end');
    await expect.poll(() => listening(engine)).toBe('stopped');
    await hosted.stop(1_000);
    expect(threads).toBe(1);
  });
});
