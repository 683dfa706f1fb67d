import { describe, expect, it } from 'vitest';
import { valueAt } from '../../../main/settings/apply-changes.ts';
import { readSettings, settingsHold } from '../../../main/settings/read-settings.ts';
import { placed } from './support.ts';
import { defaultSettings } from '../../../shared/settings.ts';

const good = {
  server: { port: 2600 },
  gateways: { list: [{ id: 'a', name: 'A', host: 'a.test' }] },
  unknown: { kept: true },
};

describe('what is read from settings.json', () => {
  it('is the defaults where there is no file', () => {
    expect(readSettings(null)).toEqual({ kind: 'none', settings: defaultSettings() });
  });

  it.each([
    ['nothing but an object', '{}'],
    ['a byte order mark', '\ufeff{}'],
    ['values', JSON.stringify(good)],
  ])('is good with %s', (_name, text) => {
    expect(readSettings(text).kind).toBe('good');
  });

  it.each([
    ['empty', ''],
    ['blank', ' \n'],
    ['cut', JSON.stringify(good).slice(0, 40)],
    ['HTML', '<!doctype html><html><body>Log in</body></html>'],
    ['a list', '[]'],
    ['a number', '7'],
    ['null', 'null'],
    ['NULs', '\0'.repeat(512)],
    ['of a version to come', '{"version": 2}'],
  ])('is broken when %s: defaults, and a message', (_name, text) => {
    const read = readSettings(text);
    expect(read).toMatchObject({ kind: 'broken', settings: defaultSettings() });
    expect(read.kind === 'broken' && read.message.length).toBeGreaterThan(10);
  });

  it.each<[string, unknown, Record<string, unknown>, string]>([
    [
      'a wrong type',
      { ...good, connection: { maxOutgoing: 'many' } },
      { connection: { maxOutgoing: 20 } },
      'connection.maxOutgoing',
    ],
    ['a group of the wrong type', { ...good, dialUp: 'yes' }, { dialUp: { sendOnConnect: true } }, 'dialUp'],
    [
      'an unknown mode',
      { ...good, gateways: { ...good.gateways, mode: 'x' } },
      { gateways: { mode: 'always' } },
      'gateways.mode',
    ],
    [
      'a wrong entry of a list',
      { ...good, gateways: { ...good.gateways, domains: ['a.test', 7, 'b.test'] } },
      { gateways: { domains: ['a.test', 'b.test', '*'] } },
      'gateways.domains.1',
    ],
  ])('is mended at %s; all else survives', (_name, value, expected, path) => {
    const read = readSettings(JSON.stringify(value));
    expect(read).toMatchObject({
      kind: 'mended',
      settings: { ...expected, server: { port: 2600 }, unknown: { kept: true } },
      problems: [{ path }],
    });
    expect(read.settings.gateways.list.map((g) => g.id)).toEqual(['a']);
  });

  it('keeps a gateway with a value that cannot be read, but does not use it', () => {
    const list = [{ id: 'a', name: 'A', host: 'a.test', senders: ['not an address!'], port: 465 }];
    expect(readSettings(JSON.stringify({ gateways: { list } }))).toMatchObject({
      kind: 'mended',
      settings: { gateways: { list: [{ id: 'a', port: 465, enabled: false, senders: [] }] } },
    });
  });

  it('leaves out a gateway without a host and keeps the others', () => {
    const list = [
      { id: 'a', name: 'A', host: 'a.test' },
      { id: 'b', name: 'B' },
      { id: 'c', name: 'C', host: 'c.test' },
    ];
    const read = readSettings(JSON.stringify({ gateways: { list } }));
    expect(read.settings.gateways.list.map((g) => [g.id, g.enabled])).toEqual([
      ['a', true],
      ['c', true],
    ]);
  });

  it('leaves out the second of two gateways with one id', () => {
    const list = [
      { id: 'a', name: 'A', host: 'a.test' },
      { id: 'a', name: 'B', host: 'b.test' },
    ];
    expect(readSettings(JSON.stringify({ gateways: { list } })).settings.gateways.list.map((g) => g.name)).toEqual([
      'A',
    ]);
  });

  it.each(['requireAuth', 'deny', 'allow', 'users', 'tls'])(
    'stays on this computer when server.%s cannot be read',
    (name) => {
      const read = readSettings(JSON.stringify({ server: { host: ['0.0.0.0'], [name]: 7 } }));
      expect(read).toMatchObject({ kind: 'mended', settings: { server: { host: ['127.0.0.1', '::1'] } } });
    },
  );

  it.each<[written: unknown, at: string, read: unknown]>([
    ['127.0.0.1', 'server.host', ['127.0.0.1']],
    ['2600', 'server.port', 2600],
    [' 2600 ', 'server.port', 2600],
    ['Always', 'gateways.mode', 'always'],
    ['ON_ERROR', 'gateways.mode', 'onError'],
    ['true', 'dialUp.requireConnection', true],
    ['False', 'gateways.onErrors.lan', false],
    ['0.5', 'connection.retryMinutes', [0.5]],
    [['1', 2], 'connection.retryMinutes', [1, 2]],
    ['example.com', 'gateways.domains', ['example.com']],
    [[{ domain: 'corp', host: '10.0.0.1', port: '2525' }], 'connection.lanHosts.0.port', 2525],
    [[{ id: 'a', name: 'A', host: 'a.test', port: '465', priority: 'HIGHEST' }], 'gateways.list.0.priority', 'highest'],
    [[{ id: 'a', name: 'A', host: 'a.test', security: 'StartTLS' }], 'gateways.list.0.security', 'starttls'],
    [[{ id: 'a', name: 'A', host: 'a.test', priority: 'below normal' }], 'gateways.list.0.priority', 'belowNormal'],
    [[{ id: 'a', name: 'A', host: 'a.test', networks: 'Office' }], 'gateways.list.0.networks', ['Office']],
  ])('understands %j at %s', (written, at, expected) => {
    const setting = at.split('.0')[0] ?? '';
    const read = readSettings(`\ufeff${JSON.stringify(placed(setting, written))}`);
    expect(read.kind).toBe('good');
    expect(valueAt(read.settings, at)).toEqual(expected);
  });

  it.each<[written: unknown, at: string, stands: unknown]>([
    ['allways', 'gateways.mode', 'always'],
    ['', 'gateways.mode', 'always'],
    [null, 'gateways.mode', 'always'],
    ['yes', 'dialUp.requireConnection', true],
    [1, 'dialUp.requireConnection', true],
    ['no', 'server.requireAuth', true],
    ['socks5://user:secret@proxy.test:1080', 'connection.proxy', 'blocked'],
    ['socks5://proxy.test:99999', 'connection.proxy', 'blocked'],
    ['proxy.test:1080', 'connection.proxy', 'blocked'],
    [['spam.test', 'not an address!'], 'server.blockedRecipients', ['spam.test', '*']],
    [['999.1.1.1', '127.0.0.1'], 'server.host', ['127.0.0.1']],
    [['999.1.1.1'], 'server.host', ['127.0.0.1', '::1']],
    ['1.1.1', 'connection.dnsServers', []],
    ['sometimes', 'gateways.onErrors.lan', false],
  ])('%j at %s cannot be read: the narrowest stands there, and the queue holds', (written, at, stands) => {
    const read = readSettings(JSON.stringify(placed(at, written)));
    expect(valueAt(read.settings, at)).toEqual(stands);
    const problems = read.kind === 'mended' ? read.problems : [];
    expect(problems.map(({ path, holds }) => [path.startsWith(at), holds])).toEqual([[true, true]]);
    expect(settingsHold({ problems })).toBe(true);
    expect(JSON.stringify(problems)).not.toContain('secret');
  });

  it.each<[written: unknown, at: string, stands: unknown]>([
    ['pink', 'general.theme', 'system'],
    ['for ever', 'general.keepSent', -1],
    ['soon', 'connection.retryMinutes', [1, 2, 5, 10, 20, 40, 60]],
    ['many', 'connection.maxOutgoing', 20],
    [2.5, 'server.port', 2525],
    ['maybe', 'security.captivePortalProbe', false],
  ])('%j at %s cannot be read, and the queue goes on', (written, at, stands) => {
    const read = readSettings(JSON.stringify(placed(at, written)));
    expect(valueAt(read.settings, at)).toEqual(stands);
    const problems = read.kind === 'mended' ? read.problems : [];
    expect(problems.map(({ path, holds }) => [path.startsWith(at), holds])).toEqual([[true, false]]);
    expect(settingsHold({ problems })).toBe(false);
  });

  it('says what is written and what stands instead, but nothing that could be a password', () => {
    const read = readSettings(
      JSON.stringify({
        gateways: { mode: 'allways', list: [{ id: 'a', name: 'A', host: 'a.test', port: 'x', username: ['hush'] }] },
        connection: { proxy: 'http://ann:hush@proxy.test:3128' },
        server: { users: [{ name: 'ann', hash: ['hush'] }] },
      }),
    );
    const problems = read.kind === 'mended' ? read.problems : [];
    expect(problems).toContainEqual({
      path: 'gateways.mode',
      message: expect.any(String) as string,
      holds: true,
      written: 'allways',
      instead: 'always',
    });
    expect(problems.map(({ path }) => path).sort()).toEqual([
      'connection.proxy',
      'gateways.list.0.port',
      'gateways.list.0.username',
      'gateways.mode',
      'server.users.0',
    ]);
    expect(JSON.stringify(problems)).not.toContain('hush');
  });

  it('keeps a gateway whose name or place in the order cannot be read, and uses it', () => {
    const list = [{ id: 'a', name: 7, host: 'a.test', priority: 'first' }];
    const read = readSettings(JSON.stringify({ gateways: { list } }));
    expect(read.settings.gateways.list).toMatchObject([{ name: 'a.test', priority: 'normal', enabled: true }]);
    expect(settingsHold(read.kind === 'mended' ? read : {})).toBe(false);
  });

  it('stays open to the LAN when another value of the server cannot be read', () => {
    const read = readSettings(JSON.stringify({ server: { host: ['0.0.0.0'], maxMessageBytes: 'big' } }));
    expect(read.settings.server.host).toEqual(['0.0.0.0']);
  });
});
