import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../main/settings/read-settings.ts';
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
      { gateways: { mode: 'never' } },
      'gateways.mode',
    ],
    [
      'a wrong entry of a list',
      { ...good, gateways: { ...good.gateways, domains: ['a.test', 7, 'b.test'] } },
      { gateways: { domains: ['a.test', 'b.test'] } },
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

  it('stays open to the LAN when another value of the server cannot be read', () => {
    const read = readSettings(JSON.stringify({ server: { host: ['0.0.0.0'], maxMessageBytes: 'big' } }));
    expect(read.settings.server.host).toEqual(['0.0.0.0']);
  });
});
