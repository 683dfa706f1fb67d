import type { ServerResponse } from 'node:http';
import https from 'node:https';
import type net from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMtaSts, policyFetcher, type FetchPolicy } from '../../../main/delivery/mta-sts-policies.ts';
import type { Dns } from '../../../main/dns/dns-port.ts';
import { systemClock } from '../../../main/runtime/system-clock.ts';
import { fakeDns } from '../../fakes/fake-dns.ts';
import { offering, startScriptedServer, type ScriptedServer } from '../../fakes/scripted-smtp-server.ts';
import { selfSignedFor, type KeyPair } from '../../support/certificates.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';
import { deliveryRig, messageOf, recipientsOf } from '../../support/delivery-rig.ts';
import { keptLog } from '../../support/engine-lab.ts';

const never = new AbortController().signal;
const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

let good: KeyPair;
let wrong: KeyPair;
beforeAll(async () => {
  good = await selfSignedFor('mta-sts.far.test', 'mx.far.test');
  wrong = await selfSignedFor('other.test');
});

const ENFORCE = 'version: STSv1\nmode: enforce\nmx: mx.far.test\nmax_age: 86400\n';

function withRecord(dns: Dns, record: () => Awaited<ReturnType<Dns['txt']>>): Dns {
  return { ...dns, txt: () => Promise.resolve(record()) };
}
const found = (...records: string[]) => ({ kind: 'found', records, ttl: 60 }) as const;

describe('keeping policies', () => {
  function lab() {
    const clock = new VirtualClock();
    const memo = new Map<string, string>();
    const fetched: string[] = [];
    const world = {
      record: found('v=STSv1; id=1') as Awaited<ReturnType<Dns['txt']>>,
      text: ENFORCE as string | null,
    };
    const fetchPolicy: FetchPolicy = (domain) => {
      fetched.push(domain);
      return Promise.resolve(world.text);
    };
    const log = keptLog();
    const make = () =>
      createMtaSts({
        clock,
        log,
        dns: { txt: () => Promise.resolve(world.record) },
        fetchPolicy,
        store: {
          getMemo: (key) => Promise.resolve(memo.get(key) ?? null),
          setMemo: (key, value) => {
            memo.set(key, value ?? '');
            return Promise.resolve();
          },
        },
      });
    return { clock, world, fetched, make, memo, log };
  }

  it('fetches once, and again for a new id only', async () => {
    const { make, world, fetched } = lab();
    const sts = make();
    expect((await sts.policyFor('far.test', never))?.mode).toBe('enforce');
    await sts.policyFor('FAR.test', never);
    expect(fetched).toEqual(['far.test']);
    world.record = found('v=STSv1; id=2');
    world.text = ENFORCE.replace('enforce', 'testing');
    expect((await sts.policyFor('far.test', never))?.mode).toBe('testing');
    expect(fetched).toHaveLength(2);
  });

  it.each([
    ['the record is gone', { kind: 'no-data' }],
    ['the DNS does not answer', { kind: 'try-later', why: 'timeout' }],
    ['there are two records', found('v=STSv1; id=1', 'v=STSv1; id=2')],
  ] as const)('holds to a kept policy when %s, until its time is over', async (_name, record) => {
    const { make, world, clock } = lab();
    const sts = make();
    await sts.policyFor('far.test', never);
    world.record = record;
    await clock.advance(86_399_000);
    expect((await sts.policyFor('far.test', never))?.mode).toBe('enforce');
    await clock.advance(2_000);
    expect(await sts.policyFor('far.test', never)).toBeNull();
  });

  it('holds to a kept policy across a restart', async () => {
    const { make, world } = lab();
    await make().policyFor('far.test', never);
    world.record = { kind: 'no-data' };
    expect((await make().policyFor('far.test', never))?.mode).toBe('enforce');
  });

  it('holds to the kept policy when the new one cannot be fetched', async () => {
    const { make, world } = lab();
    const sts = make();
    await sts.policyFor('far.test', never);
    world.record = found('v=STSv1; id=2');
    world.text = null;
    expect((await sts.policyFor('far.test', never))?.mode).toBe('enforce');
  });

  it.each([[null], ['<html>']])('without a policy that can be had (%j) there is none, and it is asked for again after five minutes', async (text) => {
    const { make, world, fetched, clock, log } = lab();
    const sts = make();
    world.text = text;
    for (let i = 0; i < 3; i++) expect(await sts.policyFor('far.test', never)).toBeNull();
    expect(fetched).toHaveLength(1);
    expect(log.lines.join()).toContain('policy not');
    await clock.advance(5 * 60_000);
    world.text = ENFORCE;
    expect((await sts.policyFor('far.test', never))?.mode).toBe('enforce');
  }); // prettier-ignore

  it('a broken memo is no policy and no trouble', async () => {
    const { make, memo, world } = lab();
    memo.set('mta-sts', '{"not": "a list"');
    world.record = { kind: 'no-data' };
    expect(await make().policyFor('far.test', never)).toBeNull();
  });

  it('does not wait long for a record that never comes', async () => {
    const clock = new VirtualClock();
    const sts = createMtaSts({
      clock,
      log: keptLog(),
      dns: { txt: () => new Promise(() => undefined) },
      fetchPolicy: () => Promise.resolve(ENFORCE),
      store: null,
    });
    const answer = sts.policyFor('far.test', never);
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(5_001);
    expect(await answer).toBeNull();
  });
});

/** An https server for mta-sts.far.test on loopback, and a fetcher that goes there. */
async function policyServer(answer: (response: ServerResponse) => void, pair: KeyPair = good, trust = true) {
  const server = https.createServer({ key: pair.key, cert: pair.cert }, (_request, response) => {
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as net.AddressInfo;
  return policyFetcher({
    clock: systemClock,
    dns: fakeDns({ a: { 'mta-sts.far.test': ['127.0.0.1'] } }),
    trustLoopback: () => trust,
    port,
    ca: [pair.cert],
  });
}

describe('fetching a policy', () => {
  it('takes a 200 over verified TLS', async () => {
    const fetch = await policyServer((r) => r.end(ENFORCE));
    expect(await fetch('far.test', never)).toBe(ENFORCE);
  });
  it.each([
    ['a redirect', (r: ServerResponse) => r.writeHead(302, { location: 'https://mta-sts.far.test/x' }).end()],
    ['a 404', (r: ServerResponse) => r.writeHead(404).end(ENFORCE)],
    ['an endless document', (r: ServerResponse) => r.end('x'.repeat(70_000))],
    ['a cut document', (r: ServerResponse) => {
      r.writeHead(200, { 'content-length': '1000' });
      r.write(ENFORCE, () => r.destroy());
    }],
  ])('does not take %s', async (_name, answer) => {
    expect(await (await policyServer(answer))('far.test', never)).toBeNull();
  }); // prettier-ignore
  it('does not take one with a certificate for another name', async () => {
    expect(await (await policyServer((r) => r.end(ENFORCE), wrong))('far.test', never)).toBeNull();
  });
  it('does not ask this computer for a stranger', async () => {
    let asked = 0;
    const fetch = await policyServer((r) => { asked++; r.end(ENFORCE); }, good, false); // prettier-ignore
    expect(await fetch('far.test', never)).toBeNull();
    expect(asked).toBe(0);
  });
  it('ends when it is no longer wanted', async () => {
    const stop = new AbortController();
    const fetch = await policyServer(() => {
      stop.abort();
    });
    expect(await fetch('far.test', stop.signal)).toBeNull();
  });
});

describe('delivery to a domain with a policy', () => {
  async function lab(policy: string | null, pair: KeyPair | null, hosts: readonly string[] = ['10 mx.far.test']) {
    const server: ScriptedServer = await startScriptedServer(
      pair ? { EHLO: offering('STARTTLS'), STARTTLS: { send: '220 go', then: 'starttls' } } : {},
      pair ? { tls: pair } : {},
    );
    open.push(() => server.close());
    const log = keptLog();
    const dns = withRecord(
      fakeDns({ mx: { 'far.test': hosts }, a: { 'mx.far.test': ['127.0.0.1'], 'evil.test': ['127.0.0.1'] } }),
      () => found('v=STSv1; id=1'),
    );
    const rig = deliveryRig({ connection: { trustLoopbackMx: true, directPort: server.port } }, dns, {
      log,
      ca: [good.cert],
      sts: createMtaSts({ clock: systemClock, log, dns, fetchPolicy: () => Promise.resolve(policy), store: null }),
    });
    open.push(() => rig.delivery.close(0));
    const result = await rig.delivery.run(
      { kind: 'direct', domain: 'far.test' },
      messageOf('Subject: x\r\n\r\nhello\r\n'),
      recipientsOf('bob@far.test'),
      never,
    );
    return { verdict: result.verdicts.get(1), result, server, log };
  }

  it('enforce: goes over verified TLS', async () => {
    const { verdict, server, result } = await lab(ENFORCE, good);
    expect(verdict?.kind).toBe('delivered');
    expect(server.sessions[0]?.secure).toBe(true);
    expect(result.tries[0]?.tls?.verified).toBe(true);
  });
  it.each([
    ['no TLS', null, 'tls-required'],
    ['a certificate for another name', (): KeyPair => wrong, 'tls'],
  ] as const)('enforce: %s is deferred, and nothing goes in clear text', async (_name, pair, why) => {
    const { verdict, server } = await lab(ENFORCE, pair ? pair() : null);
    expect(verdict).toMatchObject({ kind: 'deferred', scope: 'host', why });
    expect(server.messages()).toEqual([]);
    expect(server.sessions.every((s) => s.lines.every((l) => !l.startsWith('MAIL')))).toBe(true);
  });
  it('enforce: a host that the policy does not name is passed over, a named one taken', async () => {
    const { verdict, result } = await lab(ENFORCE, good, ['5 evil.test', '10 mx.far.test']);
    expect(verdict?.kind).toBe('delivered');
    expect(result.tries.map((t) => t.hop.host)).toEqual(['mx.far.test']);
  });
  it('enforce: no named host at all is deferred with a word why, and is an SMTP error', async () => {
    const { verdict, result, server } = await lab(ENFORCE, good, ['5 evil.test']);
    expect(verdict).toMatchObject({ kind: 'deferred', why: 'tls-required' });
    expect(result.errorKinds.get(1)).toBe('smtp');
    expect(result.tries[0]?.error).toContain('MTA-STS');
    expect(server.sessions).toHaveLength(0);
  });
  it.each([
    ['a host that is not named', (): KeyPair => good, ['5 evil.test'], 'the policy does not name it'],
    ['a bad certificate', (): KeyPair => wrong, ['5 mx.far.test'], 'the certificate cannot be verified'],
    ['no TLS', (): null => null, ['5 mx.far.test'], 'no TLS'],
  ] as const)('testing: %s is delivered to and noted', async (_name, pair, hosts, note) => {
    const { verdict, log } = await lab(ENFORCE.replace('enforce', 'testing'), pair(), hosts);
    expect(verdict?.kind).toBe('delivered');
    expect(log.lines.join('\n')).toContain(note);
  });
  it('a policy that cannot be had changes nothing', async () => {
    expect((await lab(null, wrong)).verdict?.kind).toBe('delivered');
  });
});
