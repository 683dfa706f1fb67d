import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../shared/mail.ts';
import {
  DIRECT_BLOCKED,
  hostsAllowedBySts,
  orderHosts,
  type HostOrder,
  type MailHost,
} from '../../../main/policy/direct-hosts.ts';
import type { HostDoubts } from '../../../main/policy/model.ts';
import type { StsPolicy } from '../../../main/policy/mta-sts.ts';
import { NO_OTHER_HOP } from '../../../main/policy/unknown-outcome.ts';

const host = (name: string): MailHost => ({ kind: 'mx', host: name, port: 25, addresses: ['192.0.2.1'] });
const [a, b, c] = [host('a.test'), host('b.test'), host('c.test')];
const FAILED: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.1', why: 'timeout' };

interface Row {
  readonly says: string;
  readonly step?: HostDoubts;
  readonly first?: true;
  readonly blocked?: true;
  readonly backoff?: readonly string[];
  readonly order: HostOrder;
}

const ROWS: readonly Row[] = [
  { says: 'all hosts in their order', order: { kind: 'try', hosts: [a, b, c] } },
  { says: 'only the first one without "force delivery"', first: true, order: { kind: 'try', hosts: [a] } },
  { says: 'without those in back-off', backoff: ['a.test'], order: { kind: 'try', hosts: [b, c] } },
  {
    says: 'none if all are in back-off, with the reason of the first',
    backoff: ['a.test', 'b.test', 'c.test'],
    order: { kind: 'skip', host: a, verdict: FAILED },
  },
  {
    says: 'none if the only one to try is in back-off',
    first: true,
    backoff: ['a.test'],
    order: { kind: 'skip', host: a, verdict: FAILED },
  },
  { says: 'none on a blocked port', blocked: true, order: { kind: 'skip', host: a, verdict: DIRECT_BLOCKED } },
  { says: 'doubtful ones last', step: { doubts: { 'mx:a.test': 1 } }, order: { kind: 'try', hosts: [b, c, a] } },
  {
    says: 'those without doubt only, where the gateways come in between',
    step: { doubts: { 'mx:a.test': 1 }, only: 'sure' },
    order: { kind: 'try', hosts: [b, c] },
  },
  {
    says: 'the doubtful ones only, after the gateways',
    step: { doubts: { 'mx:a.test': 1, 'mx:b.test': 2 }, only: 'doubtful' },
    order: { kind: 'try', hosts: [a, b] },
  },
  {
    says: 'one in back-off all the same if a doubtful one would be used in its place',
    step: { doubts: { 'mx:a.test': 1 } },
    backoff: ['b.test'],
    order: { kind: 'try', hosts: [b, c, a] },
  },
  {
    says: 'none if each may have taken the message three times',
    step: { doubts: { 'mx:a.test': 3, 'mx:b.test': 3, 'mx:c.test': 3 } },
    order: { kind: 'skip', host: a, verdict: NO_OTHER_HOP },
  },
  {
    says: 'the next host without doubt where only one is tried an attempt',
    first: true,
    step: { doubts: { 'mx:a.test': 1 } },
    order: { kind: 'try', hosts: [b] },
  },
];

describe('order of the hosts of a direct step', () => {
  it.each(ROWS)('$says', ({ step = {}, first, blocked, backoff = [], order }) => {
    const facts = {
      forceDelivery: first !== true,
      blocked: blocked === true,
      backoffVerdict: (name: string) => (backoff.includes(name) ? FAILED : null),
    };
    expect(orderHosts([a, b, c], step, facts)).toEqual(order);
  });
});

const mx = (name: string) => ({ host: name, preference: 10, addresses: ['192.0.2.1'] });
const policy = (mode: StsPolicy['mode'], ...names: readonly string[]): StsPolicy => ({
  mode,
  mx: names,
  maxAge: 86_400,
});

describe('hosts that an MTA-STS policy allows', () => {
  it.each([
    ['no policy', null, ['a.test', 'b.test'], undefined, []],
    ['mode none', policy('none'), ['a.test', 'b.test'], undefined, []],
    [
      'testing: all, the unnamed ones are told',
      policy('testing', 'a.test'),
      ['a.test', 'b.test'],
      'testing',
      ['b.test'],
    ],
    ['enforce: the named ones', policy('enforce', 'a.test'), ['a.test'], 'enforce', ['b.test']],
    ['enforce that names none of them', policy('enforce', 'x.test'), [], 'enforce', ['a.test', 'b.test']],
  ] as const)('%s', (_says, sts, hosts, mode, unnamed) => {
    const allowed = hostsAllowedBySts([mx('a.test'), mx('b.test')], sts, 'domain.test', 25);
    expect(allowed.hosts.map((h) => h.host)).toEqual(hosts);
    expect(allowed.hosts.every((h) => h.sts === mode)).toBe(true);
    expect(allowed.unnamed).toEqual(unnamed);
  });
});
