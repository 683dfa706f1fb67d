import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Folder, Verdict } from '../../../shared/mail.ts';
import { StoreError } from '../../../main/queue/queue-store.ts';
import type { Settings } from '../../../shared/settings.ts';
import { accepted, later, nameless, refused, silent, type Script, unsure } from '../../fakes/scripted-delivery.ts';
import { createEngineLab, DAY, gateways, HOME, HOUR, NO_NETWORK, type EngineLab } from '../../support/engine-lab.ts';

const plainMessage = (id: string) =>
  ({
    id,
    mailFrom: 'ann@sender.test',
    recipients: [{ rcptTo: 'bob@example.test', dsn: {} }],
    dsn: {},
    body8bit: false,
    smtputf8: false,
    origin: { kind: 'smtp', client: '127.0.0.1' },
    subject: 'x',
    headerFrom: null,
    messageId: null,
  }) as const;

let lab: EngineLab | undefined;
afterEach(async () => {
  await lab?.close();
  lab = undefined;
});
async function start(script: Script, first?: (settings: Settings) => unknown): Promise<EngineLab> {
  lab = await createEngineLab(script, first);
  return lab;
}
const list = async (l: EngineLab, folder: Folder) =>
  (await l.store().list({ folder, search: '', sort: 'age', descending: true, offset: 0, limit: 10 })).rows;
const always =
  (...names: readonly string[]) =>
  (s: Settings) => ({ ...s, gateways: { ...s.gateways, mode: 'always', list: gateways(...names) } });

describe('a message', () => {
  it('that its mail server takes is Sent, after one attempt', async () => {
    const { accept, states, counts, delivery } = await start(() => accepted);
    const id = await accept(['bob@example.test']);
    expect(await states(id)).toEqual({ 'bob@example.test': 'delivered' });
    expect(await counts()).toMatchObject({ outbox: 0, sent: 1 });
    expect(delivery.taken).toEqual(['direct example.test -> bob@example.test']);
  });

  it('is claimed as it is accepted while there is a place, and waits in the queue when all are taken', async () => {
    const { engine, store, settle, clock, counts } = await start(() => accepted);
    const places = Array.from({ length: 5000 }, () => engine().reserve()).flatMap((place) => place ?? []);
    expect(places.length).toBeGreaterThan(10);
    expect(places.length).toBeLessThan(5000);
    const staged = store().stage('late');
    await staged.write(new TextEncoder().encode('Subject: x\r\n\r\n'));
    await staged.commit({ ...plainMessage('late'), acceptedAt: clock.now() });
    engine().newMail();
    await settle();
    expect(await counts()).toMatchObject({ outbox: 1 });
    for (const place of places) place(null);
    await settle();
    expect(await counts()).toMatchObject({ outbox: 0, sent: 1 });
  });

  it('that was claimed as it was accepted goes back to the queue if delivery is paused meanwhile', async () => {
    const { engine, store, settle, states, clock } = await start(() => accepted);
    const place = engine().reserve();
    const staged = store().stage('held');
    await staged.write(new TextEncoder().encode('Subject: x\r\n\r\n'));
    const claimed = await staged.commitAndClaim({ ...plainMessage('held'), acceptedAt: clock.now() });
    await engine().pause();
    place?.(claimed);
    await settle();
    expect(await states('held')).toEqual({ 'bob@example.test': 'queued' });
    expect(engine().reserve()).toBeNull();
    await engine().resume();
    await settle();
    expect(await states('held')).toEqual({ 'bob@example.test': 'delivered' });
  });

  it('that comes in while the program still starts is tried once, after the start', async () => {
    const { accept, crash, delivery, counts } = await start(() => later);
    let before: readonly string[] = [];
    await crash(async () => {
      await accept(['bob@example.test']);
      before = [...delivery.taken];
    });
    expect(before).toEqual([]);
    expect(delivery.taken).toEqual(['direct example.test -> bob@example.test']);
    expect(await counts()).toMatchObject({ outbox: 1 });
  });

  it('that comes in while a paused program still starts is not tried', async () => {
    const { accept, crash, engine, delivery } = await start(() => accepted);
    await engine().pause();
    await crash(async () => accept(['bob@example.test']));
    expect(engine().paused()).toBe(true);
    expect(delivery.taken).toEqual([]);
  });

  it('that a gateway takes is relayed, and the mode sends nothing directly', async () => {
    const { accept, states, delivery } = await start(() => accepted, always('office'));
    const id = await accept(['bob@example.test', 'eve@other.test']);
    expect(await states(id)).toEqual({ 'bob@example.test': 'relayed', 'eve@other.test': 'relayed' });
    expect(delivery.taken).toEqual(['gateways office -> bob@example.test', 'gateways office -> eve@other.test']);
  });

  it("with one recipient accepted, one refused, one deferred keeps each one's own result", async () => {
    const script: Script = (_step, to) => (/^(good|ann)/.test(to) ? accepted : to.startsWith('bad') ? refused : later);
    const { accept, states, counts, advance, delivery } = await start(script);
    const id = await accept(['good@a.test', 'bad@a.test', 'slow@a.test']);
    expect(await states(id)).toEqual({
      'good@a.test': 'delivered',
      'bad@a.test': 'bounced',
      'slow@a.test': 'deferred',
    });
    expect(await counts()).toMatchObject({ outbox: 1 });
    delivery.become(() => accepted);
    await advance(2 * 60_000);
    expect(await states(id)).toMatchObject({ 'slow@a.test': 'delivered' });
    expect(delivery.accepted.get(`${id} good@a.test`)).toBe(1);
    expect(await counts()).toMatchObject({ bounced: 1 });
  });

  it('of which some recipients were taken has that on disk before the others go on', async () => {
    let atSecond: ((verdict: Verdict) => void) | null = null;
    const script: Script = (_step, to) =>
      to.startsWith('first') ? accepted : new Promise((resolve) => (atSecond = resolve));
    const { store, engine, settle, states, clock } = await start(script);
    const staged = store().stage('two');
    await staged.write(new TextEncoder().encode('Subject: x\r\n\r\n'));
    await staged.commit({
      ...plainMessage('two'),
      recipients: ['first@example.test', 'second@example.test'].map((rcptTo) => ({ rcptTo, dsn: {} })),
      acceptedAt: clock.now(),
    });
    engine().newMail();
    await expect.poll(() => atSecond).not.toBeNull();
    expect(await states('two')).toEqual({ 'first@example.test': 'delivered', 'second@example.test': 'attempting' });
    (atSecond as ((verdict: Verdict) => void) | null)?.(later);
    await settle();
    expect(await states('two')).toEqual({ 'first@example.test': 'delivered', 'second@example.test': 'deferred' });
    const timeline = (await store().details('two'))?.timeline ?? [];
    expect(timeline.map((t) => t.outcomes.map((o) => o.verdict.kind))).toEqual([['deferred'], ['delivered']]);
  });

  it('of which the early record fails for a reason of ours is written down with the rest, and sent once', async () => {
    const script: Script = (_step, to) => (to.startsWith('first') ? accepted : later);
    const { store, accept, states, delivery, log } = await start(script);
    vi.spyOn(store(), 'record').mockRejectedValueOnce(new Error('a bug'));
    const id = await accept(['first@example.test', 'second@example.test']);
    expect(await states(id)).toEqual({ 'first@example.test': 'delivered', 'second@example.test': 'deferred' });
    expect([...delivery.accepted.values()]).toEqual([1]);
    expect((await store().details(id))?.timeline).toHaveLength(2);
    expect(log.lines.filter((line) => line.startsWith('attempt'))).toHaveLength(2);
  });

  it('that failed says at which hop', async () => {
    const { accept, store } = await start(() => refused);
    const id = await accept(['bob@example.test']);
    const details = await store().details(id);
    expect(details?.recipients[0]).toMatchObject({ state: 'bounced', hop: { kind: 'mx', host: 'mx.example.test' } });
  });

  it('whose result cannot be written down, and that is woken meanwhile, goes again as soon as it is written', async () => {
    const { store, engine, clock, delivery, settle } = await start(() => later);
    const record = store().record.bind(store());
    let failed = 0;
    Object.assign(store(), {
      record: async (attempt: Parameters<typeof record>[0]) => {
        failed += 1;
        if (failed === 1) throw new StoreError('busy', 'being reopened');
        return record(attempt);
      },
    });
    const staged = store().stage('late');
    await staged.write(new TextEncoder().encode('Subject: x\r\n\r\n'));
    await staged.commit({ ...plainMessage('late'), acceptedAt: clock.now() });
    engine().newMail();
    await expect.poll(() => failed).toBe(1);
    delivery.become(() => accepted);
    await engine().sendNow();
    await clock.advance(1_000, async () => Promise.resolve());
    await settle();
    expect(delivery.taken).toHaveLength(2);
    expect(delivery.accepted.get('late bob@example.test')).toBe(1);
  });

  it('is told of the gateway whose answer counts, not of the one that was asked last', async () => {
    const { accept, delivery, store } = await start(() => accepted, always('office', 'home'));
    const run = delivery.run.bind(delivery);
    delivery.run = async (...given) => {
      const result = await run(...given);
      const denied: Verdict = {
        kind: 'deferred',
        scope: 'gateway',
        status: '4.7.1',
        why: 'relaying-denied',
        reply: { code: 550, text: 'Relaying denied' },
      };
      const row = (name: string, verdict: Verdict, error: string) => ({
        hop: { kind: 'gateway' as const, host: `${name}.test`, port: 587, gatewayId: name, gatewayName: name },
        startedAt: 0,
        endedAt: 1,
        phase: 'rcpt' as const,
        tls: null,
        error,
        outcomes: given[2].map((r) => ({ recipient: r.id, verdict })),
      });
      return {
        ...result,
        tries: [row('office', denied, 'denied'), row('home', silent, 'no answer in time')],
        verdicts: new Map(given[2].map((r) => [r.id, denied])),
      };
    };
    const details = await store().details(await accept(['bob@example.test']));
    expect(details).toMatchObject({ via: 'office', lastWords: '550 Relaying denied' });
    expect(details?.recipients[0]).toMatchObject({ state: 'deferred', hop: { gatewayName: 'office' } });
  });

  it('waits while as many as maxOutgoing have been sent and stand in no record yet', async () => {
    const release: (() => void)[] = [];
    const script: Script = () => new Promise((resolve) => release.push(() => resolve(accepted)));
    const { store, engine, clock, counts, settle } = await start(script, (s) => ({
      ...s,
      connection: { ...s.connection, maxOutgoing: 3 },
    }));
    for (let i = 0; i < 8; i += 1) {
      const staged = store().stage(`m${i}`);
      await staged.write(new TextEncoder().encode('Subject: x\r\n\r\n'));
      await staged.commit({ ...plainMessage(`m${i}`), acceptedAt: clock.now() });
    }
    engine().newMail();
    await expect.poll(() => release.length).toBe(3);
    await store().nextDueAt();
    expect(release).toHaveLength(3);
    for (let done = 0; done < 8; done += 1) {
      await expect.poll(() => release.length).toBeGreaterThan(done);
      release[done]?.();
    }
    await settle();
    expect(await counts()).toMatchObject({ outbox: 0, sent: 8 });
  });

  it('gives its place back whatever becomes of it', async () => {
    let script: Script = () => {
      throw new Error('a bug in delivery');
    };
    const { store, accept, states, delivery } = await start(
      (...asked) => script(...asked),
      (s) => ({ ...s, connection: { ...s.connection, maxOutgoing: 1 } }),
    );
    expect(Object.values(await states(await accept(['a@example.test', 'b@example.test'])))).toEqual([
      'deferred',
      'deferred',
    ]);
    script = () => accepted;
    vi.spyOn(store(), 'record').mockRejectedValueOnce(new Error('a bug in the store'));
    await accept(['c@example.test']);
    script = () => later;
    await accept(['d@example.test']);
    script = () => accepted;
    expect(await states(await accept(['e@example.test']))).toEqual({ 'e@example.test': 'delivered' });
    expect(delivery.taken.filter((line) => line.endsWith('e@example.test'))).toHaveLength(1);
  });

  it('whose recipients are taken one after the other reports each one to the sender once, if asked', async () => {
    let second = later;
    const script: Script = (_step, to) => (to.startsWith('second') ? second : accepted);
    const { store, accept, advance, counts } = await start(script);
    await accept(
      ['first', 'second', 'third'].map((name) => ({
        rcptTo: `${name}@example.test`,
        dsn: { notify: ['success'] },
      })),
    );
    second = accepted;
    await advance(5 * 60_000);
    expect(await counts()).toMatchObject({ outbox: 0 });
    const { rows } = await store().list({
      folder: 'sent',
      search: '',
      sort: 'age',
      descending: true,
      offset: 0,
      limit: 10,
    });
    const named: string[] = [];
    for (const { id } of rows.filter((row) => row.mailFrom === null || row.mailFrom === '')) {
      const text = Buffer.from(await store().head(id, 100_000)).toString();
      named.push(...[...text.matchAll(/^Final-Recipient: *rfc822; *(\S+)@/gim)].map((found) => found[1] ?? ''));
    }
    expect(named.sort()).toEqual(['first', 'second', 'third']);
  });

  it('refused for good goes back to its sender in one report for all recipients', async () => {
    const { accept, store, failed, settle } = await start((_s, to) => (to === 'ann@sender.test' ? accepted : refused));
    const id = await accept(['one@a.test', 'two@b.test']);
    await settle();
    const sent = (
      await store().list({ folder: 'sent', search: '', sort: 'age', descending: true, offset: 0, limit: 10 })
    ).rows;
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ mailFrom: null, to: ['ann@sender.test'] });
    const text = Buffer.from(await store().head(sent[0]?.id ?? '', 100_000)).toString();
    expect(text).toContain('Final-Recipient: rfc822; one@a.test');
    expect(text).toContain('Final-Recipient: rfc822; two@b.test');
    expect(failed).toMatchObject([{ id, folder: 'bounced', words: '550 no such user' }]);
  });

  /** Reports that were made, whatever became of them. */
  const reports = async ({ store }: EngineLab): Promise<readonly string[]> => {
    const texts: string[] = [];
    for (const folder of ['outbox', 'sent', 'bad'] as const) {
      const query = { folder, search: '', sort: 'age', descending: true, offset: 0, limit: 100 } as const;
      for (const { id, mailFrom } of (await store().list(query)).rows)
        if (mailFrom === null) texts.push(Buffer.from(await store().head(id, 10_000_000)).toString());
    }
    return texts;
  };
  const named = (report: string): number => [...report.matchAll(/^Final-Recipient:/gm)].length;
  const many = (count: number, notify: readonly ('success' | 'failure' | 'delay')[], domain = 'a.test') =>
    Array.from({ length: count }, (_, i) => ({ rcptTo: `r${i}@${domain}`, dsn: { notify: [...notify] } }));

  /** Claimed from the queue, as after a pause: piece by piece. */
  const acceptPaused = async (begun: EngineLab, ...recipients: Parameters<EngineLab['accept']>): Promise<string> => {
    await begun.engine().pause();
    const id = await begun.accept(...recipients);
    await begun.engine().resume();
    await begun.settle();
    return id;
  };

  it.each([
    ['failed', ['failure'] as const],
    ['relayed', ['success'] as const],
  ])('with many recipients that %s is reported once, however many claims they took', async (action, notify) => {
    const begun = await start((_s, to) => (to === 'ann@sender.test' || action === 'relayed' ? accepted : refused));
    await acceptPaused(begun, many(500, notify));
    const made = await reports(begun);
    expect(made.map(named)).toEqual([500]);
    expect(made[0]?.match(new RegExp(`^Action: ${action}`, 'gm'))).toHaveLength(500);
  });

  it('that is late for many recipients is reported as delayed once', async () => {
    const begun = await start(
      (_s, to) => (to === 'ann@sender.test' ? accepted : later),
      (s) => ({ ...s, connection: { ...s.connection, retryMinutes: [300] } }),
    );
    await acceptPaused(begun, many(450, ['delay']));
    expect(await reports(begun)).toEqual([]);
    await begun.advance(7 * HOUR);
    expect((await reports(begun)).map(named)).toEqual([450]);
    await begun.advance(7 * HOUR);
    expect(await reports(begun)).toHaveLength(1);
  });

  it('is reported although the program ends between the refusal and the report, and not twice', async () => {
    const begun = await start((_s, to) => (to === 'ann@sender.test' ? accepted : refused));
    const { accept, crash, store, settle } = begun;
    const write = vi.spyOn(store(), 'report').mockRejectedValue(new StoreError('closed', 'killed'));
    await accept(many(3, ['failure']));
    expect(write).toHaveBeenCalled();
    expect(await reports(begun)).toEqual([]);
    await crash();
    await settle();
    expect((await reports(begun)).map(named)).toEqual([3]);
    await crash();
    await settle();
    expect((await reports(begun)).map(named)).toEqual([3]);
  });

  it('whose last recipient takes long is not kept from being reported for ever', async () => {
    let release: (verdict: Verdict) => void = () => undefined;
    const script: Script = (_s, to) =>
      to === 'ann@sender.test' ? accepted : to.startsWith('slow') ? new Promise((done) => (release = done)) : refused;
    const begun = await start(script);
    const { clock, store, engine, states, settle } = begun;
    const staged = store().stage('long');
    await staged.write(new TextEncoder().encode('Subject: x\r\n\r\n'));
    const recipients = [...many(250, ['failure']), { rcptTo: 'slow@slow.test', dsn: {} }];
    await staged.commit({ ...plainMessage('long'), recipients, acceptedAt: clock.now() });
    engine().newMail();
    const bounced = async (): Promise<number> =>
      Object.values(await states('long')).filter((state) => state === 'bounced').length;
    await expect.poll(bounced).toBe(200);
    expect(await reports(begun)).toEqual([]);
    await clock.advance(16 * 60_000, async () => {
      await store().nextDueAt();
    });
    await expect.poll(async () => (await reports(begun)).map(named)).toEqual([200]);
    release(refused);
    await settle();
    expect((await reports(begun)).map(named).sort()).toEqual([200, 51]);
  });

  it('refused for good with "return undeliverable" off is Bounced, and nobody is told', async () => {
    const { accept, counts } = await start(
      () => refused,
      (s) => ({ ...s, administration: { ...s.administration, returnUndeliverable: false } }),
    );
    await accept(['one@a.test']);
    expect(await counts()).toMatchObject({ bounced: 1, outbox: 0, sent: 0 });
  });

  it('that is a report itself is never answered: it ends in Bad', async () => {
    const { accept, counts } = await start(() => refused);
    await accept(['one@a.test'], { mailFrom: null });
    expect(await counts()).toMatchObject({ bad: 1, bounced: 0, outbox: 0 });
  });

  it('whose outcome is unknown is tried again later, not at another place at once', async () => {
    const { accept, delivery, advance, states } = await start(() => unsure, always('one', 'two'));
    const id = await accept(['bob@a.test']);
    expect(delivery.taken).toHaveLength(1);
    delivery.become(() => accepted);
    await advance(2 * 60_000);
    expect(await states(id)).toEqual({ 'bob@a.test': 'relayed' });
  });
});

describe('the settings', () => {
  const broken = [{ path: 'gateways.mode', message: 'Invalid option', holds: true }];

  it('that cannot be read hold the queue; nothing is tried or counted; put right, all goes', async () => {
    const l = await start(() => accepted, always('office'));
    await l.unreadable(broken);
    const probes = l.delivery.probes;
    const id = await l.accept(['bob@a.test']);
    await l.advance(10 * DAY);
    expect(await l.engine().sendNow()).toEqual({ count: 0, phrase: { id: 'hold.settings' } });
    await l.engine().retry({ ids: [id] }, 'office');
    await l.network({ ...HOME, id: 'hotel', name: 'Hotel', since: 1 });
    await l.set((s) => ({ ...s, gateways: { ...s.gateways, mode: 'never' } }));
    expect([l.delivery.taken, l.delivery.probes - probes]).toEqual([[], 0]);
    expect((await l.store().details(id))?.recipients[0]?.attempts).toBe(0);
    await l.set((s) => ({ ...s, gateways: { ...s.gateways, mode: 'always' } }));
    await l.unreadable([]);
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'relayed' });
  });

  it('that hold nothing back are no reason to wait', async () => {
    const l = await start(() => accepted);
    await l.unreadable([{ path: 'general.theme', message: 'Invalid option', holds: false }]);
    const id = await l.accept(['bob@a.test']);
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'delivered' });
  });

  it('put right while paused leave it paused', async () => {
    const l = await start(() => accepted);
    await l.unreadable(broken);
    await l.engine().pause();
    const id = await l.accept(['bob@a.test']);
    await l.unreadable([]);
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'queued' });
    await l.engine().resume();
    await l.settle();
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'delivered' });
  });

  it('changed in what concerns no route let mail wait as it waits, and connect to nobody', async () => {
    const l = await start(() => silent, always('office', 'home'));
    const id = await l.accept(['bob@a.test']);
    const { length } = l.delivery.taken;
    const probed = [...l.delivery.probed];
    for (const port of [2, 25, 252, 2526]) await l.set((s) => ({ ...s, server: { ...s.server, port } }));
    await l.set((s) => ({ ...s, connection: { ...s.connection, serverTimeoutSeconds: 30, maxOutgoing: 5 } }));
    expect([l.delivery.taken.length, l.delivery.probed]).toEqual([length, probed]);
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'deferred' });
  });

  it('changed at one gateway have that one probed, and what waits tried', async () => {
    const l = await start(() => silent, always('office', 'home'));
    await l.accept(['bob@a.test']);
    const { length } = l.delivery.taken;
    const { length: before } = l.delivery.probed;
    await l.set((s) => ({
      ...s,
      gateways: { ...s.gateways, list: s.gateways.list.map((g) => (g.id === 'home' ? { ...g, port: 465 } : g)) },
    }));
    expect(l.delivery.probed.slice(before)).toEqual([['home']]);
    expect(l.delivery.taken.length).toBeGreaterThan(length);
  });

  it('with a shorter schedule have what waits by the longer one tried by the shorter', async () => {
    const l = await start(
      () => silent,
      (s) => ({ ...always('office')(s), connection: { ...s.connection, retryMinutes: [600] } }),
    );
    const id = await l.accept(['bob@a.test']);
    l.delivery.become(() => accepted);
    await l.set((s) => ({ ...s, connection: { ...s.connection, retryMinutes: [1] } }));
    await l.advance(3 * 60_000);
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'relayed' });
  });
});

describe('a message that is deleted in mid-attempt', () => {
  const onError = (s: Settings) => ({
    ...s,
    gateways: {
      ...s.gateways,
      mode: 'onError',
      onErrors: { lan: true, dns: true, smtp: true },
      list: gateways('office'),
    },
  });
  const remove = async (id: string) => lab?.actions().remove({ selection: { ids: [id] } });

  it('does not go on to the next hop, and goes when it is restored', async () => {
    let deleted: Promise<unknown> = Promise.resolve();
    const l = await start(async (step) => {
      if (step.kind === 'gateways') return accepted;
      await (deleted = remove((await list(l, 'outbox'))[0]?.id ?? ''));
      return silent;
    }, onError);
    const id = await l.accept(['bob@a.test']);
    await deleted;
    expect(l.delivery.taken).toEqual(['direct a.test -> bob@a.test']);
    expect(await l.counts()).toMatchObject({ deleted: 1, outbox: 0 });
    await l.advance(DAY);
    l.delivery.become(() => accepted);
    await l.actions().restore({ ids: [id] });
    await l.settle();
    expect(l.delivery.taken).toHaveLength(2);
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'delivered' });
  });

  it('and restored once its attempt is over goes again, whatever else is under way', async () => {
    const l = await start(() => accepted, always('office'));
    await l.set((s) => ({ ...s, connection: { ...s.connection, maxOutgoing: 2 } }));
    let answer: (verdict: Verdict) => void = () => undefined;
    l.delivery.become((_step, to) => {
      if (to.startsWith('slow')) return new Promise<Verdict>(() => undefined);
      return to.startsWith('first') ? new Promise((resolve) => (answer = resolve)) : accepted;
    });
    await l.accept(['slow@a.test']);
    await l.accept(['first@a.test']);
    const id = await l.accept(['second@a.test']);
    await remove(id);
    answer(accepted);
    await l.settle();
    expect(await l.states(id)).toEqual({ 'second@a.test': 'queued' });
    await l.actions().restore({ ids: [id] });
    await l.settle();
    expect(await l.states(id)).toEqual({ 'second@a.test': 'relayed' });
  });

  it('waits for its place: it is not sent at all, and stays as it was', async () => {
    const l = await start(() => accepted, always('office'));
    await l.set((s) => ({ ...s, connection: { ...s.connection, maxOutgoing: 1 } }));
    let answer: (verdict: Verdict) => void = () => undefined;
    l.delivery.become((_step, to) =>
      to.startsWith('first') ? new Promise((resolve) => (answer = resolve)) : accepted,
    );
    await l.accept(['first@a.test']);
    const id = await l.accept(['second@a.test']);
    expect(await l.states(id)).toEqual({ 'second@a.test': 'attempting' });
    await remove(id);
    answer(accepted);
    await l.settle();
    expect(l.delivery.taken).toEqual(['gateways office -> first@a.test']);
    expect(await l.states(id)).toEqual({ 'second@a.test': 'queued' });
    expect(await l.counts()).toMatchObject({ deleted: 1, sent: 1 });
    await l.actions().restore({ ids: [id] });
    await l.settle();
    expect(await l.states(id)).toEqual({ 'second@a.test': 'relayed' });
  });

  it('is refused: the sender is told, the user is not notified of a folder that it is not in', async () => {
    const l = await start(async (_step, to) => {
      if (to === 'ann@sender.test') return accepted;
      await remove((await list(l, 'outbox'))[0]?.id ?? '');
      return refused;
    });
    const id = await l.accept(['bob@a.test']);
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'bounced' });
    expect(await l.counts()).toMatchObject({ deleted: 1, bounced: 0, sent: 1 });
    expect(l.failed).toEqual([]);
  });
});

describe('the network', () => {
  it('missing holds the queue; nothing is tried or counted; its return sends all', async () => {
    const { accept, network, states, delivery, advance, store } = await start(() => accepted);
    await network(NO_NETWORK);
    const id = await accept(['bob@a.test']);
    await advance(10 * DAY);
    expect(delivery.taken).toEqual([]);
    expect((await store().details(id))?.recipients[0]?.attempts).toBe(0);
    await network(HOME);
    expect(await states(id)).toEqual({ 'bob@a.test': 'delivered' });
  });

  it('changing starts every waiting recipient at once and probes the gateways', async () => {
    const { accept, network, states, delivery } = await start(() => silent, always('office'));
    const id = await accept(['bob@a.test']);
    expect(await states(id)).toEqual({ 'bob@a.test': 'deferred' });
    const probes = delivery.probes;
    delivery.become(() => accepted);
    await network({ ...HOME, id: 'hotel', name: 'Hotel', since: 1 });
    expect(await states(id)).toEqual({ 'bob@a.test': 'relayed' });
    expect(delivery.probes).toBe(probes + 1);
    expect(delivery.changes).toEqual([['192.0.2.7']]);
  });

  it("that vanishes in mid-attempt is not the mail's fault: no attempt counts", async () => {
    let vanish: () => Promise<void> = async () => Promise.resolve();
    const l = await start(async () => {
      await vanish();
      return silent;
    });
    vanish = async () => {
      vanish = async () => Promise.resolve();
      void l.network(NO_NETWORK);
      return Promise.resolve();
    };
    const id = await l.accept(['bob@a.test']);
    expect((await l.store().details(id))?.recipients[0]).toMatchObject({ state: 'deferred', attempts: 0 });
    l.delivery.become(() => accepted);
    await l.network(HOME);
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'delivered' });
  });

  it("that cuts a step off is not the mail's fault either: its recipients go again at once, the others stay done", async () => {
    const l = await start(async (_step, to) => {
      if (to !== 'bob@a.test' || l.delivery.taken.length > 3) return accepted;
      l.delivery.become(() => accepted);
      await l.engine().wokeUp();
      throw new Error('cut off');
    });
    const id = await l.accept(['bob@a.test', 'eve@b.test']);
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'delivered', 'eve@b.test': 'delivered' });
    expect([...l.delivery.accepted.values()]).toEqual([1, 1]);
    expect((await l.store().details(id))?.recipients.map((r) => r.attempts)).toEqual([1, 1]);
    expect(l.log.lines.filter((line) => line.startsWith('problem'))).toEqual([]);
  });

  it('without the required dial-up connection: send now sends nothing and says why', async () => {
    const l = await start(() => accepted);
    await l.dialUp({ required: true, active: [] });
    const id = await l.accept(['bob@a.test']);
    expect(await l.engine().sendNow()).toEqual({ count: 0, phrase: { id: 'hold.dial-up' } });
    expect(l.delivery.taken).toEqual([]);
    await l.dialUp({ active: ['ppp0'] });
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'delivered' });
  });
});

describe('waiting mail', () => {
  it('follows a changed mode without a restart', async () => {
    const { accept, set, states, delivery } = await start((step) => (step.kind === 'gateways' ? accepted : later));
    const id = await accept(['bob@a.test']);
    expect(await states(id)).toEqual({ 'bob@a.test': 'deferred' });
    await set(always('office'));
    expect(await states(id)).toEqual({ 'bob@a.test': 'relayed' });
    expect(delivery.taken.at(-1)).toBe('gateways office -> bob@a.test');
  });

  it.each([
    ['goes again at once if everything was woken while its attempt was under way', later, 2],
    ['but not if it may have been delivered', unsure, 1],
  ])('%s', async (_what, verdict, tries) => {
    const { accept, delivery, states } = await start(async () => {
      await lab?.engine().sendNow();
      lab?.delivery.become(() => accepted);
      return verdict;
    }, always('office'));
    const id = await accept(['bob@a.test']);
    expect(delivery.taken).toHaveLength(tries);
    expect(await states(id)).toEqual({ 'bob@a.test': tries === 2 ? 'relayed' : 'deferred' });
  });

  it('goes at once when the user gives the network the name that its gateway is limited to', async () => {
    const e = await start(
      () => accepted,
      (s) => ({
        ...s,
        gateways: {
          ...s.gateways,
          mode: 'always',
          list: gateways('office').map((g) => ({ ...g, networks: ['Desk'] })),
        },
      }),
    );
    const id = await e.accept(['bob@b.test']);
    expect(await e.states(id)).toEqual({ 'bob@b.test': 'deferred' });
    await e.set((s) => ({ ...s, security: { ...s.security, networkNames: { home: 'Desk' } } }));
    expect(await e.states(id)).toEqual({ 'bob@b.test': 'relayed' });
  });

  it('goes at once when the hop that it waits for works again', async () => {
    const { accept, states, delivery, settle } = await start(() => silent, always('office'));
    const id = await accept(['bob@a.test']);
    delivery.become(() => accepted);
    delivery.hopWorks('gateway:office');
    await settle();
    expect(await states(id)).toEqual({ 'bob@a.test': 'relayed' });
  });

  it('is neither counted nor given up while no name is known, and goes at once, in its old place, when names come back', async () => {
    const l = await start(
      () => later,
      (s) => ({ ...s, administration: { ...s.administration, undeliverableAfter: { value: 1, unit: 'days' } } }),
    );
    const id = await l.accept(['bob@a.test', 'eve@b.test']);
    const recipients = async () => (await l.store().details(id))?.recipients ?? [];
    l.delivery.become(() => nameless);
    await l.advance(2 * DAY);
    expect((await recipients()).map((r) => [r.state, r.attempts])).toEqual([
      ['deferred', 1],
      ['deferred', 1],
    ]);
    l.delivery.become((_step, to) => (to === 'bob@a.test' ? accepted : later));
    const probes = l.delivery.probes;
    l.delivery.namesBack();
    await l.settle();
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'delivered', 'eve@b.test': 'bounced' });
    expect(l.delivery.probes).toBe(probes + 1);
  });

  it('is not woken by a hop that works when that hop may have taken it, and goes by another one at its time', async () => {
    const { accept, states, delivery, settle, advance, store } = await start(() => unsure, always('office', 'home'));
    const id = await accept(['bob@a.test']);
    for (let i = 0; i < 20; i += 1) {
      delivery.hopWorks('gateway:office');
      await settle();
    }
    expect(delivery.taken).toEqual(['gateways office home -> bob@a.test']);
    expect((await store().details(id))?.recipients[0]?.mayHaveArrived).toBe(true);
    delivery.become(() => accepted);
    await advance(2 * 60_000);
    expect(delivery.taken.at(-1)).toBe('gateways home office -> bob@a.test');
    expect(await states(id)).toEqual({ 'bob@a.test': 'relayed' });
    expect((await store().details(id))?.recipients[0]?.mayHaveArrived).toBe(false);
  });

  it('that may have arrived three times waits, over a restart too, for send through or its limit', async () => {
    const l = await start(() => unsure, always('office'));
    const id = await l.accept(['bob@a.test']);
    await l.advance(HOUR);
    expect(l.delivery.taken).toHaveLength(3);
    await l.crash();
    await l.engine().sendNow();
    await l.advance(DAY);
    expect(l.delivery.taken).toHaveLength(3);
    await l.engine().retry({ ids: [id] }, 'office');
    await l.advance(4 * HOUR);
    expect(l.delivery.taken).toHaveLength(6);
    await l.advance(4 * DAY);
    expect(l.delivery.taken).toHaveLength(6);
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'bad' });
    expect(l.failed).toMatchObject([{ id, folder: 'bad', mayHaveArrived: true }]);
    // From Bad, as if it were new; what may have arrived still may.
    await l.engine().retry({ ids: [id] }, null);
    await l.advance(HOUR);
    expect(l.delivery.taken).toHaveLength(9);
    expect((await l.store().details(id))?.mayHaveArrived).toBe(true);
  });

  it('that may have arrived is reported as delayed while it waits, to who asked for that', async () => {
    const l = await start((_step, to) => (to === 'ann@sender.test' ? accepted : unsure), always('office'));
    await l.accept([{ rcptTo: 'bob@a.test', dsn: { notify: ['delay', 'failure'] } }]);
    await l.advance(3 * HOUR);
    expect(l.delivery.accepted.size).toBe(0);
    await l.advance(2 * HOUR);
    expect([...l.delivery.accepted.keys()].map((key) => key.split(' ')[1])).toEqual(['ann@sender.test']);
  });

  it('stays put while paused, over a restart too, and goes on resume', async () => {
    const l = await start(() => accepted);
    await l.engine().pause();
    const id = await l.accept(['bob@a.test']);
    await l.crash();
    await l.advance(DAY);
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'queued' });
    await l.engine().resume();
    await l.settle();
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'delivered' });
  });

  it('is retried on the schedule 1, 2, 5, 10, 20, 40 minutes, then hourly', async () => {
    const { accept, advance, delivery, clock } = await start(() => later);
    const began = clock.now();
    const at: number[] = [];
    delivery.become(() => {
      at.push((clock.now() - began) / 60_000);
      return later;
    });
    await accept(['bob@a.test']);
    await advance(6 * HOUR);
    const waits = at.slice(1).map((t, i) => t - (at[i] ?? 0));
    const expected = [1, 2, 5, 10, 20, 40, 60, 60, 60];
    waits.slice(0, expected.length).forEach((wait, i) => {
      expect(wait).toBeGreaterThanOrEqual((expected[i] ?? 0) * 0.8 - 0.02);
      expect(wait).toBeLessThanOrEqual((expected[i] ?? 0) * 1.2 + 0.02);
    });
    expect(waits.length).toBeGreaterThanOrEqual(9);
  });

  it('is given up after four days, not before', async () => {
    const { accept, advance, counts, states } = await start((_s, to) => (to === 'ann@sender.test' ? accepted : later));
    const id = await accept(['bob@a.test']);
    await advance(4 * DAY - HOUR);
    expect(await states(id)).toEqual({ 'bob@a.test': 'deferred' });
    await advance(2 * HOUR);
    expect(await states(id)).toEqual({ 'bob@a.test': 'bounced' });
    expect(await counts()).toMatchObject({ outbox: 0, bounced: 1, sent: 1 });
  });
});

describe('the end of the program', () => {
  /** The end has begun; `answer` is what the one server then comes to. */
  const ending = async (): Promise<{
    readonly l: EngineLab;
    readonly id: string;
    readonly answer: (verdict: Verdict) => void;
    readonly over: () => boolean;
  }> => {
    let answer: (verdict: Verdict) => void = () => undefined;
    const l = await start(() => new Promise((resolve) => (answer = resolve)), always('office'));
    const id = await l.accept(['bob@a.test']);
    let over = false;
    void l
      .engine()
      .close(1_000)
      .then(() => (over = true));
    await l.advance(1_000);
    return { l, id, answer: (verdict) => answer(verdict), over: () => over };
  };

  it('waits for what is cut off to be written down', async () => {
    const { l, id, answer, over } = await ending();
    expect(over()).toBe(false);
    answer(unsure);
    await l.settle();
    expect(over()).toBe(true);
    expect(await l.states(id)).toEqual({ 'bob@a.test': 'deferred' });
  });

  it('does not wait for ever', async () => {
    const { l, over } = await ending();
    await l.advance(3_000);
    expect(over()).toBe(true);
  });
});
