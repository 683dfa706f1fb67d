import { describe, expect, test } from 'vitest';
import {
  LIMITS,
  compilePolicy,
  decideAuth,
  decideConnection,
  decideMail,
  decideMessage,
  decideRcpt,
  isBlocked,
  offersAuth,
  placeClient,
  type ClientFacts,
} from '../../../main/listener/accept-policy.ts';
import { settingsWith, type ServerChanges } from './harness.ts';

const policy = (server: ServerChanges = {}) => compilePolicy(settingsWith(server).server);
const USERS = { users: [{ name: 'ann', hash: 'x' }] };

describe('who may connect', () => {
  test.each([
    // address, allow, deny -> denied, loopback, allowed
    ['127.0.0.1', [], [], false, true, false],
    ['127.5.5.5', [], [], false, true, false],
    ['::1', [], [], false, true, false],
    ['192.0.2.7', [], [], false, false, false],
    ['192.0.2.7', ['192.0.2.0/24'], [], false, false, true],
    ['192.0.3.7', ['192.0.2.0/24'], [], false, false, false],
    ['192.0.2.7', ['192.0.2.7'], [], false, false, true],
    ['192.0.2.7', ['192.0.2.0/24'], ['192.0.2.7'], true, false, true],
    ['192.0.2.8', ['192.0.2.0/24'], ['192.0.2.7'], false, false, true],
    ['2001:db8::7', ['2001:db8::/32'], [], false, false, true],
    ['2001:db8::7', ['192.0.2.0/24'], ['::/0'], true, false, false],
    ['::ffff:192.0.2.7', ['192.0.2.0/24'], [], false, false, true],
    ['192.0.2.7', [], ['::ffff:192.0.2.0/120'], true, false, false],
    ['::ffff:192.0.2.7', ['::ffff:192.0.2.0/120'], [], false, false, true],
    ['192.0.3.7', ['::ffff:192.0.2.0/120'], [], false, false, false],
    ['fe80::1%eth0', ['fe80::/10'], [], false, false, true],
    ['127.0.0.1', [], ['127.0.0.1'], true, true, false],
    ['nonsense', ['0.0.0.0/0'], [], true, false, false],
    ['10.0.0.1', ['0.0.0.0/0'], [], false, false, true],
  ] as const)('%s with allow %j, deny %j', (address, allow, deny, denied, loopback, allowed) => {
    expect(placeClient(policy({ allow: [...allow], deny: [...deny] }), address)).toEqual({ denied, loopback, allowed });
  });

  test.each([
    [{ denied: true, loopback: true, total: 1, fromAddress: 1 }, 'denied'],
    [{ denied: false, loopback: true, total: LIMITS.connections, fromAddress: LIMITS.connections }, null],
    [{ denied: false, loopback: true, total: LIMITS.connections + 1, fromAddress: 1 }, 'tooManyConnections'],
    [{ denied: false, loopback: false, total: 60, fromAddress: LIMITS.connectionsPerAddress }, null],
    [
      { denied: false, loopback: false, total: 60, fromAddress: LIMITS.connectionsPerAddress + 1 },
      'tooManyConnections',
    ],
  ] as const)('%j: %s', (facts, expected) => expect(decideConnection(facts)).toBe(expected));
});

const client = (facts: Partial<ClientFacts>): ClientFacts => ({
  loopback: false,
  allowed: false,
  secure: false,
  signedIn: false,
  ...facts,
});
const LOCAL = client({ loopback: true });
const LISTED = client({ allowed: true });
const STRANGER = client({});
const USER = client({ secure: true, signedIn: true });

describe('never an open relay', () => {
  test.each([
    // settings, who, at MAIL, at RCPT
    ['plain', {}, LOCAL, null, null],
    ['plain', {}, LISTED, null, null],
    ['plain', {}, STRANGER, null, 'relayDenied'],
    ['users', USERS, LOCAL, null, null],
    ['users', USERS, LISTED, null, null],
    ['users', USERS, STRANGER, 'authRequired', 'relayDenied'],
    ['users', USERS, USER, null, null],
    ['sign-in required', { ...USERS, requireAuth: true }, LOCAL, 'authRequired', 'relayDenied'],
    ['sign-in required', { ...USERS, requireAuth: true }, LISTED, 'authRequired', 'relayDenied'],
    ['sign-in required', { ...USERS, requireAuth: true }, STRANGER, 'authRequired', 'relayDenied'],
    ['sign-in required', { ...USERS, requireAuth: true }, USER, null, null],
    ['sign-in required, no users', { requireAuth: true }, LOCAL, 'authRequired', 'relayDenied'],
  ] as const)('%s %j %j: MAIL %s, RCPT %s', (_name, server, who, mail, rcpt) => {
    const p = policy(server);
    expect(decideMail(p, who, null, null)).toBe(mail);
    expect(decideRcpt(p, who, 'b@example.test', 0)).toBe(rcpt);
  });
});

test.each([
  [{}, LOCAL, 'PLAIN', false, 'authNotOffered'],
  [USERS, LOCAL, 'PLAIN', false, 'authNeedsTls'],
  [USERS, client({ loopback: true, secure: true }), 'PLAIN', false, null],
  [USERS, client({ secure: true }), 'LOGIN', false, null],
  [USERS, client({ secure: true }), 'CRAM-MD5', false, 'authMechanism'],
  [USERS, client({ secure: true }), 'PLAIN', true, 'nestedMail'],
  [USERS, USER, 'PLAIN', false, 'authAlready'],
  [{ ...USERS, tls: { allowInsecureAuth: true } }, LOCAL, 'PLAIN', false, null],
  [{ ...USERS, tls: { allowInsecureAuth: true } }, LISTED, 'PLAIN', false, 'authNeedsTls'],
  [{ ...USERS, tls: { allowInsecureAuth: true } }, STRANGER, 'PLAIN', false, 'authNeedsTls'],
] as const)('AUTH with %j by %j, %s, in transaction %s: %s', (server, who, mechanism, open, expected) => {
  const p = policy(server);
  expect(decideAuth(p, who, mechanism, open)).toBe(expected);
  if (expected === null) expect(offersAuth(p, who)).toBe(true);
});

test.each([
  [null, null, null],
  [null, LIMITS.reserveBytes, null],
  [null, LIMITS.reserveBytes - 1, 'diskNearlyFull'],
  [1000, LIMITS.reserveBytes + 1000, null],
  [1001, LIMITS.reserveBytes + 1000, 'diskNearlyFull'],
] as const)('SIZE=%s with %s octets free: %s', (size, free, expected) =>
  expect(decideMail(policy(), LOCAL, size, free)).toBe(expected),
);

test.each([
  [999, null],
  [1000, 'tooManyRecipients'],
] as const)('with %i recipients: %s', (count, expected) =>
  expect(decideRcpt(policy(), LOCAL, 'b@example.test', count)).toBe(expected),
);

test('block list knows both spellings of a domain', () => {
  const p = policy({ blockedRecipients: ['bücher.test', 'a@xn--bcher-kva.example', '*.müll.test'] });
  expect(isBlocked(p, 'x@xn--bcher-kva.test')).toBe(true);
  expect(isBlocked(p, 'x@BÜCHER.test')).toBe(true);
  expect(isBlocked(p, 'A@bücher.example')).toBe(true);
  expect(isBlocked(p, 'b@bücher.example')).toBe(false);
  expect(isBlocked(p, 'b@a.xn--mll-hoa.test')).toBe(true);
});

const FINE = { bareNewline: false, oversize: false, lineTooLong: false, headerTooBig: false, hops: 3 };
test.each([
  [{}, null],
  [{ hops: 99 }, null],
  [{ hops: 100 }, 'loop'],
  [{ bareNewline: true, hops: 100 }, 'bareNewline'],
  [{ oversize: true, bareNewline: true }, 'declaredTooBig'],
  [{ headerTooBig: true }, 'headerTooBig'],
  [{ lineTooLong: true }, 'textLineTooLong'],
] as const)('a message with %j: %s', (facts, expected) => expect(decideMessage({ ...FINE, ...facts })).toBe(expected));
