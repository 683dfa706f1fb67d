/** Networks whose name server knows no names, or gives one address to all of them (spec §4.4), and the whole program. */
import { beforeEach, describe, expect, it } from 'vitest';
import { startScriptedDns, type DnsMood, type ScriptedDns } from '../fakes/scripted-dns-server.ts';
import { startScriptedServer, type ScriptedServer } from '../fakes/scripted-smtp-server.ts';
import { keepDuringTest } from '../support/kept.ts';
import { onFreePort } from '../support/ports.ts';
import { eventually, gateway, startProgramLab, type ProgramLab } from '../support/program-lab.ts';

/** The mail server of every domain in the zone, and what a hotel's name server leads to: it takes all mail, too. */
const MX = '127.0.22.1';
const CATCHER = '127.0.22.2';
const NO_NAMES: DnsMood = { kind: 'no-names' };
const ONE_ADDRESS: DnsMood = { kind: 'one-address', address: CATCHER };

describe('a name server that lies', () => {
  const keep = keepDuringTest();
  let dns: ScriptedDns;
  let mx: ScriptedServer;
  let catcher: ScriptedServer;
  let lab: ProgramLab;

  const start = async (sections: Parameters<typeof startProgramLab>[0] = {}): Promise<void> => {
    lab = keep(
      await startProgramLab({
        ...sections,
        connection: { dnsServers: [dns.server], directPort: mx.port, retryMinutes: [60], ...sections['connection'] },
      }),
    );
  };
  beforeEach(async () => {
    dns = keep(
      await startScriptedDns({
        'far.test': { mx: ['10 mx.hosts.test'] },
        'plain.test': { a: [MX] },
        'sender.test': { mx: ['10 mx.hosts.test'] },
        'mx.hosts.test': { a: [MX] },
      }),
    );
    mx = await onFreePort(
      async (port) => {
        const real = await startScriptedServer({}, { host: MX, port });
        catcher = await startScriptedServer({}, { host: CATCHER, port });
        keep(catcher);
        return keep(real);
      },
      [MX, CATCHER],
    );
  });

  /** Waits until the message was tried, and stands in the Outbox with nothing counted. */
  const held = async (id: string, tries = 1): Promise<void> => {
    const { folder, recipients } = await lab.until(
      id,
      'tried',
      (d) => d.timeline.length >= tries && d.recipients[0]?.state !== 'attempting',
    );
    expect({ folder, recipients }).toMatchObject({
      folder: 'outbox',
      recipients: [{ attempts: 0, state: 'deferred' }],
    });
  };

  it.each<[string, DnsMood, string]>([
    ['knows no name', NO_NAMES, 'knows no names'],
    ['has one address for all', ONE_ADDRESS, 'even to names that do not exist'],
  ])(
    'that %s: the mail waits with its reason, nothing counts, and it goes when names come back',
    async (_what, mood, words) => {
      dns.become(mood);
      await start();
      const ids = [await lab.submit({ to: ['bob@far.test'] }), await lab.submit({ to: ['eve@plain.test'] })];
      for (const id of ids) await held(id);
      expect(await lab.why(ids[0] ?? '', 'bob@far.test')).toContain(words);
      const { problems, state } = await eventually('the notice', async () => {
        const status = await lab.call('status.get', {});
        return status.problems.length > 0 && status;
      });
      expect([problems[0]?.id, state]).toEqual(['names', 'waiting-network']);
      expect(catcher.sessions).toHaveLength(0);

      dns.become({ kind: 'zone' });
      for (const id of ids) await lab.reaches(id, 'sent');
      await eventually('the end of the notice', async () => (await lab.call('status.get', {})).problems.length === 0);
      expect(mx.messages()).toHaveLength(2);
      expect(catcher.sessions).toHaveLength(0);
    },
  );

  it('that had no MX and one address for all is forgotten with its mood: 12 of 12 are delivered', async () => {
    await start();
    for (let round = 0; round < 12; round += 1) {
      const domain = `round${round}.test`;
      dns.set(domain, { mx: ['10 mx.hosts.test'] });
      dns.become(ONE_ADDRESS);
      const id = await lab.submit({ to: [`bob@${domain}`] });
      await held(id);
      dns.become({ kind: 'zone' });
      await lab.call('control.sendNow', {});
      await lab.reaches(id, 'sent');
    }
    expect(catcher.sessions).toHaveLength(0);
    expect(mx.messages()).toHaveLength(12);
  });

  it.each<[string, DnsMood]>([
    ['refuses every question', { kind: 'refuses' }],
    ['fails at every question', { kind: 'fails' }],
  ])('that %s: nothing counts either', async (_what, mood) => {
    dns.become(mood);
    await start({ administration: { undeliverableAfter: { value: 1, unit: 'attempts' } } });
    const id = await lab.submit({ to: ['bob@far.test'] });
    await held(id);
    dns.become({ kind: 'zone' });
    await lab.reaches(id, 'sent');
  });

  it('a mistyped domain fails at once where the name server knows other names, and where it knew them a moment ago', async () => {
    await start({ administration: { returnUndeliverable: false } });
    const first = await lab.submit({ to: ['bob@mistyped.test'] });
    expect((await lab.reaches(first, 'bounced')).recipients[0]).toMatchObject({ attempts: 1, status: '5.1.2' });
    await lab.reaches(await lab.submit({ to: ['bob@far.test'] }), 'sent');
    dns.become(NO_NAMES);
    const second = await lab.submit({ to: ['bob@mistyped.test'] });
    await held(second);
    dns.become({ kind: 'zone' });
    await lab.reaches(second, 'bounced');
  });

  it('hundreds of mistyped recipients are refused on a handful of control look-ups', async () => {
    await start({ administration: { returnUndeliverable: false } });
    const to = Array.from({ length: 100 }, (_, n) => `bob@mistyped${n}.test`);
    const ids = [await lab.submit({ to }), await lab.submit({ to: to.map((one) => one.replace('bob', 'eve')) })];
    for (const id of ids) await lab.reaches(id, 'bounced');
    expect(dns.asked.filter((question) => question === 'NS ').length).toBeLessThan(100);
  });

  it('a name server that invents an address for names that do not exist: only these are kept from it', async () => {
    dns.become({ kind: 'redirects', address: CATCHER });
    await start();
    await lab.reaches(await lab.submit({ to: ['bob@far.test'] }), 'sent');
    await lab.reaches(await lab.submit({ to: ['eve@plain.test'] }), 'sent');
    const id = await lab.submit({ to: ['bob@mistyped.test'] });
    const { recipients } = await lab.until(
      id,
      'tried',
      (d) => d.timeline.length > 0 && d.recipients[0]?.state !== 'attempting',
    );
    expect(recipients[0]).toMatchObject({ state: 'deferred', attempts: 1 });
    expect(catcher.sessions).toHaveLength(0);
  });

  it('gateways go on working: onError with "DNS error" ticked uses them at once, "undelivered" does not', async () => {
    const office = keep(await startScriptedServer({}));
    const list = [gateway('office', office.port)];
    dns.become(NO_NAMES);
    await start({ gateways: { mode: 'onError', onErrors: { lan: false, dns: true, smtp: false }, list } });
    await lab.reaches(await lab.submit({ to: ['bob@far.test'] }), 'sent');
    expect(office.messages()).toHaveLength(1);

    await lab.set({
      'gateways.mode': 'undelivered',
      'administration.undeliverableAfter': { value: 1, unit: 'attempts' },
    });
    const id = await lab.submit({ to: ['eve@far.test'] });
    await held(id);
    expect(office.messages()).toHaveLength(1);
    dns.become({ kind: 'zone' });
    await lab.reaches(id, 'sent');
    expect(mx.messages()).toHaveLength(1);
  });

  it('an address literal needs no names', async () => {
    dns.become(NO_NAMES);
    await start();
    await lab.reaches(await lab.submit({ to: [`bob@[${MX}]`] }), 'sent');
  });

  it('no gateway without a proof of its name is taken for the host at the one address', async () => {
    const hotel = keep(await startScriptedServer({}, { host: CATCHER }));
    dns.become({ kind: 'one-address', address: CATCHER });
    await start({
      gateways: {
        mode: 'always',
        list: [gateway('office', hotel.port, { host: 'smtp.office.test' })],
      },
    });
    const id = await lab.submit({ to: ['bob@far.test'] });
    await held(id);
    expect(hotel.sessions).toHaveLength(0);
  });
});
