/** Direct delivery by the whole program to real mail servers (Postfix, OpenSMTPD), found by a real DNS server. */
import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { invalidAddressesCsv, invalidAddressesText } from '../../shared/invalid-addresses-text.ts';
import { makeCertificates, type Certificates } from '../support/certificates.ts';
import { keepUntilEnd } from '../support/kept.ts';
import { mailWorldMissing, startMailWorld, type MailWorld } from '../support/mail-world.ts';
import { openSmtpdMissing, startOpenSmtpd, type OpenSmtpd } from '../support/opensmtpd.ts';
import { eventually, gateway, startProgramLab, type ProgramLab } from '../support/program-lab.ts';

const missing = mailWorldMissing();

/** Rows and cells as python's csv module, an independent reader, finds them. */
function readCsv(text: string): readonly (readonly string[])[] {
  const script =
    'import csv,io,json,sys; print(json.dumps(list(csv.reader(io.StringIO(sys.stdin.buffer.read().decode("utf-8-sig"), newline="")))))';
  return JSON.parse(execFileSync('python3', ['-c', script], { input: text, encoding: 'utf8' })) as string[][];
}

describe.skipIf(missing !== null)(`direct delivery${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let certificates: Certificates;
  let world: MailWorld;
  let lab: ProgramLab;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    certificates = await makeCertificates();
    // Nobody can verify this certificate: opportunistic TLS takes it all the same (RFC 7435).
    world = keep(await startMailWorld(certificates.wrongName));
    lab = keep(
      await startProgramLab({
        connection: { dnsServers: [world.dns], directPort: world.port },
        administration: {
          log: 'single',
          undeliverableAfter: { value: 2, unit: 'attempts' },
          returnUndeliverable: false,
        },
      }),
    );
  });

  const sent = async (to: string): Promise<{ by: string; hop: string }> => {
    const id = await lab.submit({ to: [to] });
    const details = await lab.reaches(id, 'sent');
    const [message] = await world.postfix.arrives(to);
    return { by: message?.by ?? '', hop: details.timeline.at(-1)?.hop.host ?? '' };
  };

  it.each([
    ['the best MX is used first', 'a@order.test', 'mx1.hosts.test'],
    ['a dead best MX is followed by the next', 'a@dead.test', 'mx2.hosts.test'],
    ['no MX: the address of the domain itself', 'a@implicit.test', 'mx1.hosts.test'],
    ['a domain that is an alias', 'a@alias.test', 'mx1.hosts.test'],
    ['a host that has an IPv6 address only', 'a@six.test', 'six.hosts.test'],
  ])('%s', async (_name, to, by) => {
    expect((await sent(to)).by).toBe(by);
  });

  it('equal MX hosts both get their share', async () => {
    const seen = new Set<string>();
    for (let i = 0; i < 30 && seen.size < 2; i++) seen.add((await sent(`s${i}@shuffled.test`)).by);
    expect([...seen].sort()).toEqual(['mx1.hosts.test', 'mx2.hosts.test']);
  });

  it('an address literal goes to that address', async () => {
    expect((await sent(`lit@[${world.address('mx2')}]`)).by).toBe('mx2.hosts.test');
  });

  it('a certificate that nobody can verify does not stop opportunistic TLS, and is shown as not verified', async () => {
    const id = await lab.submit({ to: ['tls@order.test'] });
    const { timeline } = await lab.reaches(id, 'sent');
    expect(timeline.at(-1)?.tls).toMatchObject({ protocol: 'TLSv1.3', verified: false });
  });

  it.each([
    ['a null MX', 'a@null.test', '5.1.10', 'states that it takes no mail'],
    ['a domain that does not exist', 'a@nowhere.test', '5.1.2', 'does not exist'],
  ])('%s is Bounced at once, without a connection', async (_name, to, status, words) => {
    const id = await lab.submit({ to: [to] });
    const { recipients, timeline } = await lab.reaches(id, 'bounced');
    expect(recipients[0]).toMatchObject({ state: 'bounced', attempts: 1, status });
    expect(timeline.every((t) => t.phase === 'dns')).toBe(true);
    expect(await lab.why(id, to)).toContain(words);
  });

  it('SERVFAIL is temporary: tried again until the limit, then Bounced as expired', async () => {
    const id = await lab.submit({ to: ['a@broken.test'] });
    const waiting = await lab.until(id, 'deferred', (d) => d.recipients[0]?.state === 'deferred');
    expect(waiting.recipients[0]?.attempts).toBe(1);
    expect(await lab.why(id, 'a@broken.test')).toContain('could not be looked up');
    const { recipients } = await lab.reaches(id, 'bounced');
    expect(recipients[0]).toMatchObject({ attempts: 2, status: '4.4.7' });
  });

  it("no DNS server at all is not the mail's fault: nothing counts, and it goes once one answers", async () => {
    await lab.set({ 'connection.dnsServers': ['127.0.0.1:9'] });
    const id = await lab.submit({ to: ['nodns@order.test'] });
    await lab.until(id, 'tried three times', (d) => d.timeline.length >= 3);
    expect((await lab.details(id)).recipients[0]).toMatchObject({ state: 'deferred', attempts: 0 });
    await lab.set({ 'connection.dnsServers': [world.dns] });
    await lab.reaches(id, 'sent');
  });

  it('greylisting is waited out, and mail is in after the retry', async () => {
    const id = await lab.submit({ to: ['a@grey.test'] });
    const { timeline, recipients } = await lab.reaches(id, 'sent');
    expect(timeline.map((t) => t.outcomes[0]?.verdict.kind)).toEqual(['deferred', 'delivered']);
    expect(timeline[0]?.outcomes[0]?.verdict.reply).toMatchObject({ code: 451, enhanced: '4.7.1' });
    expect(recipients[0]?.state).toBe('delivered');
    expect(await world.postfix.arrives('a@grey.test')).toHaveLength(1);
  });

  it('a host that greets with 554 is passed by, and bounces nothing', async () => {
    const id = await lab.submit({ to: ['a@rude.test'] });
    await lab.until(id, 'deferred', (d) => d.recipients[0]?.state === 'deferred');
    expect((await lab.details(id)).recipients[0]?.status).toMatch(/^4\./);
  });

  it('every recipient has its own result: taken, refused for good, put off', async () => {
    const to = ['good@order.test', 'nobody@order.test', 'busy@order.test'];
    const id = await lab.submit({ to });
    await lab.until(id, 'settled for two', (d) => d.recipients.filter((r) => r.attempts > 0).length === 3);
    expect(await lab.states(id)).toMatchObject({ 'good@order.test': 'delivered', 'nobody@order.test': 'bounced' });
    const { recipients } = await lab.reaches(id, 'bounced');
    expect(recipients.map((r) => [r.rcptTo, r.state, r.reply?.code])).toEqual([
      ['good@order.test', 'delivered', 250],
      ['nobody@order.test', 'bounced', 550],
      ['busy@order.test', 'bounced', 450],
    ]);
    expect(await world.postfix.arrives('good@order.test')).toHaveLength(1);
  });

  it('a host that takes three recipients at a time gets ten in further transactions; each arrives once', async () => {
    const to = Array.from({ length: 10 }, (_, i) => `r${i}@few.test`);
    const id = await lab.submit({ to });
    const { recipients } = await lab.reaches(id, 'sent');
    expect(recipients.every((r) => r.state === 'delivered' && r.attempts === 1)).toBe(true);
    for (const one of to) expect(await world.postfix.arrives(one)).toHaveLength(1);
  });

  it('8-bit text is refused in our words where the server has no 8BITMIME, and arrives octet by octet where it has', async () => {
    const text = 'Subject: x\r\n\r\n\xe4\xf6\xfc \xff\r\n';
    const id = await lab.submit({ to: ['a@order.test'], text, mailParameters: 'BODY=8BITMIME' });
    await lab.reaches(id, 'sent');
    const arrived = (await world.postfix.arrives('a@order.test', 2)).find((m) => m.text.includes('\xe4'));
    expect(arrived?.text.endsWith('\n\n\xe4\xf6\xfc \xff\n')).toBe(true);
    const refused = await lab.submit({ to: ['a@old.test'], text, mailParameters: 'BODY=8BITMIME' });
    const { recipients } = await lab.reaches(refused, 'bounced');
    expect(recipients[0]?.status).toBe('5.6.3');
    expect(await lab.why(refused, 'a@old.test')).toContain('cannot take messages with 8-bit text');
  });

  it('an international address is refused in our words where SMTPUTF8 is not offered, and arrives where it is', async () => {
    const good = await lab.submit({ to: ['grün@order.test'], mailParameters: 'SMTPUTF8' });
    await lab.reaches(good, 'sent');
    const id = await lab.submit({ to: ['grün@old.test'], mailParameters: 'SMTPUTF8' });
    const { recipients } = await lab.reaches(id, 'bounced');
    expect(recipients[0]?.status).toBe('5.6.7');
    expect(await lab.why(id, 'grün@old.test')).toContain('international characters');
  });

  it('force delivery off: only the first host is tried; on: the next one takes it', async () => {
    await lab.set({ 'administration.forceDelivery': false });
    const id = await lab.submit({ to: ['force@dead.test'] });
    const waiting = await lab.until(id, 'deferred', (d) => d.recipients[0]?.state === 'deferred');
    expect(new Set(waiting.timeline.map((t) => t.hop.host))).toEqual(new Set(['dead.hosts.test']));
    await lab.set({ 'administration.forceDelivery': true });
    const { timeline } = await lab.reaches(id, 'sent');
    expect(timeline.at(-1)?.hop.host).toBe('mx2.hosts.test');
  });

  it('an MX on loopback is dropped unless the laboratory says to trust it', async () => {
    await lab.set({ 'connection.trustLoopbackMx': false });
    const id = await lab.submit({ to: ['loop@order.test'] });
    const { timeline } = await lab.until(id, 'tried', (d) => d.timeline.length > 0);
    expect(timeline[0]).toMatchObject({ phase: 'dns' });
    expect(world.postfix.arrived().filter((m) => m.to === 'loop@order.test')).toEqual([]);
    await lab.set({ 'connection.trustLoopbackMx': true });
  });

  it("refused addresses are listed with the server's words, and can be cleared", async () => {
    const id = await lab.submit({ to: ['nobody@shuffled.test', 'moved@shuffled.test', 'spam@shuffled.test'] });
    await lab.reaches(id, 'bounced');
    const rows = (await lab.call('queue.invalidAddresses', {})).rows.filter((r) =>
      r.address.endsWith('@shuffled.test'),
    );
    expect(rows.map((r) => r.address).sort()).toEqual(['moved@shuffled.test', 'nobody@shuffled.test']);
    expect(rows.find((r) => r.address.startsWith('nobody'))?.reply).toContain('No such user here');
    await lab.call('queue.clearInvalidAddresses', {});
    expect((await lab.call('queue.invalidAddresses', {})).rows).toEqual([]);
  });

  it('the list goes into a file that a spreadsheet reads back and runs nothing of, and can be cleared', async () => {
    const to = [
      'nobody@shuffled.test',
      '=HYPERLINK@null.test',
      '+tag@null.test',
      '-1@null.test',
      '"@SUM(1,2) x\\"y"@null.test',
      'jürgen@null.test',
    ];
    await lab.call('queue.clearInvalidAddresses', {});
    for (const address of to) {
      const id = await lab.submit({ to: [address], mailParameters: 'SMTPUTF8' });
      await lab.reaches(id, 'bounced');
    }
    const { rows } = await lab.call('queue.invalidAddresses', {});
    expect(rows.map((r) => r.address).sort()).toEqual([...to].sort());
    const cells = readCsv(invalidAddressesCsv(rows));
    expect(cells[0]).toEqual(['address', 'reply', 'last', 'count']);
    expect(cells.slice(1)).toHaveLength(to.length);
    for (const line of cells) for (const cell of line) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
    expect(
      cells
        .slice(1)
        .map(([address]) => address?.replace(/^'/, ''))
        .sort(),
    ).toEqual([...to].sort());
    const [, reply, last, count] = cells.find(([address]) => address === 'nobody@shuffled.test') ?? [];
    expect(reply).toContain('550 <nobody@shuffled.test>: Recipient address rejected: No such user here');
    expect(Math.abs(Date.parse(last ?? '') - Date.now())).toBeLessThan(600_000);
    expect(count).toBe('1');
    expect(invalidAddressesText(rows).split('\r\n').filter(Boolean).sort()).toEqual([...to].sort());
    expect(await lab.call('queue.clearInvalidAddresses', {})).toEqual({ count: to.length });
    expect((await lab.call('queue.invalidAddresses', {})).rows).toEqual([]);
  });

  it('a mail server that died is asked again on the schedule, and given up at the limit', async () => {
    const id = await lab.submit({ to: ['a@gone.test'] });
    const { recipients } = await lab.reaches(id, 'bounced');
    expect(recipients[0]).toMatchObject({ attempts: 2, status: '4.4.7' });
    expect(await lab.why(id, 'a@gone.test')).toContain('Given up');
  });

  describe('LAN addresses', () => {
    it('a domain of the LAN table goes to its host once the Internet has failed', async () => {
      await lab.set({
        'connection.lanHosts': [{ domain: 'printer.lan', host: world.address('mx2'), port: world.port }],
      });
      const id = await lab.submit({ to: ['scan@printer.lan'] });
      const { timeline } = await lab.reaches(id, 'sent');
      expect(timeline.map((t) => t.hop.kind)).toEqual(['mx', 'lan']);
      expect((await world.postfix.arrives('scan@printer.lan'))[0]?.by).toBe('mx2.hosts.test');
      expect(await lab.why(id, 'scan@printer.lan')).toContain('on the local network');
    });

    it('both failed is a LAN error: with it ticked a gateway takes the mail, without it the mail waits', async () => {
      await lab.set({
        'connection.lanHosts': [{ domain: 'attic.lan', host: '127.0.21.99', port: world.port }],
        'connection.retryMinutes': [60],
        'gateways.mode': 'onError',
        'gateways.onErrors': { lan: false, dns: true, smtp: true },
        'gateways.list': [gateway('home', world.port, { host: world.address('mx1') })],
      });
      const id = await lab.submit({ to: ['a@attic.lan'] });
      await lab.until(id, 'deferred', (d) => d.recipients[0]?.state === 'deferred');
      await lab.set({ 'gateways.onErrors': { lan: true, dns: false, smtp: false } });
      await lab.reaches(id, 'sent');
      expect(await lab.why(id, 'a@attic.lan')).toContain('LAN error');
      await lab.set({ 'gateways.mode': 'never', 'connection.retryMinutes': [0.02], 'gateways.list': [] });
    });
  });
});

const noOpenSmtpd = missing ?? openSmtpdMissing();
describe.skipIf(noOpenSmtpd !== null)(`OpenSMTPD${noOpenSmtpd === null ? '' : ` (skipped: ${noOpenSmtpd})`}`, () => {
  let server: OpenSmtpd;
  let world: MailWorld;
  let lab: ProgramLab;
  const address = '127.0.31.1';
  const keep = keepUntilEnd();
  beforeAll(async () => {
    world = keep(
      await startMailWorld(undefined, ['mx-host=osd.test,mx.osd.test,10', `host-record=mx.osd.test,${address}`]),
    );
    server = keep(await startOpenSmtpd({ address, port: world.port, domain: 'osd.test', users: ['bob', 'eve'] }));
    lab = keep(
      await startProgramLab({
        connection: { dnsServers: [world.dns], directPort: world.port },
        administration: { returnUndeliverable: false },
      }),
    );
  });
  const inBox = (subject: string): Promise<string> =>
    eventually(
      () => `${subject} did not arrive\n${server.log()}`,
      () => server.messages().find((m) => m.includes(`Subject: ${subject}\n`)),
    );

  it('as MX: takes the known recipients, the unknown one bounces alone, and its broken STARTTLS stops nothing', async () => {
    const id = await lab.submit({
      to: ['bob@osd.test', 'zed@osd.test', 'eve@osd.test'],
      text: 'Subject: direct\r\n\r\nx\r\n',
    });
    const { timeline } = await lab.reaches(id, 'bounced');
    expect(await lab.states(id)).toEqual({
      'bob@osd.test': 'delivered',
      'zed@osd.test': 'bounced',
      'eve@osd.test': 'delivered',
    });
    expect(timeline.at(-1)?.tls).toBeNull();
    await eventually('the log never spoke of STARTTLS', () => / STARTTLS$/m.test(lab.log()));
    await inBox('direct');
  });

  it('as gateway: what it refuses to relay goes to the next gateway, each recipient by itself', async () => {
    await lab.set({
      'gateways.list': [
        gateway('osd', world.port, { host: address }),
        gateway('postfix', world.port, { host: world.address('mx1') }),
      ],
      'gateways.mode': 'always',
    });
    const id = await lab.submit({
      to: ['bob@osd.test', 'far@order.test'],
      text: 'Subject: relayed\r\n\r\nx\r\n',
    });
    await lab.reaches(id, 'sent');
    expect((await lab.details(id)).recipients.map((r) => [r.rcptTo, r.state, r.hop?.gatewayName])).toEqual([
      ['bob@osd.test', 'relayed', 'osd'],
      ['far@order.test', 'relayed', 'postfix'],
    ]);
    await inBox('relayed');
    expect(await world.postfix.arrives('far@order.test')).toHaveLength(1);
    expect(server.messages().filter((m) => m.includes('Subject: relayed\n'))).toHaveLength(1);
  });

  it('as gateway that must encrypt and cannot: flagged, no clear text, the next gateway takes the mail', async () => {
    await lab.set({
      'gateways.list': [
        gateway('osd', world.port, { host: address, security: 'starttls' }),
        gateway('postfix', world.port, { host: world.address('mx2') }),
      ],
    });
    const id = await lab.submit({ to: ['bob@osd.test'], text: 'Subject: safe\r\n\r\nx\r\n' });
    await lab.reaches(id, 'sent');
    expect((await world.postfix.arrives('bob@osd.test'))[0]?.by).toBe('mx2.hosts.test');
    expect((await lab.call('gateways.states', {})).states[0]).toMatchObject({ id: 'osd', state: 'tls-failed' });
    expect(server.messages().some((m) => m.includes('Subject: safe\n'))).toBe(false);
  });
});
