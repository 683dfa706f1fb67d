import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { BroadcastChannel } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleForNode } from '../../../scripts/lib/bundle.mjs';
import type { Clock } from '../../../main/runtime/clock.ts';
import { openQueueStore } from '../../../main/queue/open-queue-store.ts';
import { LATER, accept, claim, newMessage, readAll, recordAll, tempFolder } from './support.ts';

const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

// The thread as the program has it: bundled to plain JavaScript. Inside the work tree, for the drop-in to be found.
const root = path.resolve(import.meta.dirname, '../../..');
let out = '';
let workerUrl: URL;

beforeAll(async () => {
  mkdirSync(path.join(root, 'test-output'), { recursive: true });
  out = mkdtempSync(path.join(root, 'test-output', 'store-worker-'));
  await bundleForNode({
    entries: {
      'store-worker': path.join(root, 'main/queue/store-worker.ts'),
      'commit-forever': path.join(import.meta.dirname, 'commit-forever.ts'),
      'forgetful-store-worker': path.join(root, 'test/support/forgetful-store-worker.ts'),
    },
    into: out,
  });
  workerUrl = pathToFileURL(path.join(out, 'store-worker.mjs'));
}, 30_000);

afterAll(() => rmSync(out, { recursive: true, force: true }));

/** Has the thread of this file do what it is asked next, and die before it answers. */
async function forgetNextAnswer(file: string): Promise<void> {
  const channel = new BroadcastChannel('store-worker-forgets');
  await new Promise<void>((resolve) => {
    channel.onmessage = (event: unknown) => {
      if ((event as { readonly data: unknown }).data === `${file} will`) resolve();
    };
    channel.postMessage(file);
  });
  channel.close();
}

async function openInWorker(file = path.join(tempFolder(), 'queue.db'), runId = 'run') {
  return openQueueStore({ path: file, runId, clock: realClock, workerUrl, reserveBytes: 0 });
}

describe('in a thread of its own', () => {
  test('mail goes in, is claimed, recorded and read, large mail too', async () => {
    const store = await openInWorker();
    await Promise.all(Array.from({ length: 50 }, async (_, i) => accept(store, newMessage(`m${i}`), `body ${i}`)));
    await accept(store, newMessage('big'), Buffer.alloc(3_000_000, 5));
    expect((await readAll(store, 'big')).equals(Buffer.alloc(3_000_000, 5))).toBe(true);
    expect((await readAll(store, 'm7')).toString()).toBe('body 7');
    await recordAll(store, await claim(store));
    expect(await store.counts()).toMatchObject({ outbox: 0, sent: 51 });
    await store.close();
  });

  test('a recipient of which the word was lost with its answer is not claimed before it was said again, and then counts as it stands', async () => {
    const file = path.join(tempFolder(), 'queue.db');
    const store = await openQueueStore({
      path: file,
      runId: 'run',
      clock: realClock,
      workerUrl: pathToFileURL(path.join(out, 'forgetful-store-worker.mjs')),
      reserveBytes: 0,
    });
    await accept(store, newMessage('a', { to: ['waits@x.test', 'mended@x.test'] }));
    const claimed = await claim(store);
    const put = async () => recordAll(store, claimed, { state: 'deferred', nextAt: Date.now(), reply: LATER });
    await forgetNextAnswer(file);
    await expect(put()).rejects.toMatchObject({ name: 'StoreError' });
    const back = async () => store.details('a').catch(() => null);
    await expect.poll(async () => (await back())?.recipients.map((r) => r.state)).toEqual(['deferred', 'deferred']);
    expect(await claim(store)).toEqual([]);
    const [, mended] = claimed[0]!.recipients;
    const again = { source: 'a', replaces: [mended!.id], id: 'b', to: ['right@x.test'] };
    expect(await store.resend(again)).toEqual({ kind: 'done' });
    await put();
    expect((await back())?.recipients.map((r) => r.state)).toEqual(['deferred', 'replaced']);
    const next = await claim(store);
    expect(next.flatMap((m) => m.recipients.map((r) => r.rcptTo)).sort()).toEqual(['right@x.test', 'waits@x.test']);
    await store.close();
  });

  test('a second opening of the same file is refused as busy', async () => {
    const file = path.join(tempFolder(), 'queue.db');
    const store = await openInWorker(file);
    await expect(openInWorker(file)).rejects.toMatchObject({ reason: 'busy' });
    await store.close();
    const again = await openInWorker(file);
    await again.close();
  });
});

test('kill -9 at any moment: whatever was acknowledged is there', async () => {
  const file = path.join(tempFolder(), 'queue.db');
  const acked = new Set<string>();
  for (let round = 0; round < 8; round += 1) {
    const child = spawn(
      process.execPath,
      [path.join(out, 'commit-forever.mjs'), file, `round${round}`, workerUrl.href],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    // Killed after a number of acknowledgements that differs from round to round.
    const killAfter = 1 + ((round * 37) % 101);
    let seen = 0;
    let rest = '';
    child.stdout.on('data', (data: Buffer) => {
      const lines = (rest + data.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) acked.add(line);
      seen += lines.length;
      if (seen >= killAfter) child.kill('SIGKILL');
    });
    const signal = await new Promise((done) => child.on('close', (_, name) => done(name)));
    expect(signal).toBe('SIGKILL');
  }
  const store = await openInWorker(file);
  expect(store.recovery.setAside).toBeNull();
  const missing: string[] = [];
  for (const id of acked)
    if ((await store.details(id)) === null || (await readAll(store, id)).toString() !== `octets of ${id}`)
      missing.push(id);
  expect(missing).toEqual([]);
  expect(acked.size).toBeGreaterThan(150);
  await store.close();
}, 60_000);
