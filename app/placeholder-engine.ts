/** Stands in for the engine until it is wired in app/compose.ts: settings and secrets are real, the queue is empty. */
import { applyChanges } from '../main/settings/apply-changes.ts';
import { exportSettings, importSettings } from '../main/settings/export-settings.ts';
import type { SecretStore, SettingsStore } from '../main/ports.ts';
import { engineMethods, type EngineApi } from '../shared/ipc-contract.ts';
import { fail, ok } from '../shared/result.ts';
import type { AppStatus } from '../shared/status.ts';
import type { RunningEngine } from './engine-port.ts';

export function createPlaceholderEngine(deps: {
  readonly settings: SettingsStore;
  readonly secrets: SecretStore;
  readonly profile: string;
  readonly version: string;
}): RunningEngine {
  const { settings, secrets } = deps;
  const counts = { outbox: 0, sent: 0, bad: 0, bounced: 0, deleted: 0, unseenBad: 0, unseenBounced: 0 };
  let paused = false;
  const listeners = new Set<(status: AppStatus) => void>();
  const status = (): AppStatus => ({
    version: deps.version,
    pid: process.pid,
    profile: deps.profile,
    state: paused ? 'paused' : 'idle',
    phrases: [],
    paused,
    listener: { kind: 'stopped' },
    network: { online: true, id: null, name: null, kind: null, links: [], portal: false, metered: null, since: 0 },
    dialUp: { required: false, active: [], holding: false, lastAction: null },
    counts,
    sending: 0,
    mode: settings.get().gateways.mode,
    secrets: secrets.state(),
    problems: [],
  });
  const tell = (): void => {
    for (const listener of listeners) listener(status());
  };
  settings.onChange(tell);
  const known: Partial<EngineApi> = {
    'status.get': async () => ok(status()),
    'queue.folders': async () => ok(counts),
    'queue.list': async () => ok({ total: 0, rows: [] }),
    'control.sendNow': async () => ok({ count: 0, phrase: { id: 'status.sendingNow', params: { count: 0 } } }),
    'control.pickup': async () => ok({ count: 0 }),
    'control.pause': async () => {
      paused = true;
      tell();
      return ok({ paused });
    },
    'control.resume': async () => {
      paused = false;
      tell();
      return ok({ paused });
    },
    'settings.get': async () => ok(settings.get()),
    'settings.set': async ({ changes }) => {
      const changed = applyChanges(settings.get(), changes);
      const saved = changed.ok ? await settings.replace(changed.next) : changed;
      return ok(saved.ok ? { saved: true, settings: saved.settings } : { saved: false, problems: saved.problems });
    },
    'settings.export': async () => ok({ json: exportSettings(settings.get()) }),
    'settings.import': async ({ json }) => {
      const changed = importSettings(json, settings.get());
      const saved = changed.ok ? await settings.replace(changed.next) : changed;
      return ok(saved.ok ? { saved: true, settings: saved.settings } : { saved: false, problems: saved.problems });
    },
    'secrets.set': async ({ gatewayId, secret, acceptObfuscated }) => {
      if (secret !== null && secrets.state().protection === 'none' && !acceptObfuscated) {
        return ok({ stored: false, needsConsent: true });
      }
      await secrets.set(`gateway:${gatewayId}`, secret, { acceptObfuscated });
      return ok({ stored: secret !== null, needsConsent: false });
    },
    'gateways.states': async () => ok({ states: [] }),
  };
  const missing = Object.fromEntries(
    Object.keys(engineMethods).map((name) => [name, async () => fail('unavailable', 'Not built yet.')]),
  );
  return {
    api: { ...missing, ...known } as unknown as EngineApi,
    status,
    on: (event, listener) => {
      if (event === 'status:changed') listeners.add(listener as (status: AppStatus) => void);
      return () => listeners.delete(listener as never);
    },
    attachment: async () => fail('unavailable', 'Not built yet.'),
    onFailed: () => () => undefined,
    suspended: () => undefined,
    resumed: () => undefined,
    stop: async () => undefined,
  };
}
