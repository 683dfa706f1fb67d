/**
 * Servers that take the message to its final dot and then lose the connection: nobody knows whether they have it
 * (RFC 1047). The whole program, with scripted servers, since no real one does that when asked to.
 */
import { describe, expect, it } from 'vitest';
import type { MessageDetails } from '../../shared/mail.ts';
import { startScriptedServer, type Dialogue, type ScriptedServer } from '../fakes/scripted-smtp-server.ts';
import { canRunDnsmasq, startDnsmasq } from '../support/dnsmasq.ts';
import { keepDuringTest } from '../support/kept.ts';
import { onFreePort } from '../support/ports.ts';
import { eventually, gateway, startProgramLab, type ProgramLab } from '../support/program-lab.ts';

/** Takes everything and never says so. */
const LOSES: Dialogue = { message: { then: 'reset' } };

describe('outcomes that are not known', () => {
  const keep = keepDuringTest();
  const serve = async (
    dialogue: Dialogue,
    options: Parameters<typeof startScriptedServer>[1] = {},
  ): Promise<ScriptedServer> => keep(await startScriptedServer(dialogue, options));
  const start = async (sections: Parameters<typeof startProgramLab>[0]): Promise<ProgramLab> =>
    keep(await startProgramLab(sections));
  /** It waits for another hop, another network or the user, and says so. */
  const waits = (lab: ProgramLab, id: string): Promise<MessageDetails> =>
    lab.until(
      id,
      'one that waits for another way',
      (d) => d.recipients[0]?.why.some((p) => p.id === 'why.waits.otherHop') === true,
    );
  /** Everything that waits is looked at once more. */
  const sendNow = async (lab: ProgramLab, id: string): Promise<void> => {
    const before = (await lab.details(id)).recipients[0]?.attempts ?? 0;
    await lab.call('control.sendNow', {});
    await lab.until(id, 'looked at again', (d) => (d.recipients[0]?.attempts ?? 0) > before);
  };

  it('the second gateway gets it at the next attempt, exactly once', async () => {
    const bad = await serve(LOSES);
    const good = await serve({});
    const lab = await start({
      gateways: { mode: 'always', list: [gateway('bad', bad.port), gateway('good', good.port)] },
    });
    const id = await lab.submit({ to: ['ann@far.test'] });
    const done = await lab.reaches(id, 'sent');
    expect(done.timeline.map((t) => t.hop.gatewayId)).toEqual(['bad', 'good']);
    expect([bad.messages().length, good.messages().length]).toEqual([1, 1]);
    expect([done.mayHaveArrived, done.recipients[0]?.mayHaveArrived]).toEqual([false, false]);
  });

  it('only the bad one: three transactions, then it waits with words; a network, a retry and a new gateway end that', async () => {
    const bad = await serve(LOSES);
    const lab = await start({ gateways: { mode: 'always', list: [gateway('bad', bad.port)] } });
    const id = await lab.submit({ to: ['ann@far.test'] });
    const waiting = await waits(lab, id);
    expect(bad.messages()).toHaveLength(3);
    expect(waiting.recipients[0]).toMatchObject({ state: 'deferred', mayHaveArrived: true });
    const words = await lab.why(id, 'ann@far.test');
    expect(words).toContain('may have arrived');
    expect(words).toContain('bad');
    expect(words).toContain('another network');
    // The limit of four days still runs: that is when it is looked at next, or for a report of the delay.
    expect((waiting.recipients[0]?.nextAt ?? 0) - Date.now()).toBeGreaterThan(3_600_000);
    await sendNow(lab, id);
    expect(bad.messages()).toHaveLength(3);

    lab.network({ id: 'net-hotel', name: 'Hotel', since: 1 });
    await eventually('three more on another network', () => bad.messages().length === 6);
    await waits(lab, id);
    await lab.call('queue.retry', { selection: { ids: [id] } });
    await eventually('three more for the user', () => bad.messages().length === 9);
    await waits(lab, id);

    const good = await serve({});
    await lab.set({ 'gateways.list': [gateway('bad', bad.port), gateway('good', good.port)] });
    await lab.reaches(id, 'sent');
    expect([bad.messages().length, good.messages().length]).toEqual([9, 1]);
  });

  it('a healthy gateway that is slow to greet is waited for: the doubtful one does not win by being quicker', async () => {
    const bad = await serve(LOSES);
    const slow = await serve({ greeting: { then: 'silence' } });
    const lab = await start({
      gateways: { mode: 'always', headStartMs: 100, list: [gateway('bad', bad.port), gateway('slow', slow.port)] },
    });
    const id = await lab.submit({ to: ['ann@far.test'] });
    await lab.until(id, 'deferred', (d) => d.recipients[0]?.state === 'deferred');
    const before = slow.sessions.length;
    await eventually('the second gateway is asked', () => slow.sessions.length > before);
    expect(bad.messages()).toHaveLength(1);
    // Long past its head start it is the one that is waited for.
    slow.become({});
    for (const session of slow.sessions) session.say('220 here at last');
    await lab.reaches(id, 'sent');
    expect([bad.messages().length, slow.messages().length]).toEqual([1, 1]);
  });

  it('recipients of one message that differ go different ways, together where they can', async () => {
    const bad = await serve({
      ...LOSES,
      'RCPT TO': (line) => (line.includes('carl') ? '450 4.2.1 later' : '250 2.1.5 ok'),
    });
    const good = await serve({});
    const lab = await start({ gateways: { mode: 'always', list: [gateway('bad', bad.port)] } });
    const id = await lab.submit({ to: ['ann@far.test', 'bob@far.test', 'carl@far.test'] });
    await lab.until(id, 'deferred', (d) => d.recipients.every((r) => r.attempts > 0));
    bad.become({});
    await lab.set({ 'gateways.list': [gateway('bad', bad.port), gateway('good', good.port)] });
    await lab.reaches(id, 'sent');
    const recipientsOf = (server: ScriptedServer) =>
      server.sessions.flatMap((s) => s.lines.filter((l) => l.startsWith('RCPT')).map((l) => /<(\w+)@/.exec(l)?.[1]));
    expect(recipientsOf(good)).toEqual(['ann', 'bob']);
    expect(good.messages()).toHaveLength(1);
    expect(recipientsOf(bad).at(-1)).toBe('carl');
  });

  it('at the limit it goes to Bad, the report of a bounced one says that it may have arrived', async () => {
    const bad = await serve(LOSES);
    const lab = await start({
      gateways: { mode: 'undelivered', list: [gateway('bad', bad.port)] },
      administration: { undeliverableAfter: { value: 1, unit: 'attempts' } },
    });
    // An address literal that nobody answers at: undeliverable at once, and three passes through the gateway.
    const id = await lab.submit({ to: ['ann@[127.0.0.9]'] });
    const bounced = await lab.reaches(id, 'bounced');
    expect(bad.messages()).toHaveLength(3);
    expect(bounced.recipients[0]).toMatchObject({ state: 'bounced', mayHaveArrived: true });
    // The report is made once nothing of the message is under way any more.
    const report = await eventually('the report', async () => {
      const { rows } = await lab.call('queue.list', {
        folder: 'outbox', search: '', sort: 'age', descending: true, offset: 0, limit: 10,
      }); // prettier-ignore
      return rows.find((row) => row.id !== id);
    });
    expect(report.to).toEqual(['ann@sender.test']);
    const { base64 } = await lab.call('queue.raw', { id: report.id, offset: 0, length: 100_000 });
    expect(Buffer.from(base64, 'base64').toString().replace(/\s+/g, ' ')).toContain('may have arrived');
  });

  describe.skipIf(!canRunDnsmasq())(
    `mail servers${canRunDnsmasq() ? '' : ' (skipped: dnsmasq is not installed)'}`,
    () => {
      const two = (dialogues: readonly [Dialogue, Dialogue]) =>
        onFreePort(
          async (port) =>
            [
              await serve(dialogues[0], { host: '127.0.0.2', port }),
              await serve(dialogues[1], { host: '127.0.0.3', port }),
            ] as const,
          ['127.0.0.2', '127.0.0.3'],
        );
      const names = async (): Promise<string> =>
        keep(
          await startDnsmasq([
            'mx-host=two.test,mx1.hosts.test,10',
            'mx-host=two.test,mx2.hosts.test,20',
            'mx-host=one.test,mx1.hosts.test,10',
            'host-record=mx1.hosts.test,127.0.0.2',
            'host-record=mx2.hosts.test,127.0.0.3',
          ]),
        ).server;

      it('the other mail server of the domain gets it at the next attempt', async () => {
        const [mx1, mx2] = await two([LOSES, {}]);
        const lab = await start({ connection: { dnsServers: [await names()], directPort: mx1.port } });
        const id = await lab.submit({ to: ['ann@two.test'] });
        const done = await lab.reaches(id, 'sent');
        expect(done.timeline.map((t) => t.hop.host)).toEqual(['mx1.hosts.test', 'mx2.hosts.test']);
        expect([mx1.messages().length, mx2.messages().length]).toEqual([1, 1]);
      });

      it('also if only the first one is to be tried (Force message delivery off)', async () => {
        const [mx1, mx2] = await two([LOSES, {}]);
        const lab = await start({
          connection: { dnsServers: [await names()], directPort: mx1.port },
          administration: { forceDelivery: false },
        });
        await lab.reaches(await lab.submit({ to: ['ann@two.test'] }), 'sent');
        expect([mx1.messages().length, mx2.messages().length]).toEqual([1, 1]);
      });

      it('with only the bad one: three transactions, then it waits; the user and another network end that', async () => {
        const [mx1] = await two([LOSES, {}]);
        const lab = await start({ connection: { dnsServers: [await names()], directPort: mx1.port } });
        const id = await lab.submit({ to: ['ann@one.test'] });
        await waits(lab, id);
        expect(mx1.messages()).toHaveLength(3);
        expect(await lab.why(id, 'ann@one.test')).toContain('mx1.hosts.test');
        await sendNow(lab, id);
        expect(mx1.messages()).toHaveLength(3);
        lab.network({ id: 'net-hotel', name: 'Hotel', since: 1 });
        await eventually('three more on another network', () => mx1.messages().length === 6);
        await waits(lab, id);
        mx1.become({});
        await lab.call('queue.retry', { selection: { ids: [id] } });
        await lab.reaches(id, 'sent');
        expect(mx1.messages()).toHaveLength(7);
      });

      it('onError with SMTP error ticked: the gateway is the next one, not in the same attempt', async () => {
        const [mx1] = await two([LOSES, {}]);
        const good = await serve({});
        const lab = await start({
          connection: { dnsServers: [await names()], directPort: mx1.port },
          gateways: {
            mode: 'onError',
            onErrors: { lan: false, dns: false, smtp: true },
            list: [gateway('good', good.port)],
          },
        });
        const id = await lab.submit({ to: ['ann@one.test'] });
        const done = await lab.reaches(id, 'sent');
        expect(done.timeline.map((t) => [t.attempt, t.hop.kind])).toEqual(
          expect.arrayContaining([
            [1, 'mx'],
            [2, 'gateway'],
          ]),
        );
        expect([mx1.messages().length, good.messages().length]).toEqual([1, 1]);
      });
    },
  );
});
