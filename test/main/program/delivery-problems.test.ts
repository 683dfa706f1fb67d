import { describe, expect, it } from 'vitest';
import { createDeliveryProblems } from '../../../main/program/delivery-problems.ts';
import { createProblems } from '../../../main/program/problems.ts';
import { parseSettings, type Settings } from '../../../shared/settings.ts';
import type { GatewayState, NamesTrouble } from '../../../shared/status.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

type SignIn = 'no' | 'never-signed-in' | 'ended';

function setUp(): {
  readonly notices: ReturnType<typeof createDeliveryProblems>;
  readonly problems: ReturnType<typeof createProblems>;
  states: GatewayState[];
  signIn: SignIn;
  blocked: boolean;
  names: NamesTrouble | null;
  mode: Settings['gateways']['mode'];
} {
  const problems = createProblems(new VirtualClock(), { problem: () => undefined });
  const world = {
    problems,
    states: [] as GatewayState[],
    signIn: 'no' as SignIn,
    blocked: false,
    names: null as NamesTrouble | null,
    mode: 'always' as const,
  };
  const lab: ReturnType<typeof setUp> = Object.assign(world, {
    notices: createDeliveryProblems({
      problems,
      delivery: { gatewayStates: () => lab.states },
      oauth: { needsSignIn: () => lab.signIn },
      memory: { directBlocked: () => lab.blocked },
      names: { trouble: () => lab.names },
      settings: () => {
        const parsed = parseSettings({
          gateways: { mode: lab.mode, list: [{ id: 'office', name: 'Office', host: 'mail.office.test' }] },
        });
        if (!parsed.ok) throw new Error('settings');
        return parsed.settings;
      },
    }),
  });
  return lab;
}

const gateway = (state: GatewayState['state'], words = 'gateway.state.x'): GatewayState =>
  ({ id: 'office', state, phrase: { id: words } }) as GatewayState;

describe('a gateway that wants the user', () => {
  it.each<[string, GatewayState, SignIn, string | null]>([
    ['works', gateway('unknown'), 'no', null],
    ['refuses the password', gateway('sign-in-refused'), 'no', 'problem.sign-in-refused'],
    ['was never signed in to', gateway('sign-in-refused'), 'never-signed-in', 'problem.oauth-sign-in'],
    ['ended the sign-in', gateway('sign-in-refused'), 'ended', 'problem.oauth-revoked'],
    ['has a wrong certificate', gateway('tls-failed'), 'no', 'problem.tls-failed'],
    ['is impersonated', gateway('tls-failed', 'gateway.state.intercepted'), 'no', 'problem.intercepted'],
  ])('%s', (_name, state, signIn, problem) => {
    const lab = setUp();
    lab.states = [state];
    lab.signIn = signIn;
    lab.notices.gateways();
    expect(lab.problems.list().map((each) => each.phrase.id)).toEqual(problem === null ? [] : [problem]);
  });

  it('is said once: dismissed it stays away until something changes', () => {
    const lab = setUp();
    lab.states = [gateway('sign-in-refused')];
    lab.notices.gateways();
    lab.problems.clear('gateway:office');
    lab.notices.gateways();
    expect(lab.problems.list()).toEqual([]);
    lab.states = [gateway('unknown')];
    lab.notices.gateways();
    lab.states = [gateway('sign-in-refused')];
    lab.notices.gateways();
    expect(lab.problems.list()).toMatchObject([{ id: 'gateway:office', phrase: { params: { gateway: 'Office' } } }]);
    lab.states = [];
    lab.notices.gateways();
    expect(lab.problems.list()).toEqual([]);
  });
});

it('a network without names is told once, and again if it is for another reason', () => {
  const lab = setUp();
  const told = (): readonly string[] => lab.problems.list().map((each) => each.phrase.id);
  lab.names = { reason: 'no-names', since: 0 };
  lab.notices.direct();
  expect(told()).toEqual(['names.no-names']);
  lab.problems.clear('names');
  lab.notices.direct();
  expect(told()).toEqual([]);
  lab.names = { reason: 'one-address', since: 0 };
  lab.notices.direct();
  expect(told()).toEqual(['names.one-address']);
  lab.names = null;
  lab.notices.direct();
  expect(told()).toEqual([]);
});

it('blocked direct delivery is told only where mail would go directly', () => {
  const lab = setUp();
  lab.blocked = true;
  lab.notices.direct();
  expect(lab.problems.list()).toEqual([]);
  lab.mode = 'never';
  lab.notices.direct();
  expect(lab.problems.list()).toMatchObject([{ id: 'direct-blocked' }]);
  lab.blocked = false;
  lab.notices.direct();
  expect(lab.problems.list()).toEqual([]);
});
