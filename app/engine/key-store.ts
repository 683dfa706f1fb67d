/** The system's key store through Electron's safeStorage. */
import type { KeyStore, KeyStoreState } from '../../main/secrets/key-store.ts';

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

/** Options of createKeyStore. */
export interface KeyStoreOptions {
  readonly safeStorage: SafeStorage;
  readonly platform: NodeJS.Platform;
  /** Resolves when Electron is ready: safeStorage may not be touched before. */
  readonly ready: Promise<unknown>;
}

/** See KeyStore. Errors of safeStorage are not repeated: their text is about the secret. */
export function createKeyStore(options: KeyStoreOptions): KeyStore {
  const { safeStorage, platform } = options;
  let isReady = false;
  const ready = options.ready.then(() => {
    isReady = true;
  });

  function backend(): string {
    if (platform === 'win32') return 'dpapi';
    if (platform === 'darwin') return 'keychain';
    return safeStorage.getSelectedStorageBackend?.() ?? 'unknown';
  }

  function stateNow(): KeyStoreState {
    const name = backend();
    if (name === 'basic_text' || name === 'unknown') return { ability: 'plain', backend: name };
    return { ability: safeStorage.isEncryptionAvailable() ? 'protected' : 'locked', backend: name };
  }

  /** Without a key ring Electron encrypts with a key that everybody knows, and only if told to. */
  function allowPlainText(): void {
    safeStorage.setUsePlainTextEncryption?.(true);
  }

  function orNull(work: () => string): string | null {
    try {
      return work();
    } catch {
      return null;
    }
  }

  return {
    state: () => (isReady ? stateNow() : null),
    encrypt: async (text, allowPlain) => {
      await ready;
      const state = stateNow();
      if (state.ability === 'locked' || (state.ability === 'plain' && !allowPlain)) return { state, data: null };
      if (state.ability === 'plain') allowPlainText();
      return { state, data: orNull(() => safeStorage.encryptString(text).toString('base64')) };
    },
    decrypt: async (data, obfuscated) => {
      await ready;
      const state = stateNow();
      if (obfuscated && state.ability === 'plain') allowPlainText();
      return { state, text: orNull(() => safeStorage.decryptString(Buffer.from(data, 'base64'))) };
    },
  };
}
