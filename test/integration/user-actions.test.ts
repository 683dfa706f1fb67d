/** What a user does to a message whose recipients stand differently, with real servers: nobody is forgotten, nobody gets it twice. */
import { describe, expect, it } from 'vitest';
import type { MessageDetails } from '../../shared/mail.ts';
import { sayAll } from '../../shared/phrases.ts';
import { startScriptedServer, type Dialogue, type ScriptedServer } from '../fakes/scripted-smtp-server.ts';
import { keepDuringTest } from '../support/kept.ts';
import { eventually, gateway, startProgramLab, type ProgramLab } from '../support/program-lab.ts';

const REFUSED: Dialogue = { 'RCPT TO:<bodo@': '550 5.1.1 There is nobody called bodo here' };
const LATER = '450 4.2.0 Greylisted, try again later';
const SILENT: Dialogue = { message: { then: 'silence' } };
const keep = keepDuringTest();

interface World {
  readonly server: ScriptedServer;
  readonly lab: ProgramLab;
}

async function start(dialogue: Dialogue): Promise<World> {
  const server = keep(await startScriptedServer(dialogue));
  // Nothing is tried again in an hour but what a user wants.
  const lab = keep(
    await startProgramLab({
      gateways: { mode: 'always', list: [gateway('office', server.port)] },
      connection: { retryMinutes: [60] },
    }),
  );
  return { server, lab };
}

/** How often the server was told of this recipient. */
const told = ({ server }: World, who: string): number =>
  server.sessions.flatMap(({ lines }) => lines).filter((line) => line.startsWith(`RCPT TO:<${who}@`)).length;
const states = (d: MessageDetails): string => d.recipients.map((r) => r.state).join();
const idOf = (d: MessageDetails, who: string): number => d.recipients.find((r) => r.rcptTo.startsWith(who))?.id ?? -1;

/** Hands over a message that the server holds in its hand: it has had the final dot and says nothing. */
async function inFlight(world: World, ...to: readonly string[]): Promise<string> {
  const before = world.server.sessions.flatMap((s) => s.messages).length;
  const id = await world.lab.submit({ to });
  await eventually('the server has the final dot', () =>
    world.server.sessions.flatMap((s) => s.messages).length > before ? true : undefined,
  );
  return id;
}

/** The server loses its connections without a word. */
const lost = ({ server }: World): void => {
  server.become({});
  server.hangUp();
};

describe('send again', () => {
  it('leaves those who still wait in the Outbox: they are tried again and get it once', async () => {
    const world = await start({ ...REFUSED, 'RCPT TO:<dora@': LATER });
    const { lab } = world;
    const id = await lab.submit({ to: ['bodo@customer.test', 'dora@customer.test'] });
    const old = await lab.until(id, 'refused and deferred', (d) => states(d) === 'bad,deferred');
    const replaces = [idOf(old, 'bodo')];
    const again = await lab.call('queue.resend', { id, replaces, recipients: ['bob@customer.test'] });
    await lab.reaches(again.id, 'sent');
    expect(await lab.details(id)).toMatchObject({ folder: 'outbox' });
    expect(await lab.states(id)).toEqual({ 'bodo@customer.test': 'replaced', 'dora@customer.test': 'deferred' });
    expect(await lab.why(id, 'bodo@customer.test')).toBe('You sent the message again to bob@customer.test instead.');
    // A second click, or another window, sends nothing again.
    await expect(lab.call('queue.resend', { id, replaces, recipients: ['bob@customer.test'] })).rejects.toThrow(
      'settled',
    );
    world.server.become({});
    const before = told(world, 'dora');
    await lab.call('control.sendNow', {});
    await lab.reaches(id, 'sent');
    expect([told(world, 'dora') - before, told(world, 'bob')]).toEqual([1, 1]);
    expect(await lab.states(id)).toEqual({ 'bodo@customer.test': 'replaced', 'dora@customer.test': 'relayed' });
  });

  it('keeps what the sender asked to be told, and the old message when nobody is left in it is in Deleted', async () => {
    const { lab, server } = await start(REFUSED);
    const id = await lab.submit({
      to: ['<bodo@customer.test> NOTIFY=NEVER ORCPT=rfc822;bodo@customer.test'],
      mailParameters: 'RET=HDRS ENVID=abc',
    });
    const old = await lab.until(id, 'refused', (d) => states(d) === 'bad');
    const again = await lab.call('queue.resend', {
      id,
      replaces: [idOf(old, 'bodo')],
      recipients: ['bob@customer.test'],
    });
    await lab.reaches(again.id, 'sent');
    const lines = server.sessions.flatMap((session) => session.lines);
    expect(lines.filter((line) => line.includes('bob@'))).toEqual(['RCPT TO:<bob@customer.test> NOTIFY=NEVER']);
    expect(lines.filter((line) => line.includes('RET=HDRS ENVID=abc'))).toHaveLength(2);
    expect(await lab.details(id)).toMatchObject({ folder: 'deleted', state: 'replaced' });
    await lab.call('queue.restore', { selection: { ids: [id] } });
    expect(await lab.details(id)).toMatchObject({ folder: 'sent', state: 'replaced' });
  });

  it('of one that is with a server is refused until the answer is there; who was refused meanwhile can be replaced', async () => {
    const world = await start({ ...SILENT, ...REFUSED });
    const { lab } = world;
    const id = await inFlight(world, 'bodo@customer.test', 'dora@customer.test');
    const old = await lab.until(id, 'under way', (d) => states(d).includes('attempting'));
    const both = { id, replaces: old.recipients.map((r) => r.id), recipients: ['bob@customer.test'] };
    await expect(lab.call('queue.resend', both)).rejects.toThrow(/in-flight: .* is with a server at this moment/);
    // By its address as well: two would be under way to the same mailbox.
    const typed = { id, replaces: [], recipients: ['Dora@Customer.test'] };
    await expect(lab.call('queue.resend', typed)).rejects.toThrow('in-flight');
    expect((await lab.call('queue.folders', {})).outbox).toBe(1);
    lost(world);
    await lab.until(id, 'answered', (d) => states(d) === 'bad,deferred');
    const again = await lab.call('queue.resend', both);
    await lab.reaches(again.id, 'sent');
    expect(await lab.details(id)).toMatchObject({ folder: 'deleted' });
    expect([told(world, 'dora'), told(world, 'bob')]).toEqual([1, 1]);
  });
});

describe('a message that is with a server', () => {
  it('is deleted: the answer is recorded, nothing more is tried, it says so, and undo brings back who waited', async () => {
    const world = await start(SILENT);
    const { lab } = world;
    const id = await inFlight(world, 'dora@customer.test');
    await lab.until(id, 'under way', (d) => states(d) === 'attempting');
    const deleted = await lab.call('queue.delete', { selection: { ids: [id] }, forGood: false });
    expect(deleted).toMatchObject({ count: 1, sending: 1, kept: 0 });
    expect(sayAll((await lab.details(id)).recipients[0]?.why ?? [])).toMatch(/^The message was deleted while it was being sent/);
    expect(await lab.call('queue.delete', { selection: { ids: [id] } })).toEqual({ count: 0, sending: 0, kept: 1, undo: null });
    lost(world);
    const after = await lab.until(id, 'answered', (d) => states(d) === 'deferred');
    expect(after).toMatchObject({ folder: 'deleted', nextAt: null });
    const why = sayAll(after.recipients[0]?.why ?? []);
    expect(why).toContain('The message was deleted while it was being sent.');
    expect(why).not.toContain('tried again');
    await lab.call('control.sendNow', {});
    expect(told(world, 'dora')).toBe(1);
    await lab.call('queue.restore', { selection: deleted.undo ?? { ids: [] } });
    expect(await lab.details(id)).toMatchObject({ folder: 'outbox' });
    await lab.call('queue.retry', { selection: { ids: [id] } });
    await lab.reaches(id, 'sent');
    expect(told(world, 'dora')).toBe(2);
  }); // prettier-ignore

  it('is not tried a second time by retry or by another gateway', async () => {
    const world = await start(SILENT);
    const { lab } = world;
    const id = await inFlight(world, 'dora@customer.test');
    await lab.until(id, 'under way', (d) => states(d) === 'attempting');
    expect(await lab.call('queue.retry', { selection: { ids: [id] } })).toEqual({ count: 0, sending: 1 });
    const through = { selection: { ids: [id] }, throughGateway: 'office' };
    expect(await lab.call('queue.retry', through)).toEqual({ count: 0, sending: 1 });
    lost(world);
    await lab.until(id, 'answered', (d) => states(d) === 'deferred');
    expect(told(world, 'dora')).toBe(1);
  });
});

describe('a message that was returned to its sender', () => {
  it('is deleted and restored without a second report', async () => {
    const server = keep(await startScriptedServer(REFUSED));
    const lab = keep(
      await startProgramLab({
        gateways: { mode: 'undelivered', list: [gateway('office', server.port)] },
        connection: { dnsServers: [], retryMinutes: [60], lanHosts: [{ domain: 'customer.lan', host: '127.0.0.1', port: server.port }] },
      }),
    );
    const id = await lab.submit({ from: 'ann@customer.lan', to: ['bodo@customer.lan'] });
    await lab.reaches(id, 'bounced');
    const reports = async (): Promise<number> =>
      (await lab.call('queue.list', { folder: 'sent' })).rows.filter((row) => row.mailFrom === null).length;
    await eventually('the report went', async () => (await reports()) === 1);
    await lab.call('queue.delete', { selection: { ids: [id] } });
    await lab.call('queue.restore', { selection: { ids: [id] } });
    await lab.call('control.sendNow', {});
    expect(await lab.details(id)).toMatchObject({ folder: 'bounced' });
    const { outbox, deleted } = await lab.call('queue.folders', {});
    expect([outbox, deleted, await reports()]).toEqual([0, 0, 1]);
  }); // prettier-ignore
});
