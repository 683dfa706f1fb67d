/**
 * Passwords and tokens, encrypted by the system's key store through Electron's safeStorage, kept as base64 in `secrets`
 * of the profile. On Linux without a key ring they could only be obfuscated: that is said, and done only if the user agreed.
 */
import { readEntry, readSecrets, writeSecrets, type Entry, type SecretsContent } from './secrets-file.ts';
import { SecretError, type SecretStore, type SecretsFault } from '../../main/secrets/secret-store.ts';
import type { SecretBinding } from '../../shared/secret-binding.ts';
import type { SecretsState } from '../../shared/status.ts';

/** The part of Electron's safeStorage that is used. */
export interface SafeStorage {
  isEncryptionAvailable(): boolean;
  encryptString(text: string): Buffer;
  decryptString(bytes: Buffer): string;
  /** Linux only. */
  getSelectedStorageBackend?(): string;
  /** Linux only. */
  setUsePlainTextEncryption?(usePlainText: boolean): void;
}

/** Options of createSecretStore. */
export interface SecretStoreOptions {
  /** Path of the file; its folder exists. */
  readonly file: string;
  readonly safeStorage: SafeStorage;
  readonly platform: NodeJS.Platform;
  /** Resolves when Electron is ready: safeStorage may not be touched before. */
  readonly ready: Promise<unknown>;
  /** Never told a secret. */
  readonly problem: (event: string, error: unknown) => void;
}

/** What the key store can do at the moment. */
type Ability = 'protected' | 'locked' | 'plain';

/**
 * Reads the file; decrypts nothing until it is asked to. While the file cannot be read nothing is kept, so that nothing is
 * written in its place; it is looked at again whenever somebody wants a secret or has one to keep.
 */
export function createSecretStore(options: SecretStoreOptions): SecretStore {
  const { file, safeStorage, platform, problem } = options;
  let isReady = false;
  const ready = options.ready.then(() => {
    isReady = true;
  });
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

  function backend(): string {
    if (platform === 'win32') return 'dpapi';
    if (platform === 'darwin') return 'keychain';
    return safeStorage.getSelectedStorageBackend?.() ?? 'unknown';
  }

  function ability(): Ability {
    const name = backend();
    if (name === 'basic_text' || name === 'unknown') return 'plain';
    return safeStorage.isEncryptionAvailable() ? 'protected' : 'locked';
  }

  /** Without a key ring Electron encrypts with a key that everybody knows, and only if told to. */
  function allowPlain(): void {
    safeStorage.setUsePlainTextEncryption?.(true);
  }

  function encrypt(value: string, protection: Entry['protection'], binding: SecretBinding | null): Entry {
    if (protection === 'obfuscated') allowPlain();
    return { protection, data: safeStorage.encryptString(value).toString('base64'), binding };
  }

  /** A key store that was there a moment ago may be gone. Throws SecretError; the error's text is about the secret. */
  function encryptOrRefuse(value: string, protection: Entry['protection'], binding: SecretBinding | null): Entry {
    try {
      return encrypt(value, protection, binding);
    } catch {
      throw new SecretError('locked', "The system's key store did not take the password. Nothing was kept; try again.");
    }
  }

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
  function protect(name: string, value: string, entry: Entry): void {
    if (content === null) return;
    replace(content, name, encrypt(value, 'protected', entry.binding)).catch((error: unknown) =>
      problem('secrets not re-written', error),
    );
  }

  return {
    get: async (name) => {
      if (!known().has(name)) return null;
      const entry = entryOf(name);
      await ready;
      const now = ability();
      try {
        if (entry === null) throw new Error('not understood');
        if (entry.protection === 'obfuscated' && now === 'plain') allowPlain();
        const value = safeStorage.decryptString(Buffer.from(entry.data, 'base64'));
        if (entry.protection === 'obfuscated' && now === 'protected') protect(name, value, entry);
        return value;
      } catch {
        // The error's text is not repeated: it is about the secret.
        problem(
          'secret',
          new Error(
            `"${name}" cannot be read: ${now === 'locked' ? 'the key ring is locked' : 'the key store does not know it'}`,
          ),
        );
        return null;
      }
    },
    set: async (name, value, { acceptObfuscated, binding }) => {
      if (value === null) {
        const changed = toChange();
        if (changed.entries.has(name)) await replace(changed, name, undefined);
        return;
      }
      await ready;
      const now = ability();
      if (now === 'locked') throw new SecretError('locked', 'The key ring is locked. Unlock it, then try again.');
      if (now === 'plain' && !acceptObfuscated) {
        throw new SecretError(
          'needs-consent',
          'There is no key ring on this system: the password would only be obfuscated, and every program of yours could read it.',
        );
      }
      const changed = toChange();
      const kept = binding ?? entryOf(name)?.binding ?? null;
      await replace(changed, name, encryptOrRefuse(value, now === 'plain' ? 'obfuscated' : 'protected', kept));
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
      if (!isReady) return { protection: 'none', backend: 'starting' };
      const name = backend();
      switch (ability()) {
        case 'protected':
          return { protection: 'protected', backend: name };
        case 'locked':
          return { protection: 'none', backend: `${name} (locked)` };
        case 'plain': {
          const entries = [...(content?.entries.values() ?? [])];
          const agreed = entries.some((raw) => readEntry(raw)?.protection === 'obfuscated');
          return { protection: agreed ? 'obfuscated' : 'none', backend: name };
        }
      }
    },
  };
}
