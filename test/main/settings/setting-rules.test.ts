/** Whatever stands in settings.json: nothing is allowed that the user did not allow, and the queue holds where it has to. */
import fc from 'fast-check';
import * as z from 'zod';
import { describe, expect, it } from 'vitest';
import { compilePolicy, decideMail, decideRcpt, placeClient } from '../../../main/listener/accept-policy.ts';
import { decideHold } from '../../../main/policy/hold.ts';
import { planRoute } from '../../../main/policy/plan-route.ts';
import { matchesAnyDomain } from '../../../main/policy/domain-match.ts';
import { withUnread } from '../../../main/settings/keep-unread.ts';
import { readSettings, settingsHold, type ReadSettings } from '../../../main/settings/read-settings.ts';
import { bareSchema } from '../../../main/settings/understand.ts';
import { SETTING_RULES, settingsBelow } from '../../../shared/setting-rules.ts';
import { gatewaySchema, MODES, SECURITIES, settingsSchema, type Settings } from '../../../shared/settings.ts';
import { history, environment } from '../policy/support.ts';

/** Every setting of the schema, as the table names it. Items of lists of groups are settings where the table reads them one by one. */
function leaves(schema: z.core.$ZodType, path: string): string[] {
  const bare = bareSchema(schema);
  if (!(bare instanceof z.ZodObject)) return [path];
  return Object.entries(bare.shape as Record<string, z.core.$ZodType>).flatMap(([name, inner]) =>
    leaves(inner, path === '' ? name : `${path}.${name}`),
  );
}
const ALL = [
  ...leaves(settingsSchema, ''),
  ...Object.keys(gatewaySchema.shape).map((name) => `gateways.list[].${name}`),
];
const GROUPS = ['server', 'server.tls', 'gateways', 'gateways.onErrors', 'dialUp', 'connection', 'general', 'security'];

describe('the table', () => {
  it('has a line for every setting, and none for anything else', () => {
    expect(Object.keys(SETTING_RULES).sort()).toEqual([...ALL].sort());
  });

  it('what stands for a value can be saved', () => {
    const values = Object.entries(SETTING_RULES).filter(
      ([path, rule]) => rule.instead !== undefined && !path.includes('[]'),
    );
    expect(values.length).toBeGreaterThan(10);
    for (const [path, { instead }] of values) {
      const file = path.split('.').reduceRight<unknown>((value, name) => ({ [name]: value }), instead);
      expect([path, readSettings(JSON.stringify(file)).kind]).toEqual([path, 'good']);
    }
  });

  it('names what is known to restrict', () => {
    const known = [
      ...['gateways.mode', 'gateways.domains', 'gateways.list[].enabled', 'gateways.list[].networks'],
      ...['gateways.list[].senders', 'gateways.list[].security', 'connection.proxy', 'dialUp.requireConnection'],
      ...['server.allow', 'server.deny', 'server.requireAuth', 'server.blockedRecipients', 'server.tls.enabled'],
    ];
    for (const path of known) expect([path, SETTING_RULES[path]?.restricts]).toEqual([path, true]);
  });
});

const DOMAINS = ['a.test', 'b.test', 'sub.a.test', 'c.test'];
const SENDERS = ['ann@a.test', 'bob@b.test'];
const NETWORKS = ['Home', 'Office'];
const CLIENTS = ['127.0.0.1', '192.168.1.5', '10.0.0.9', '203.0.113.7'];
const isLoopback = (host: string): boolean => host === '127.0.0.1' || host === '::1' || host === 'localhost';

/** All that these settings let happen, the hold left aside: as many words as there are ways. */
function allowed(settings: Settings): ReadonlySet<string> {
  const { gateways, connection, dialUp, server } = settings;
  const ways: string[] = [];
  for (const domain of DOMAINS) {
    const listed = gateways.mode === 'domains' && matchesAnyDomain(domain, gateways.domains);
    if (gateways.mode !== 'always' && !listed) ways.push(`directly to ${domain}`);
  }
  for (const [kind, on] of Object.entries(gateways.onErrors))
    if (on === true) ways.push(`to a gateway on ${kind} error`);
  for (const gateway of gateways.list.filter((g) => g.enabled)) {
    const { id, host, port, security, allowInsecureAuth, allowInvalidCertificate } = gateway;
    for (const network of NETWORKS.filter((n) => gateway.networks.length === 0 || gateway.networks.includes(n)))
      for (const sender of SENDERS.filter((s) => gateway.senders.length === 0 || gateway.senders.includes(s)))
        ways.push(`${sender} through ${id} at ${host}:${port} on ${network}`);
    ways.push(`${id} with ${security}`);
    if (allowInsecureAuth) ways.push(`${id} in clear`);
    if (allowInvalidCertificate) ways.push(`${id} unverified`);
  }
  if (connection.proxy !== 'blocked') ways.push(`connect over ${connection.proxy}`);
  if (connection.trustLoopbackMx) ways.push('mail servers on loopback');
  for (const { domain, host, port } of connection.lanHosts) ways.push(`${domain} to ${host}:${port}`);
  if (!dialUp.requireConnection) ways.push('without dial-up');
  for (const name of dialUp.connections) ways.push(`dial-up ${name}`);
  const policy = compilePolicy(server);
  const open = !server.host.every(isLoopback);
  for (const address of CLIENTS) {
    const place = placeClient({ ...policy, deny: isLoopback(address) ? [] : policy.deny }, address);
    if (place.denied || (!place.loopback && !open)) continue;
    for (const signedIn of server.users.length > 0 ? [true, false] : [false]) {
      const client = { ...place, secure: true, signedIn };
      for (const domain of DOMAINS)
        if (decideMail(policy, client, null, null) === null && decideRcpt(policy, client, `x@${domain}`, 0) === null)
          ways.push(`${address} ${signedIn ? 'signed in ' : ''}hands in mail to ${domain}`);
    }
  }
  return new Set(ways);
}

const some = <T>(values: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...values]);
const one = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const gatewayOf = (id: string) =>
  fc.record({
    id: fc.constant(id),
    name: fc.constant(id),
    host: one('one.test', 'two.test'),
    port: one(25, 587),
    security: one(...SECURITIES),
    auth: fc.constant('none' as const),
    allowInsecureAuth: fc.boolean(),
    allowInvalidCertificate: fc.boolean(),
    enabled: fc.boolean(),
    networks: some(NETWORKS),
    senders: some(SENDERS),
  });

/** Settings as a user means them. */
const meant: fc.Arbitrary<Settings> = fc
  .record({
    server: fc.record({
      host: one(['127.0.0.1'], ['0.0.0.0'], ['127.0.0.1', '192.168.1.2']),
      allow: some(['192.168.1.0/24', '10.0.0.9', '203.0.113.0/24']),
      deny: some(['192.168.1.5', '10.0.0.0/8']),
      blockedRecipients: some(['a.test', '*.a.test', 'x@c.test']),
      requireAuth: fc.boolean(),
      users: some([{ name: 'ann', hash: 'x' }]),
      tls: fc.record({ enabled: fc.boolean() }),
    }),
    gateways: fc.record({
      mode: one(...MODES),
      onErrors: fc.record({ lan: fc.boolean(), dns: fc.boolean(), smtp: fc.boolean() }),
      domains: some(['a.test', 'b.test', '*.a.test']),
      list: fc.tuple(gatewayOf('first'), gatewayOf('second')),
    }),
    dialUp: fc.record({ requireConnection: fc.boolean(), connections: some(['isp', 'vpn']) }),
    connection: fc.record({
      proxy: one('', 'socks5://proxy.test:1080'),
      trustLoopbackMx: fc.boolean(),
      dnsServers: some(['192.0.2.53']),
      lanHosts: some([{ domain: 'corp.test', host: '10.0.0.1', port: 25 }]),
    }),
    general: fc.record({ keepSent: one(-1, 3) }),
  })
  .map((value) => settingsSchema.parse(value));

type Json = Record<string, unknown>;
const at = (root: unknown, names: readonly string[]): unknown =>
  names.reduce((value, name) => (value as Json)[name], root);

/** Puts garbage where `path` points to; for lists also among or in place of their entries. */
function spoil(settings: Settings, path: string, garbage: unknown, how: 'whole' | 'entry' | 'more'): Json {
  const file = structuredClone(settings) as Json;
  const names = path.replace('[]', '.0').split('.');
  const last = names.pop() ?? '';
  const parent = at(file, names) as Json;
  const value = parent[last];
  if (how === 'whole' || !Array.isArray(value)) parent[last] = garbage;
  else if (how === 'more' || value.length === 0) value.push(garbage);
  else value[0] = garbage;
  return file;
}

const garbage = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>('', '*', 'allways', 'yes', null, [], {}, [[]], [null], -1, 1e99, '__proto__', { id: 'x' }),
);
const spoiled = (paths: readonly string[]) =>
  fc.record({
    settings: meant,
    path: one(...paths),
    garbage,
    how: one('whole' as const, 'entry' as const, 'more' as const),
  });

const problemsOf = (read: ReadSettings) => (read.kind === 'mended' ? read.problems : []);
const RUNS = { numRuns: 600 };
/** A list of garbage may hold an entry that can be read; then the user wrote that. */
const mayBeMeant = (odd: unknown): boolean =>
  Array.isArray(odd) && odd.some((entry) => typeof entry === 'string' || (typeof entry === 'object' && entry !== null));

describe('garbage at any place', { timeout: 120_000 }, () => {
  it('lets nothing happen that the user had not allowed, and holds the queue where something restricts', () => {
    let seen = 0;
    fc.assert(
      fc.property(
        spoiled([...ALL, ...GROUPS].filter((path) => path !== 'version')),
        ({ settings, path, garbage: odd, how }) => {
          const read = readSettings(JSON.stringify(spoil(settings, path, odd, how)));
          expect(settingsSchema.safeParse(read.settings).success).toBe(true);
          // It may happen to be something that can be read.
          if (read.kind !== 'mended') return;
          seen++;
          const before = allowed(settings);
          if (!(how === 'whole' && mayBeMeant(odd)))
            expect([...allowed(read.settings)].filter((way) => !before.has(way))).toEqual([]);
          const rule = SETTING_RULES[path];
          const restricts = rule ? rule.restricts : settingsBelow(path).some((name) => SETTING_RULES[name]?.restricts);
          expect([path, settingsHold({ problems: problemsOf(read) })]).toEqual([path, restricts]);
          if (restricts) {
            const hold = decideHold({
              paused: false,
              settings: settingsHold({ problems: problemsOf(read) }),
              network: { online: true, portal: false },
              dialUp: { required: false, active: [] },
            });
            const route = planRoute(history(), 'ann@a.test', environment({ settings: read.settings, hold }));
            expect(route).toEqual({ kind: 'hold', reason: 'settings' });
          }
        },
      ),
      RUNS,
    );
    expect(seen).toBeGreaterThan(RUNS.numRuns / 2);
  });

  it('stands in the file as it was after something else is saved, and is found again', () => {
    fc.assert(
      fc.property(spoiled(ALL.filter((path) => path !== 'version')), ({ settings, path, garbage: odd, how }) => {
        const read = readSettings(JSON.stringify(spoil(settings, path, odd, how)));
        if (read.kind !== 'mended') return;
        const touched = path === 'general.startHidden' ? 'general.closeToTray' : 'general.startHidden';
        const next = { ...read.settings, general: { ...read.settings.general, [touched.slice(8)]: true } };
        const written = withUnread(next, read.settings, read.kept, [touched]);
        const again = readSettings(JSON.stringify(written));
        expect(problemsOf(again).map(({ holds, message }) => [holds, message])).toEqual(
          problemsOf(read).map(({ holds, message }) => [holds, message]),
        );
        expect(allowed(again.settings)).toEqual(allowed(read.settings));
      }),
      { numRuns: 300 },
    );
  });

  it('in several places, or as the whole file, throws nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.json({ maxDepth: 4 }), fc.string()),
        fc.array(spoiled([...ALL, ...GROUPS]), { maxLength: 6 }),
        (text, all) => {
          const read = readSettings(text);
          expect(settingsSchema.safeParse(read.settings).success).toBe(true);
          let file: Json = structuredClone(settingsSchema.parse({}));
          for (const { path, garbage: odd, how } of all) {
            try {
              file = spoil(file as unknown as Settings, path, odd, how);
            } catch {
              // The place is gone: garbage stands above it.
            }
          }
          expect(settingsSchema.safeParse(readSettings(JSON.stringify(file)).settings).success).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
