/**
 * Passwords and tokens, encrypted by the system's key store through Electron's safeStorage, kept as base64 in `secrets`
 * of the profile. On Linux without a key ring they could only be obfuscated: that is said, and done only if the user agreed.
 */
import { readFileSync } from 'node:fs';
import { chmod, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { SecretError, type SecretStore } from '../main/ports.ts';
import type { SecretsState } from '../shared/status.ts';

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

interface Entry {
  readonly protection: 'protected' | 'obfuscated';
  readonly data: string;
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

/** Reads the file; decrypts nothing until it is asked to. A file that cannot be read is left beside the new one. */
export function createSecretStore(options: SecretStoreOptions): SecretStore {
  const { file, safeStorage, platform, problem } = options;
  let isReady = false;
  const ready = options.ready.then(() => {
    isReady = true;
  });
  const { entries, broken } = readEntries(file, problem);
  let setAsideFirst = broken;
  let writing: Promise<void> = Promise.resolve();

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

  function encrypt(value: string, protection: Entry['protection']): Entry {
    if (protection === 'obfuscated') allowPlain();
    return { protection, data: safeStorage.encryptString(value).toString('base64') };
  }

  function write(): Promise<void> {
    const next = writing.then(async () => {
      if (setAsideFirst) {
        await rename(file, `${file}.broken`).catch(() => undefined);
        setAsideFirst = false;
      }
      await writeDurably(file, `${JSON.stringify({ version: 1, entries: Object.fromEntries(entries) })}\n`);
    });
    writing = next.catch(() => undefined);
    return next;
  }

  return {
    get: async (name) => {
      const entry = entries.get(name);
      if (entry === undefined) return null;
      await ready;
      const now = ability();
      try {
        if (entry.protection === 'obfuscated' && now === 'plain') allowPlain();
        const value = safeStorage.decryptString(Buffer.from(entry.data, 'base64'));
        if (entry.protection === 'obfuscated' && now === 'protected') {
          // A key ring has come into being: what was only obfuscated is now protected.
          entries.set(name, encrypt(value, 'protected'));
          write().catch((error: unknown) => problem('secrets not re-written', error));
        }
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
    set: async (name, value, { acceptObfuscated }) => {
      if (value === null) {
        if (entries.delete(name)) await kept(write);
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
      const before = entries.get(name);
      entries.set(name, encrypt(value, now === 'plain' ? 'obfuscated' : 'protected'));
      try {
        await kept(write);
      } catch (error) {
        if (before === undefined) entries.delete(name);
        else entries.set(name, before);
        throw error;
      }
    },
    has: (name) => entries.has(name),
    names: () => [...entries.keys()],
    state: (): SecretsState => {
      if (!isReady) return { protection: 'none', backend: 'starting' };
      const name = backend();
      switch (ability()) {
        case 'protected':
          return { protection: 'protected', backend: name };
        case 'locked':
          return { protection: 'none', backend: `${name} (locked)` };
        case 'plain': {
          const agreed = [...entries.values()].some((entry) => entry.protection === 'obfuscated');
          return { protection: agreed ? 'obfuscated' : 'none', backend: name };
        }
      }
    },
  };
}

async function kept(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw new SecretError(
      'write',
      `The password could not be kept: ${(error as NodeJS.ErrnoException).code ?? 'disk error'}`,
    );
  }
}

function readEntries(
  file: string,
  problem: (event: string, error: unknown) => void,
): { readonly entries: Map<string, Entry>; readonly broken: boolean } {
  const entries = new Map<string, Entry>();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!missing) problem('secrets cannot be read', new Error((error as NodeJS.ErrnoException).code));
    return { entries, broken: false };
  }
  try {
    const value = JSON.parse(text) as { entries?: Record<string, Partial<Entry>> };
    for (const [name, entry] of Object.entries(value.entries ?? {})) {
      if (typeof entry.data !== 'string') continue;
      entries.set(name, {
        data: entry.data,
        protection: entry.protection === 'obfuscated' ? 'obfuscated' : 'protected',
      });
    }
    return { entries, broken: false };
  } catch {
    problem(
      'secrets',
      new Error(`${path.basename(file)} is not readable and will be set aside; passwords have to be entered again`),
    );
    return { entries, broken: true };
  }
}

/** All or nothing, on disk when it resolves, for this user's eyes only. */
async function writeDurably(file: string, text: string): Promise<void> {
  const temporary = `${file}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await chmod(temporary, 0o600);
  await rename(temporary, file);
}
