import { afterEach, describe, expect, it } from 'vitest';
import type { TokenAnswer } from '../../../main/smtp/sign-in.ts';
import { fakeDns } from '../../fakes/fake-dns.ts';
import { offering, startScriptedServer, type Dialogue } from '../../fakes/scripted-smtp-server.ts';
import { deliveryRig, messageOf, recipientsOf } from '../../support/delivery-rig.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

const never = new AbortController().signal;
const CHALLENGE = `334 ${Buffer.from('{"status":"401","schemes":"bearer","scope":"https://mail.test/"}').toString('base64')}`;

// eslint-disable-next-line no-control-regex -- XOAUTH2 parts its fields by this character
const TOKEN = /auth=Bearer ([^\u0001]*)/;

function tokenOf(line: string): string {
  return TOKEN.exec(Buffer.from(line.split(' ')[2] ?? '', 'base64').toString())?.[1] ?? '';
}

/** A server that lets these tokens in; the others get what `refuse` says. */
async function lab(good: readonly string[], refuse: Dialogue, answers: readonly TokenAnswer[]) {
  const server = await startScriptedServer({
    EHLO: offering('AUTH XOAUTH2 PLAIN'),
    ...refuse,
    AUTH: (line, session) => {
      if (good.includes(tokenOf(line))) return '235 2.7.0 welcome';
      const said = refuse['AUTH'] ?? '535 5.7.8 no';
      return typeof said === 'function' ? said(line, session) : said;
    },
  });
  open.push(() => server.close());
  const asked: boolean[] = [];
  const rig = deliveryRig(
    {
      gateways: {
        list: [
          {
            id: 'g1',
            name: 'Office',
            host: '127.0.0.1',
            port: server.port,
            security: 'none',
            allowInsecureAuth: true,
            auth: 'oauth2',
            username: 'ann@office.test',
          },
        ],
      },
    },
    fakeDns({}),
    {
      token: (_gateway, refresh) => {
        asked.push(refresh);
        return Promise.resolve(answers[Math.min(asked.length, answers.length) - 1] ?? { kind: 'sign-in-needed' });
      },
    },
  );
  open.push(() => rig.delivery.close(0));
  const send = async () => {
    const result = await rig.delivery.run(
      { kind: 'gateways', ids: ['g1'] },
      messageOf('Subject: x\r\n\r\nhello\r\n'),
      recipientsOf('bob@far.test'),
      never,
    );
    const verdict = result.verdicts.get(1);
    return { result, verdict };
  };
  const everything = (extra: unknown): string => JSON.stringify([rig.lines, rig.problems.map(String), extra]);
  return { server, rig, send, asked, everything };
}

const token = (value: string): TokenAnswer => ({ kind: 'token', token: value });

describe('XOAUTH2', () => {
  it('signs in with a token that never shows', async () => {
    const { send, everything, server } = await lab(['token-one'], {}, [token('token-one')]);
    const { verdict, result } = await send();
    expect(verdict?.kind).toBe('delivered');
    expect(server.sessions[0]?.lines.filter((l) => l.startsWith('AUTH'))).toHaveLength(1);
    expect(everything(result)).not.toMatch(/token-one|dXNlcj1/);
    expect(everything(result)).toContain('AUTH XOAUTH2 ***');
  });

  it.each([
    ['535 at once', { AUTH: '535 5.7.8 expired' }],
    ['a 334 challenge with the reason, then 535', { AUTH: CHALLENGE, '': '535 5.7.8 expired' }],
  ])('renews the token once after %s, on the same connection', async (_name, refuse) => {
    const { send, server, asked } = await lab(['token-two'], refuse, [
      token('token-one'),
      token('token-one'),
      token('token-two'),
    ]);
    expect((await send()).verdict?.kind).toBe('delivered');
    expect(asked).toEqual([false, false, true]);
    expect(server.sessions).toHaveLength(1);
    expect(server.sessions[0]?.lines.filter((l) => l.startsWith('AUTH')).map(tokenOf)).toEqual([
      'token-one',
      'token-two',
    ]);
  });

  it.each([
    ['535', { AUTH: '535 5.7.8 no' }],
    ['a challenge', { AUTH: CHALLENGE, '': '535 5.7.8 no' }],
  ])('offers two tokens at most to a server that says %s, and blames the gateway', async (_name, refuse) => {
    const { send, server, rig } = await lab([], refuse, [token('token-one')]);
    expect((await send()).verdict).toMatchObject({ kind: 'deferred', scope: 'gateway', why: 'auth' });
    expect(server.sessions[0]?.lines.filter((l) => l.startsWith('AUTH'))).toHaveLength(2);
    expect(rig.delivery.gatewayStates()[0]?.state).toBe('sign-in-refused');
  });

  it('does not quote a server that repeats the token', async () => {
    const { send, everything, rig } = await lab(
      [],
      { AUTH: (line) => `535 5.7.8 bad ${tokenOf(line)} in ${line.split(' ')[2] ?? ''}` },
      [token('token-one')],
    );
    const { result } = await send();
    const all = everything([result, [...result.verdicts], rig.delivery.gatewayStates()]);
    expect(all).toContain('535 5.7.8 bad *** in ***');
    expect(all).not.toMatch(/token-one|dXNlcj1/);
  });

  it('is not tried at all while the user has to sign in: paused, not counted against the mail', async () => {
    const { send, server, rig } = await lab([], {}, [{ kind: 'sign-in-needed' }]);
    const { verdict, result } = await send();
    expect(verdict).toMatchObject({ kind: 'deferred', scope: 'gateway', why: 'no-secret' });
    expect(result.nothingReached).toBe(true);
    expect(server.sessions).toHaveLength(0);
    expect(rig.delivery.gatewayStates()[0]).toMatchObject({
      state: 'sign-in-refused',
      phrase: { id: 'gateway.state.signInNeeded' },
    });
  });

  it('waits when the token cannot be renewed now: unreachable, not refused', async () => {
    const { send, server, rig } = await lab([], {}, [{ kind: 'later', detail: 'the provider was not reached' }]);
    const { verdict, result } = await send();
    expect(verdict).toMatchObject({ kind: 'deferred', scope: 'gateway', why: 'unreachable' });
    expect(result.nothingReached).toBe(true);
    expect(server.sessions).toHaveLength(0);
    expect(rig.delivery.gatewayStates()[0]?.state).toBe('unreachable');
  });

  it('keeps a refused sign-in in view when a later probe reaches the server, until the user signs in', async () => {
    const { send, rig } = await lab(['token-two'], { AUTH: '535 5.7.8 no' }, [
      token('x'),
      token('x'),
      token('x'),
      token('token-two'),
    ]);
    await send();
    await rig.delivery.probeGateways(never);
    expect(rig.delivery.gatewayStates()[0]?.state).toBe('sign-in-refused');
    await rig.delivery.credentialsChanged('g1', never);
    expect(rig.delivery.gatewayStates()[0]?.state).toBe('works');
  });
});
