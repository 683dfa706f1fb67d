import { describe, expect, it } from 'vitest';
import { lanHostFor } from '../../../main/policy/lan-address.ts';
import { nextStep } from '../../../main/policy/next-step.ts';
import { planRoute } from '../../../main/policy/plan-route.ts';
import type { PlanStep, Route } from '../../../main/policy/model.ts';
import type { GatewayMode, GatewaySettings } from '../../../shared/settings.ts';
import { DAY, gateway, history, NOW, settingsWith, environment } from './support.ts';

function stepText(step: PlanStep): string {
  switch (step.kind) {
    case 'direct':
      return `direct ${step.domain}`;
    case 'lan':
      return `lan ${step.host}:${step.port}`;
    case 'gateways':
      return `gateways ${step.ids.join(' ')}`;
  }
}

function routeText(route: Route): string {
  if (route.kind === 'hold') return `hold ${route.reason}`;
  if (route.kind === 'no-gateway') return `no gateway (${route.because})`;
  return `${route.steps.map(stepText).join(', ')} (${route.because})`;
}

const lanHosts = [
  { domain: 'plant.test', host: '10.0.0.5', port: 2500 },
  { domain: '*.plant.test', host: 'relay.plant.test', port: 26 },
];

describe('LAN addresses', () => {
  it.each([
    ['printer', 'printer:25'],
    ['nas.local', 'nas.local:25'],
    ['NAS.Lan.', 'nas.lan:25'],
    ['x.home.arpa', 'x.home.arpa:25'],
    ['x.internal', 'x.internal:25'],
    ['plant.test', '10.0.0.5:2500'],
    ['a.plant.test', 'relay.plant.test:26'],
    ['[192.168.1.9]', '192.168.1.9:25'],
    ['[IPv6:fd00::1]', 'fd00::1:25'],
    ['[IPv6:fe80::1]', 'fe80::1:25'],
    ['[127.0.0.1]', null],
    ['[192.0.2.1]', null],
    ['[8.8.8.8]', null],
    ['[nonsense]', null],
    ['example.test', null],
    ['local.example.test', null],
    ['', null],
  ])('%s: %s', (domain, expected) => {
    const host = lanHostFor(domain, settingsWith({}, { lanHosts }).connection);
    expect(host === null ? null : `${host.host}:${host.port}`).toBe(expected);
  });
});

describe('the route', () => {
  const two = [gateway('a'), gateway('b', { priority: 'high' })];
  const off = [gateway('a', { enabled: false })];
  const rows: readonly (readonly [GatewayMode, string, readonly GatewaySettings[], boolean, string])[] = [
    ['never', 'x@other.test', two, false, 'direct other.test (mode-never)'],
    ['never', 'x@printer.lan', two, false, 'direct printer.lan, lan printer.lan:25 (mode-never)'],
    ['never', 'x@[192.0.2.1]', two, false, 'direct [192.0.2.1] (mode-never)'],
    ['never', 'x@[192.168.0.1]', two, false, 'lan 192.168.0.1:25 (mode-never)'],
    ['never', 'Postmaster', two, false, 'direct  (mode-never)'],
    ['undelivered', 'x@other.test', two, false, 'direct other.test, gateways b a (mode-undelivered)'],
    ['undelivered', 'x@other.test', two, true, 'gateways b a (undelivered-pass)'],
    ['undelivered', 'x@other.test', off, false, 'direct other.test (mode-undelivered)'],
    ['undelivered', 'x@other.test', off, true, 'no gateway (undelivered-pass)'],
    ['onError', 'x@other.test', two, false, 'direct other.test, gateways b a (mode-on-error)'],
    ['onError', 'x@other.test', two, true, 'direct other.test, gateways b a (mode-on-error)'],
    ['onError', 'x@nas.local', two, false, 'direct nas.local, lan nas.local:25, gateways b a (mode-on-error)'],
    ['domains', 'x@listed.test', two, false, 'gateways b a (domain-listed)'],
    ['domains', 'x@LISTED.test.', two, false, 'gateways b a (domain-listed)'],
    ['domains', 'x@sub.listed.test', two, false, 'direct sub.listed.test (domain-unlisted)'],
    ['domains', 'x@sub.wild.test', two, false, 'gateways b a (domain-listed)'],
    ['domains', 'x@nas.local', two, false, 'direct nas.local, lan nas.local:25 (domain-unlisted)'],
    ['domains', 'x@listed.test', off, false, 'no gateway (domain-listed)'],
    ['always', 'x@other.test', two, false, 'gateways b a (mode-always)'],
    ['always', 'x@nas.local', two, false, 'gateways b a (mode-always)'],
    ['always', 'x@[192.0.2.1]', two, false, 'gateways b a (mode-always)'],
    ['always', 'x@other.test', off, false, 'no gateway (mode-always)'],
    ['always', 'x@other.test', [], false, 'no gateway (mode-always)'],
  ];
  it.each(rows)('%s, %s', (mode, rcptTo, list, undeliverable, expected) => {
    const settings = settingsWith({ mode, list: [...list], domains: ['listed.test', '*.wild.test'] });
    expect(routeText(planRoute(history({ rcptTo, undeliverable }), 'me@here.test', environment({ settings })))).toBe(
      expected,
    );
  });

  it('holds before anything else', () => {
    expect(routeText(planRoute(history({ forcedGateway: 'a' }), null, environment({ hold: 'dial-up' })))).toBe(
      'hold dial-up',
    );
  });

  it.each([
    ['a', true, 'gateways a (user-chose-gateway)'],
    ['a', false, 'direct example.test (mode-never)'],
    ['gone', true, 'direct example.test (mode-never)'],
  ])('the gateway that the user chose: %s, enabled %s', (forcedGateway, enabled, expected) => {
    const settings = settingsWith({ mode: 'never', list: [gateway('a', { enabled, networks: ['elsewhere'] })] });
    expect(routeText(planRoute(history({ forcedGateway }), null, environment({ settings })))).toBe(expected);
  });

  it('a gateway limited to a network fits under the name that the user gave to it', () => {
    const settings = settingsWith({ mode: 'always', list: [gateway('a', { networks: ['Cabin'] })] });
    const named = { ...settings, security: { ...settings.security, networkNames: { net1: 'cabin' } } };
    expect(planRoute(history(), null, environment({ settings })).kind).toBe('no-gateway');
    expect(planRoute(history(), null, environment({ settings: named })).kind).toBe('steps');
  });
});

describe('without a usable gateway', () => {
  const none = [gateway('a', { enabled: false })];
  const elsewhere = [gateway('a', { networks: ['Office'] })];
  it.each([
    ['always', none, false, 0, { kind: 'retry', counted: true }],
    ['always', none, true, 0, { kind: 'fail', folder: 'bad', expired: true }],
    ['always', elsewhere, true, 0, { kind: 'retry', counted: false }],
    ['undelivered', none, false, 0, { kind: 'retry', gatewayPasses: 1, undeliverable: true }],
    ['undelivered', none, false, 2, { kind: 'fail', folder: 'bounced' }],
    ['undelivered', elsewhere, true, 2, { kind: 'retry', gatewayPasses: 2, undeliverable: true, counted: false }],
  ] as const)('%s (%#), limit reached %s', (mode, list, limit, gatewayPasses, expected) => {
    const present = environment({ settings: settingsWith({ mode, list: [...list] }) });
    const recipient = history({
      undeliverable: mode === 'undelivered',
      gatewayPasses,
      countedFrom: limit ? NOW - 5 * DAY : NOW,
    });
    const route = planRoute(recipient, null, present);
    const verdict = { kind: 'deferred', scope: 'local', status: '4.4.0', why: 'no-gateway' } as const;
    const outcome = { step: null, stepIndex: 0, verdict, errorKind: null, nothingReached: true };
    expect(nextStep(recipient, route, outcome, present, 0.5)).toMatchObject(expected);
  });
});

describe('what does not count', () => {
  const timeout = { kind: 'deferred', scope: 'host', status: '4.4.1', why: 'timeout' } as const;
  const refused = { kind: 'rejected', scope: 'recipient', status: '5.1.1' } as const;
  const old = history({ countedFrom: NOW - 10 * DAY, attempts: 9 });
  const step: PlanStep = { kind: 'direct', domain: 'example.test' };
  const outcome = { step, stepIndex: 0, verdict: timeout, errorKind: 'smtp', nothingReached: true } as const;

  it.each([
    [null, { kind: 'fail', folder: 'bounced' }],
    ['no-network', { kind: 'retry', counted: false }],
    ['captive-portal', { kind: 'retry', counted: false }],
    ['paused', { kind: 'fail', folder: 'bounced' }],
  ] as const)('a time-out past the limit while the queue holds for %s', (hold, expected) => {
    const route = planRoute(old, null, environment());
    expect(nextStep(old, route, outcome, environment({ hold }), 0.5)).toMatchObject(expected);
  });

  it('a refusal counts even if the network is gone by now', () => {
    const route = planRoute(old, null, environment());
    expect(
      nextStep(old, route, { ...outcome, verdict: refused }, environment({ hold: 'no-network' }), 0.5),
    ).toMatchObject({
      kind: 'fail',
    });
  });
});

describe('the gateway that the user chose', () => {
  const step: PlanStep = { kind: 'gateways', ids: ['a'] };
  const refused = { kind: 'rejected', scope: 'recipient', status: '5.1.1' } as const;
  const later = { kind: 'deferred', scope: 'recipient', status: '4.2.0', why: 'reply' } as const;
  it.each([
    ['never', refused, { kind: 'fail', folder: 'bounced', expired: false }],
    ['always', refused, { kind: 'fail', folder: 'bad', expired: false }],
    ['always', later, { kind: 'retry', counted: true }],
  ] as const)('mode %s', (mode, verdict, expected) => {
    const present = environment({ settings: settingsWith({ mode, list: [gateway('a')] }) });
    const recipient = history({ forcedGateway: 'a', countedFrom: NOW - 9 * DAY });
    const outcome = { step, stepIndex: 0, verdict, errorKind: null, nothingReached: false };
    expect(nextStep(recipient, planRoute(recipient, null, present), outcome, present, 0.5)).toMatchObject(expected);
  });
});
