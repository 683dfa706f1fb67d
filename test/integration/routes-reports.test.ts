/** Returned mail end to end: the report arrives at the sender's own server, and python's email package reads it there. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { MessageDetails } from '../../shared/mail.ts';
import { JumpingClock } from '../fakes/jumping-clock.ts';
import { keepUntilEnd } from '../support/kept.ts';
import {
  mailWorldMissing,
  parseReport,
  startMailWorld,
  type MailWorld,
  type ParsedReport,
} from '../support/mail-world.ts';
import { startProgramLab, type ProgramLab } from '../support/program-lab.ts';

const missing = mailWorldMissing();

describe.skipIf(missing !== null)(`returned mail${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let world: MailWorld;
  let lab: ProgramLab;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    world = keep(await startMailWorld());
    lab = keep(await startProgramLab({ connection: { dnsServers: [world.dns], directPort: world.port } }));
  });

  const text = 'Subject: Minutes\r\nFrom: Ann <ann@sender.test>\r\n\r\nThe body of it.\r\n';
  let senders = 0;
  /** Each message has a sender of its own: what arrives there is about it. */
  const newSender = (): string => `ann${(senders += 1)}@sender.test`;
  const reportTo = async (
    sender: string,
  ): Promise<ParsedReport & { readonly returnPath: string; readonly by: string }> => {
    const [arrived] = await world.postfix.arrives(sender);
    if (!arrived) throw new Error('no report');
    return { ...parseReport(arrived.text), returnPath: arrived.from, by: arrived.by };
  };
  /** Reports that our program made about anything, by now. */
  const reportsFor = (sender: string): number => world.postfix.arrived().filter((m) => m.to === sender).length;
  const recipient = (report: ParsedReport, n = 1): Readonly<Record<string, string>> => report.blocks[n] ?? {};

  it('a refused recipient comes back: right address, status and words, from nobody, with the original', async () => {
    const from = newSender();
    const id = await lab.submit({ from, to: ['nobody@order.test', 'fine@order.test'], text });
    await lab.reaches(id, 'bounced');
    const report = await reportTo(from);
    expect(report).toMatchObject({
      returnPath: '',
      to: from,
      type: 'multipart/report',
      auto: 'auto-replied',
      types: ['text/plain', 'message/delivery-status', 'message/rfc822'],
      defects: [],
    });
    expect(report.blocks).toHaveLength(2);
    expect(report.blocks[0]).toMatchObject({ 'Reporting-MTA': 'dns; laptop.home.test' });
    expect(recipient(report)).toMatchObject({
      'Final-Recipient': 'rfc822; nobody@order.test',
      Action: 'failed',
      Status: '5.1.1',
      'Remote-MTA': 'dns; mx1.hosts.test',
    });
    expect(recipient(report)['Diagnostic-Code']).toMatch(/^smtp; 550 5\.1\.1 .*No such user here/);
    expect(report.human).toContain('nobody@order.test');
    expect(report.human).not.toContain('fine@order.test');
    expect(report.original).toContain('The body of it.');
    expect(reportsFor(from)).toBe(1);
  });

  it('of hundreds of refused recipients the sender hears once, however many claims and servers they took', async () => {
    const from = newSender();
    // One mailbox to the server, different ones to us (RFC 5321 §2.4).
    const spelt = Array.from({ length: 8 }, (_, bits) =>
      'nobody'.replaceAll(/./g, (letter, at: number) => ((bits >> at) & 1 ? letter.toUpperCase() : letter)),
    );
    const to = [
      ...Array.from({ length: 450 }, (_, i) => `r${i}@null.test`),
      ...spelt.map((name) => `${name}@order.test`),
    ];
    await lab.call('control.pause', {});
    const id = await lab.submit({ from, to, text });
    await lab.call('control.resume', {});
    await lab.reaches(id, 'bounced');
    const report = await reportTo(from);
    expect(report.blocks).toHaveLength(1 + 450 + 8);
    expect(new Set(report.blocks.slice(1).map((block) => block['Status']))).toEqual(new Set(['5.1.10', '5.1.1']));
    await expect.poll(async () => (await lab.call('queue.folders', {})).outbox).toBe(0);
    expect(reportsFor(from)).toBe(1);
  });

  it('RET=HDRS returns the header alone, RET=FULL the whole; ENVID and ORCPT come back', async () => {
    for (const ret of ['HDRS', 'FULL']) {
      const from = newSender();
      const id = await lab.submit({
        from,
        to: ['<nobody@order.test> NOTIFY=FAILURE ORCPT=rfc822;Old+2BName@else.test'],
        mailParameters: `RET=${ret} ENVID=QQ+2B314`,
        text,
      });
      await lab.reaches(id, 'bounced');
      const report = await reportTo(from);
      expect(report.blocks[0]).toMatchObject({ 'Original-Envelope-Id': 'QQ+314' });
      expect(recipient(report)).toMatchObject({ 'Original-Recipient': 'rfc822; Old+Name@else.test' });
      expect(report.types[2]).toBe(ret === 'FULL' ? 'message/rfc822' : 'text/rfc822-headers');
      expect(report.original).toContain('Subject: Minutes');
      expect(report.original.includes('The body of it.')).toBe(ret === 'FULL');
    }
  });

  it('"attach the original" off returns the header alone to who did not say', async () => {
    await lab.set({ 'administration.attachOriginal': false });
    const from = newSender();
    await lab.reaches(await lab.submit({ from, to: ['nobody@order.test'], text }), 'bounced');
    const report = await reportTo(from);
    expect(report.types[2]).toBe('text/rfc822-headers');
    await lab.set({ 'administration.attachOriginal': true });
  });

  it('NOTIFY=NEVER, "return" switched off and the null return path get no report; a double bounce ends in Bad', async () => {
    const from = newSender();
    await lab.reaches(await lab.submit({ from, to: ['<nobody@order.test> NOTIFY=NEVER'], text }), 'bounced');
    await lab.set({ 'administration.returnUndeliverable': false });
    await lab.reaches(await lab.submit({ from, to: ['nobody@order.test'], text }), 'bounced');
    await lab.set({ 'administration.returnUndeliverable': true });
    await lab.reaches(await lab.submit({ from: '', to: ['nobody@order.test'], text }), 'bad');
    // The sender's own address is refused: the report cannot be returned either.
    const lost = await lab.submit({ from: 'nobody@sender.test', to: ['nobody@order.test'], text });
    await lab.reaches(lost, 'bounced');
    const double = async (): Promise<string | undefined> =>
      (await lab.call('queue.list', { folder: 'bad' })).rows.find((r) => r.to.includes('nobody@sender.test'))?.id;
    await expect.poll(double).toBeDefined();
    // Whatever was going to be sent to this sender would have been sent before this one.
    await lab.reaches(await lab.submit({ from: newSender(), to: [from], text }), 'sent');
    expect(world.postfix.arrived().filter((m) => m.to === from && m.from === '')).toEqual([]);
  });

  it('NOTIFY=SUCCESS is passed on to a server that knows DSN: that one reports, we do not', async () => {
    const from = newSender();
    const to = 'dsn@order.test';
    const id = await lab.submit({
      from,
      to: [`<${to}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first@else.test`],
      mailParameters: 'RET=HDRS ENVID=abc123',
      text,
    });
    await lab.reaches(id, 'sent');
    const report = await reportTo(from);
    expect(report.blocks[0]).toMatchObject({ 'Reporting-MTA': 'dns; lab.test', 'Original-Envelope-Id': 'abc123' });
    expect(recipient(report)).toMatchObject({ 'Original-Recipient': 'rfc822;first@else.test' });
    expect(reportsFor(from)).toBe(1);
  });

  it('NOTIFY=SUCCESS to a server without DSN: we report "relayed", by its header only', async () => {
    const from = newSender();
    const id = await lab.submit({ from, to: ['<dsn@old.test> NOTIFY=SUCCESS'], mailParameters: 'RET=FULL', text });
    await lab.reaches(id, 'sent');
    const report = await reportTo(from);
    expect(report.blocks[0]).toMatchObject({ 'Reporting-MTA': 'dns; laptop.home.test' });
    expect(recipient(report)).toMatchObject({
      'Final-Recipient': 'rfc822; dsn@old.test',
      Action: 'relayed',
      Status: '2.0.0',
      'Remote-MTA': 'dns; old.hosts.test',
    });
    expect(report.types[2]).toBe('text/rfc822-headers');
  });

  it('given up at the limit: 4.4.7, with the last words of the server', async () => {
    await lab.set({ 'administration.undeliverableAfter': { value: 2, unit: 'attempts' } });
    const from = newSender();
    await lab.reaches(await lab.submit({ from, to: ['full@order.test'], text }), 'bounced');
    const report = await reportTo(from);
    expect(recipient(report)).toMatchObject({ Action: 'failed', Status: '4.4.7' });
    expect(recipient(report)['Diagnostic-Code']).toContain('Mailbox full');
    await lab.set({ 'administration.undeliverableAfter': { value: 4, unit: 'days' } });
  });

  it('still waiting after hours: "delayed" once to who asked for it, to nobody else; the failure is told later', async () => {
    const clock = new JumpingClock();
    const slow = keep(
      await startProgramLab(
        {
          connection: { dnsServers: [world.dns], directPort: world.port },
          administration: { undeliverableAfter: { value: 1, unit: 'days' }, log: 'single' },
        },
        {},
        { clock },
      ),
    );
    const wishes = {
      delay: 'NOTIFY=DELAY,FAILURE',
      only: 'NOTIFY=DELAY',
      failure: 'NOTIFY=FAILURE',
      never: 'NOTIFY=NEVER',
      none: '',
    };
    const sent: { readonly wish: string; readonly from: string; readonly id: string }[] = [];
    for (const [wish, parameter] of Object.entries(wishes)) {
      const from = newSender();
      const id = await slow.submit({
        from,
        to: [`<full@order.test> ${parameter}`.trim()],
        mailParameters: `RET=FULL ENVID=${wish}`,
        text,
      });
      sent.push({ wish, from, id });
    }
    const by = (wish: string): string => sent.find((s) => s.wish === wish)?.from ?? '';
    const attempts = (d: MessageDetails): number => d.recipients[0]?.attempts ?? 0;
    const triedAgain = async (): Promise<void> => {
      await Promise.all(
        sent.map(async ({ id }) => {
          const before = attempts(await slow.details(id));
          await slow.until(id, 'tried again', (d) => attempts(d) > before);
        }),
      );
    };
    const accepted = clock.now();
    await triedAgain();
    for (const { from } of sent) expect(reportsFor(from)).toBe(0);

    clock.jump(4 * 3_600_000 + 60_000);
    for (const wish of ['delay', 'only']) {
      const report = await reportTo(by(wish));
      expect(report).toMatchObject({ returnPath: '', auto: 'auto-replied', defects: [] });
      expect(report.blocks[0]).toMatchObject({ 'Original-Envelope-Id': wish });
      expect(recipient(report)).toMatchObject({
        'Final-Recipient': 'rfc822; full@order.test',
        Action: 'delayed',
        Status: '4.2.2',
        'Remote-MTA': 'dns; mx1.hosts.test',
      });
      const until = Date.parse(recipient(report)['Will-Retry-Until'] ?? '');
      expect(Math.abs(until - accepted - 86_400_000)).toBeLessThan(120_000);
      expect(report.human).toContain('full@order.test');
      expect(report.types[2]).toBe('text/rfc822-headers');
    }
    await triedAgain();
    for (const { wish, from } of sent)
      expect([wish, reportsFor(from)]).toEqual([wish, wish === 'delay' || wish === 'only' ? 1 : 0]);

    clock.jump(86_400_000);
    for (const { id } of sent) await slow.reaches(id, 'bounced');
    const actions = async (wish: string, count: number): Promise<readonly (string | undefined)[]> => {
      const arrived = await world.postfix.arrives(by(wish), count);
      return arrived.map((m) => recipient(parseReport(m.text))['Action']).sort();
    };
    expect(await actions('delay', 2)).toEqual(['delayed', 'failed']);
    expect(await actions('failure', 1)).toEqual(['failed']);
    expect(await actions('none', 1)).toEqual(['failed']);
    // The queue is empty: nothing is still to come to the others.
    await expect.poll(async () => (await slow.call('queue.folders', {})).outbox, { timeout: 30_000 }).toBe(0);
    expect(sent.map(({ wish, from }) => [wish, reportsFor(from)])).toEqual([
      ['delay', 2],
      ['only', 1],
      ['failure', 1],
      ['never', 0],
      ['none', 1],
    ]);
  });

  it('a non-ASCII recipient comes back in the global types of RFC 6533, and is read there as it was', async () => {
    const from = newSender();
    const id = await lab.submit({ from, to: ['jürgen@null.test'], mailParameters: 'SMTPUTF8', text });
    await lab.reaches(id, 'bounced');
    const report = await reportTo(from);
    expect(report.types[1]).toBe('message/global-delivery-status');
    expect(recipient(report)).toMatchObject({ Action: 'failed', Status: '5.1.10' });
    const final = Object.entries(recipient(report)).find(([key]) => key === 'Final-Recipient')?.[1];
    expect(final).toContain('jürgen@null.test');
  });
});
