import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../shared/mail.ts';
import { PRIORITIES } from '../../../shared/settings.ts';
import { canonicalDomain, domainOf, matchesAddress, matchesDomain } from '../../../main/policy/domain-match.ts';
import { orderGateways } from '../../../main/policy/gateway-order.ts';
import {
  afterGateway,
  finishPass,
  startPass,
  remainingRecipients,
  type GatewayPass,
} from '../../../main/policy/gateway-pass.ts';
import { gateway, inShort, reply } from './support.ts';

describe('domains', () => {
  it.each([
    ['Example.TEST', 'example.test', true],
    ['example.test.', 'example.test', true],
    ['example.test', 'EXAMPLE.test', true],
    ['mail.example.test', 'example.test', false],
    ['mail.example.test', '*.example.test', true],
    ['a.b.example.test', '*.Example.Test', true],
    ['example.test', '*.example.test', false],
    ['badexample.test', '*.example.test', false],
    ['bücher.test', 'xn--bcher-kva.test', true],
    ['xn--bcher-kva.test', 'bücher.test', true],
    ['BÜCHER.test', 'bücher.test', true],
    ['mail.bücher.test', '*.xn--bcher-kva.test', true],
    ['mail.xn--bcher-kva.test', '*.bücher.test', true],
    ['bücher.test', 'bucher.test', false],
    ['straße.test', 'strasse.test', false],
    ['', 'example.test', false],
  ])('%s against %s: %s', (domain, pattern, fits) => {
    expect(matchesDomain(domain, pattern)).toBe(fits);
  });

  it.each([
    ['ann@example.test', 'example.test', true],
    ['Ann@Example.test', 'ann@example.test', true],
    ['bob@example.test', 'ann@example.test', false],
    ['ann@example.test', '@example.test', true],
    ['ann@sub.example.test', '@example.test', false],
    ['ann@sub.example.test', '*.example.test', true],
    ['"a@b"@example.test', 'example.test', true],
    ['"a@b"@example.test', 'b', false],
    [null, 'example.test', false],
  ])('address %s against %s: %s', (address, pattern, fits) => {
    expect(matchesAddress(address, pattern)).toBe(fits);
  });

  it('an address without a domain has none', () => {
    expect(domainOf('Postmaster')).toBe('');
  });

  it('canonical spelling is stable and never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const once = canonicalDomain(text);
        return (
          typeof once === 'string' && (once.endsWith('.') || canonicalDomain(once) === once || once.trim() !== once)
        );
      }),
    );
  });
});

describe('gateway order', () => {
  const here = { networkId: 'n1', networkNames: ['Home'], sender: 'ann@example.test' };

  it.each([
    ['priorities', [gateway('a', { priority: 'low' }), gateway('b'), gateway('c', { priority: 'highest' }), gateway('d', { priority: 'belowNormal' }), gateway('e', { priority: 'high' })], ['c', 'e', 'b', 'd', 'a'], []],
    ['the order of the user within a priority', [gateway('b'), gateway('a'), gateway('c')], ['b', 'a', 'c'], []],
    ['disabled', [gateway('a', { enabled: false }), gateway('b')], ['b'], ['a disabled']],
    ['network by id', [gateway('a', { networks: ['n1'] }), gateway('b', { networks: ['n2'] })], ['a'], ['b other-network']],
    ['network by name, any case', [gateway('a', { networks: ['HOME'] }), gateway('b', { networks: ['Office', 'home'] })], ['a', 'b'], []],
    ['sender by address, domain and sub-domain', [gateway('a', { senders: ['ann@example.test'] }), gateway('b', { senders: ['example.test'] }), gateway('c', { senders: ['*.example.test'] })], ['a', 'b'], ['c other-sender']],
    ['disabled counts before the rest', [gateway('a', { enabled: false, networks: ['n2'] })], [], ['a disabled']],
  ])('%s', (_what, list, ids, leftOut) => {
    const order = orderGateways({ list, ...here });
    expect(order.ids).toEqual(ids);
    expect(order.leftOut.map((g) => `${g.id} ${g.reason}`)).toEqual(leftOut);
  }); // prettier-ignore

  it('the null reverse-path and an unknown network fit no limited gateway', () => {
    const list = [gateway('a', { senders: ['example.test'] }), gateway('b', { networks: ['Home'] }), gateway('c')];
    expect(orderGateways({ list, networkId: null, networkNames: [], sender: null }).ids).toEqual(['c']);
  });

  const anyGateway = fc.record({
    priority: fc.constantFrom(...PRIORITIES),
    enabled: fc.boolean(),
    networks: fc.constantFrom<string[]>([], ['n1'], ['other']),
    senders: fc.constantFrom<string[]>([], ['example.test'], ['other.test']),
  });

  it('is a permutation of the usable ones, respects priority, and accounts for every gateway', () => {
    fc.assert(
      fc.property(fc.array(anyGateway, { maxLength: 30 }), (parts) => {
        const list = parts.map((p, index) => gateway(`g${index}`, p));
        const { ids, leftOut } = orderGateways({ list, ...here });
        const usable = list.filter(
          (g) => g.enabled && !g.networks.includes('other') && !g.senders.includes('other.test'),
        );
        expect([...ids].sort()).toEqual(usable.map((g) => g.id).sort());
        expect(ids.length + leftOut.length).toBe(list.length);
        const places = ids.map((id) => list.findIndex((g) => g.id === id));
        for (let i = 1; i < places.length; i += 1) {
          const [before, after] = [list[places[i - 1]!]!, list[places[i]!]!];
          const step = PRIORITIES.indexOf(after.priority) - PRIORITIES.indexOf(before.priority);
          expect(step > 0 || (step === 0 && places[i]! > places[i - 1]!)).toBe(true);
        }
      }),
    );
  });
});

const YES: Verdict = { kind: 'delivered', reply: reply('250 ok') };
const NO: Verdict = { kind: 'rejected', scope: 'recipient', status: '5.1.1', reply: reply('550 5.1.1 no') };
const LATER: Verdict = {
  kind: 'deferred',
  scope: 'recipient',
  status: '4.2.0',
  why: 'reply',
  reply: reply('450 later'),
};
const AWAY: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.1', why: 'timeout' };
const RELAY: Verdict = {
  kind: 'deferred',
  scope: 'gateway',
  status: '4.7.1',
  why: 'relaying-denied',
  reply: reply('550 relaying denied'),
};
const PERHAPS: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.2', why: 'lost-after-dot' };
const SOON: Verdict = { kind: 'deferred', scope: 'recipient', status: '4.5.3', why: 'too-many-recipients' };

function run(ids: readonly string[], said: readonly (Verdict | null)[]): GatewayPass {
  let pass = startPass(ids, [1]);
  said.forEach((verdict, index) => {
    if (verdict !== null && remainingRecipients(pass).includes(1))
      pass = afterGateway(pass, ids[index]!, new Map([[1, verdict]]), verdict !== AWAY);
  });
  return pass;
}

describe('a gateway pass', () => {
  it.each([
    ['first accepts', [YES, NO], 'delivered', 'a', false],
    ['refused, then accepted', [NO, YES], 'delivered', 'b', false],
    ['unreachable, then accepted', [AWAY, YES], 'delivered', 'b', false],
    ['every one refuses: refused', [NO, NO], 'rejected recipient 5.1.1', 'b', false],
    ['one refuses, one denies relaying: temporary', [NO, RELAY], 'deferred gateway 4.7.1 relaying-denied', 'b', false],
    ['one refuses, one is away: temporary', [NO, AWAY], 'deferred host 4.4.1 timeout', 'b', false],
    [
      'one refuses, one is passed over: temporary',
      [NO, null],
      'deferred gateway 4.4.1 gateways-unreachable',
      null,
      false,
    ],
    ['a reply about the mail says more than silence', [AWAY, LATER], 'deferred recipient 4.2.0 reply', 'b', false],
    ['a reply about the mail says more than a fault', [LATER, RELAY], 'deferred recipient 4.2.0 reply', 'a', false],
    ['all away: nothing reached', [AWAY, AWAY], 'deferred host 4.4.1 timeout', 'a', true],
    ['all passed over: nothing reached', [null, null], 'deferred gateway 4.4.1 gateways-unreachable', null, true],
    ['perhaps accepted: nobody else is asked', [PERHAPS, YES], 'deferred host 4.4.2 lost-after-dot', 'a', false],
    [
      'too many recipients: the same gateway, soon',
      [SOON, YES],
      'deferred recipient 4.5.3 too-many-recipients',
      'a',
      false,
    ],
  ] as const)('%s', (_what, said, verdict, id, nothingReached) => {
    const result = finishPass(run(['a', 'b'], said)).get(1)!;
    expect([inShort(result.verdict), result.gatewayId, result.nothingReached]).toEqual([verdict, id, nothingReached]);
  });

  it('a gateway that takes two of three leaves the third to the next', () => {
    let pass = startPass(['a', 'b'], [1, 2, 3]);
    pass = afterGateway(pass, 'a', new Map<number, Verdict>([[1, YES], [2, NO], [3, YES]]), true); // prettier-ignore
    expect(remainingRecipients(pass)).toEqual([2]);
    pass = afterGateway(pass, 'b', new Map([[2, YES]]), true);
    expect([...finishPass(pass).values()].map((r) => inShort(r.verdict))).toEqual([
      'delivered',
      'delivered',
      'delivered',
    ]);
  });

  it('gives every recipient exactly one verdict, never two acceptances, and keeps the first acceptance', () => {
    const verdicts = fc.constantFrom(YES, NO, LATER, AWAY, RELAY, PERHAPS, SOON);
    const events = fc.array(
      fc.record({ id: fc.constantFrom('a', 'b', 'c'), said: fc.dictionary(fc.constantFrom('1', '2', '3', '9'), verdicts), reached: fc.boolean() }),
      { maxLength: 12 },
    ); // prettier-ignore
    fc.assert(
      fc.property(events, (list) => {
        let pass = startPass(['a', 'b', 'c'], [1, 2, 3]);
        const takenBy = new Map<number, string>();
        for (const { id, said, reached } of list) {
          const open = remainingRecipients(pass);
          const heard = new Map(Object.entries(said).map(([recipient, verdict]) => [Number(recipient), verdict]));
          const before = pass;
          pass = afterGateway(pass, id, heard, reached);
          for (const recipient of [1, 2, 3]) {
            const fresh = pass.recipients.get(recipient) !== before.recipients.get(recipient);
            if (fresh && !open.includes(recipient)) throw new Error('handed on although it was over');
            if (fresh && heard.get(recipient) === YES) {
              expect(takenBy.has(recipient)).toBe(false);
              takenBy.set(recipient, id);
            }
          }
        }
        const results = finishPass(pass);
        expect([...results.keys()]).toEqual([1, 2, 3]);
        for (const [recipient, result] of results) {
          expect(result.verdict.kind === 'delivered').toBe(takenBy.has(recipient));
          if (takenBy.has(recipient)) expect(result.gatewayId).toBe(takenBy.get(recipient));
        }
      }),
    );
  });
});
