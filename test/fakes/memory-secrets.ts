import type { SecretStore } from '../../main/secrets/secret-store.ts';
import { bindingOf, type SecretBinding } from '../../shared/secret-binding.ts';
import type { Settings } from '../../shared/settings.ts';

/** A key store in memory that keeps everything. What it holds at first was kept by an older version, bound to nothing. */
export interface MemorySecrets extends SecretStore {
  readonly all: Map<string, string>;
  readonly bindings: Map<string, SecretBinding>;
}

export function memorySecrets(first: Readonly<Record<string, string>> = {}): MemorySecrets {
  const all = new Map(Object.entries(first));
  const bindings = new Map<string, SecretBinding>();
  const aside = new Map<string, readonly [string, SecretBinding | undefined]>();
  let adopted = false;
  return {
    all,
    bindings,
    get: (name) => Promise.resolve(all.get(name) ?? null),
    set: (name, value, { binding }) => {
      if (value === null) {
        all.delete(name);
        bindings.delete(name);
      } else {
        all.set(name, value);
        if (binding) bindings.set(name, binding);
      }
      return Promise.resolve();
    },
    has: (name) => all.has(name),
    names: () => [...all.keys()],
    binding: (name) => bindings.get(name) ?? null,
    unbound: () => (adopted ? [] : [...all.keys()]),
    bind: (more) => {
      adopted = true;
      for (const [name, binding] of more) if (all.has(name)) bindings.set(name, binding);
      return Promise.resolve();
    },
    putAside: (name) => {
      const value = all.get(name);
      if (value !== undefined) aside.set(name, [value, bindings.get(name)]);
      all.delete(name);
      bindings.delete(name);
      return Promise.resolve();
    },
    bringBack: (name) => {
      const found = aside.get(name);
      aside.delete(name);
      if (found === undefined || all.has(name)) return Promise.resolve(false);
      all.set(name, found[0]);
      if (found[1]) bindings.set(name, found[1]);
      return Promise.resolve(true);
    },
    fault: () => null,
    state: () => ({ protection: 'protected', backend: 'test' }),
  };
}

/** The same, its secrets given for the gateways as these settings have them. */
export function boundSecrets(first: Readonly<Record<string, string>>, settings: Settings): MemorySecrets {
  const secrets = memorySecrets(first);
  for (const name of secrets.names()) {
    const gateway = settings.gateways.list.find((one) => name.endsWith(`:${one.id}`));
    if (gateway) secrets.bindings.set(name, bindingOf(gateway, settings.connection));
  }
  return secrets;
}
