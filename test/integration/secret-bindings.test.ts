/**
 * A stored password goes where it was given for (spec §3.4), whatever changes the settings: the whole program, with servers
 * that write down whether anybody signed in.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { GatewaySettings, Settings } from '../../shared/settings.ts';
import { sayAll } from '../../shared/phrases.ts';
import { offering, startScriptedServer, type ScriptedServer } from '../fakes/scripted-smtp-server.ts';
import { makeCertificates } from '../support/certificates.ts';
import { eventually, gateway, startProgramLab, type ProgramLab } from '../support/program-lab.ts';

const OLD = 'given to the old one';
const NEW = 'given to the new one';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

async function server(
  keywords: readonly string[] = [],
  tls?: NonNullable<Parameters<typeof startScriptedServer>[1]>['tls'],
): Promise<ScriptedServer> {
  const started = await startScriptedServer(
    {
      EHLO: offering('AUTH PLAIN', ...keywords),
      STARTTLS: { send: '220 go on', then: 'starttls' },
      AUTH: '235 2.7.0 ok',
    },
    tls ? { tls } : {},
  );
  open.push(() => started.close());
  return started;
}

/** The passwords that were shown to it. */
function shown({ sessions }: ScriptedServer): readonly string[] {
  return sessions
    .flatMap((session) => session.lines)
    .filter((line) => line.startsWith('AUTH PLAIN '))
    .map((line) => Buffer.from(line.slice(11), 'base64').toString().split('\0')[2] ?? '');
}

const account = { auth: 'password', username: 'ann', allowInsecureAuth: true };

/** The program with one gateway and its password, which an older version had kept. */
async function start(at: ScriptedServer, more: object = {}): Promise<ProgramLab> {
  const lab = await startProgramLab(
    { gateways: { mode: 'always', list: [gateway('office', at.port, { ...account, ...more })] } },
    { office: OLD },
  );
  open.push(() => lab.close());
  return lab;
}

type Path = 'one value set' | 'import' | 'file edited by hand' | 'gateway removed and made anew';
const PATHS: readonly Path[] = ['one value set', 'import', 'file edited by hand', 'gateway removed and made anew'];

/** Changes values of the gateway on this path. */
async function change(lab: ProgramLab, path: Path, values: Readonly<Record<string, unknown>>): Promise<void> {
  const edited = (settings: Settings): Settings => ({
    ...settings,
    gateways: { ...settings.gateways, list: settings.gateways.list.map((g) => ({ ...g, ...values })) },
  });
  const now = await lab.call('settings.get', {});
  switch (path) {
    case 'one value set':
      return lab.set(
        Object.fromEntries(Object.entries(values).map(([key, value]) => [`gateways.list.office.${key}`, value])),
      );
    case 'import': {
      const answer = await lab.call('settings.import', { json: JSON.stringify(edited(now)) });
      expect(answer.saved).toBe(true);
      return;
    }
    case 'file edited by hand':
      return lab.editFile(edited);
    case 'gateway removed and made anew':
      await lab.set({ 'gateways.list': [] });
      return lab.set({ 'gateways.list': edited(now).gateways.list });
  }
}

async function problems(lab: ProgramLab): Promise<readonly string[]> {
  return (await lab.call('status.get', {})).problems.map((one) => one.phrase.id);
}

/** Waits until the program asks for the password. */
async function asks(lab: ProgramLab, id: string): Promise<void> {
  await eventually(`the program asks: ${id}`, async () => (await problems(lab)).includes(id));
  const { states } = await lab.call('gateways.states', {});
  expect(states[0]).toMatchObject({ state: 'sign-in-refused', hasSecret: false });
}

async function waitsForPassword(lab: ProgramLab, id: string): Promise<void> {
  await lab.until(id, 'one that waits for the password', (d) =>
    d.recipients.some((r) => r.why.some((phrase) => phrase.id === 'defer.no-secret')),
  );
}

describe.each(PATHS)('the server of a gateway changed by: %s', (path) => {
  it('never hears the password that was given for the old one; a new one makes waiting mail go', async () => {
    const [old, thief] = [await server(), await server()];
    const lab = await start(old);
    await lab.reaches(await lab.submit({ to: ['bob@far.test'] }), 'sent');
    expect(shown(old)).toContain(OLD);

    await change(lab, path, { port: thief.port });
    await asks(lab, 'problem.again.server');
    const id = await lab.submit({ to: ['bob@far.test'] });
    await waitsForPassword(lab, id);
    const [saved] = (await lab.call('settings.get', {})).gateways.list;
    const test = await lab.call('gateways.test', { gateway: saved! });
    expect(test.ok).toBe(false);
    expect(sayAll(test.steps.map((step) => step.phrase))).toContain(
      `the server was changed from 127.0.0.1:${old.port} to 127.0.0.1:${thief.port}`,
    );
    expect(shown(thief)).toEqual([]);

    await lab.call('secrets.set', { gatewayId: 'office', secret: NEW });
    await lab.reaches(id, 'sent');
    expect(new Set(shown(thief))).toEqual(new Set([NEW]));
    expect(new Set(shown(old))).toEqual(new Set([OLD]));
    expect(await problems(lab)).not.toContain('problem.again.server');
  });

  it('can have its password again when the old values are back', async () => {
    const [old, thief] = [await server(), await server()];
    const lab = await start(old);
    await change(lab, path, { port: thief.port });
    await asks(lab, 'problem.again.server');
    const id = await lab.submit({ to: ['bob@far.test'] });
    await waitsForPassword(lab, id);
    await change(lab, path, { port: old.port });
    await lab.reaches(id, 'sent');
    expect(shown(old)).toContain(OLD);
    expect(shown(thief)).toEqual([]);
    expect(await problems(lab)).not.toContain('problem.again.server');
  });

  it.each<readonly [string, Partial<GatewaySettings>]>([
    ['none, and allowed to sign in unencrypted', { security: 'none', allowInsecureAuth: true }],
    ['auto, and allowed to sign in unencrypted', { security: 'auto', allowInsecureAuth: true }],
    ['any certificate', { allowInvalidCertificate: true }],
  ])('does not hear it over a connection whose security was lowered to: %s', async (_name, lowered) => {
    // Its certificate is one that nobody here trusts, and it offers to be spoken to without.
    const { selfSigned } = await makeCertificates();
    const at = await server(lowered.security === undefined ? ['STARTTLS'] : [], selfSigned);
    const lab = await start(at, { security: 'starttls', allowInsecureAuth: false });
    await change(lab, path, lowered);
    await asks(lab, 'problem.again.security');
    await waitsForPassword(lab, await lab.submit({ to: ['bob@far.test'] }));
    expect(shown(at)).toEqual([]);
  });
});

describe('the DNS servers or the proxy', () => {
  const ELSEWHERE = ['127.0.0.1:8'];
  const moved = (settings: Settings): Settings => ({
    ...settings,
    connection: { ...settings.connection, dnsServers: ELSEWHERE },
  });

  it.each<readonly [string, (lab: ProgramLab) => Promise<unknown>]>([
    ['an import', async (lab) =>
      lab.call('settings.import', { json: JSON.stringify(moved(await lab.call('settings.get', {}))) })],
    ['a file edited by hand', (lab) => lab.editFile(moved)],
    ['an import of a proxy', async (lab) => {
      const settings = await lab.call('settings.get', {});
      const connection = { ...settings.connection, proxy: 'socks5://127.0.0.1:9' };
      return lab.call('settings.import', { json: JSON.stringify({ ...settings, connection }) });
    }],
  ])('changed by %s: the password is asked for again', async (_name, run) => {
    const at = await server();
    const lab = await start(at);
    const { connection } = await lab.call('settings.get', {});
    await run(lab);
    await asks(lab, 'problem.again.way');
    const id = await lab.submit({ to: ['bob@far.test'] });
    await waitsForPassword(lab, id);
    expect(shown(at)).toEqual([]);
    // Put back by the user himself, it is as it was.
    await lab.set({ 'connection.dnsServers': connection.dnsServers, 'connection.proxy': connection.proxy });
    await lab.reaches(id, 'sent');
    expect(shown(at)).toContain(OLD);
  }); // prettier-ignore

  it('set by the user himself: passwords go along, but those that wait to be entered again do not', async () => {
    const at = await server();
    const lab = await start(at);
    await lab.set({ 'connection.dnsServers': ELSEWHERE });
    await lab.reaches(await lab.submit({ to: ['bob@far.test'] }), 'sent');
    expect(shown(at)).toContain(OLD);
    await lab.editFile((settings) => ({
      ...settings,
      connection: { ...settings.connection, dnsServers: ['127.0.0.1:7'] },
    }));
    await asks(lab, 'problem.again.way');
    await lab.set({ 'connection.dnsServers': ['127.0.0.1:6'] });
    await asks(lab, 'problem.again.way');
  });
});

describe('a password that is given with a change of the server', () => {
  it('is not shown to the old one, which the settings still name', async () => {
    const [old, next] = [await server(), await server()];
    const lab = await start(old);
    const [saved] = (await lab.call('settings.get', {})).gateways.list;
    const wanted = { ...saved!, port: next.port };
    // As the dialog does it: the password first, then the gateway.
    await lab.call('secrets.set', { gatewayId: 'office', secret: NEW, gateway: wanted });
    const id = await lab.submit({ to: ['bob@far.test'] });
    await waitsForPassword(lab, id);
    await lab.set({ 'gateways.list': [wanted] });
    await lab.reaches(id, 'sent');
    expect(shown(old)).not.toContain(NEW);
    expect(new Set(shown(next))).toEqual(new Set([NEW]));
  });

  it('is the only one that Test sends to a server that is not saved', async () => {
    const [old, next] = [await server(), await server()];
    const lab = await start(old);
    const [saved] = (await lab.call('settings.get', {})).gateways.list;
    const wanted = { ...saved!, port: next.port };
    expect((await lab.call('gateways.test', { gateway: wanted })).ok).toBe(false);
    expect((await lab.call('gateways.test', { gateway: { ...wanted, security: 'auto' } })).ok).toBe(false);
    expect(shown(next)).toEqual([]);
    expect((await lab.call('gateways.test', { gateway: wanted, secret: NEW })).ok).toBe(true);
    expect(shown(next)).toEqual([NEW]);
    expect((await lab.call('gateways.test', { gateway: saved! })).ok).toBe(true);
    expect(shown(old)).toEqual([OLD]);
  });

  it('needs the gateway that it is for', async () => {
    const lab = await start(await server());
    const [saved] = (await lab.call('settings.get', {})).gateways.list;
    await expect(lab.call('secrets.set', { gatewayId: 'other', secret: NEW })).rejects.toThrow('not-found');
    await expect(lab.call('secrets.set', { gatewayId: 'other', secret: NEW, gateway: saved! })).rejects.toThrow(
      'not-found',
    );
  });
});
