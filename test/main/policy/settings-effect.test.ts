import { describe, expect, it } from 'vitest';
import { settingsEffect } from '../../../main/policy/settings-effect.ts';
import { applyChanges } from '../../../main/settings/apply-changes.ts';
import { defaultSettings, type Settings } from '../../../shared/settings.ts';
import { gateway } from './support.ts';

const before: Settings = {
  ...defaultSettings(),
  gateways: {
    ...defaultSettings().gateways,
    mode: 'always',
    list: [gateway('office'), gateway('home'), gateway('off', { enabled: false })],
  },
};
function after(path: string, value: unknown): Settings {
  const changed = applyChanges(before, [{ path, value }]);
  if (!changed.ok) throw new Error(JSON.stringify(changed.problems));
  return changed.next;
}

describe('a change of settings', () => {
  it.each<[path: string, value: unknown, gateways: readonly string[]]>([
    ['gateways.mode', 'never', []],
    ['gateways.domains', ['a.test'], []],
    ['gateways.onErrors.dns', true, []],
    ['gateways.list.office.priority', 'high', []],
    ['gateways.list.office.senders', ['ann@a.test'], []],
    ['gateways.list.office.port', 465, ['office']],
    ['gateways.list.office.host', 'other.test', ['office']],
    ['gateways.list.office.networks', ['Office'], ['office']],
    ['gateways.list.off.enabled', true, ['off']],
    ['gateways.list.office.enabled', false, []],
    ['gateways.list', [...before.gateways.list].reverse(), []],
    ['gateways.list.3', gateway('new'), ['new']],
    ['connection.proxy', 'socks5://localhost:1080', ['office', 'home']],
    ['connection.dnsServers', ['192.0.2.53'], ['office', 'home']],
    ['connection.directPort', 2525, []],
    ['connection.lanHosts', [{ domain: 'corp', host: '10.0.0.1' }], []],
    ['security.networkNames', { n1: 'Office' }, ['office', 'home']],
    ['administration.forceDelivery', false, []],
  ])('of %s to %j: what waits is thought about anew, and %j are asked', (path, value, gateways) => {
    expect(settingsEffect(before, after(path, value))).toEqual({ routes: true, gateways });
  });

  it.each<[path: string, value: unknown]>([
    ['server.port', 2526],
    ['server.host', ['0.0.0.0']],
    ['server.hostname', 'mail.home.test'],
    ['gateways.list.office.name', 'The office'],
    ['gateways.headStartMs', 500],
    ['connection.maxOutgoing', 5],
    ['connection.serverTimeoutSeconds', 30],
    ['connection.dnsTimeoutSeconds', 5],
    ['connection.retryMinutes', [5]],
    ['administration.undeliverableAfter.value', 2],
    ['administration.log', 'daily'],
    ['dialUp.dial', true],
    ['general.theme', 'dark'],
    ['general.keepSent', 3],
  ])('of %s to %j concerns no mail that waits, and nobody is connected to', (path, value) => {
    expect(settingsEffect(before, after(path, value))).toEqual({ routes: false, gateways: [] });
  });
});
