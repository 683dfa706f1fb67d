import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  activeDialUp,
  isDialUp,
  nextDialUpAction,
  sendsOnConnect,
  type DialUpFacts,
} from '../../../main/policy/dialup-rules.ts';
import { decideHold } from '../../../main/policy/hold.ts';
import {
  emptyMemory,
  headStartOf,
  isDirectBlocked,
  isResting,
  noteDirect,
  noteReached,
  noteUnreachable,
  NOTHING_KNOWN,
  onNetwork,
  type HopMemory,
  skipResting,
  type DirectFact,
} from '../../../main/policy/network-state.ts';
import { defaultSettings } from '../../../shared/settings.ts';
import type { Link, LinkKind } from '../../../shared/status.ts';
import { DAY, HOUR, NOW } from './support.ts';

describe('hold', () => {
  const up = { online: true, portal: false };
  const none = { required: false, active: [] };
  it.each([
    ['nothing', { paused: false, settings: false, network: up, dialUp: none }, null],
    ['paused before all', { paused: true, settings: true, network: { online: false, portal: false }, dialUp: { required: true, active: [] } }, 'paused'],
    ['settings before dial-up and network', { paused: false, settings: true, network: { online: false, portal: false }, dialUp: { required: true, active: [] } }, 'settings'],
    ['dial-up required and missing, offline', { paused: false, settings: false, network: { online: false, portal: false }, dialUp: { required: true, active: [] } }, 'dial-up'],
    ['dial-up required and missing, online', { paused: false, settings: false, network: up, dialUp: { required: true, active: [] } }, 'dial-up'],
    ['dial-up required and there', { paused: false, settings: false, network: up, dialUp: { required: true, active: ['isp'] } }, null],
    ['offline', { paused: false, settings: false, network: { online: false, portal: true }, dialUp: none }, 'no-network'],
    ['portal', { paused: false, settings: false, network: { online: true, portal: true }, dialUp: none, noDns: true }, 'captive-portal'],
    ['no DNS', { paused: false, settings: false, network: up, dialUp: none, noDns: true }, 'no-dns'],
  ] as const)('%s', (_what, input, expected) => {
    expect(decideHold(input)).toBe(expected);
  }); // prettier-ignore
});

function link(kind: LinkKind, name: string | null, device = 'dev0'): Link {
  return { device, kind, name, addresses: ['192.0.2.9'] };
}

describe('dial-up', () => {
  it.each([
    [link('ppp', null), true],
    [link('mobile', 'LTE'), true],
    [link('wifi', 'Train'), true],
    [link('wifi', 'TRAIN'), true],
    [link('vpn', 'x', 'tun7'), true],
    [link('wifi', 'Home'), false],
    [link('ethernet', null), false],
  ])('%j counts: %s', (each, expected) => {
    expect(isDialUp(each, ['train', 'tun7'])).toBe(expected);
    expect(activeDialUp([each], { connections: ['train', 'tun7'] })).toEqual(
      expected ? [each.name ?? each.device] : [],
    );
  });

  it('sends on connect when a connection is new', () => {
    expect([sendsOnConnect([], ['isp'], { sendOnConnect: true }), sendsOnConnect(['isp'], ['isp'], { sendOnConnect: true }), sendsOnConnect([], ['isp'], { sendOnConnect: false })]).toEqual([true, false, false]); // prettier-ignore
  });

  const settings = { ...defaultSettings().dialUp, dial: true, hangUp: true, connections: ['b'] };
  const base: DialUpFacts = { settings, now: NOW, online: false, paused: false, active: [], configured: ['a', 'b'], waiting: 1, sending: 0, nextDueAt: NOW, lastDialAt: null, dialled: null, busy: false }; // prettier-ignore
  const up: Partial<DialUpFacts> = { active: ['b'], online: true, waiting: 0, nextDueAt: null, dialled: 'b' };
  it.each<[string, Partial<DialUpFacts>, object]>([
    ['mail waits: dials the named one', {}, { kind: 'dial', name: 'b' }],
    ['none named: the first', { settings: { ...settings, connections: [] } }, { kind: 'dial', name: 'a' }],
    ['nothing to dial', { configured: [] }, { kind: 'none' }],
    ['no mail', { waiting: 0 }, { kind: 'none' }],
    ['off', { settings: { ...settings, dial: false } }, { kind: 'none' }],
    ['paused', { paused: true }, { kind: 'none' }],
    ['busy', { busy: true }, { kind: 'none' }],
    ['online by another way', { online: true }, { kind: 'none' }],
    [
      'online, but dial-up is required',
      { online: true, settings: { ...settings, requireConnection: true } },
      { kind: 'dial', name: 'b' },
    ],
    ['dialled 14 minutes ago', { lastDialAt: NOW - 14 * 60_000 }, { kind: 'wait', until: NOW + 60_000 }],
    ['dialled 15 minutes ago', { lastDialAt: NOW - 15 * 60_000 }, { kind: 'dial', name: 'b' }],
    ['dialled in the future (clock set back)', { lastDialAt: NOW + DAY }, { kind: 'dial', name: 'b' }],
    ['queue empty: hangs up', up, { kind: 'hang-up', name: 'b' }],
    ['the call of the user is his', { ...up, dialled: null }, { kind: 'none' }],
    ['hanging up is off', { ...up, settings: { ...settings, hangUp: false } }, { kind: 'none' }],
    ['still sending', { ...up, sending: 1 }, { kind: 'none' }],
    ['mail due in a minute', { ...up, waiting: 1, nextDueAt: NOW + 60_000 }, { kind: 'none' }],
    ['mail due in an hour', { ...up, waiting: 1, nextDueAt: NOW + HOUR }, { kind: 'hang-up', name: 'b' }],
  ])('%s', (_what, more, expected) => {
    expect(nextDialUpAction({ ...base, ...more })).toEqual(expected);
  });
});

describe('the memory of a network', () => {
  it('rests 30 s, doubling to 15 min', () => {
    let memory = emptyMemory('n1');
    let now = NOW;
    const rests: number[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      memory = noteUnreachable(memory, 'a', now);
      const { restsUntil } = memory.rests['a']!;
      rests.push((restsUntil - now) / 1000);
      expect(isResting(memory, 'a', restsUntil - 1)).toBe(true);
      expect(isResting(memory, 'a', restsUntil)).toBe(false);
      now = restsUntil;
    }
    expect(rests).toEqual([30, 60, 120, 240, 480, 900, 900, 900]);
  });

  it('connections that fail side by side are one failure', () => {
    const once = noteUnreachable(emptyMemory('n1'), 'a', NOW);
    expect(noteUnreachable(once, 'a', NOW + 10)).toBe(once);
  });

  it('is dropped by success, by another network, and by a clock that was set back', () => {
    const memory = noteUnreachable(emptyMemory('n1'), 'a', NOW);
    expect(noteReached(memory, 'a')).toEqual(emptyMemory('n1'));
    expect(onNetwork(memory, 'n2', NOW + 1)).toEqual(emptyMemory('n2'));
    expect(onNetwork(memory, 'n1', NOW + 1)).toBe(memory);
    expect(isResting(memory, 'a', NOW - HOUR)).toBe(false);
  });

  const lostWith = (...resting: readonly string[]): HopMemory =>
    onNetwork(
      resting.reduce((m, id) => noteUnreachable(m, id, NOW), emptyMemory('n1')),
      null,
      NOW + 1000,
    );
  it.each<[string, HopMemory, readonly [string | null, number][], number]>([
    ['the network that was lost is back', lostWith('a'), [['n1', 2000]], 500],
    ['it is lost and back again', lostWith('a'), [['n1', 2000], [null, 3000], ['n1', 4000]], 500],
    ['it is back after the rest', lostWith('a'), [['n1', 30_000]], 2000],
    ['another network is there', lostWith('a'), [['n2', 2000]], 2000],
    ['another one was there meanwhile', lostWith('a'), [['n2', 2000], ['n1', 3000]], 2000],
    ['another one was there, and none', lostWith('a'), [['n2', 2000], [null, 2500], ['n1', 3000]], 2000],
    ['another gateway rested', lostWith('b'), [['n1', 2000]], 2000],
  ])('a gateway that rested has its head start when %s', (_what, lost, networks, headStart) => {
    const memory = networks.reduce((m, [id, at]) => onNetwork(m, id, NOW + at), lost);
    // It is not passed over in any case.
    expect(isResting(memory, 'a', NOW + 4000)).toBe(false);
    expect(headStartOf(memory, 'a', 2000)).toBe(headStart);
    expect(headStartOf(memory, 'a', 300)).toBe(300);
    for (const heard of [noteReached(memory, 'a'), noteUnreachable(memory, 'a', NOW + 4000)])
      expect(headStartOf(heard, 'a', 2000)).toBe(2000);
  }); // prettier-ignore

  it('passes over what rests, unless everything rests; order is kept and nobody lost', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd')),
        fc.subarray(['a', 'b', 'c', 'd']),
        (ids, resting) => {
          const memory = resting.reduce((m, id) => noteUnreachable(m, id, NOW), emptyMemory('n1'));
          const { use, skipped } = skipResting(ids, memory, NOW + 1);
          const all = ids.every((id) => resting.includes(id));
          expect(use).toEqual(all ? ids : ids.filter((id) => !resting.includes(id)));
          expect([...use, ...skipped].sort()).toEqual([...ids].sort());
        },
      ),
    );
  });
});

describe('a network that blocks direct delivery', () => {
  const silent = (host: string, at = NOW): DirectFact => ({ kind: 'silent', host, at });
  const other: DirectFact = { kind: 'other-port', at: NOW };
  it.each<[string, readonly DirectFact[], boolean]>([
    ['three silent hosts, another port works', [silent('a'), silent('b'), silent('c'), other], true],
    ['the other order', [other, silent('a'), silent('b'), silent('c')], true],
    ['two silent hosts', [silent('a'), silent('b'), other], false],
    ['one host three times', [silent('a'), silent('a'), silent('a'), other], false],
    ['no other port works', [silent('a'), silent('b'), silent('c')], false],
    ['one answered in between', [silent('a'), silent('b'), { kind: 'answered' }, silent('c'), other], false],
    ['an answer later', [silent('a'), silent('b'), silent('c'), other, { kind: 'answered' }], false],
    ['asked to test again', [silent('a'), silent('b'), silent('c'), other, { kind: 'retest' }], false],
    ['hours apart', [silent('a', NOW - 5 * HOUR), silent('b', NOW - 3 * HOUR), silent('c'), other], false],
  ])('%s: %s', (_what, facts, blocked) => {
    expect(isDirectBlocked(facts.reduce(noteDirect, NOTHING_KNOWN), NOW + 1)).toBe(blocked);
  });

  it('is remembered for a day', () => {
    const memory = [silent('a'), silent('b'), silent('c'), other].reduce(noteDirect, NOTHING_KNOWN);
    expect([NOW + DAY - 1, NOW + DAY, NOW - HOUR].map((at) => isDirectBlocked(memory, at))).toEqual([
      true,
      false,
      false,
    ]);
  });
});
