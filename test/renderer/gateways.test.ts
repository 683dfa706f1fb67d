import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLocale } from '../../renderer/i18n/locale.tsx';
import { canMove, moveTo, newId, byPriority, moveBy, withPriority } from '../../renderer/settings/gateways/order.ts';
import { pathsOf } from '../../renderer/settings/gateways/path-steps.ts';
import { gatewayErrors } from '../../renderer/settings/gateways/gateway-errors.ts';
import {
  defaultSettings,
  gatewaySchema,
  MODES,
  PRIORITIES,
  type GatewayMode,
  type Priority,
} from '../../shared/settings.ts';

const gateway = (id: string, priority: Priority = 'normal') =>
  gatewaySchema.parse({ id, name: id, host: `${id}.test`, priority });
const ids = (list: readonly { readonly id: string }[]) => list.map((one) => one.id).join('');
const list = [gateway('a', 'low'), gateway('b'), gateway('c', 'highest'), gateway('d')];

describe('order of gateways', () => {
  test('priority first, then the user’s own order', () => expect(ids(byPriority(list))).toBe('cbda'));
  test('a new priority puts it behind its new neighbours', () =>
    expect(ids(withPriority(list, 'a', 'normal'))).toBe('cbda'));
  test('the same priority changes nothing, not even the list', () => expect(withPriority(list, 'a', 'low')).toBe(list));
  test('moving stays within the priority', () => {
    expect(ids(moveBy(list, 'd', -1))).toBe('cdba');
    expect(moveBy(list, 'b', -1)).toBe(list);
    expect(canMove(list, 'd', 1)).toBe(false);
  });
  test('dropped on a gateway of another priority, it takes that priority', () => {
    const after = moveTo(list, 'a', 'b');
    expect(ids(after)).toBe('cabd');
    expect(after.find((one) => one.id === 'a')?.priority).toBe('normal');
  });
  test('no gesture loses or doubles a gateway, and the list is in order afterwards', () => {
    const some = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom(...PRIORITIES)), {
      selector: ([id]) => id,
      minLength: 1,
    });
    fc.assert(
      fc.property(some, fc.nat(4), fc.nat(4), fc.constantFrom(...PRIORITIES), (pairs, i, j, priority) => {
        const start = byPriority(pairs.map(([id, p]) => gateway(id, p)));
        const one = start[i % start.length]!.id;
        const other = start[j % start.length]!.id;
        for (const after of [
          withPriority(start, one, priority),
          moveBy(start, one, 1),
          moveBy(start, one, -1),
          moveTo(start, one, other),
        ]) {
          expect([...after].map((g) => g.id).sort()).toEqual(start.map((g) => g.id).sort());
          expect(byPriority(after)).toEqual(after);
        }
      }),
    );
  });
  test('an id that is taken is not given again', () => {
    const made = ['a', 'b', 'z'];
    expect(newId(list, () => made.shift()!)).toBe('z');
  });
});

describe('the path that is drawn', () => {
  const way = (mode: GatewayMode, onErrors = { lan: true, dns: false, smtp: true }) => {
    const { gateways } = defaultSettings();
    return pathsOf({ gateways: { ...gateways, mode, onErrors } }).map(
      (path) => `${path.who}: ${path.steps.map((step) => step.kind).join(' ')}`,
    );
  };
  test.each([
    ['never', ['everyone: direct lan bounced']],
    ['undelivered', ['everyone: direct lan gateways bounced']],
    ['onError', ['everyone: direct lan gateways bounced']],
    ['domains', ['listed: gateways bad', 'others: direct lan bounced']],
    ['always', ['everyone: gateways bad']],
  ] as const)('%s', (mode, paths) => expect(way(mode)).toEqual(paths));
  test('onError with nothing ticked is the direct way', () =>
    expect(way('onError', { lan: false, dns: false, smtp: false })).toEqual(way('never')));
  test('every mode has a path', () => expect(MODES.every((mode) => way(mode).length > 0)).toBe(true));
});

describe('the gateway form', () => {
  const { t } = createLocale('en');
  const good = gateway('a');
  test.each([
    [{ name: ' ' }, { name: 'Give the gateway a name' }],
    [{ host: '' }, { host: 'Needed' }],
    [{ host: 'two words' }, { host: 'Not a host name or IP address' }],
    [{ port: 0 }, { port: 'At least 1' }],
    [{ port: 70_000 }, { port: 'At most 65535' }],
    [{ port: Number.NaN }, { port: 'Enter a number' }],
    [{ auth: 'password', username: '' }, { username: 'Sign-in needs a user name' }],
    [{ senders: ['a@b.test', 'not good'] }, { senders: 'Not an address or domain' }],
    [{}, {}],
  ])('%j', (change, errors) => expect(gatewayErrors({ ...good, ...change }, t)).toEqual(errors));
});
