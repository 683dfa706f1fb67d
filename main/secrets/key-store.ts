/** The system's key store, as what keeps secrets sees it. The real one is Electron's, in the main thread. */

/** `plain`: there is none, and what is kept is obfuscated at best. */
export type KeyStoreAbility = 'protected' | 'locked' | 'plain';

/** What the key store can do, and its name. */
export interface KeyStoreState {
  readonly ability: KeyStoreAbility;
  readonly backend: string;
}

/** Calls wait until the system's key store can be asked. They reject only if it cannot be reached any more. */
export interface KeyStore {
  /** As it was found last; null: not known yet. */
  state(): KeyStoreState | null;
  /**
   * `allowPlain`: mere obfuscation will do. `data`: base64; null: it is locked, there is only obfuscation and that is not
   * wanted, or it refused.
   */
  encrypt(text: string, allowPlain: boolean): Promise<{ readonly state: KeyStoreState; readonly data: string | null }>;
  /** `obfuscated`: what is said of it in the file. `text` null: it cannot be read now. */
  decrypt(data: string, obfuscated: boolean): Promise<{ readonly state: KeyStoreState; readonly text: string | null }>;
}
