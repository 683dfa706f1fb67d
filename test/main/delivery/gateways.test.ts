import net from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Verdict } from '../../../shared/mail.ts';
import { fakeDns, type Zone } from '../../fakes/fake-dns.ts';
import { offering, startScriptedServer, type Dialogue, type ScriptedServer } from '../../fakes/scripted-smtp-server.ts';
import { makeCertificates, type Certificates } from '../../support/certificates.ts';
import { deliveryRig, fastClock, messageOf, recipientsOf, settingsOf } from '../../support/delivery-rig.ts';

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});
const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

async function serve(
  dialogue: Dialogue,
  options: Parameters<typeof startScriptedServer>[1] = {},
): Promise<ScriptedServer> {
  const server = await startScriptedServer(dialogue, options);
  open.push(() => server.close());
  return server;
}

/** Takes connections and never says a word. */
async function silent(): Promise<{ readonly port: number; connections: () => number }> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as net.AddressInfo).port, connections: () => sockets.length };
}

/** A port that nobody listens on. */
async function refusing(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function brief(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'nothing';
  if (verdict.kind === 'delivered') return 'delivered';
  return verdict.kind === 'rejected' ? `rejected ${verdict.status}` : `deferred ${verdict.scope} ${verdict.why}`;
}

const never = new AbortController().signal;
const TEXT = 'Subject: x\r\n\r\nhello\r\n';

function rigFor(
  gateways: readonly object[],
  more: Parameters<typeof deliveryRig>[2] = {},
  headStartMs = 100,
  zone: Zone = {},
) {
  const list = gateways.map((g, i) => ({ id: `g${i + 1}`, name: `Gateway ${i + 1}`, host: '127.0.0.1', ...g }));
  const rig = deliveryRig({ gateways: { headStartMs, list } }, fakeDns(zone), more);
  open.push(() => rig.delivery.close(0));
  const ids = list.map((g) => g.id);
  const send = async (...to: string[]) => {
    const recipients = recipientsOf(...(to.length > 0 ? to : ['a@far.test']));
    const result = await rig.delivery.run({ kind: 'gateways', ids }, messageOf(TEXT), recipients, never);
    return { result, said: recipients.map((r) => brief(result.verdicts.get(r.id))) };
  };
  return { ...rig, list, send };
}

describe('a gateway pass', () => {
  it('goes on to the next gateway with the refused recipients only', async () => {
    const first = await serve({ 'RCPT TO': (line) => (line.includes('<b@') ? '550 5.1.1 no' : '250 ok') });
    const second = await serve({});
    const { send } = rigFor([{ port: first.port }, { port: second.port }]);
    const { said, result } = await send('a@far.test', 'b@far.test');
    expect(said).toEqual(['delivered', 'delivered']);
    expect(second.sessions[0]?.lines.filter((l) => l.startsWith('RCPT'))).toEqual(['RCPT TO:<b@far.test>']);
    expect(result.tries.map((t) => t.hop.gatewayName)).toEqual(['Gateway 1', 'Gateway 2']);
  });

  it('waits for the record of those that were taken before the others go on', async () => {
    const first = await serve({ 'RCPT TO': (line) => (line.includes('<b@') ? '550 5.1.1 no' : '250 ok') });
    const second = await serve({});
    const { delivery } = rigFor([{ port: first.port }, { port: second.port }]);
    let written = (): void => undefined;
    const told: { readonly hops: unknown; readonly said: readonly string[] }[] = [];
    let begun = 0;
    const message = messageOf(TEXT, {
      progress: {
        begin: async () => Promise.resolve((begun += 1) > 0),
        nobodyAccepted: () => undefined,
        accepted: async ({ tries, verdicts }) => {
          told.push({ hops: tries.map((t) => t.hop.gatewayName), said: [...verdicts.values()].map(brief) });
          return new Promise((resolve) => (written = resolve));
        },
      },
    });
    const running = delivery.run(
      { kind: 'gateways', ids: ['g1', 'g2'] },
      message,
      recipientsOf('a@f.test', 'b@f.test'),
      never,
    );
    await expect.poll(() => told).toEqual([{ hops: ['Gateway 1'], said: ['delivered', 'rejected 5.1.1'] }]);
    // A slow greeting of the first lets the second be connected to; mail waits for the record.
    expect(second.sessions.flatMap((s) => s.lines).filter((l) => l.startsWith('MAIL'))).toEqual([]);
    written();
    expect([...(await running).verdicts.values()].map(brief)).toEqual(['delivered', 'delivered']);
    expect(begun).toBe(2);
    // All that were left were taken: the step's own record follows at once.
    expect(told).toHaveLength(1);
  });

  it('of a message that is not wanted any more hands nothing to the next gateway, and that is no refusal', async () => {
    const first = await serve({ 'RCPT TO': '550 5.1.1 no' });
    const second = await serve({});
    const { delivery } = rigFor([{ port: first.port }, { port: second.port }]);
    let begun = 0;
    const progress = {
      begin: async () => Promise.resolve((begun += 1) === 1),
      nobodyAccepted: () => undefined,
      accepted: async () => Promise.resolve(),
    };
    const message = messageOf(TEXT, { progress });
    const { verdicts, tries } = await delivery.run(
      { kind: 'gateways', ids: ['g1', 'g2'] },
      message,
      recipientsOf('a@f.test'),
      never,
    );
    expect([...verdicts.values()].map(brief)).toEqual(['deferred local local']);
    expect(tries.map((t) => t.hop.gatewayName)).toEqual(['Gateway 1']);
    expect(second.sessions.flatMap((s) => s.lines).filter((line) => line.startsWith('MAIL'))).toEqual([]);
  });

  it('flags a gateway that takes one recipient and will not relay for another', async () => {
    const only = await serve({ 'RCPT TO': (line) => (line.includes('<b@') ? '554 5.7.1 Relaying denied' : '250 ok') });
    const { send, delivery } = rigFor([{ port: only.port }]);
    const { said } = await send('a@far.test', 'b@far.test');
    expect(said).toEqual(['delivered', 'deferred gateway relaying-denied']);
    expect(delivery.gatewayStates()[0]).toMatchObject({
      state: 'refused',
      phrase: { params: { words: '554 Relaying denied' } },
    });
    // The next message goes over the same connection, and nothing is wrong any more.
    expect((await send('a@far.test')).said).toEqual(['delivered']);
    expect(only.sessions).toHaveLength(1);
    expect(delivery.gatewayStates()[0]?.state).toBe('works');
  });

  it('is well again once it takes mail, whatever it says of another recipient', async () => {
    let messages = 0;
    const only = await serve({
      'MAIL FROM': () => {
        messages += 1;
        return '250 ok';
      },
      'RCPT TO': (line) => {
        if (!line.includes('<b@')) return '250 ok';
        return messages === 1 ? '554 5.7.1 Relaying denied' : '550 5.1.1 no such user';
      },
    });
    const { send, delivery } = rigFor([{ port: only.port }]);
    await send('b@far.test');
    expect(delivery.gatewayStates()[0]?.state).toBe('refused');
    expect((await send('a@far.test', 'b@far.test')).said).toEqual(['delivered', 'rejected 5.1.1']);
    expect(delivery.gatewayStates()[0]?.state).toBe('works');
  });

  it('is not flagged for a refusal of what the message says', async () => {
    const only = await serve({ message: '554 5.7.1 Message rejected as spam' });
    const { send, delivery } = rigFor([{ port: only.port }]);
    expect((await send()).said).toEqual(['deferred gateway policy']);
    expect(delivery.gatewayStates()[0]?.state).toBe('works');
  });

  it('refuses only what every gateway refused', async () => {
    const first = await serve({ 'RCPT TO': '550 5.1.1 no', DATA: '554 no' });
    const second = await serve({ 'RCPT TO': '550 5.1.1 no such user', DATA: '554 no' });
    expect((await rigFor([{ port: first.port }, { port: second.port }]).send()).said).toEqual(['rejected 5.1.1']);
    expect((await rigFor([{ port: first.port }, { port: await refusing() }]).send()).said[0]).toMatch(/^deferred/);
  });

  it('takes "relaying denied" for the gateway\'s fault', async () => {
    const only = await serve({ 'RCPT TO': '554 5.7.1 Relay access denied', DATA: '554 no' });
    const rig = rigFor([{ port: only.port }]);
    const { said, result } = await rig.send();
    expect(said).toEqual(['deferred gateway relaying-denied']);
    expect(result.waitsFor.get(1)).toBe('gateway:g1');
    expect(rig.delivery.gatewayStates()[0]?.state).toBe('refused');
  });

  it('after the dot was sent without an answer, no other gateway gets the message', async () => {
    const first = await serve({ message: { then: 'reset' } });
    const second = await serve({});
    const { send } = rigFor([{ port: first.port }, { port: second.port }]);
    expect((await send()).said).toEqual(['deferred host lost-after-dot']);
    expect(second.sessions).toHaveLength(0);
  });

  it('a silent gateway costs its head start once; the following messages pass it over', async () => {
    const black = await silent();
    const good = await serve({});
    const { send, delivery } = rigFor([{ port: black.port }, { port: good.port }]);
    expect((await send()).said).toEqual(['delivered']);
    const second = await send();
    expect(second.said).toEqual(['delivered']);
    expect(second.result.tries.map((t) => [t.hop.gatewayId, t.skipped === true])).toContainEqual(['g1', true]);
    expect(black.connections()).toBe(1);
    expect(good.messages()).toHaveLength(2);
    delivery.forgetFailures();
    await send();
    expect(black.connections()).toBe(2);
  });

  it('one that was silent has less of a head start when the same network is back', async () => {
    const black = await silent();
    const good = await serve({});
    let network: string | null = 'home';
    const rig = rigFor([{ port: black.port }, { port: good.port }], { networkId: () => network }, 100);
    const move = (id: string | null): void => {
      network = id;
      rig.delivery.networkChanged(['127.0.0.1']);
    };
    await rig.send();
    // With a whole minute of it the test would not end.
    rig.set({ gateways: { headStartMs: 60_000, list: rig.list } });
    move(null);
    move('home');
    expect((await rig.send()).said).toEqual(['delivered']);
    expect(black.connections()).toBe(2);
  });

  it('a refused connection is passed at once, without waiting for the head start', async () => {
    const good = await serve({});
    const { send } = rigFor([{ port: await refusing() }, { port: good.port }], {}, 60_000);
    const { said, result } = await send();
    expect(said).toEqual(['delivered']);
    expect(result.tries[0]).toMatchObject({ error: 'connection refused', phase: 'connect' });
  });

  it('nothing reached is said when no gateway could be reached', async () => {
    const { send } = rigFor([{ port: await refusing() }, { port: await refusing() }]);
    const { said, result } = await send();
    expect(said).toEqual(['deferred host connection-refused']);
    expect(result.nothingReached).toBe(true);
  });

  it('fifty messages side by side stay within ten connections and arrive once each', async () => {
    const good = await serve({});
    const { send } = rigFor([{ port: good.port }]);
    const results = await Promise.all(Array.from({ length: 50 }, () => send()));
    expect(results.every((r) => r.said[0] === 'delivered')).toBe(true);
    expect(good.messages()).toHaveLength(50);
    expect(good.sessions.length).toBeLessThanOrEqual(10);
  });
});

describe('a network that goes while a message has been sent to its end', () => {
  /** Takes a message and keeps the reply to it back until told. */
  async function hesitating(): Promise<{
    readonly port: number;
    readonly taken: Promise<void>;
    readonly connections: () => number;
    reply(): void;
  }> {
    const waiting: net.Socket[] = [];
    let connections = 0;
    let took: () => void = () => undefined;
    const taken = new Promise<void>((resolve) => (took = resolve));
    const server = net.createServer((socket) => {
      connections += 1;
      let inside = false;
      socket.on('error', () => undefined);
      socket.write('220 mx.test ESMTP\r\n');
      socket.on('data', (chunk: Buffer) => {
        for (const line of chunk.toString().split('\r\n').slice(0, -1)) {
          if (inside && line === '.') {
            inside = false;
            waiting.push(socket);
            took();
          } else if (inside) continue;
          else if (line === 'DATA') inside = socket.write('354 go on\r\n') || true;
          else socket.write('250 ok\r\n');
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(async () => {
      for (const socket of waiting) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return {
      port: (server.address() as net.AddressInfo).port,
      taken,
      connections: () => connections,
      reply: () => {
        for (const socket of waiting.splice(0)) socket.write('250 2.0.0 taken\r\n');
      },
    };
  }

  it.each([
    ['gateway', (port: number) => rigFor([{ port }]), { kind: 'gateways', ids: ['g1'] }],
    [
      'mail server',
      (port: number) =>
        deliveryRig(
          { connection: { directPort: port, trustLoopbackMx: true } },
          fakeDns({ a: { 'far.test': ['127.0.0.1'] } }),
        ),
      { kind: 'direct', domain: 'far.test' },
    ],
  ] as const)('the reply of a %s still counts, and the connection is not used again', async (_what, rigAt, step) => {
    const server = await hesitating();
    const { delivery } = rigAt(server.port);
    const abort = new AbortController();
    const running = delivery.run(step, messageOf(TEXT), recipientsOf('a@far.test'), abort.signal);
    await server.taken;
    abort.abort(new Error('network changed'));
    delivery.networkChanged(['127.0.0.1']);
    server.reply();
    expect(brief((await running).verdicts.get(1))).toBe('delivered');
    const next = delivery.run(step, messageOf(TEXT), recipientsOf('a@far.test'), never);
    await expect.poll(() => server.connections(), { timeout: 30_000 }).toBe(2);
    await delivery.close(0);
    await next;
  });

  it('is waited for two seconds, no more: then nobody knows', async () => {
    const server = await hesitating();
    // The ten minutes that servers have for this reply are longer than the test.
    const { delivery } = rigFor([{ port: server.port }], { clock: fastClock(20) });
    const abort = new AbortController();
    const step = { kind: 'gateways', ids: ['g1'] } as const;
    const running = delivery.run(step, messageOf(TEXT), recipientsOf('a@far.test'), abort.signal);
    await server.taken;
    abort.abort(new Error('network changed'));
    expect(brief((await running).verdicts.get(1))).toBe('deferred host lost-after-dot');
  });
});

describe('signing in and encryption', () => {
  const account = { auth: 'password', username: 'ann@home.test' } as const;
  const passwords = { 'gateway:g1': 'open sesame' };
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const secretWords = [base64('open sesame'), base64('\0ann@home.test\0open sesame'), 'open sesame'];

  it.each([
    ['PLAIN', { EHLO: offering('AUTH PLAIN LOGIN', 'PIPELINING'), AUTH: '235 2.7.0 welcome' }],
    [
      'LOGIN',
      {
        EHLO: offering('AUTH LOGIN'),
        'AUTH LOGIN': '334 VXNlcm5hbWU6',
        [base64('ann@home.test')]: '334 UGFzc3dvcmQ6',
        [base64('open sesame')]: '235 2.7.0 welcome',
      },
    ],
    [
      'CRAM-MD5',
      {
        EHLO: offering('AUTH CRAM-MD5'),
        'AUTH CRAM-MD5': `334 ${base64('<1@x.test>')}`,
        [base64('ann@home.test ').slice(0, 16)]: '235 2.7.0 welcome',
      },
    ],
  ])('with %s inside TLS, and the log shows no secret', async (_name, dialogue: Dialogue) => {
    const server = await serve(dialogue, { implicitTls: true, tls: certificates.good });
    const { send, lines } = rigFor([{ port: server.port, security: 'tls', ...account }], {
      passwords,
      ca: [certificates.ca],
    });
    const { said, result } = await send();
    expect(said).toEqual(['delivered']);
    expect(result.tries[0]?.tls).toMatchObject({ verified: true });
    for (const word of secretWords) expect(JSON.stringify(lines)).not.toContain(word);
  });

  it('never before encryption, unless the user allowed it (N16)', async () => {
    const server = await serve({ EHLO: offering('AUTH PLAIN'), AUTH: '235 ok' });
    const strict = rigFor([{ port: server.port, security: 'auto', ...account }], { passwords });
    expect((await strict.send()).said).toEqual(['deferred gateway auth']);
    expect(server.sessions[0]?.lines.some((l) => l.startsWith('AUTH'))).toBe(false);
    const lax = rigFor([{ port: server.port, security: 'auto', allowInsecureAuth: true, ...account }], { passwords });
    expect((await lax.send()).said).toEqual(['delivered']);
  });

  it("a refused sign-in is the gateway's trouble and is flagged", async () => {
    const server = await serve({ EHLO: offering('AUTH PLAIN'), AUTH: '535 5.7.8 bad password' });
    const rig = rigFor([{ port: server.port, allowInsecureAuth: true, ...account }], { passwords });
    const { said, result } = await rig.send();
    expect([said, result.nothingReached]).toEqual([['deferred gateway auth'], true]);
    expect(rig.delivery.gatewayStates()[0]).toMatchObject({ state: 'sign-in-refused', hasSecret: true });
  });

  it('a missing password is said before anything is connected', async () => {
    const server = await serve({});
    const { send } = rigFor([{ port: server.port, ...account }]);
    expect((await send()).said).toEqual(['deferred gateway no-secret']);
    expect(server.sessions).toHaveLength(0);
  });

  it('starttls as a requirement does not go on in clear text', async () => {
    const server = await serve({});
    const { send } = rigFor([{ port: server.port, security: 'starttls' }]);
    expect((await send()).said).toEqual(['deferred gateway tls-required']);
    expect(server.messages()).toEqual([]);
  });

  const bad = [
    ['expired', 'expired', 'the certificate has expired'],
    ['for another name', 'wrongName', 'the certificate is for another name'],
    ['self-signed', 'selfSigned', 'the certificate is self-signed'],
  ] as const;
  it.each(bad)(
    'a certificate that is %s: refused for a gateway, in words, the password not sent',
    async (_name, which, words) => {
      const server = await serve(
        { EHLO: offering('STARTTLS', 'AUTH PLAIN'), STARTTLS: { send: '220 go', then: 'starttls' }, AUTH: '235 ok' },
        { tls: certificates[which] },
      );
      const { send } = rigFor([{ port: server.port, ...account }], { passwords, ca: [certificates.ca] });
      const { said, result } = await send();
      // A certificate of somebody else's name, where a password is wanted: not the host that was asked (spec §4.4).
      expect(said).toEqual([`deferred gateway ${which === 'wrongName' ? 'intercepted' : 'tls'}`]);
      expect(result.tries[0]?.error).toBe(words);
      expect(server.sessions.flatMap((s) => s.lines).some((l) => l.startsWith('AUTH'))).toBe(false);
      const lax = rigFor([{ port: server.port, allowInvalidCertificate: true, ...account }], { passwords });
      expect((await lax.send()).said).toEqual(['delivered']);
    },
  );

  it.each([
    ['its own name', '220 mail7.isp.test ESMTP', 'delivered'],
    ['a bare name', '220 localhost ESMTP', 'delivered'],
    ["somebody else's name", '220 smtp.hotel.test ESMTP', 'deferred gateway intercepted'],
  ])('unencrypted, as the user allowed, a greeting with %s', async (_name, greeting, outcome) => {
    const server = await serve({ greeting, EHLO: offering('AUTH PLAIN'), AUTH: '235 ok' });
    const gateway = { ...account, host: 'smtp.isp.test', port: server.port, security: 'none', allowInsecureAuth: true };
    const { send, delivery } = rigFor([gateway], { passwords }, 100, { a: { 'smtp.isp.test': ['127.0.0.1'] } });
    expect((await send()).said).toEqual([outcome]);
    const signedIn = server.sessions.flatMap((s) => s.lines).some((l) => l.startsWith('AUTH'));
    expect(signedIn).toBe(outcome === 'delivered');
    if (signedIn) return;
    expect(delivery.gatewayStates()[0]).toMatchObject({
      state: 'tls-failed',
      phrase: {
        id: 'gateway.state.intercepted',
        params: { words: 'smtp.isp.test was asked, smtp.hotel.test answered' },
      },
    });
  });

  it.each(bad)('a certificate that is %s: good enough for an MX host', async (_name, which) => {
    const server = await serve(
      { EHLO: offering('STARTTLS'), STARTTLS: { send: '220 go', then: 'starttls' } },
      { tls: certificates[which] },
    );
    const rig = deliveryRig(
      { connection: { directPort: server.port, trustLoopbackMx: true } },
      fakeDns({ a: { 'far.test': ['127.0.0.1'] } }),
    );
    open.push(() => rig.delivery.close(0));
    const result = await rig.delivery.run(
      { kind: 'direct', domain: 'far.test' },
      messageOf(TEXT),
      recipientsOf('a@far.test'),
      never,
    );
    expect(brief(result.verdicts.get(1))).toBe('delivered');
    expect(result.tries[0]?.tls).toMatchObject({ verified: false });
  });
});

describe('Settings: what is known and what the test says', () => {
  it('probing tells which gateways work here, without signing in', async () => {
    const good = await serve({ EHLO: offering('AUTH PLAIN') });
    const rig = rigFor([
      { port: good.port, auth: 'password', username: 'ann' },
      { port: await refusing() },
      { port: good.port, enabled: false },
    ]);
    await rig.delivery.probeGateways(never);
    expect(rig.delivery.gatewayStates().map((s) => s.state)).toEqual(['works', 'unreachable', 'disabled']);
    expect(good.sessions.flatMap((s) => s.lines)).toEqual(['EHLO laptop.home.test', 'QUIT']);
  });

  it('probing many that say nothing is no reason for a warning', async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', note);
    const { port, connections } = await silent();
    const rig = rigFor(Array.from({ length: 12 }, () => ({ port })));
    const abort = new AbortController();
    const probed = rig.delivery.probeGateways(abort.signal);
    await expect.poll(connections).toBe(12);
    abort.abort();
    await probed;
    // Warnings come a turn later.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('the test walks through every step and stops at the one that fails', async () => {
    const good = await serve({ EHLO: offering('AUTH PLAIN'), AUTH: '535 5.7.8 bad password' });
    const rig = rigFor([{ port: good.port, auth: 'password', username: 'ann', allowInsecureAuth: true }]);
    const [tested] = settingsOf({
      gateways: {
        list: [
          {
            id: 'g1',
            name: 'G',
            host: '127.0.0.1',
            port: good.port,
            auth: 'password',
            username: 'ann',
            allowInsecureAuth: true,
          },
        ],
      },
    }).gateways.list;
    if (!tested) throw new Error('no gateway');
    const failed = await rig.delivery.testGateway(tested, 'wrong', never);
    expect(failed.map((s) => [s.step, s.ok])).toEqual([
      ['dns', true],
      ['connect', true],
      ['tls', null],
      ['sign-in', false],
      ['transaction', null],
    ]);
    good.become({ EHLO: offering('AUTH PLAIN'), AUTH: '235 ok' });
    const passed = await rig.delivery.testGateway(tested, 'right', never);
    expect(passed.map((s) => s.ok)).toEqual([true, true, null, true, true]);
    expect(good.messages()).toEqual([]);
  });
});
