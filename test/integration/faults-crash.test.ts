/** The program dies, or a part of it: what was acknowledged is not lost (standards §3). */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { openDatabase } from '../../main/queue/sqlite/database.ts';
import { startScriptedServer, type ScriptedServer } from '../fakes/scripted-smtp-server.ts';
import { builtProgram, endWithTest, loadSink, NOWHERE, queueId, tempFolder } from '../support/fault-rig.ts';
import { gatewaysAt } from '../support/program-parts.ts';
import { greetedClient, submit, submitOver } from '../support/smtp-load.ts';

const built = builtProgram();

/** Sessions that hand in message after message until the program is gone; adds the acknowledged ones. */
function pour(port: number, lanes: number, round: number, acked: Set<string>): Promise<unknown> {
  return Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      const client = await greetedClient(port);
      if (!client) return;
      for (let n = 0; ; n += 1) {
        const name = `r${round}-l${lane}-${n}`;
        const reply = await submitOver(client, name, { size: n % 10 === 9 ? 600_000 : 2_000 });
        if (reply.startsWith('250')) acked.add(name);
        else if (reply === '') break;
      }
      client.close();
    }),
  );
}

test('kill -9 under load: everything acknowledged arrives, twice at most what was in flight', async () => {
  const profile = tempFolder();
  const sink = await loadSink();
  const settings = { gateways: gatewaysAt([sink.port]), connection: { maxOutgoing: 10 } };
  const acked = new Set<string>();
  const kills = 6;
  for (let round = 0; round < kills; round += 1) {
    const child = await built.startProcess(profile, settings);
    expect(child.error).toBeNull();
    const poured = pour(child.port, 8, round, acked);
    // Different moments: hardly begun, in the middle, with a backlog.
    const enough = acked.size + ([3, 40, 90, 15, 60, 120][round] ?? 50);
    await expect.poll(() => acked.size, { interval: 2 }).toBeGreaterThanOrEqual(enough);
    child.process.kill('SIGKILL');
    expect(await child.exited).toBe('SIGKILL');
    await poured;
  }
  const last = await built.startProcess(profile, settings);
  expect(last.error).toBeNull();
  const missing = (): string[] => [...acked].filter((name) => !sink.arrived.has(name));
  await expect.poll(() => missing().length, { interval: 100 }).toBe(0);
  expect(acked.size).toBeGreaterThan(200);
  const twice = [...sink.arrived.values()].filter((n) => n > 1).length;
  expect(twice).toBeLessThanOrEqual(kills * 10); // maxOutgoing: as many as may be sent and stand in no record
  expect(Math.max(...sink.arrived.values())).toBeLessThanOrEqual(kills + 1);
  last.process.kill('SIGTERM');
  await last.exited;
}, 240_000);

test('kill -9 while some recipients of a message were taken and another is on its way elsewhere: none of those is sent to again', async () => {
  const profile = tempFolder();
  const first = endWithTest(
    await startScriptedServer({ 'RCPT TO': (line) => (line.includes('<r2@') ? '550 5.1.1 no' : '250 ok') }),
  );
  const second = endWithTest(await startScriptedServer({ 'MAIL FROM': { then: 'silence' } }));
  const heard = (server: ScriptedServer, word: string): number =>
    server.sessions.flatMap((s) => s.lines).filter((line) => line.startsWith(word)).length;
  const settings = { gateways: gatewaysAt([first.port, second.port]) };
  const child = await built.startProcess(profile, settings);
  const client = await greetedClient(child.port);
  for (const line of ['MAIL FROM:<ann@home.test>', ...[1, 2, 3].map((n) => `RCPT TO:<r${n}@example.test>`)])
    expect(await client?.say(line)).toMatch(/^250/);
  await client?.say('DATA');
  expect(await client?.say('Subject: x\r\n\r\nhello\r\n.')).toMatch(/^250/);
  await expect.poll(() => heard(second, 'MAIL FROM')).toBe(1);
  child.process.kill('SIGKILL');
  expect(await child.exited).toBe('SIGKILL');
  client?.close();
  second.become({});
  const next = await built.startProcess(profile, settings);
  await expect.poll(() => second.messages().length).toBe(1);
  await expect.poll(() => next.call('queue.folders', {})).toMatchObject({ value: { outbox: 0, sent: 1 } });
  expect(['r1', 'r2', 'r3'].map((to) => heard(first, `RCPT TO:<${to}@`))).toEqual([1, 2, 1]);
  expect(first.messages().filter((m) => m.includes('hello'))).toHaveLength(1);
  expect(second.messages()).toHaveLength(1);
}, 120_000);

test('power cut: whatever was acknowledged is in the files as they are on the disk at that moment', async () => {
  const { profile, port } = await built.start({ settings: NOWHERE });
  const acked: string[] = [];
  const copies: { readonly folder: string; readonly acked: readonly string[] }[] = [];
  const pouring = Promise.all(
    Array.from({ length: 6 }, async (_, lane) => {
      for (let n = 0; n < 30; n += 1) {
        const reply = await submit(port, `p${lane}-${n}`, { size: n % 7 === 6 ? 300_000 : 3_000 });
        expect(queueId(reply)).not.toBe('');
        acked.push(queueId(reply));
        if (lane === 0 && n % 5 === 2) {
          // At once, in this very turn: nothing that is acknowledged later can be in the copy by waiting.
          const folder = path.join(profile, `cut-${copies.length}`);
          mkdirSync(folder);
          const known = [...acked];
          for (const suffix of ['', '-wal']) {
            const from = path.join(profile, `queue.db${suffix}`);
            if (existsSync(from)) copyFileSync(from, path.join(folder, `queue.db${suffix}`));
          }
          copies.push({ folder, acked: known });
        }
      }
    }),
  );
  await pouring;
  expect(copies.length).toBeGreaterThan(4);
  for (const { folder, acked: known } of copies) {
    const cut = await built.start({ profile: folder, settings: NOWHERE });
    expect(cut.program.status().problems).toEqual([]);
    const missing: string[] = [];
    for (const id of known) {
      const found = await cut.program.api['queue.show']({ id });
      if (!found.ok) missing.push(id);
    }
    expect(missing).toEqual([]);
    await cut.stop();
  }
}, 240_000);

test('two programs on one profile: the second says so and ends, nothing is sent twice', async () => {
  const profile = tempFolder();
  const sink = await loadSink();
  const settings = { gateways: gatewaysAt([sink.port]) };
  const first = await built.startProcess(profile, settings);
  expect(await submit(first.port, 'before')).toMatch(/^250/);
  const second = await built.startProcess(profile, settings);
  expect(second.error).toMatch(/in use by another program/);
  expect(await second.exited).toBe(1);
  for (let i = 0; i < 20; i += 1) expect(await submit(first.port, `m${i}`)).toMatch(/^250/);
  await expect.poll(() => sink.arrived.size).toBe(21);
  expect([...sink.arrived.values()].every((n) => n === 1)).toBe(true);
});

test('the store thread dies with calls pending: 451 meanwhile, nothing acknowledged is lost, the program goes on by itself', async () => {
  const sink = await loadSink();
  const rig = await built.start({ settings: { gateways: gatewaysAt([sink.port]) } });
  const killer = endWithTest(new BroadcastChannel('store-worker-dies'));
  const acked = new Set<string>();
  const others = new Map<string, number>();
  let over = false;
  const lanes = Array.from({ length: 6 }, async (_, lane) => {
    const client = await greetedClient(rig.port);
    if (!client) throw new Error('nobody listens');
    for (let n = 0; !over; n += 1) {
      const reply = await submitOver(client, `t${lane}-${n}`);
      if (reply.startsWith('250')) acked.add(`t${lane}-${n}`);
      else {
        others.set(reply.slice(0, 9), (others.get(reply.slice(0, 9)) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    client.close();
  });
  for (let round = 0; round < 5; round += 1) {
    const before = acked.size;
    await expect.poll(() => acked.size, { interval: 5 }).toBeGreaterThan(before + 20);
    killer.postMessage(path.join(rig.profile, 'queue.db'));
    await expect.poll(() => others.size, { interval: 5 }).toBeGreaterThan(0);
  }
  over = true;
  await Promise.all(lanes);
  expect([...others.keys()]).toEqual(['451 4.3.0']);
  const missing = (): number => [...acked].filter((name) => !sink.arrived.has(name)).length;
  await expect.poll(missing).toBe(0);
  await expect.poll(async () => rig.program.api['queue.folders']({})).toMatchObject({ value: { outbox: 0 } });
  expect(Math.max(...sink.arrived.values())).toBe(1);
  expect(rig.program.status().problems).toEqual([]);
}, 240_000);

test('the copy of a queue is sound by the word of the database itself', async () => {
  const rig = await built.start({ settings: NOWHERE });
  for (let i = 0; i < 5; i += 1) await submit(rig.port, `s${i}`);
  await rig.stop();
  const db = openDatabase(path.join(rig.profile, 'queue.db'));
  expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
  db.close();
});
