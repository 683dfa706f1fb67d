import { describe, expect, it } from 'vitest';
import { reactionTo, type LinkFacts, type Reaction } from '../../../main/policy/environment-change.ts';
import { defaultSettings, type Settings } from '../../../shared/settings.ts';

const HOME: LinkFacts = {
  online: true,
  name: 'Home',
  portal: false,
  addresses: ['192.0.2.7'],
  dialUp: [],
  held: false,
};
const OFFLINE: LinkFacts = { ...HOME, online: false, name: null, addresses: [], held: true };
const CALL: LinkFacts = { ...HOME, name: 'Train', addresses: ['192.0.2.99'], dialUp: ['Train'] };
const NOTHING: Reaction = {
  interrupt: 'none',
  limitDelays: false,
  forgetFailures: false,
  noteNetwork: false,
  signIn: null,
  deliver: { kind: 'due' },
};

describe('a change of network or dial-up', () => {
  const all = (why: 'network' | 'dial-up') => ({ kind: 'all', why }) as const;
  it.each<[string, LinkFacts, LinkFacts, { otherNetwork?: boolean; sendOnConnect?: boolean }, Partial<Reaction>]>([
    ['nothing has changed', HOME, HOME, {}, {}],
    [
      'another network',
      HOME,
      { ...HOME, name: 'Hotel', addresses: ['198.51.100.3'] },
      { otherNetwork: true },
      { interrupt: 'all', noteNetwork: true, deliver: all('network') },
    ],
    ['offline', HOME, OFFLINE, {}, { interrupt: 'all', noteNetwork: true, deliver: all('network') }],
    [
      'online again',
      OFFLINE,
      HOME,
      { otherNetwork: true },
      { interrupt: 'all', noteNetwork: true, deliver: all('network') },
    ],
    ['a better name for the same network', HOME, { ...HOME, name: 'Flat' }, {}, { noteNetwork: true }],
    ['another address beside the old one', HOME, { ...HOME, addresses: ['192.0.2.7', '192.0.2.8'] }, {}, {}],
    ['an address less', HOME, { ...HOME, addresses: ['192.0.2.8'] }, {}, { interrupt: 'lost-addresses' }],
    ['a log-in page', HOME, { ...HOME, portal: true, held: true }, {}, { forgetFailures: true }],
    [
      'logged in',
      { ...HOME, portal: true, held: true },
      HOME,
      { otherNetwork: true },
      { interrupt: 'all', forgetFailures: true, noteNetwork: true, deliver: all('network') },
    ],
    ['the queue is let go', { ...HOME, held: true }, HOME, {}, { deliver: all('network') }],
    [
      'a call whose network is the new one',
      OFFLINE,
      CALL,
      { otherNetwork: true },
      { interrupt: 'all', noteNetwork: true, deliver: all('dial-up') },
    ],
    ['a call beside the network', HOME, { ...HOME, dialUp: ['Train'] }, {}, { deliver: all('dial-up') }],
    [
      'a call that is not to be used at once: what is due goes, nothing else',
      OFFLINE,
      CALL,
      { otherNetwork: true, sendOnConnect: false },
      { interrupt: 'all', noteNetwork: true },
    ],
    ['a call has ended', { ...HOME, dialUp: ['Train'] }, HOME, {}, {}],
  ])('%s', (_name, before, now, { otherNetwork = false, sendOnConnect = true }, expected) => {
    const reaction = reactionTo({ kind: 'links', before, now, otherNetwork, settings: { sendOnConnect } });
    expect(reaction).toEqual({ ...NOTHING, ...expected });
  });
});

describe('a change of settings', () => {
  const before = defaultSettings();
  const changed = (change: (settings: Settings) => void): Settings => {
    const next = structuredClone(before);
    change(next);
    return next;
  };
  it.each<[string, Settings, { heldBefore?: boolean; heldNow?: boolean }, Partial<Reaction>]>([
    ['of nothing that matters here', changed((s) => (s.general.theme = 'dark')), {}, {}],
    ['of the schedule', changed((s) => (s.connection.retryMinutes = [1])), {}, { limitDelays: true }],
    [
      'of the mode: everything is tried anew, no gateway is asked',
      changed((s) => (s.gateways.mode = 'always')),
      {},
      { forgetFailures: true, deliver: { kind: 'all', why: 'settings', gateways: [] } },
    ],
    [
      'that ends the hold for values that could not be read: every gateway is asked',
      before,
      { heldBefore: true },
      { forgetFailures: true, deliver: { kind: 'all', why: 'settings' } },
    ],
    ['that leaves the hold', before, { heldBefore: true, heldNow: true }, {}],
  ])('%s', (_name, now, { heldBefore = false, heldNow = false }, expected) => {
    expect(reactionTo({ kind: 'settings', before, now, heldBefore, heldNow })).toEqual({ ...NOTHING, ...expected });
  });
});

it.each<[string, Parameters<typeof reactionTo>[0], Partial<Reaction>]>([
  [
    'waking up: as after a change of network',
    { kind: 'woke-up' },
    { interrupt: 'all', limitDelays: true, forgetFailures: true, deliver: { kind: 'all', why: 'woke up' } },
  ],
  ['names are back', { kind: 'names-back' }, { deliver: { kind: 'all', why: 'names' } }],
  ['doubts about the network', { kind: 'network-in-doubt' }, { deliver: { kind: 'ask-gateways' } }],
  [
    'a hop works',
    { kind: 'hop-works', hopKey: 'mx:example.test' },
    { deliver: { kind: 'hop', hopKey: 'mx:example.test' } },
  ],
  [
    'a new password',
    { kind: 'credentials', gatewayId: 'office' },
    { forgetFailures: true, signIn: 'office', deliver: { kind: 'all', why: 'gateways' } },
  ],
])('%s', (_name, event, expected) => {
  expect(reactionTo(event)).toEqual({ ...NOTHING, ...expected });
});
