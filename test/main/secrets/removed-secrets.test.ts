import { describe, expect, it } from 'vitest';
import { SecretError, type SecretStore } from '../../../main/secrets/secret-store.ts';
import { createRemovedSecrets, type RemovedSecrets } from '../../../main/secrets/removed-secrets.ts';
import type { SecretBinding } from '../../../shared/secret-binding.ts';
import { parseSettings, type Settings } from '../../../shared/settings.ts';
import { boundSecrets } from '../../fakes/memory-secrets.ts';

type GatewayLine = readonly [id: string, host: string];

function settingsOf(gateways: readonly GatewayLine[], dkim: readonly (readonly [string, string])[] = []): Settings {
  const parsed = parseSettings({
    gateways: { list: gateways.map(([id, host]) => ({ id, name: id, host })) },
    security: { dkim: dkim.map(([domain, selector]) => ({ domain, selector })) },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.settings;
}

const OFFICE: GatewayLine = ['office', 'smtp.office.test'];
const HOME: GatewayLine = ['home', 'smtp.home.test'];

interface Rig {
  readonly removed: RemovedSecrets;
  /** What the store holds. */
  readonly store: Map<string, string>;
  readonly bindings: Map<string, SecretBinding>;
  readonly gone: string[];
  readonly back: string[];
  readonly problems: string[];
  /** The store refuses to write from now on, or no longer. */
  broken(now: boolean): void;
}

function rig(settings: Settings, kept: Readonly<Record<string, string>>): Rig {
  const memory = boundSecrets(kept, settings);
  const lists = { gone: [] as string[], back: [] as string[], problems: [] as string[] };
  let broken = false;
  const unless = <T>(write: () => Promise<T>): Promise<T> =>
    broken ? Promise.reject(new SecretError('write', 'The disk is full.')) : write();
  const secrets: SecretStore = {
    ...memory,
    // What leaves the store has not been decrypted for it: the key ring may be locked.
    get: () => Promise.reject(new Error('decrypted')),
    set: (name, value, options) => unless(() => memory.set(name, value, options)),
    putAside: (name) => unless(() => memory.putAside(name)),
    bringBack: (name) => unless(() => memory.bringBack(name)),
  };
  const removed = createRemovedSecrets({
    secrets,
    log: {
      note: () => undefined,
      problem: (event) => {
        lists.problems.push(event);
      },
    },
    settings,
    gatewayGone: (id) => {
      lists.gone.push(id);
    },
    gatewayBack: (id) => {
      lists.back.push(id);
    },
  });
  return {
    removed,
    store: memory.all,
    bindings: memory.bindings,
    ...lists,
    broken: (now) => {
      broken = now;
    },
  };
}

const ALL = {
  'gateway:office': 'hush',
  'oauth:office': '{"v":1}',
  'oauth-client:office': 'client',
  'gateway:home': 'other',
};

describe('secrets of what was taken out of the settings', () => {
  it('leave the store with their gateway; those of others stay', async () => {
    const r = rig(settingsOf([OFFICE, HOME]), ALL);
    await r.removed.changed(settingsOf([HOME]));
    expect([...r.store]).toEqual([['gateway:home', 'other']]);
    expect(r.gone).toEqual(['office']);
  });

  it('come back with their gateway, and the gateway is told', async () => {
    const r = rig(settingsOf([OFFICE, HOME]), ALL);
    await r.removed.changed(settingsOf([HOME]));
    await r.removed.changed(settingsOf([HOME, OFFICE]));
    expect(Object.fromEntries(r.store)).toEqual(ALL);
    expect(r.back).toEqual(['office']);
  });

  it('an undo right behind the removal is not overtaken by it', async () => {
    const r = rig(settingsOf([OFFICE]), ALL);
    await Promise.all([r.removed.changed(settingsOf([])), r.removed.changed(settingsOf([OFFICE]))]);
    expect(r.store.get('gateway:office')).toBe('hush');
  });

  it('come back with what they were given for, whatever host the name stands for now', async () => {
    const r = rig(settingsOf([OFFICE]), { 'gateway:office': 'hush' });
    await r.removed.changed(settingsOf([]));
    expect(r.bindings.size).toBe(0);
    await r.removed.changed(settingsOf([['office', 'smtp.thief.test']]));
    expect(r.bindings.get('gateway:office')?.host).toBe('smtp.office.test');
  });

  it('do not overwrite a password that was entered meanwhile', async () => {
    const r = rig(settingsOf([OFFICE]), { 'gateway:office': 'hush' });
    await r.removed.changed(settingsOf([]));
    r.store.set('gateway:office', 'new');
    await r.removed.changed(settingsOf([OFFICE]));
    expect(r.store.get('gateway:office')).toBe('new');
    // Nor is it there again once the newer one was taken away by the user.
    r.store.delete('gateway:office');
    await r.removed.changed(settingsOf([OFFICE, HOME]));
    expect(r.store.has('gateway:office')).toBe(false);
  });

  it('what the settings never named stays: a key made a moment ago, a file that could not be read', async () => {
    const r = rig(settingsOf([]), { ...ALL, 'dkim:home.test:s1': 'pem' });
    await r.removed.changed(settingsOf([HOME]));
    expect(r.store.size).toBe(5);
  });

  it('a DKIM key leaves with its line, whatever the case, and comes back when it is wanted again', async () => {
    const r = rig(settingsOf([], [['Home.test', 's1'], ['home.test', 's2']]), { 'dkim:home.test:s1': 'one', 'dkim:home.test:s2': 'two' }); // prettier-ignore
    await r.removed.changed(settingsOf([], [['home.test', 's2']]));
    expect([...r.store]).toEqual([['dkim:home.test:s2', 'two']]);
    expect(r.gone).toEqual([]);
    // The window asks for the key before it writes the line.
    await r.removed.bringBackDkimKey('HOME.test', 's1');
    expect(r.store.get('dkim:home.test:s1')).toBe('one');
  });

  it('a store that cannot write is told, and what was remembered is not lost by it', async () => {
    const r = rig(settingsOf([OFFICE]), { 'gateway:office': 'hush' });
    await r.removed.changed(settingsOf([]));
    r.broken(true);
    await r.removed.changed(settingsOf([OFFICE]));
    expect(new Set(r.problems)).toEqual(new Set(['removed-secrets']));
    expect(r.back).toEqual([]);
    r.broken(false);
    await r.removed.changed(settingsOf([]));
    await r.removed.changed(settingsOf([OFFICE]));
    expect(r.store.get('gateway:office')).toBe('hush');
  });
});

describe('secrets of what was never saved', () => {
  const STRAY = {
    'gateway:never': 'a',
    'oauth:never': 'b',
    'oauth-client:never': 'c',
    'dkim:home.test:never': 'd',
    'listener:tls': 'e',
  };

  it('leave the store; what the settings name stays, and what nobody knows here', async () => {
    const kept = { ...ALL, 'dkim:home.test:s1': 'pem' };
    const r = rig(settingsOf([OFFICE, HOME], [['Home.test', 's1']]), { ...kept, ...STRAY });
    await r.removed.sweep([...r.store.keys()]);
    expect(Object.fromEntries(r.store)).toEqual({ ...kept, 'listener:tls': 'e' });
    expect([r.gone, r.back, r.problems]).toEqual([[], [], []]);
  });

  it('stay when they were stored after the start: a dialog may be open', async () => {
    const r = rig(settingsOf([HOME]), { 'gateway:home': 'other' });
    const atStart = [...r.store.keys()];
    r.store.set('gateway:fresh', 'typed a moment ago');
    await r.removed.sweep(atStart);
    await r.removed.changed(settingsOf([HOME, OFFICE]));
    expect([...r.store.keys()]).toEqual(['gateway:home', 'gateway:fresh']);
  });

  it('stay when a change right behind the start takes them into use before their turn', async () => {
    const r = rig(settingsOf([HOME]), { 'gateway:office': 'hush' });
    await Promise.all([r.removed.changed(settingsOf([HOME, OFFICE])), r.removed.sweep(['gateway:office'])]);
    expect(r.store.get('gateway:office')).toBe('hush');
  });

  it('are told about when the store cannot write', async () => {
    const r = rig(settingsOf([]), { 'gateway:never': 'a', 'oauth:never': 'b' });
    r.broken(true);
    await r.removed.sweep([...r.store.keys()]);
    expect(r.problems).toEqual(['removed-secrets', 'removed-secrets']);
  });
});
