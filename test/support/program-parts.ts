/** The ports of the program as tests have them: settings in memory, one network that is always there, no key store. */
import type { ProgramParts } from '../../main/program/program.ts';
import type { SettingsStore } from '../../main/settings/settings-store.ts';
import { parseSettings, type Settings } from '../../shared/settings.ts';
import { memorySecrets } from '../fakes/memory-secrets.ts';
import type { NetworkState } from '../../shared/status.ts';

/** What a settings file would hold, beside what every test needs. */
export type RigSettings = Readonly<Record<string, unknown>>;

const AT_HOME: NetworkState = {
  online: true,
  id: 'home',
  name: 'Home',
  kind: 'wifi',
  links: [{ device: 'wlan0', kind: 'wifi', name: 'Home', addresses: ['192.0.2.7'] }],
  portal: false,
  metered: null,
  since: 0,
};

function settingsOf(value: RigSettings): Settings {
  const { server, connection, security, ...rest } = value as Record<string, Record<string, unknown> | undefined>;
  const parsed = parseSettings({
    ...rest,
    server: { host: ['127.0.0.1'], hostname: 'laptop.home.test', ...server },
    // The discard port: no test asks the machine's own DNS.
    connection: { dnsServers: ['127.0.0.1:9'], dnsTimeoutSeconds: 1, ...connection },
    security: { captivePortalProbe: false, ...security },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  // Any port that is free; the schema knows no such port.
  return server?.['port'] === undefined
    ? { ...parsed.settings, server: { ...parsed.settings.server, port: 0 } }
    : parsed.settings;
}

export function programParts(
  profile: string,
  workers: ProgramParts['workers'],
  first: RigSettings,
): { readonly parts: ProgramParts; set(next: RigSettings): void } {
  let current = settingsOf(first);
  const listeners = new Set<(settings: Settings) => void>();
  const take = (next: Settings): void => {
    current = next;
    for (const listener of listeners) listener(current);
  };
  const settings: SettingsStore = {
    get: () => current,
    setAside: null,
    replace: (next) => {
      const parsed = parseSettings(next);
      if (parsed.ok) take(parsed.settings);
      return Promise.resolve(parsed);
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const none = { ok: false, detail: 'not here' };
  return {
    set: (next) => {
      take(settingsOf(next));
    },
    parts: {
      profile,
      version: '0.0.0-test',
      settings,
      secrets: memorySecrets(),
      network: () => ({
        current: () => AT_HOME,
        watch: () => () => undefined,
        refresh: () => undefined,
        close: () => Promise.resolve(),
      }),
      dialUp: () => ({
        configured: () => Promise.resolve([]),
        dial: () => Promise.resolve(none),
        hangUp: () => Promise.resolve(none),
      }),
      workers,
      quit: () => undefined,
    },
  };
}

/** Gateways on loopback ports, in order. */
export function gatewaysAt(
  ports: readonly number[],
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    mode: 'always',
    list: ports.map((port, i) => ({ id: `g${i}`, name: `g${i}`, host: '127.0.0.1', port, security: 'none' })),
    ...more,
  };
}
