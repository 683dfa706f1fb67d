/** Gateways, by the whole program and real Postfix servers: modes, order, failover, sign-in, limits to networks and senders. */
import { beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates, type Certificates } from '../support/certificates.ts';
import { keepDuringTest, keepUntilEnd } from '../support/kept.ts';
import { DEAD, mailWorldMissing, startMailWorld, type MailWorld } from '../support/mail-world.ts';
import { canRunPostfix, startPostfix, type Postfix } from '../support/postfix.ts';
import { eventually, gateway, OFFICE_NETWORK, startProgramLab, type ProgramLab } from '../support/program-lab.ts';

const missing =
  mailWorldMissing() ?? (canRunPostfix() ? null : 'Dovecot is not installed (apt-get install dovecot-core)');
const PASSWORD = 'open sesame, Zaubertrank';

describe.skipIf(missing !== null)(`gateways${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let certificates: Certificates;
  let world: MailWorld;
  /** Wants a sign-in; its certificate is for another name. */
  let office: Postfix;
  let lab: ProgramLab;
  const keep = keepUntilEnd();
  const keepForNow = keepDuringTest();
  beforeAll(async () => {
    certificates = await makeCertificates();
    world = keep(await startMailWorld());
    office = keep(await startPostfix({ user: 'ann', password: PASSWORD, certificate: certificates.wrongName }));
  });

  const start = async (
    gateways: Readonly<Record<string, unknown>>,
    more: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
    passwords: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    lab = keepForNow(
      await startProgramLab(
        {
          ...more,
          connection: { dnsServers: [world.dns], directPort: world.port, ...more['connection'] },
          administration: { returnUndeliverable: false, ...more['administration'] },
          gateways,
        },
        passwords,
      ),
    );
  };
  const at = (id: string, host: 'mx1' | 'mx2' | 'few' | 'shut' | 'rude', more = {}): unknown =>
    gateway(id, world.port, { host: world.address(host), ...more });
  const dead = (id: string, more = {}): unknown => gateway(id, world.port, { host: DEAD, ...more });
  const signedIn = (id: string, more = {}): unknown =>
    gateway(id, office.port, {
      security: 'starttls',
      auth: 'password',
      username: 'ann',
      allowInvalidCertificate: true,
      ...more,
    });
  /** Who took it, by the recipient's own address: each test has its own. */
  const by = async (to: string): Promise<readonly string[]> => (await world.postfix.arrives(to)).map((m) => m.by);
  const deferred = (id: string) => lab.until(id, 'deferred', (d) => d.recipients[0]?.state === 'deferred');

  it('never: enabled gateways are left alone', async () => {
    await start({ mode: 'never', list: [at('home', 'mx2')] });
    const id = await lab.submit({ to: ['never@order.test'] });
    await lab.reaches(id, 'sent');
    expect(await by('never@order.test')).toEqual(['mx1.hosts.test']);
    expect(await lab.why(id, 'never@order.test')).toContain('you have chosen not to use gateways');
  });

  it('undelivered: refused for good by its own server, a gateway takes it in the same attempt', async () => {
    await start({ mode: 'undelivered', list: [at('home', 'mx2')] });
    const id = await lab.submit({ to: ['undelivered@null.test'] });
    await lab.reaches(id, 'sent');
    expect(await by('undelivered@null.test')).toEqual(['mx2.hosts.test']);
    expect(await lab.why(id, 'undelivered@null.test')).toContain('could not be delivered directly');
  });

  it('undelivered: three passes in all fail for now, then Bounced', async () => {
    await start({ mode: 'undelivered', list: [at('home', 'mx2')] });
    const id = await lab.submit({ to: ['busy@null.test'] });
    const { recipients, timeline } = await lab.reaches(id, 'bounced');
    expect(timeline.filter((t) => t.hop.kind === 'gateway')).toHaveLength(3);
    expect(recipients[0]?.status).toBe('4.4.7');
    expect(await lab.why(id, 'busy@null.test')).toContain('three attempts through your gateways');
  });

  it('onError: an SMTP error goes to the gateway if ticked, and waits if not', async () => {
    await start({ mode: 'onError', onErrors: { lan: false, dns: true, smtp: false }, list: [at('home', 'mx2')] });
    const id = await lab.submit({ to: ['smtp@gone.test'] });
    await deferred(id);
    await lab.set({ 'gateways.onErrors': { lan: false, dns: false, smtp: true } });
    await lab.reaches(id, 'sent');
    expect(await lab.why(id, 'smtp@gone.test')).toContain('SMTP error');
  });

  it('onError: a DNS error goes to the gateway if ticked, and waits if not', async () => {
    await start({ mode: 'onError', onErrors: { lan: false, dns: false, smtp: true }, list: [at('home', 'mx2')] });
    const id = await lab.submit({ to: ['dns@broken.test'] });
    await deferred(id);
    await lab.set({ 'gateways.onErrors': { lan: false, dns: true, smtp: false } });
    await lab.reaches(id, 'sent');
    expect(await lab.why(id, 'dns@broken.test')).toContain('DNS error');
  });

  it('domains: the listed recipient goes by gateway, the other one directly, in one message', async () => {
    await start({ mode: 'domains', domains: ['listed.test', '*.listed.test'], list: [at('home', 'mx2')] });
    const id = await lab.submit({ to: ['d@deep.listed.test', 'd@order.test'] });
    await lab.reaches(id, 'sent');
    expect(await by('d@deep.listed.test')).toEqual(['mx2.hosts.test']);
    expect(await by('d@order.test')).toEqual(['mx1.hosts.test']);
    expect(await lab.states(id)).toEqual({ 'd@deep.listed.test': 'relayed', 'd@order.test': 'delivered' });
    expect(await lab.why(id, 'd@deep.listed.test')).toContain('deep.listed.test is on your gateway list');
    expect(await lab.why(id, 'd@order.test')).toContain('order.test is not on your gateway list');
  });

  it('domains: a listed recipient that every gateway refuses is Bad, an unlisted one that its server refuses is Bounced', async () => {
    await start({ mode: 'domains', domains: ['listed.test'], list: [at('one', 'mx1'), at('two', 'mx2')] });
    const bad = await lab.submit({ to: ['nobody@listed.test'] });
    const bounced = await lab.submit({ to: ['nobody@order.test'] });
    const { timeline } = await lab.reaches(bad, 'bad');
    expect(timeline.map((t) => t.hop.gatewayName)).toEqual(['one', 'two']);
    expect(await lab.why(bad, 'nobody@listed.test')).toContain('Every gateway that could be used refused it');
    await lab.reaches(bounced, 'bounced');
    const both = await lab.submit({ to: ['nobody@listed.test', 'nobody@order.test'] });
    await lab.reaches(both, 'bounced');
    expect(await lab.states(both)).toEqual({ 'nobody@listed.test': 'bad', 'nobody@order.test': 'bounced' });
  });

  it('always: nothing goes directly; priorities decide, then the order within one, disabled ones are skipped', async () => {
    await start({
      mode: 'always',
      list: [
        at('low', 'mx1', { priority: 'low' }),
        at('off', 'mx1', { priority: 'highest', enabled: false }),
        dead('first', { priority: 'high' }),
        at('second', 'mx2', { priority: 'high' }),
      ],
    });
    const id = await lab.submit({ to: ['order@order.test'] });
    const { timeline } = await lab.reaches(id, 'sent');
    expect(await by('order@order.test')).toEqual(['mx2.hosts.test']);
    expect(timeline.map((t) => t.hop.gatewayName)).toEqual(['first', 'second']);
    const next = await lab.submit({ to: ['memory@order.test'] });
    const { timeline: second } = await lab.reaches(next, 'sent');
    expect(second.find((t) => t.hop.gatewayName === 'first')?.skipped).toBe(true);
    expect(await lab.why(next, 'memory@order.test')).toContain(
      '“first” was passed over: not reachable on this network',
    );
  });

  it('a gateway accepts two of three: only the third goes on, and each arrives once', async () => {
    await start({ mode: 'always', list: [at('few', 'few'), at('home', 'mx2')] });
    const to = ['p1@order.test', 'nobody@order.test', 'p3@order.test'];
    const id = await lab.submit({ to });
    await lab.reaches(id, 'bad');
    expect(await by('p1@order.test')).toEqual(['few.hosts.test']);
    expect(await by('p3@order.test')).toEqual(['few.hosts.test']);
    expect((await lab.details(id)).timeline.map((t) => [t.hop.gatewayName, t.outcomes.length])).toEqual([
      ['few', 3],
      ['home', 1],
    ]);
  });

  it('a gateway that wants a sign-in gets it, and the mail arrives signed for; the log has the talk without the password', async () => {
    await start({ mode: 'always', list: [signedIn('office')] }, {}, { office: PASSWORD });
    const id = await lab.submit({ to: ['signed@far.test'] });
    await lab.reaches(id, 'sent');
    await eventually('it did not arrive', () => office.messages().some((m) => m.includes('signed@far.test')));
    await eventually('the log has no talk', () => lab.log().includes('MAIL FROM:<ann@sender.test>'));
    const log = lab.log();
    expect(log).toMatch(/ AUTH \S+/);
    expect(log).toContain('RCPT TO:<signed@far.test>');
    expect(log).toMatch(/ < \S+ \S+ 235$/m);
    for (const secret of [
      PASSWORD,
      Buffer.from(PASSWORD).toString('base64'),
      Buffer.from(`\0ann\0${PASSWORD}`).toString('base64'),
    ])
      expect(log).not.toContain(secret);
  });

  it('a wrong password bounces nothing: flagged, the next gateway takes the mail; alone, the mail waits and nothing counts', async () => {
    await start(
      { mode: 'always', list: [signedIn('office'), at('home', 'mx2')] },
      { administration: { undeliverableAfter: { value: 1, unit: 'attempts' } } },
      { office: 'wrong' },
    );
    const id = await lab.submit({ to: ['wrongpw@order.test'] });
    await lab.reaches(id, 'sent');
    expect(await by('wrongpw@order.test')).toEqual(['mx2.hosts.test']);
    // The refusal comes late (Dovecot takes its time over one), after the other gateway has taken the mail.
    await eventually(
      'the gateway was never flagged',
      async () => (await lab.call('gateways.states', {})).states[0]?.state === 'sign-in-refused',
    );
    expect((await lab.call('status.get', {})).problems.map((p) => p.id)).toContain('gateway:office');

    await lab.set({ 'gateways.list': [signedIn('office')] });
    const queue = await Promise.all(['q1', 'q2', 'q3'].map((q) => lab.submit({ to: [`${q}@order.test`] })));
    for (const one of queue) await lab.until(one, 'tried twice', (d) => d.timeline.length >= 2);
    for (const one of queue)
      expect((await lab.details(one)).recipients[0]).toMatchObject({ state: 'deferred', attempts: 0 });
    expect(await lab.why(queue[0] ?? '', 'q1@order.test')).toContain('refused the sign-in');
    // The right password starts everything at once.
    await lab.call('secrets.set', { gatewayId: 'office', secret: PASSWORD });
    for (const one of queue) await lab.reaches(one, 'sent');
  });

  it('a removed gateway takes its password along, and undo brings both back', async () => {
    await start({ mode: 'always', list: [signedIn('office')] }, {}, { office: PASSWORD });
    await lab.reaches(await lab.submit({ to: ['before@far.test'] }), 'sent');
    await lab.set({ 'gateways.list': [] });
    await eventually('the password is still kept', () => lab.secret('gateway:office') === null);
    const id = await lab.submit({ to: ['undo@far.test'] });
    await deferred(id);
    // The same name at another place gets nothing.
    await lab.set({ 'gateways.list': [signedIn('office', { host: 'localhost' })] });
    await lab.set({ 'gateways.list': [signedIn('office')] });
    await eventually('the password is not back', () => lab.secret('gateway:office') === PASSWORD);
    await lab.reaches(id, 'sent');
    await eventually('it did not arrive', () => office.messages().some((m) => m.includes('undo@far.test')));
  });

  it("relaying denied is the gateway's trouble: nothing bounces", async () => {
    await start({ mode: 'always', list: [gateway('office', office.port), at('home', 'mx1')] });
    const id = await lab.submit({ to: ['denied@elsewhere.test'] });
    const { timeline } = await lab.reaches(id, 'sent');
    expect(timeline[0]?.outcomes[0]?.verdict).toMatchObject({
      kind: 'deferred',
      scope: 'gateway',
      why: 'relaying-denied',
    });
    expect(await by('denied@elsewhere.test')).toEqual(['mx1.hosts.test']);
  });

  it('a wrong certificate: not a word of the password, flagged; allowed by the user, it asks for the password again, and the mail goes', async () => {
    await start(
      { mode: 'always', list: [signedIn('office', { allowInvalidCertificate: false })] },
      {},
      { office: PASSWORD },
    );
    const before = office.messages().length;
    const id = await lab.submit({ to: ['cert@far.test'] });
    await deferred(id);
    expect((await lab.details(id)).recipients[0]?.attempts).toBe(0);
    expect((await lab.call('gateways.states', {})).states[0]?.state).toBe('tls-failed');
    expect(office.messages()).toHaveLength(before);
    await lab.set({ 'gateways.list': [signedIn('office')] });
    // Whoever answers there would hear the password now: it is asked for again (spec §3.4).
    const state = async () => (await lab.call('gateways.states', {})).states[0];
    await eventually('it asks again', async () => (await state())?.state === 'sign-in-refused');
    expect([(await state())?.hasSecret, office.messages().length]).toEqual([false, before]);
    await lab.call('secrets.set', { gatewayId: 'office', secret: PASSWORD });
    await lab.reaches(id, 'sent');
  });

  it('a gateway kept for another network is left out here, and used once that network is there', async () => {
    await start({
      mode: 'always',
      list: [at('train', 'mx2', { networks: ['Train'], priority: 'highest' }), at('home', 'mx1')],
    });
    const here = await lab.submit({ to: ['here@order.test'] });
    await lab.reaches(here, 'sent');
    expect(await by('here@order.test')).toEqual(['mx1.hosts.test']);
    expect(await lab.why(here, 'here@order.test')).toContain('“train” is kept for other networks');
    lab.network({ ...OFFICE_NETWORK, id: 'net-train', name: 'Train' });
    const there = await lab.submit({ to: ['there@order.test'] });
    await lab.reaches(there, 'sent');
    expect(await by('there@order.test')).toEqual(['mx2.hosts.test']);
  });

  it('a gateway kept for some senders takes theirs only', async () => {
    await start({
      mode: 'always',
      list: [at('work', 'mx2', { senders: ['work.test', 'boss@sender.test'], priority: 'highest' }), at('home', 'mx1')],
    });
    const cases = [
      ['ann@sender.test', 's1@order.test', 'mx1.hosts.test'],
      ['boss@sender.test', 's2@order.test', 'mx2.hosts.test'],
      ['any@work.test', 's3@order.test', 'mx2.hosts.test'],
    ] as const;
    for (const [from, to, host] of cases) {
      const id = await lab.submit({ from, to: [to] });
      await lab.reaches(id, 'sent');
      expect(await by(to)).toEqual([host]);
      if (from.startsWith('ann')) expect(await lab.why(id, to)).toContain('“work” is kept for other senders');
    }
  });

  it('while the only gateway refuses connections the program says that nothing can leave, and is ready once it takes mail', async () => {
    await start({ mode: 'always', list: [dead('only')] });
    const status = () => lab.call('status.get', {});
    await eventually('it says so', async () => (await status()).state === 'no-way-out');
    const to = Array.from({ length: 15 }, (_, n) => `stuck${n}@order.test`);
    const ids = await Promise.all(to.map((one) => lab.submit({ to: [one] })));
    await Promise.all(ids.map(deferred));
    const stuck = await eventually('nothing is being sent', async () => {
      const now = await status();
      return now.sending === 0 ? now : undefined;
    });
    expect([stuck.state, ...stuck.phrases.map((p) => p.id)]).toEqual([
      'no-way-out',
      'no-way-out.gateways-failing',
      'status.waiting',
    ]);
    await lab.set({ 'gateways.list': [at('only', 'mx2')] });
    await Promise.all(ids.map((id) => lab.reaches(id, 'sent')));
    await eventually('it is ready', async () => (await status()).state === 'idle');
  });

  it('no gateway fits: the mail waits in plain words, and nothing counts', async () => {
    await start({ mode: 'always', list: [at('train', 'mx2', { networks: ['Train'] })] });
    const id = await lab.submit({ to: ['nofit@order.test'] });
    await deferred(id);
    expect((await lab.details(id)).recipients[0]?.attempts).toBe(0);
    const why = await lab.why(id, 'nofit@order.test');
    expect(why).toContain('No gateway can be used');
    expect(why).toContain('“train” is kept for other networks');
  });

  it('send through: the gateway that the user chose, against mode and limits, for this once', async () => {
    await start(
      { mode: 'never', list: [at('train', 'mx2', { networks: ['Train'] })] },
      { connection: { retryMinutes: [60] } },
    );
    const id = await lab.submit({ to: ['chosen@gone.test'] });
    await deferred(id);
    await lab.call('queue.retry', { selection: { ids: [id] }, throughGateway: 'train' });
    await lab.reaches(id, 'sent');
    expect(await by('chosen@gone.test')).toEqual(['mx2.hosts.test']);
    expect(await lab.why(id, 'chosen@gone.test')).toContain('because you chose this gateway');
  });

  it('a changed mode takes what already waits along, both ways', async () => {
    await start({ mode: 'never', list: [at('home', 'mx2')] }, { connection: { retryMinutes: [60] } });
    const id = await lab.submit({ to: ['mode@gone.test'] });
    await deferred(id);
    await lab.set({ 'gateways.mode': 'always' });
    await lab.reaches(id, 'sent');
    await lab.set({ 'gateways.list': [dead('home')] });
    const back = await lab.submit({ to: ['back@order.test'] });
    await deferred(back);
    await lab.set({ 'gateways.mode': 'never' });
    await lab.reaches(back, 'sent');
    expect(await by('back@order.test')).toEqual(['mx1.hosts.test']);
  });

  it('a retry from Bounced touches only the recipients that failed', async () => {
    await start({ mode: 'never', list: [at('home', 'mx2')] });
    const id = await lab.submit({ to: ['once@order.test', 'again@null.test'] });
    await lab.reaches(id, 'bounced');
    await lab.set({ 'gateways.mode': 'always' });
    await lab.call('queue.retry', { selection: { ids: [id] } });
    await lab.reaches(id, 'sent');
    expect(await by('again@null.test')).toEqual(['mx2.hosts.test']);
    expect(await world.postfix.arrives('once@order.test')).toHaveLength(1);
  });
});
