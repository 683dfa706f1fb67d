import { statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Selection } from '../../../shared/ipc-contract.ts';
import { sqliteEngine } from '../../../main/queue/sqlite/database.ts';
import { LATER, NO, accept, claim, newMessage, openStore, readAll, recordAll, recordOf, update } from './support.ts';
import { expectMode } from '../../support/unix-files.ts';

describe('accepted and claimed in one', () => {
  const octets = Buffer.from('Subject: x\r\n\r\nhello\r\n');

  test('comes back as the claim would, octets included, and is claimed by nobody else', async () => {
    const { store, clock } = await openStore();
    const message = newMessage('a', { to: ['one@example.test', 'two@Example.TEST'] });
    const staged = store.stage('a');
    await staged.write(octets);
    const claimed = await staged.commitAndClaim(message);
    expect(await store.claimDue({ now: clock.now() + 1, limit: 10, skipDomains: [] })).toEqual([]);
    await store.release(claimed?.recipients.map((r) => r.id) ?? [], { nextAt: clock.now(), held: false });
    const [again] = await store.claimDue({ now: clock.now() + 1, limit: 10, skipDomains: [] });
    expect(again && { ...again, attempt: 1, bytes: Buffer.from(again.bytes ?? []) }).toEqual(
      claimed && { ...claimed, bytes: octets },
    );
  });

  test('a message that has to wait for its time is queued', async () => {
    const { store } = await openStore();
    const message = newMessage('a');
    const staged = store.stage('a');
    await staged.write(octets);
    const later = message.recipients.map((r) => ({ ...r, notBefore: message.acceptedAt + 1000 }));
    expect(await staged.commitAndClaim({ ...message, recipients: later })).toBeNull();
    expect(await store.nextDueAt()).toBe(message.acceptedAt + 1000);
  });

  test('what was claimed so and was in flight at a crash is queued again', async () => {
    const { store, path: file, clock } = await openStore();
    const staged = store.stage('a');
    await staged.write(octets);
    await staged.commitAndClaim(newMessage('a'));
    await store.close();
    const { store: again } = await openStore({ path: file, clock });
    expect(again.recovery.requeued).toBe(1);
    expect(await again.claimDue({ now: clock.now() + 1, limit: 10, skipDomains: [] })).toHaveLength(1);
  });
});

const page = (folder: 'outbox' | 'sent' | 'bad' | 'bounced' | 'deleted', more: object = {}) => ({
  folder,
  search: '',
  sort: 'age' as const,
  descending: true,
  offset: 0,
  limit: 100,
  ...more,
});

test('uses node:sqlite where the runtime has it, else the drop-in', () => {
  const builtin = process.getBuiltinModule('node:sqlite') as unknown;
  expect(sqliteEngine).toBe(builtin === undefined ? '@photostructure/sqlite' : 'node:sqlite');
  console.info(`store tests ran on ${sqliteEngine}, Node ${process.versions.node}`);
});

describe('accepting', () => {
  test('an accepted message is in the Outbox with its octets, private to its owner', async () => {
    const { store, path } = await openStore();
    await accept(store, newMessage('a', { to: ['x@a.test', 'y@b.test'], subject: 'Hello' }), 'abc');
    expect(await store.counts()).toMatchObject({ outbox: 1, sent: 0 });
    expect((await readAll(store, 'a')).toString()).toBe('abc');
    const { total, rows } = await store.list(page('outbox'));
    expect(total).toBe(1);
    expect(rows[0]).toMatchObject({
      id: 'a',
      to: ['x@a.test', 'y@b.test'],
      recipientCount: 2,
      size: 3,
      state: 'queued',
      nextAt: 1000,
    });
    expectMode(path, 0o600);
    expectMode(`${path}-wal`, 0o600);
  });

  test.each([0, 1, 262_143, 262_144, 262_145, 524_288, 1_500_000])(
    'a message of %i octets comes out as it went in',
    async (size) => {
      const { store } = await openStore();
      const bytes = Buffer.alloc(size);
      for (let i = 0; i < size; i += 1) bytes[i] = (i * 31 + (i >> 8)) & 0xff;
      const staged = store.stage('a');
      const buffer = Buffer.alloc(70_000);
      for (let at = 0; at < size; at += buffer.length) {
        const n = bytes.copy(buffer, 0, at, at + buffer.length);
        await staged.write(buffer.subarray(0, n)); // the same memory again and again, as a socket does
        buffer.fill(0xee);
      }
      await staged.commit(newMessage('a'));
      expect((await readAll(store, 'a')).equals(bytes)).toBe(true);
      expect((await readAll(store, 'a', Math.floor(size / 2))).equals(bytes.subarray(Math.floor(size / 2)))).toBe(true);
      expect((await readAll(store, 'a', size)).length).toBe(0);
      expect(Buffer.from(await store.head('a', 100)).equals(bytes.subarray(0, 100))).toBe(true);
    },
  );

  test('an aborted message leaves nothing', async () => {
    const { store } = await openStore();
    const staged = store.stage('a');
    await staged.write(Buffer.alloc(600_000));
    await staged.abort();
    expect(await store.counts()).toMatchObject({ outbox: 0 });
    await expect(staged.commit(newMessage('a'))).rejects.toMatchObject({ name: 'StoreError' });
    await expect(store.head('a', 10)).rejects.toMatchObject({ name: 'StoreError' });
  });

  test('one that fails leaves those that are committed together with it alone', async () => {
    const { store } = await openStore();
    await accept(store, newMessage('a'));
    const results = await Promise.allSettled([
      accept(store, newMessage('b')),
      accept(store, newMessage('a')),
      accept(store, newMessage('none', { to: [] })),
      accept(store, newMessage('c')),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(await store.counts()).toMatchObject({ outbox: 3 });
  });

  test('calls after closing are refused as closed', async () => {
    const { store } = await openStore();
    await store.close();
    await expect(accept(store, newMessage('a'))).rejects.toMatchObject({ reason: 'closed' });
  });
});

describe('claiming and recording', () => {
  test('due recipients are claimed once, oldest first, grouped by message; busy domains are passed over', async () => {
    const { store } = await openStore();
    await accept(store, newMessage('late', { acceptedAt: 3000 }));
    await accept(store, newMessage('a', { acceptedAt: 1000, to: ['1@a.test', '2@Busy.Test', '3@a.test'] }));
    await accept(store, newMessage('b', { acceptedAt: 2000, to: ['1@b.test'] }));
    expect(await store.nextDueAt()).toBe(1000);
    const first = await claim(store, 2500, 10, ['busy.test']);
    expect(first.map(({ id, attempt, recipients }) => [id, attempt, recipients.map(({ rcptTo }) => rcptTo)])).toEqual([
      ['a', 1, ['1@a.test', '3@a.test']],
      ['b', 1, ['1@b.test']],
    ]);
    expect((await claim(store, 2500)).map(({ id, attempt }) => [id, attempt])).toEqual([['a', 2]]);
    expect(await claim(store, 2500)).toEqual([]);
    expect(await store.nextDueAt()).toBe(3000);
    expect(await claim(store, 5000, 1)).toHaveLength(1);
  });

  test.each([
    [['delivered', 'relayed'], 'sent'],
    [['delivered', 'bad'], 'bad'],
    [['bounced', 'bad'], 'bounced'],
    [['bounced', 'deferred'], 'outbox'],
  ] as const)('recipients %j put the message into %s', async (states, folder) => {
    const { store } = await openStore();
    await accept(store, newMessage('a', { to: states.map((_, i) => `${i}@x.test`) }));
    const [message] = await claim(store);
    await store.record(
      recordOf(
        'a',
        message!.recipients.map(({ id }, i) => update(id, { state: states[i]!, nextAt: 9000 })),
      ),
    );
    expect(await store.counts()).toMatchObject({ outbox: 0, sent: 0, bad: 0, bounced: 0, [folder]: 1 });
    expect((await store.list(page(folder))).rows[0]?.folder).toBe(folder);
  });

  test('a hop that an older version stored as passed over comes back as skipped', async () => {
    const { store } = await openStore();
    await accept(store, newMessage('a'));
    const [message] = await claim(store);
    const hopTry = {
      attempt: 1,
      hop: { kind: 'gateway', host: 'smtp.office.test', port: 587, gatewayName: 'Office' },
      startedAt: 5,
      endedAt: 5,
      network: null,
      phase: 'connect',
      tls: null,
      outcomes: [],
    } as const;
    const old = { ...hopTry, passedOver: true };
    await store.record(recordOf('a', [update(message!.recipients[0]!.id, {})], { tries: [old] }));
    expect((await store.details('a'))?.timeline).toEqual([{ ...hopTry, skipped: true }]);
  });

  test('what is recorded comes back in the details, with its timeline and hop', async () => {
    const { store } = await openStore();
    await accept(store, newMessage('a', { messageId: '<m@x>', dsn: { ret: 'hdrs' } }));
    const [message] = await claim(store);
    const recipient = message!.recipients[0]!.id;
    const hop = { kind: 'gateway', host: 'smtp.office.test', port: 587, gatewayName: 'Office' } as const;
    const hopTry = {
      attempt: 1,
      hop,
      startedAt: 5,
      endedAt: 9,
      network: null,
      phase: 'rcpt',
      tls: null,
      outcomes: [{ recipient, verdict: { kind: 'rejected', scope: 'recipient', status: '5.1.1', reply: NO } }],
    } as const;
    await store.record(
      recordOf(
        'a',
        [update(recipient, { state: 'bad', reply: NO, status: '5.1.1', facts: { x: 1 }, via: 'Office', hop })],
        {
          tries: [hopTry],
          invalidAddresses: [{ address: 'rcpt@example.test', reply: '550 no' }],
        },
      ),
    );
    const details = await store.details('a');
    expect(details).toMatchObject({
      via: 'Office',
      lastWords: '550 5.1.1 no such user',
      seen: false,
      messageId: '<m@x>',
      timeline: [hopTry],
    });
    expect(details?.recipients[0]).toMatchObject({
      state: 'bad',
      reply: NO,
      hop,
      facts: { x: 1 },
      attempts: 1,
      nextAt: null,
    });
    expect(await store.invalidAddresses()).toMatchObject([{ address: 'rcpt@example.test', count: 1 }]);
    expect(await store.clearInvalidAddresses()).toBe(1);
    expect(await store.counts()).toMatchObject({ bad: 1, unseenBad: 1 });
    expect(await store.markSeen({ ids: ['a'] })).toBe(1);
    expect(await store.counts()).toMatchObject({ unseenBad: 0 });
    expect(await store.details('nothing')).toBeNull();
  });

  test('what is to be told stands with the recipient until the report is a message, and is told once', async () => {
    const { store } = await openStore();
    await accept(store, newMessage('a', { to: ['x@example.test', 'y@example.test', 'z@example.test'] }));
    const [message] = await claim(store, undefined, 2);
    const [x, y] = message!.recipients.map(({ id }) => id);
    const due = (at: number) => ({ state: 'bounced' as const, report: { at, facts: { action: 'failed' } } });
    await store.record(recordOf('a', [update(x!, due(5))]));
    expect(await store.pendingReports(0)).toEqual([{ id: 'a', since: 5, inFlight: 1, dueSoon: 0 }]);
    expect(await store.pendingReports(1e15)).toEqual([{ id: 'a', since: 5, inFlight: 1, dueSoon: 1 }]);
    const second = recordOf('a', [update(y!, due(7))]);
    await store.record(second);
    const matter = await store.reportMatter('a');
    expect(matter?.recipients).toMatchObject([
      { id: x, rcptTo: 'x@example.test', at: 5, facts: { action: 'failed' } },
      { id: y, at: 7 },
    ]);
    const report = {
      message: newMessage('r', { mailFrom: null, origin: { kind: 'report', about: 'a' } }),
      bytes: Buffer.from('report'),
      told: matter!.recipients.map(({ id, at }) => ({ recipient: id, at })),
    };
    await store.report(report);
    await store.report(report);
    // Its answer was lost: the record comes again.
    await store.record(second);
    expect(await store.pendingReports(0)).toEqual([]);
    expect(await store.reportMatter('a')).toBeNull();
    expect(await store.counts()).toMatchObject({ outbox: 2 });
    expect((await readAll(store, 'r')).toString()).toBe('report');
  });

  test('time removes no message of which something is still to be told', async () => {
    const { store } = await openStore();
    await accept(store, newMessage('a'));
    await recordAll(store, await claim(store), { report: { at: 5, facts: { action: 'relayed' } } });
    const limits = { sentBefore: 1e15, deletedBefore: 1e15 };
    expect(await store.expireKept(limits)).toBe(0);
    await store.move({ ids: ['a'] }, 'deleted');
    expect(await store.expireKept(limits)).toBe(0);
    const { recipients } = (await store.reportMatter('a'))!;
    const told = recipients.map(({ id, at }) => ({ recipient: id, at }));
    await store.report({ message: newMessage('r'), bytes: Buffer.from('report'), told });
    expect(await store.expireKept(limits)).toBe(1);
  });

  test('"delayed" is not told of a recipient that is done with by then, a retry forgets what was to be told', async () => {
    const { store } = await openStore();
    await accept(store, newMessage('a'));
    const late = { state: 'deferred' as const, nextAt: 0, report: { at: 5, facts: 'delayed' } };
    await recordAll(store, await claim(store), late);
    await recordAll(store, await claim(store), { state: 'deferred', nextAt: 0 });
    expect(await store.pendingReports(0)).toHaveLength(1);
    await recordAll(store, await claim(store));
    expect(await store.pendingReports(0)).toEqual([]);
    await accept(store, newMessage('b'));
    await recordAll(store, await claim(store), { state: 'bounced', report: { at: 6, facts: 'failed' } });
    expect(await store.pendingReports(0)).toHaveLength(1);
    await store.retry({ ids: ['b'] }, null, 9);
    expect(await store.pendingReports(0)).toEqual([]);
  });

  test('delivered stays delivered, whatever is said later', async () => {
    const { store } = await openStore();
    await accept(store, newMessage('a'));
    const claimed = await claim(store);
    await recordAll(store, claimed);
    await recordAll(store, claimed, { state: 'deferred', nextAt: 0 });
    expect(await store.counts()).toMatchObject({ outbox: 0, sent: 1 });
    expect(await claim(store)).toEqual([]);
  });

  test('released recipients are due again when it was said, held ones are shown as held', async () => {
    const { store } = await openStore();
    await accept(store, newMessage('a'));
    const [message] = await claim(store);
    await store.release(
      message!.recipients.map(({ id }) => id),
      { nextAt: 7000, held: true },
    );
    expect((await store.details('a'))?.recipients[0]).toMatchObject({ state: 'held', nextAt: 7000 });
    expect(await claim(store, 6999)).toEqual([]);
    expect(await claim(store, 7000)).toHaveLength(1);
  });
});

describe('waking', () => {
  async function deferred() {
    const opened = await openStore();
    const { store } = opened;
    await accept(store, newMessage('a'));
    await accept(store, newMessage('b'));
    const claimed = await claim(store);
    await recordAll(store, claimed.slice(0, 1), {
      state: 'deferred',
      nextAt: 50_000,
      waitsFor: 'gateway:1',
      reply: LATER,
    });
    await recordAll(store, claimed.slice(1), { state: 'deferred', nextAt: null, waitsFor: 'mx:x.test' });
    return opened;
  }

  test('all: every waiting recipient is due, those without a time too', async () => {
    const { store } = await deferred();
    expect(await store.nextDueAt()).toBe(50_000);
    expect(await store.wake({ kind: 'all' }, 2000)).toBe(2);
    expect((await claim(store, 2000)).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  test('hop: only those that wait for it', async () => {
    const { store } = await deferred();
    expect(await store.wake({ kind: 'hop', waitsFor: 'mx:x.test' }, 2000)).toBe(1);
    expect((await claim(store, 2000)).map(({ id }) => id)).toEqual(['b']);
  });

  test('selection: the chosen ones, through the gateway that was asked for, until that attempt was recorded', async () => {
    const { store } = await deferred();
    expect(await store.retry({ ids: ['b', 'unknown'] }, 'g', 2000)).toEqual({ count: 1, sending: 0 });
    const claimed = await claim(store, 2000);
    expect(claimed[0]?.recipients[0]).toMatchObject({ forcedGateway: 'g', attempts: 1 });
    expect(await store.retry({ ids: ['b'] }, 'other', 2000)).toEqual({ count: 0, sending: 1 });
    await recordAll(store, claimed, { state: 'deferred', nextAt: 3000 });
    expect((await claim(store, 3000))[0]?.recipients[0]?.forcedGateway).toBeNull();
  });

  test('selection: hops that may have taken it are forgiven; all and hop leave them as they are', async () => {
    const { store } = await deferred();
    const unknownOutcomes = [{ hop: 'mx:mx.x.test', network: 'home', count: 3 }];
    const doubt = async (): Promise<readonly unknown[]> => {
      const claimed = await claim(store, 2000);
      const before = claimed.flatMap(({ recipients }) => recipients.map((r) => r.unknownOutcomes));
      await recordAll(store, claimed, { state: 'deferred', nextAt: 5000, unknownOutcomes });
      return before;
    };
    await store.retry({ ids: ['b'] }, null, 2000);
    expect(await doubt()).toEqual([[]]);
    await store.wake({ kind: 'all' }, 2000);
    expect(await doubt()).toContainEqual(unknownOutcomes);
    await store.retry({ ids: ['b'] }, null, 2000);
    expect(await doubt()).toEqual([[{ ...unknownOutcomes[0], count: 0 }]]);
    expect(await store.details('b')).toMatchObject({ mayHaveArrived: true, recipients: [{ mayHaveArrived: true }] });
    const { rows } = await store.list({
      folder: 'outbox',
      search: '',
      sort: 'age',
      descending: true,
      offset: 0,
      limit: 9,
    });
    expect(rows.find((row) => row.id === 'b')?.mayHaveArrived).toBe(true);
  });

  test('a message of which only a replaced recipient may have got it does not say that it may have arrived', async () => {
    const { store } = await openStore();
    await accept(store, newMessage('a', { to: ['taken@x.test', 'lost@x.test'] }));
    const [first, second] = (await claim(store))[0]?.recipients.map(({ id }) => id) ?? [];
    const unknownOutcomes = [{ hop: 'mx:mx.x.test', network: 'home', count: 3 }];
    const lost = update(second ?? 0, { state: 'bounced', reply: null, unknownOutcomes });
    await store.record(recordOf('a', [update(first ?? 0), lost]));
    expect(await store.details('a')).toMatchObject({ folder: 'bounced', mayHaveArrived: true });
    expect(await store.resend({ source: 'a', replaces: [second ?? 0], id: 'b', to: ['other@x.test'] })).toEqual({
      kind: 'done',
    });
    expect(await store.details('a')).toMatchObject({ folder: 'sent', state: 'delivered', mayHaveArrived: false });
  });

  test('selection: messages are counted, however many recipients of theirs go again', async () => {
    const { store } = await openStore();
    await accept(store, newMessage('a', { to: ['one@x.test', 'two@x.test', 'three@x.test'] }));
    await accept(store, newMessage('b', { to: ['one@x.test', 'two@x.test'] }));
    const [first] = await claim(store);
    await recordAll(store, [first!], { state: 'bad', reply: NO });
    expect(await store.retry({ ids: ['a', 'b', 'unknown'] }, null, 9000)).toEqual({ count: 1, sending: 1 });
    expect((await claim(store, 9000))[0]?.recipients).toHaveLength(3);
  });

  test('from Bad only the recipients that failed go again, as if they were new', async () => {
    const { store } = await openStore();
    await accept(store, newMessage('a', { to: ['good@x.test', 'bad@x.test'] }));
    const [message] = await claim(store);
    const [good, bad] = message!.recipients;
    await store.record(
      recordOf('a', [
        update(good!.id),
        update(bad!.id, { state: 'bad', attempts: 7, retryIndex: 5, gatewayPasses: 3, undeliverable: true, reply: NO }),
      ]),
    );
    expect(await store.retry({ folder: 'bad', search: '', except: [] }, null, 9000)).toEqual({ count: 1, sending: 0 });
    const again = await claim(store, 9000);
    expect(again[0]).toMatchObject({ attempt: 2 });
    expect(again[0]?.recipients).toMatchObject([
      {
        id: bad!.id,
        attempts: 0,
        retryIndex: 0,
        gatewayPasses: 0,
        undeliverable: false,
        countedFrom: 9000,
        lastCountedAt: null,
      },
    ]);
  });

  test('clamp brings times that are too far away nearer', async () => {
    const { store } = await deferred();
    expect(await store.clampNextAt(10_000)).toBe(2);
    expect(await store.nextDueAt()).toBe(10_000);
    expect(await store.clampNextAt(10_000)).toBe(0);
  });
});

describe('folders', () => {
  test('deleted mail is not sent; back again it is; purged it is gone and its room is given back', async () => {
    const { store, clock, path } = await openStore();
    await accept(store, newMessage('a'), Buffer.alloc(5_000_000));
    expect(await store.purge({ ids: ['a'] })).toEqual({ count: 0, sending: 0 }); // not in Deleted
    expect(await store.move({ ids: ['a'] }, 'deleted')).toMatchObject({ count: 1, flying: [] });
    expect(await store.counts()).toMatchObject({ outbox: 0, deleted: 1 });
    expect(await claim(store)).toEqual([]);
    expect(await store.wake({ kind: 'all' }, 5)).toBe(0);
    expect(await store.move({ ids: ['a'] }, 'back')).toMatchObject({ count: 1, flying: [] });
    expect(await store.counts()).toMatchObject({ outbox: 1, deleted: 0 });
    const claimed = await claim(store);
    expect(claimed).toHaveLength(1);
    expect(await store.move({ ids: ['a'] }, 'deleted')).toMatchObject({ count: 1, flying: ['a'] }); // in flight
    const everything: Selection = { folder: 'deleted', search: '', except: [] };
    expect(await store.purge(everything)).toEqual({ count: 0, sending: 1 });
    expect(await store.expireKept({ sentBefore: null, deletedBefore: clock.now() + 86_400_000 })).toBe(0);
    await recordAll(store, claimed, { state: 'deferred', nextAt: 0 });
    expect(await claim(store)).toEqual([]);
    expect(await store.purge(everything)).toEqual({ count: 1, sending: 0 });
    expect(await store.details('a')).toBeNull();
    for (let i = 0; i < 10; i += 1)
      await clock.advance(5000, async () => {
        await store.counts();
      });
    await store.close();
    expect(statSync(path).size).toBeLessThan(1_500_000); // some free pages are kept for the next mail
  });

  test('a resent copy shares the octets and keeps them when its source is purged', async () => {
    const { store } = await openStore();
    await accept(store, newMessage('a'), Buffer.alloc(300_000, 7));
    const again = { source: 'a', replaces: [], to: ['other@x.test'] };
    expect(await store.resend({ ...again, id: 'b' })).toEqual({ kind: 'done' });
    await store.move({ ids: ['a'] }, 'deleted');
    await store.purge({ ids: ['a'] });
    expect((await readAll(store, 'b')).equals(Buffer.alloc(300_000, 7))).toBe(true);
    expect(await store.resend({ ...again, id: 'c' })).toEqual({ kind: 'gone' });
    expect(await store.details('c')).toBeNull();
    expect((await store.details('b'))?.origin).toEqual({ kind: 'resent', from: 'a' });
  });

  test('mail kept long enough goes, the rest stays', async () => {
    const { store, clock } = await openStore();
    for (const id of ['old', 'new', 'waiting']) await accept(store, newMessage(id));
    const claimed = await claim(store);
    const now = clock.now();
    await recordAll(
      store,
      claimed.filter(({ id }) => id === 'old'),
    );
    await clock.advance(10_000);
    await recordAll(
      store,
      claimed.filter(({ id }) => id === 'new'),
    );
    expect(await store.expireKept({ sentBefore: now + 5000, deletedBefore: null })).toBe(1);
    expect(await store.details('old')).toBeNull();
    expect(await store.counts()).toMatchObject({ sent: 1, outbox: 1 });
    await store.move({ ids: ['waiting'] }, 'deleted');
    expect(await store.expireKept({ sentBefore: null, deletedBefore: clock.now() + 1 })).toBe(0); // in flight
    const waiting = claimed.flatMap(({ id, recipients }) => (id === 'waiting' ? recipients.map((r) => r.id) : []));
    await store.release(waiting, { nextAt: now, held: false });
    expect(await store.expireKept({ sentBefore: null, deletedBefore: clock.now() + 1 })).toBe(1);
  });

  test('lists are sorted, searched in subject, addresses and servers’ words, and paged', async () => {
    const { store } = await openStore();
    for (const [i, subject] of ['banana', 'Apple', 'cherry Ünïcode'].entries()) {
      await accept(
        store,
        newMessage(`m${i}`, { subject, acceptedAt: 1000 + i, to: [`user${i}@dest${i}.test`] }),
        'x'.repeat(3 - i),
      );
    }
    const ids = async (more: object) => (await store.list(page('outbox', more))).rows.map(({ id }) => id);
    expect(await ids({})).toEqual(['m2', 'm1', 'm0']);
    expect(await ids({ sort: 'subject', descending: false })).toEqual(['m1', 'm0', 'm2']);
    expect(await ids({ sort: 'size', descending: false })).toEqual(['m2', 'm1', 'm0']);
    for (const sort of ['state', 'from', 'to', 'next', 'via'])
      expect(await ids({ sort, descending: false })).toEqual(['m0', 'm1', 'm2']);
    expect(await ids({ offset: 1, limit: 1 })).toEqual(['m1']);
    expect(await ids({ search: 'ÜNÏ cherry' })).toEqual(['m2']);
    expect(await ids({ search: 'DEST1' })).toEqual(['m1']);
    expect(await ids({ search: '100%_' })).toEqual([]);
    const claimed = await claim(store);
    await recordAll(store, claimed.slice(0, 1), {
      state: 'deferred',
      nextAt: 5,
      reply: { code: 450, text: 'Greylisted, come\nback' },
    });
    expect(await ids({ search: 'greylisted' })).toEqual(['m0']);
    expect(await store.list(page('outbox', { search: 'dest', limit: 1 }))).toMatchObject({
      total: 3,
      rows: [{ id: 'm2' }],
    });
    expect(await store.move({ folder: 'outbox', search: 'dest', except: ['m0'] }, 'deleted')).toMatchObject({
      count: 2,
    });
  });
});

test('activity counts per bucket, with the changes of the network', async () => {
  const { store, clock } = await openStore();
  const from = clock.now();
  await accept(store, newMessage('a'));
  await store.noteNetwork({ id: 'n1', name: 'Home', at: from + 1 });
  await store.noteNetwork({ id: 'n1', name: null, at: from + 2 });
  await clock.advance(60_000);
  await recordAll(store, await claim(store), { state: 'deferred', nextAt: 0 });
  await recordAll(store, await claim(store));
  await store.noteNetwork({ id: 'n2', name: null, at: from + 60_000 });
  const { points, networkChanges } = await store.activity({ from, to: from + 120_000, bucketMs: 60_000 });
  expect(points).toEqual([
    { at: from, accepted: 1, delivered: 0, deferred: 0 },
    { at: from + 60_000, accepted: 0, delivered: 1, deferred: 1 },
    { at: from + 120_000, accepted: 0, delivered: 0, deferred: 0 },
  ]);
  expect(networkChanges).toEqual([
    { at: from + 1, name: 'Home' },
    { at: from + 60_000, name: null },
  ]);
  expect(await store.knownNetworks()).toMatchObject([
    { id: 'n2', current: true },
    { id: 'n1', systemName: 'Home', lastSeen: from + 2, current: false },
  ]);
  await store.forgetNetwork('n1');
  expect(await store.knownNetworks()).toHaveLength(1);
});

test('memos survive a restart', async () => {
  const { store, path } = await openStore();
  await store.setMemo('k', '{"a":1}');
  await store.setMemo('gone', '1');
  await store.setMemo('gone', null);
  await store.close();
  const { store: again } = await openStore({ path });
  expect(await again.getMemo('k')).toBe('{"a":1}');
  expect(await again.getMemo('gone')).toBeNull();
});

test('listeners hear of changes that a window shows, and of nothing else', async () => {
  const { store } = await openStore();
  let heard = 0;
  const stop = store.onChange(() => (heard += 1));
  await store.counts();
  await store.setMemo('k', '1');
  await claim(store);
  expect(heard).toBe(0);
  await accept(store, newMessage('a'));
  expect(heard).toBe(1);
  stop();
  await accept(store, newMessage('b'));
  expect(heard).toBe(1);
});
