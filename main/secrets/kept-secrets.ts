/**
 * Passwords and tokens, encrypted by the system's key store, kept as base64 in `secrets` of the profile. On Linux without a
 * key ring they could only be obfuscated: that is said, and done only if the user agreed.
 */
import type { SecretsState } from '../../shared/status.ts';
import type { KeyStore, KeyStoreAbility } from './key-store.ts';
import { SecretError, type SecretStore, type SecretsFault } from './secret-store.ts';
import { readEntry, readSecrets, writeSecrets, type Entry, type SecretsContent } from './secrets-file.ts';

/** Options of createSecretStore. */
export interface SecretStoreOptions {
  /** Path of the file; its folder exists. */
  readonly file: string;
  readonly keyStore: KeyStore;
  /** Never told a secret. */
  readonly problem: (event: string, error: unknown) => void;
}

/**
 * Reads the file; decrypts nothing until it is asked to. While the file cannot be read nothing is kept, so that nothing is
 * written in its place; it is looked at again whenever somebody wants a secret or has one to keep.
 */
export function createSecretStore(options: SecretStoreOptions): SecretStore {
  const { file, keyStore, problem } = options;
  /** Null: the file cannot be read. */
  let content: SecretsContent | null = null;
  let fault: SecretsFault | null = null;
  let writing: Promise<void> = Promise.resolve();
  const putAside = new Map<string, unknown>();
  read();

  function read(): void {
    const found = readSecrets(file);
    if (found.kind === 'unreadable') {
      if (fault?.kind !== 'unreadable' || fault.why !== found.why)
        problem('secrets cannot be read', new Error(found.why));
      fault = found;
      return;
    }
    ({ content } = found);
    fault = found.setAside === null ? null : { kind: 'set-aside', file: found.setAside };
    if (found.setAside !== null)
      problem('secrets', new Error(`damaged, and set aside as ${found.setAside}; passwords have to be entered again`));
  }

  const known = (): ReadonlyMap<string, unknown> => {
    if (content === null) read();
    return content?.entries ?? new Map<string, unknown>();
  };
  /** What is to be changed. Throws SecretError if that would take the place of something that nobody has read. */
  const toChange = (): SecretsContent => {
    if (content === null) read();
    if (content !== null) return content;
    const why = fault?.kind === 'unreadable' ? fault.why : '';
    throw new SecretError(
      'unreadable',
      `The file of the passwords cannot be read (${why}). Nothing was changed in it, so that the others are not lost.`,
    );
  };
  const entryOf = (name: string): Entry | null => readEntry(content?.entries.get(name));

  /** Rejects with SecretError. */
  function write(changed: SecretsContent): Promise<void> {
    const next = writing.then(() => writeSecrets(file, changed));
    writing = next.catch(() => undefined);
    return next.catch((error: unknown) => {
      const why = (error as NodeJS.ErrnoException).code ?? 'disk error';
      throw new SecretError('write', `The password could not be kept: ${why}`);
    });
  }

  /** Puts `raw` (undefined = nothing) in the entry's place; as it was before if that cannot be written. */
  async function replace(changed: SecretsContent, name: string, raw: unknown): Promise<void> {
    const { entries } = changed;
    const before = entries.get(name);
    const put = (value: unknown): void => {
      if (value === undefined) entries.delete(name);
      else entries.set(name, value);
    };
    put(raw);
    try {
      await write(changed);
    } catch (error) {
      // Another one that was given meanwhile is the newer one.
      if (entries.get(name) === raw) put(before);
      throw error;
    }
  }

  /** A key ring has come into being: what was only obfuscated is from now on protected. */
  async function protect(name: string, value: string, entry: Entry): Promise<void> {
    const { data } = await keyStore.encrypt(value, false);
    // Another one that was given meanwhile is the newer one.
    if (data === null || content === null || entryOf(name)?.data !== entry.data) return;
    await replace(content, name, { protection: 'protected', data, binding: entry.binding } satisfies Entry);
  }

  return {
    get: async (name) => {
      if (!known().has(name)) return null;
      const entry = entryOf(name);
      const found = entry === null ? null : await keyStore.decrypt(entry.data, entry.protection === 'obfuscated');
      const locked = (found?.state ?? keyStore.state())?.ability === 'locked';
      if (entry !== null && found !== null && found.text !== null) {
        if (entry.protection === 'obfuscated' && found.state.ability === 'protected')
          protect(name, found.text, entry).catch((error: unknown) => problem('secrets not re-written', error));
        return found.text;
      }
      const why = locked ? 'the key ring is locked' : 'the key store does not know it';
      problem('secret', new Error(`"${name}" cannot be read: ${why}`));
      return null;
    },
    set: async (name, value, { acceptObfuscated, binding }) => {
      if (value === null) {
        const changed = toChange();
        if (changed.entries.has(name)) await replace(changed, name, undefined);
        return;
      }
      const { state, data } = await keyStore.encrypt(value, acceptObfuscated).catch(() => {
        // It was there a moment ago. The error's own text is not repeated: it is about the secret.
        throw new SecretError(
          'locked',
          "The system's key store did not take the password. Nothing was kept; try again.",
        );
      });
      if (data === null) throw refusal(state.ability, acceptObfuscated);
      const changed = toChange();
      const entry: Entry = {
        protection: state.ability === 'plain' ? 'obfuscated' : 'protected',
        data,
        binding: binding ?? entryOf(name)?.binding ?? null,
      };
      await replace(changed, name, entry);
    },
    has: (name) => content?.entries.has(name) ?? false,
    names: () => [...(content?.entries.keys() ?? [])],
    binding: (name) => entryOf(name)?.binding ?? null,
    unbound: () => (content?.version === 1 ? [...content.entries.keys()] : []),
    bind: async (bindings) => {
      const changed = toChange();
      let dirty = changed.version === 1;
      changed.version = 2;
      for (const [name, binding] of bindings) {
        const raw = changed.entries.get(name);
        if (readEntry(raw) === null) continue;
        changed.entries.set(name, { ...(raw as object), binding });
        dirty = true;
      }
      if (dirty) await write(changed);
    },
    putAside: async (name) => {
      const changed = toChange();
      const raw = changed.entries.get(name);
      if (raw === undefined) return;
      await replace(changed, name, undefined);
      putAside.set(name, raw);
    },
    bringBack: async (name) => {
      const raw = putAside.get(name);
      if (raw === undefined) return false;
      const changed = toChange();
      const newer = changed.entries.has(name);
      if (!newer) await replace(changed, name, raw);
      putAside.delete(name);
      return !newer;
    },
    fault: () => fault,
    state: (): SecretsState => {
      const now = keyStore.state();
      if (now === null) return { protection: 'none', backend: 'starting' };
      const { backend } = now;
      switch (now.ability) {
        case 'protected':
          return { protection: 'protected', backend };
        case 'locked':
          return { protection: 'none', backend: `${backend} (locked)` };
        case 'plain': {
          const entries = [...(content?.entries.values() ?? [])];
          const agreed = entries.some((raw) => readEntry(raw)?.protection === 'obfuscated');
          return { protection: agreed ? 'obfuscated' : 'none', backend };
        }
      }
    },
  };
}

/** Why nothing was encrypted. */
function refusal(ability: KeyStoreAbility, acceptObfuscated: boolean): SecretError {
  if (ability === 'locked') return new SecretError('locked', 'The key ring is locked. Unlock it, then try again.');
  if (ability === 'plain' && !acceptObfuscated)
    return new SecretError(
      'needs-consent',
      'There is no key ring on this system: the password would only be obfuscated, and every program of yours could read it.',
    );
  return notTaken();
}

/** It was there a moment ago. Its own error is not repeated: the text is about the secret. */
function notTaken(): SecretError {
  return new SecretError('locked', "The system's key store did not take the password. Nothing was kept; try again.");
}
