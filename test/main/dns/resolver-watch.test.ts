import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { MailFor } from '../../../main/dns/control-lookups.ts';
import { createResolverWatch, type ResolverWatch } from '../../../main/dns/resolver-watch.ts';
import type { LookupResult } from '../../../main/policy/resolver-trust.ts';
import type { Dns } from '../../../main/dns/dns-port.ts';
import { fakeDns, type Zone } from '../../fakes/fake-dns.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';
import { listeningLog, settingsOf } from '../../support/delivery-rig.ts';

const never = new AbortController().signal;
setMaxListeners(0, never);
const MAIL: MailFor = { domain: 'far.test', sender: 'here.org' };
const GONE: LookupResult = { kind: 'failed', failure: 'no-such-domain' };
const HOSTS: LookupResult = {
  kind: 'hosts',
  hosts: [{ host: 'mx.far.test', preference: 0, addresses: ['198.51.100.7'] }],
};
const SANE: Zone = { mx: { 'here.org': ['10 mx.here.org'] }, a: { 'mx.here.org': ['198.51.100.8'] } };
const KNOWS_NOTHING: Zone = { root: { kind: 'no-such-domain' } };

interface Lab {
  readonly trust: ResolverWatch;
  readonly clock: VirtualClock;
  readonly asked: string[];
  readonly told: (string | null)[];
  /** How often names came back. */
  back: number;
  /** How often what was said was forgotten. */
  forgotten: number;
  mayLook: boolean;
  become(zone: Zone): void;
  judge(looked?: LookupResult, mail?: MailFor): Promise<LookupResult>;
  advance(ms: number): Promise<void>;
}

function setUp(first: Zone): Lab {
  const clock = new VirtualClock();
  const asked: string[] = [];
  let current = fakeDns(first);
  const world = { back: 0, forgotten: 0, mayLook: true };
  const dns: Dns = {
    mx: (name, signal) => {
      asked.push(`mx ${name}`);
      return current.mx(name, signal);
    },
    addresses: (...question) => {
      asked.push(`a ${question[0]}`);
      return current.addresses(...question);
    },
    txt: (name, signal) => current.txt(name, signal),
    srv: (name, signal) => current.srv(name, signal),
    rootHosts: (signal) => {
      asked.push('root');
      return current.rootHosts(signal);
    },
    lastAnswerAt: () => clock.monotonic(),
    uncached: () => dns,
    forget: () => {
      lab.forgotten += 1;
    },
    flush: () => undefined,
  };
  let seed = 0;
  const trust = createResolverWatch({
    clock,
    random: { next: () => 0, hex: () => `random${(seed += 1)}` },
    dns,
    log: listeningLog().log,
    settings: () => settingsOf({}),
    mayLook: () => Promise.resolve(lab.mayLook),
  });
  const told: (string | null)[] = [];
  trust.onChange(() => told.push(trust.trouble()?.reason ?? null));
  trust.onBack(() => (lab.back += 1));
  const lab: Lab = Object.assign(world, {
    trust,
    clock,
    asked,
    told,
    become: (zone: Zone) => {
      current = fakeDns(zone);
    },
    judge: (looked = GONE, mail = MAIL) => trust.judged(() => Promise.resolve(looked), mail, never),
    advance: (ms: number) =>
      clock.advance(ms, async () => {
        for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }),
  });
  return lab;
}

describe('a domain that does not exist', () => {
  it('is believed where the sender’s domain is known, or at least the root', async () => {
    const lab = setUp(SANE);
    expect(await lab.judge()).toEqual(GONE);
    lab.become({});
    await lab.advance(1_000);
    expect(await lab.judge()).toEqual(GONE);
    expect(lab.told).toEqual([]);
  });

  it('waits where nothing is known, and is let go when names come back', async () => {
    const lab = setUp(KNOWS_NOTHING);
    expect(await lab.judge()).toEqual({ kind: 'failed', failure: 'no-names' });
    expect(lab.told).toEqual(['no-names']);
    expect(lab.forgotten).toBeGreaterThan(0);
    await lab.advance(14_000);
    expect(lab.back).toBe(0);
    lab.become(SANE);
    await lab.advance(2_000);
    expect(lab.back).toBe(1);
    expect(lab.told).toEqual(['no-names', null]);
    const { length } = lab.asked;
    await lab.advance(3_600_000);
    expect(lab.asked).toHaveLength(length);
  });

  it('is not believed for what was known a moment ago: a name that resolved is asked for again', async () => {
    const lab = setUp({ ...SANE, mx: { ...SANE.mx, 'friend.net': ['1 mx.here.org'] } });
    await lab.judge(HOSTS, { domain: 'friend.net', sender: null });
    expect(await lab.judge(GONE, { ...MAIL, sender: null })).toEqual(GONE);
    expect(lab.asked).toContain('mx friend.net');
    lab.become(KNOWS_NOTHING);
    await lab.advance(1_000);
    expect(await lab.judge(GONE, { ...MAIL, sender: null })).toEqual({ kind: 'failed', failure: 'no-names' });
  });
});

it('names are looked for ever more seldom, once a minute at last, and only while something waits', async () => {
  const lab = setUp(KNOWS_NOTHING);
  await lab.judge();
  const looks = async (ms: number): Promise<number> => {
    const before = lab.asked.filter((q) => q === 'root').length;
    await lab.advance(ms);
    return lab.asked.filter((q) => q === 'root').length - before;
  };
  expect(await looks(75_000)).toBe(4);
  expect(await looks(600_000)).toBe(10);
  lab.mayLook = false;
  expect(await looks(3_600_000)).toBe(0);
  expect(lab.trust.trouble()).toBeNull();
});

it('mail for which nothing proves names does not wake the rest again and again', async () => {
  const lab = setUp({ ...SANE, root: { kind: 'no-such-domain' } });
  const own: MailFor = { domain: 'mistyped.here.org', sender: 'here.org' };
  expect(await lab.judge(GONE, own)).toEqual({ kind: 'failed', failure: 'no-names' });
  expect(await lab.judge()).toEqual(GONE);
  await lab.advance(3_600_000);
  expect(lab.back).toBe(0);
});

it('another network: nothing waits, nothing is looked for', async () => {
  const lab = setUp(KNOWS_NOTHING);
  await lab.judge();
  lab.trust.forget();
  expect(lab.told).toEqual(['no-names', null]);
  const { length } = lab.asked;
  await lab.advance(3_600_000);
  expect(lab.asked).toHaveLength(length);
});

it('a thousand wrong addresses at once make one round of control look-ups; those that follow a few a second', async () => {
  const lab = setUp(SANE);
  await Promise.all(Array.from({ length: 1_000 }, () => lab.judge()));
  expect(lab.asked.filter((q) => q === 'root')).toHaveLength(1);
  for (let n = 0; n < 100; n += 1) {
    void lab.judge();
    await lab.advance(10);
  }
  expect(lab.asked.filter((q) => q === 'root').length).toBeLessThanOrEqual(7);
  lab.become(KNOWS_NOTHING);
  const before = lab.asked.length;
  for (let n = 0; n < 100; n += 1) {
    void lab.judge();
    await lab.advance(10);
  }
  expect(lab.asked.length - before).toBeLessThanOrEqual(7 * 5);
});

it('a name that resolves has the rest looked for within 5 s', async () => {
  const lab = setUp(KNOWS_NOTHING);
  await lab.judge();
  await lab.advance(80_000);
  lab.become(SANE);
  expect(await lab.judge(HOSTS, { domain: 'friend.net', sender: null })).toEqual(HOSTS);
  await lab.advance(5_000);
  expect(lab.back).toBe(1);
});

describe('hosts that were found', () => {
  it('are believed where a name that cannot exist has no address; each such name is a new one', async () => {
    const lab = setUp(SANE);
    expect(await lab.judge(HOSTS)).toEqual(HOSTS);
    await lab.advance(1_000);
    expect(await lab.judge(HOSTS)).toEqual(HOSTS);
    const names = new Set(lab.asked.filter((q) => q.endsWith('.invalid')));
    expect(names).toEqual(
      new Set(['mx random1.invalid', 'a random1.invalid', 'mx random2.invalid', 'a random2.invalid']),
    );
  });

  it('do not wait for a name server that leaves such a name without an answer', async () => {
    const lab = setUp(SANE);
    let asked = 0;
    const silent = lab.trust.dns as { mx: Dns['mx']; addresses: Dns['addresses'] };
    silent.mx = () => new Promise(() => (asked += 1));
    silent.addresses = () => new Promise(() => undefined);
    const judged = lab.judge(HOSTS);
    await lab.advance(3_000);
    expect(await judged).toEqual(HOSTS);
    expect(asked).toBe(1);
  });

  it('wait where every name has the same address, and are gone again when it is over', async () => {
    const lie = ['198.51.100.7'];
    const everything = new Proxy<Record<string, readonly string[]>>({}, { get: () => lie, has: () => true });
    const lab = setUp({ a: everything, root: { kind: 'no-data' } });
    expect(await lab.judge(HOSTS)).toEqual({ kind: 'failed', failure: 'one-address' });
    expect(lab.told).toEqual(['one-address']);
    lab.become(SANE);
    await lab.advance(5_000);
    expect([lab.back, lab.told]).toEqual([1, ['one-address', null]]);
    expect(await lab.judge(HOSTS)).toEqual(HOSTS);
  });
});

it('an address of everybody’s is no gateway’s', async () => {
  const lie = ['198.51.100.7'];
  const everything = new Proxy<Record<string, readonly string[]>>({}, { get: () => lie, has: () => true });
  const lab = setUp({ a: everything });
  const answer = {
    kind: 'found',
    ttl: 60,
    records: [
      { address: '198.51.100.7', family: 4 },
      { address: '198.51.100.9', family: 4 },
    ],
  } as const;
  expect(await lab.trust.withoutInvented(answer, 'dns', never)).toMatchObject({ records: [answer.records[1]] });
  expect(await lab.trust.withoutInvented({ ...answer, records: [answer.records[0]] }, 'dns', never)).toEqual({
    kind: 'no-data',
  });
  expect(await lab.trust.isSane('far.test', never)).toBe(false);
});

it('an abort ends the waiting', async () => {
  const lab = setUp(SANE);
  (lab.trust.dns as { mx: Dns['mx'] }).mx = () => new Promise(() => undefined);
  const abort = new AbortController();
  const judged = lab.trust.judged(() => Promise.resolve(HOSTS), MAIL, abort.signal);
  abort.abort(new Error('network changed'));
  await expect(judged).rejects.toThrow('network changed');
});
