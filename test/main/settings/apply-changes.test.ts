import { describe, expect, it } from 'vitest';
import { applyChanges, valueAt, type SettingsChange } from '../../../main/settings/apply-changes.ts';
import { defaultSettings, settingsSchema, type Settings } from '../../../shared/settings.ts';

const gateway = { id: 'office', name: 'Office', host: 'mail.example.test' };
function settings(change: Record<string, unknown> = {}): Settings {
  return settingsSchema.parse({ gateways: { list: [gateway, { ...gateway, id: 'home', name: 'Home' }] }, ...change });
}

describe('changes by dotted path', () => {
  it.each<[string, SettingsChange[], string, unknown]>([
    ['a value', [{ path: 'server.port', value: 587 }], 'server.port', 587],
    [
      'a deep value',
      [{ path: 'administration.undeliverableAfter.value', value: 9 }],
      'administration.undeliverableAfter.value',
      9,
    ],
    [
      'a whole group keeps defaults for the rest',
      [{ path: 'dialUp', value: { dial: true } }],
      'dialUp.dialEveryMinutes',
      15,
    ],
    ['a list', [{ path: 'gateways.domains', value: ['a.test', '*.b.test'] }], 'gateways.domains.1', '*.b.test'],
    ['an item by position', [{ path: 'gateways.list.1.port', value: 25 }], 'gateways.list.1.port', 25],
    ['an item by id', [{ path: 'gateways.list.home.port', value: 25 }], 'gateways.list.1.port', 25],
    [
      'a new item at the end',
      [{ path: 'gateways.list.2', value: { ...gateway, id: 'new' } }],
      'gateways.list.2.port',
      587,
    ],
    ['an item removed', [{ path: 'gateways.list.office' }], 'gateways.list.0.id', 'home'],
    ['a removed value is the default again', [{ path: 'server.port' }], 'server.port', 2525],
    [
      'a name for a network',
      [{ path: 'security.networkNames.abc123', value: 'Office' }],
      'security.networkNames.abc123',
      'Office',
    ],
    [
      'one that only the next makes valid',
      [
        { path: 'gateways.list.office.auth', value: 'password' },
        { path: 'gateways.list.office.username', value: 'ann' },
      ],
      'gateways.list.0.username',
      'ann',
    ],
  ])('sets %s', (_name, changes, path, value) => {
    const before = settings();
    const copy = structuredClone(before);
    const changed = applyChanges(before, changes);
    expect(changed).toMatchObject({ ok: true });
    if (changed.ok) expect(valueAt(changed.next, path)).toEqual(value);
    expect(before).toEqual(copy);
  });

  it.each<[string, SettingsChange[], string]>([
    ['a wrong type', [{ path: 'server.port', value: 'x' }], 'server.port'],
    ['out of range', [{ path: 'server.port', value: 70000 }], 'server.port'],
    ['an unknown group', [{ path: 'servr.port', value: 1 }], 'servr.port'],
    ['an unknown name', [{ path: 'server.prot', value: 1 }], 'server.prot'],
    ['an item that is not there', [{ path: 'gateways.list.9.port', value: 1 }], 'gateways.list.9.port'],
    ['an id that is not there', [{ path: 'gateways.list.nobody.port', value: 1 }], 'gateways.list.nobody.port'],
    ['sign-in without a name', [{ path: 'gateways.list.office.auth', value: 'password' }], 'gateways.list.0.username'],
    ['two of one id', [{ path: 'gateways.list.2', value: { ...gateway } }], 'gateways.list'],
    ['__proto__', [{ path: '__proto__.polluted', value: 1 }], '__proto__.polluted'],
    [
      'constructor',
      [{ path: 'server.constructor.prototype.polluted', value: 1 }],
      'server.constructor.prototype.polluted',
    ],
    ['into a value', [{ path: 'server.port.x', value: 1 }], 'server.port.x'],
    ['an empty segment', [{ path: 'server..port', value: 1 }], 'server..port'],
    [
      'one of two, and then none is made',
      [
        { path: 'server.port', value: 26 },
        { path: 'gateways.mode', value: 'sometimes' },
      ],
      'gateways.mode',
    ],
  ])('refuses %s and names the place', (_name, changes, path) => {
    const changed = applyChanges(settings(), changes);
    expect(changed).toMatchObject({ ok: false, problems: [{ path }] });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('keeps keys that it does not know', () => {
    const changed = applyChanges(settings({ later: { version: 7 }, server: { newThing: 1 } }), [
      { path: 'server.port', value: 26 },
    ]);
    expect(changed).toMatchObject({ ok: true, next: { later: { version: 7 }, server: { newThing: 1, port: 26 } } });
  });

  it('keeps the hash of a user whose list came back without it', () => {
    const before = settings({ server: { users: [{ name: 'ann', hash: 'scrypt$1' }] } });
    const changed = applyChanges(before, [
      {
        path: 'server.users',
        value: [
          { name: 'ann', hash: '' },
          { name: 'new', hash: '' },
        ],
      },
    ]);
    expect(changed.ok && changed.next.server.users).toEqual([
      { name: 'ann', hash: 'scrypt$1' },
      { name: 'new', hash: '' },
    ]);
  });

  it('starts from the defaults as well', () => {
    expect(applyChanges(defaultSettings(), [{ path: 'general.keepSent', value: -1 }])).toMatchObject({ ok: true });
  });
});
