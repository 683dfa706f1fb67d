/** What a user does to a message whose recipients stand differently, with real servers: nobody is forgotten, nobody gets it twice. */
import { describe, expect, it } from 'vitest';
import { startScriptedServer, type Dialogue, type ScriptedServer } from '../fakes/scripted-smtp-server.ts';
import { keepDuringTest } from '../support/kept.ts';
import { gateway, startProgramLab, type ProgramLab } from '../support/program-lab.ts';

const REFUSED: Dialogue = { 'RCPT TO:<bodo@': '550 5.1.1 There is nobody called bodo here' };
const keep = keepDuringTest();

async function start(dialogue: Dialogue): Promise<{ readonly server: ScriptedServer; readonly lab: ProgramLab }> {
  const server = keep(await startScriptedServer(dialogue));
  // Only the user's actions and the schedule's later steps try again: the first hour is nobody's.
  const lab = keep(
    await startProgramLab({
      gateways: { mode: 'always', list: [gateway('office', server.port)] },
      connection: { retryMinutes: [60] },
    }),
  );
  return { server, lab };
}

/** How often the server was told of this recipient in a transaction that it took. */
const taken = (server: ScriptedServer, who: string): number =>
  server.sessions.flatMap(({ lines }) => lines).filter((line) => line.startsWith(`RCPT TO:<${who}@`)).length;

describe('send again', () => {
  it('leaves those who still wait in the Outbox: they are tried again and get it once', async () => {
    const { server, lab } = await start({ ...REFUSED, 'RCPT TO:<dora@': '450 4.2.0 Greylisted, try again later' });
    const id = await lab.submit({ to: ['bodo@customer.test', 'dora@customer.test'] });
    await lab.until(id, 'refused and deferred', (d) => d.recipients.map((r) => r.state).join() === 'bad,deferred');
    const [bodo] = (await lab.details(id)).recipients;
    const again = await lab.call('queue.resend', { id, replaces: [bodo?.id ?? 0], recipients: ['bob@customer.test'] });
    await lab.reaches(again.id, 'sent');
    expect(await lab.details(id)).toMatchObject({ folder: 'outbox' });
    expect(await lab.states(id)).toEqual({ 'bodo@customer.test': 'replaced', 'dora@customer.test': 'deferred' });
    server.become({});
    const before = taken(server, 'dora');
    await lab.call('control.sendNow', {});
    await lab.reaches(id, 'sent');
    expect(taken(server, 'dora')).toBe(before + 1);
    expect(taken(server, 'bob')).toBe(1);
    expect(await lab.states(id)).toEqual({ 'bodo@customer.test': 'replaced', 'dora@customer.test': 'relayed' });
  });
});
