import { describe, expect, test } from 'vitest';
import { appStatus, type StatusInput } from '../../../main/program/status.ts';
import { statusWith } from '../../fakes/stub-engine.ts';

const input = (change: Partial<StatusInput> = {}): StatusInput => ({
  ...statusWith(),
  noWayOut: null,
  ...change,
});
const taken = { kind: 'failed', port: 25, reason: 'taken', message: 'EADDRINUSE', suggestedPort: 2525 } as const;
const refused = {
  id: 'gateway:office',
  severity: 'error',
  phrase: { id: 'problem.sign-in-refused' },
  since: 0,
} as const;
const unread = {
  id: 'settings',
  severity: 'error',
  phrase: { id: 'problem.settingsHeld' },
  since: 0,
  action: { id: 'problem.goOnWithThese' },
} as const;
const counts = (change: Partial<StatusInput['counts']>): StatusInput['counts'] => ({
  ...statusWith().counts,
  ...change,
});

describe('what the program says of itself', () => {
  test.each([
    ['nothing to do', {}, 'idle', ['status.idle']],
    ['mail waits', { counts: counts({ outbox: 2 }) }, 'waiting', ['status.waiting']],
    ['no gateway works', { noWayOut: 'gateways-failing' }, 'no-way-out', ['no-way-out.gateways-failing']],
    [
      'no gateway works, mail waits',
      { noWayOut: 'gateways-failing', counts: counts({ outbox: 15 }) },
      'no-way-out',
      ['no-way-out.gateways-failing', 'status.waiting'],
    ],
    [
      'no gateway works, mail is being tried',
      { noWayOut: 'gateways-failing', counts: counts({ outbox: 15 }), sending: 15 },
      'no-way-out',
      ['no-way-out.gateways-failing', 'status.sending'],
    ],
    [
      'no gateway works, and no network now',
      { noWayOut: 'gateways-failing', hold: 'no-network', counts: counts({ outbox: 1 }) },
      'waiting-network',
      ['hold.no-network'],
    ],
    [
      'no gateway works: its sign-in is refused',
      { noWayOut: 'gateways-failing', problems: [refused] },
      'attention',
      ['problem.sign-in-refused', 'no-way-out.gateways-failing'],
    ],
    ['sending', { sending: 1, counts: counts({ outbox: 2 }) }, 'sending', ['status.sending']],
    ['paused', { paused: true, hold: 'paused', counts: counts({ outbox: 2 }) }, 'paused', ['hold.paused']],
    [
      'a setting cannot be read',
      { hold: 'settings', problems: [refused, unread] },
      'attention',
      ['problem.settingsHeld', 'problem.sign-in-refused', 'hold.settings'],
    ],
    [
      'a setting cannot be read, while paused',
      { hold: 'paused', paused: true, problems: [unread] },
      'paused',
      ['hold.paused', 'problem.settingsHeld'],
    ],
    ['no network', { hold: 'no-network' }, 'waiting-network', ['hold.no-network']],
    [
      'a network without names, and mail that waits for them',
      { names: { reason: 'no-names', since: 0 }, counts: counts({ outbox: 2 }) },
      'waiting-network',
      ['names.no-names', 'status.waiting'],
    ],
    [
      'while the rest is sent through gateways',
      { names: { reason: 'one-address', since: 0 }, sending: 1, counts: counts({ outbox: 2 }) },
      'sending',
      ['names.one-address', 'status.sending'],
    ],
    [
      'no network either',
      { names: { reason: 'undecided', since: 0 }, hold: 'no-network', counts: counts({ outbox: 2 }) },
      'waiting-network',
      ['hold.no-network'],
    ],
    [
      'a network without names, and nothing waits',
      { names: { reason: 'no-names', since: 0 } },
      'idle',
      ['status.idle'],
    ],
    ['no dial-up', { hold: 'dial-up' }, 'waiting-dial-up', ['hold.dial-up']],
    ['port taken', { listener: taken }, 'attention', ['problem.listener.taken']],
    [
      'port taken, mail waits',
      { listener: taken, counts: counts({ outbox: 1 }) },
      'attention',
      ['problem.listener.taken', 'status.waiting'],
    ],
    [
      'port taken while paused',
      { listener: taken, paused: true, hold: 'paused' },
      'attention',
      ['problem.listener.taken', 'hold.paused'],
    ],
    ['a sign-in refused', { problems: [refused] }, 'attention', ['problem.sign-in-refused', 'status.idle']],
    [
      'a sign-in refused while paused',
      { problems: [refused], paused: true, hold: 'paused' },
      'paused',
      ['hold.paused', 'problem.sign-in-refused'],
    ],
    [
      'a sign-in refused, and no network now',
      { problems: [refused], hold: 'no-network' },
      'attention',
      ['problem.sign-in-refused', 'hold.no-network'],
    ],
    ['one went to Bad', { counts: counts({ bad: 1, unseenBad: 1 }) }, 'attention', ['status.bad', 'status.idle']],
  ] as const)('%s', (_what, change, state, phrases) => {
    const status = appStatus(input(change));
    expect([status.state, status.phrases.map((phrase) => phrase.id)]).toEqual([state, phrases]);
    expect(status.hold).toBe((change as Partial<StatusInput>).hold ?? null);
  });
});
