import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DnsFailure } from '../../../main/policy/classify-dns.ts';
import { classifyDns } from '../../../main/policy/classify-dns.ts';
import { nextStep } from '../../../main/policy/next-step.ts';
import type { Answer } from '../../../main/policy/order-mx.ts';
import { planRoute } from '../../../main/policy/plan-route.ts';
import {
  controlNames,
  controlResult,
  dependsOnCondition,
  inventedBy,
  judgeLookup,
  resolverCondition,
  nextCheckDelay,
  NOTHING_INVENTED,
  namesTroubleAfter,
  type ControlResult,
  type Invented,
  type LookupResult,
  type ResolverCondition,
} from '../../../main/policy/resolver-trust.ts';
import { DAY, gateway, history, NOW, settingsWith, environment } from './support.ts';

const LIE = '198.51.100.66';
const HOTEL: Invented = { addresses: [LIE], exchanges: [] };
const NOBODY: Answer<string> = { kind: 'no-such-domain' };
const SILENT: Answer<string> = { kind: 'try-later', why: 'timeout' };
const found = (...records: readonly string[]): Answer<string> => ({ kind: 'found', records });

describe('names to ask for besides the recipient’s', () => {
  it.each<[string, string, string | null, readonly string[], string]>([
    ['a name that resolved lately, the sender’s domain, the root', 'far.example', 'here.test', ['b.net', 'a.org'], 'b.net here.test .'],
    ['one is enough, the latest', 'far.example', null, ['b.net', 'a.org'], 'b.net .'],
    ['what may belong to the same owner proves nothing', 'mail.far.example', 'far.example', ['x.far.example', 'FAR.example.', 'a.org'], 'a.org .'],
    ['different domains of one owner are not known for such: registries below a country', 'a.co.uk', 'b.co.uk', [], '.'],
    ['nor a name of the LAN, nor an address', 'far.example', 'printer.lan', ['nas', '[192.0.2.1]', 'x.home.arpa'], '.'],
    ['a null reverse-path has none', 'far.example', null, [], '.'],
    ['the same name once', 'far.example', 'a.org', ['a.org'], 'a.org .'],
    ['beyond ASCII', 'far.example', 'bücher.org', [], 'xn--bcher-kva.org .'],
  ])('%s', (_what, domain, sender, known, expected) => {
    expect(controlNames(domain, sender, known).join(' ')).toBe(expected);
  }); // prettier-ignore
});

describe('what a control look-up says', () => {
  it.each<[string, Answer<unknown>, Answer<string> | null, boolean, ControlResult['says']]>([
    ['MX records', found('mx.a.org'), null, false, 'found'],
    ['no MX, an address', { kind: 'no-data' }, found('198.51.100.1'), false, 'found'],
    ['no MX, a private address: the router knows itself', { kind: 'no-data' }, found('192.168.1.1'), false, 'none'],
    ['no MX, loopback', { kind: 'no-data' }, found('127.0.0.1', '0.0.0.0'), false, 'none'],
    ['no MX, loopback in a laboratory', { kind: 'no-data' }, found('127.0.0.1'), true, 'found'],
    ['no such domain', NOBODY, NOBODY, false, 'none'],
    ['the root has no NS', { kind: 'no-data' }, null, false, 'none'],
    ['no answer', SILENT, null, false, 'silent'],
    ['no MX, then no answer', { kind: 'no-data' }, SILENT, false, 'silent'],
  ])('%s', (_what, records, addresses, lab, says) => {
    expect(controlResult(records, addresses, lab).says).toBe(says);
  }); // prettier-ignore

  it('a name that cannot exist: its addresses count in one spelling, and so do its mail servers’', () => {
    const mx = { kind: 'found', records: [{ exchange: 'MX.Lie.Test.', preference: 1 }] } as const;
    expect(inventedBy(mx, [found('::ffff:198.51.100.66'), NOBODY, found('2001:DB8:0::1')])).toEqual({
      exchanges: ['mx.lie.test'],
      addresses: [LIE, '2001:db8::1'],
    });
    expect(inventedBy({ kind: 'no-such-domain' }, [NOBODY, SILENT])).toEqual(NOTHING_INVENTED);
  });
});

const says = (what: ControlResult['says'], ...addresses: readonly string[]): ControlResult => ({
  says: what,
  addresses,
});

describe('the mood', () => {
  it.each<[string, readonly ControlResult[], Invented, ResolverCondition]>([
    ['one name is known', [says('none'), says('found')], NOTHING_INVENTED, 'sane'],
    ['the root alone is known', [says('silent'), says('found')], NOTHING_INVENTED, 'sane'],
    ['no name is known', [says('none'), says('none')], NOTHING_INVENTED, 'no-names'],
    ['none is known, one not told', [says('none'), says('silent')], NOTHING_INVENTED, 'no-names'],
    ['nothing is told', [says('silent'), says('silent')], NOTHING_INVENTED, 'undecided'],
    ['every name has the address of one that cannot exist', [says('found', LIE), says('none')], HOTEL, 'one-address'],
    ['in another spelling', [says('found', `::ffff:${LIE}`)], HOTEL, 'one-address'],
    ['records alone prove nothing where names are invented', [says('found')], HOTEL, 'one-address'],
    ['a name with an address of its own: only what does not exist is invented', [says('found', '198.51.100.7')], HOTEL, 'sane'],
    ['mail servers are invented', [says('found')], { addresses: [], exchanges: ['mx.lie.test'] }, 'one-address'],
  ])('%s', (_what, controls, invented, mood) => {
    expect(resolverCondition(controls, invented)).toBe(mood);
  }); // prettier-ignore
});

const failed = (failure: DnsFailure): LookupResult => ({ kind: 'failed', failure });
const hosts = (...addresses: readonly (readonly string[])[]): LookupResult => ({
  kind: 'hosts',
  hosts: addresses.map((each, i) => ({ host: `mx${i}.far.test`, preference: i, addresses: each })),
});
const judge = (
  looked: LookupResult,
  mood: ResolverCondition,
  invented = NOTHING_INVENTED,
  domain = 'far.test',
): LookupResult => (dependsOnCondition(looked, domain, invented) ? judgeLookup(looked, mood, invented) : looked);

describe('what a look-up is worth', () => {
  const MOODS: readonly ResolverCondition[] = ['sane', 'no-names', 'one-address', 'undecided'];
  /** Everything that a name server can say of a domain. */
  const SAID: readonly DnsFailure[] = ['no-such-domain', 'no-data', 'no-address', 'loops-back', 'servfail', 'refused', 'timeout']; // prettier-ignore

  it.each(SAID.flatMap((failure) => MOODS.map((mood) => [failure, mood] as const)))('%s from one that is %s', (failure, mood) => {
    expect(judge(failed(failure), mood)).toEqual(failed(mood === 'sane' ? failure : mood));
  }); // prettier-ignore

  it.each(MOODS)('a null MX, a name that is none and a name server that is not there stand as they are: %s', (mood) => {
    for (const failure of ['null-mx', 'bad-name', 'no-server'] as const)
      expect(judge(failed(failure), mood)).toEqual(failed(failure));
  });

  it('a null MX that every name has is none', () => {
    expect(judge(failed('null-mx'), 'one-address', { addresses: [], exchanges: [''] })).toEqual(failed('one-address'));
  });

  it.each(['nas', 'nas.lan', 'NAS.local.'])('that the Internet does not know %s is no news', (domain) => {
    expect(judge(failed('no-such-domain'), 'no-names', NOTHING_INVENTED, domain)).toEqual(failed('no-such-domain'));
  });

  it('nobody is connected to at an invented address', () => {
    const real = ['198.51.100.7'];
    expect(judge(hosts(real), 'no-names')).toEqual(hosts(real));
    expect(judge(hosts(real), 'sane', HOTEL)).toEqual(hosts(real));
    expect(judge(hosts([LIE, ...real], [LIE]), 'sane', HOTEL)).toEqual(hosts(real));
    expect(judge(hosts([LIE]), 'sane', HOTEL)).toEqual(failed('invented'));
    expect(judge(hosts([LIE]), 'one-address', HOTEL)).toEqual(failed('one-address'));
    expect(judge(hosts(real), 'one-address', HOTEL)).toEqual(failed('one-address'));
  });

  it('many domains at one provider are no lie', () => {
    expect(judge(hosts([LIE]), 'sane')).toEqual(hosts([LIE]));
  });

  it('what waits for names, and why', () => {
    const reasons = [...SAID, 'null-mx', 'bad-name', 'invented', 'no-server', 'no-names', 'one-address', 'undecided'] as const; // prettier-ignore
    expect(
      Object.fromEntries(
        reasons.flatMap((f) => (namesTroubleAfter(failed(f)) ? [[f, namesTroubleAfter(failed(f))]] : [])),
      ),
    ).toEqual({
      'no-server': 'undecided',
      'no-names': 'no-names',
      'one-address': 'one-address',
      undecided: 'undecided',
    });
    expect(namesTroubleAfter(hosts([LIE]))).toBeNull();
  });

  it('only a sane name server makes a refusal', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SAID), fc.constantFrom(...MOODS), (failure, mood) => {
        const judged = judge(failed(failure), mood);
        const { verdict, nothingReached } = classifyDns(judged.kind === 'failed' ? judged.failure : failure, 'direct', true);
        expect(mood === 'sane' || (verdict.kind === 'deferred' && nothingReached)).toBe(true);
      }),
    ); // prettier-ignore
  });
});

describe('a recipient that waits for names', () => {
  const old = history({ countedFrom: NOW - 10 * DAY, attempts: 9, retryIndex: 1 });
  const step = { kind: 'direct', domain: 'example.test' } as const;
  const outcomeOf = (failure: DnsFailure) => ({ step, stepIndex: 0, ...classifyDns(failure, 'direct', true) });

  it.each(['no-names', 'one-address', 'undecided', 'no-server'] as const)(
    '%s: nothing counts, its place in the schedule stays, it is not given up however old it is',
    (failure) => {
      for (const mode of ['never', 'undelivered', 'onError', 'domains'] as const) {
        const present = environment({ settings: settingsWith({ mode, list: [gateway('office')] }) });
        const route = planRoute(old, null, present);
        expect(nextStep(old, route, outcomeOf(failure), present, 0.5), mode).toMatchObject({
          kind: 'retry',
          counted: false,
          retryIndex: 1,
          at: NOW + 15 * 60_000,
        });
      }
    },
  );

  it('goes to its gateways in the mode onError with "DNS error" ticked', () => {
    const onErrors = { lan: false, dns: true, smtp: false };
    const present = environment({ settings: settingsWith({ mode: 'onError', onErrors, list: [gateway('office')] }) });
    const route = planRoute(old, null, present);
    expect(nextStep(old, route, outcomeOf('no-names'), present, 0.5)).toMatchObject({ kind: 'step', index: 1 });
  });
});

it('names are looked for after 5 s, then less often, and once a minute at last', () => {
  const waits: number[] = [];
  for (let last: number | null = null; waits.length < 6; waits.push(last)) last = nextCheckDelay(last);
  expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
});
