import { expect, it } from 'vitest';
import { defaultSettings, type SettingPath } from '../../shared/settings.ts';

/** Compiles, or does not: `npm run types` is the test. */
const PATHS: readonly SettingPath[] = [
  'server',
  'server.port',
  'server.tls.enabled',
  'gateways.list',
  'gateways.list.0.host',
  'gateways.list.office.host',
  'gateways.onErrors.smtp',
  'security.networkNames.home',
  // @ts-expect-error -- no such setting
  'server.prot',
  // @ts-expect-error -- no such group
  'servers.port',
  // @ts-expect-error -- nothing lies below a number
  'server.port.low',
];

it('the groups that paths begin with are those of the settings', () => {
  const groups = Object.keys(defaultSettings());
  expect(PATHS.slice(0, 8).every((path) => groups.includes(path.split('.')[0] ?? ''))).toBe(true);
});
