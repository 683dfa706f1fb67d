/** Where passwords, tokens and keys are kept, as the engine sees it; kept-secrets.ts is the real one. */
import type { SecretBinding } from '../../shared/secret-binding.ts';
import type { SecretsState } from '../../shared/status.ts';

/** Keeps passwords and tokens; the real one uses the system's key store. Names: `gateway:<id>`, `dkim:<domain>:<selector>`, … */
export interface SecretStore {
  get(name: string): Promise<string | null>;
  /**
   * Rejects with SecretError if the store cannot keep it, or only obfuscated and `acceptObfuscated` was not given.
   * `binding`: what the secret is given for; absent = the one that is known of the name stays.
   */
  set(
    name: string,
    value: string | null,
    options: { readonly acceptObfuscated: boolean; readonly binding?: SecretBinding },
  ): Promise<void>;
  has(name: string): boolean;
  /** All that it keeps. */
  names(): readonly string[];
  /** What the secret was given for; null: nobody knows, or there is none. Told also while secrets cannot be decrypted. */
  binding(name: string): SecretBinding | null;
  /** The secrets that an older version kept, until `bind` has been called once. */
  unbound(): readonly string[];
  /** Says what secrets are given for, in force at once; those that are not kept are left out. Rejects with SecretError. */
  bind(bindings: ReadonlyMap<string, SecretBinding>): Promise<void>;
  /** Takes a secret out, remembered as it is (decrypted or not) until the program ends. Rejects with SecretError. */
  putAside(name: string): Promise<void>;
  /** True: what was put aside is kept again, with its binding. One that was given meanwhile takes its place for good. Rejects with SecretError. */
  bringBack(name: string): Promise<boolean>;
  /** What is wrong with where they are kept. */
  fault(): SecretsFault | null;
  state(): SecretsState;
}

/** Secrets cannot be read, and none can be kept; or they were damaged and are kept as `file` in the profile. */
export type SecretsFault =
  { readonly kind: 'unreadable'; readonly why: string } | { readonly kind: 'set-aside'; readonly file: string };

/** Why a secret could not be kept. `needs-consent`: no key store here, and the user has not agreed to mere obfuscation. */
export class SecretError extends Error {
  readonly reason: 'needs-consent' | 'locked' | 'unreadable' | 'write';
  constructor(reason: SecretError['reason'], message: string) {
    super(message);
    this.name = 'SecretError';
    this.reason = reason;
  }
}
