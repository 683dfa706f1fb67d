/** The settings, as the engine sees them; settings-file.ts is the real one. */
import type { UnreadableSetting } from './read-settings.ts';
import type { Settings } from '../../shared/settings.ts';

export interface SettingsStore {
  get(): Settings;
  /**
   * Validates and saves; resolves with the problems if nothing was saved. `touched`: dotted paths that the user set; what else
   * in the file cannot be read stays as it stands there, undecided. Absent: the whole is what the user wants.
   */
  replace(
    next: unknown,
    touched?: readonly string[],
  ): Promise<
    | { readonly ok: true; readonly settings: Settings }
    | { readonly ok: false; readonly problems: readonly { readonly path: string; readonly message: string }[] }
  >;
  /** Path of the broken file that was set aside at start, null if all was well. */
  readonly setAside: string | null;
  /** Values in the file that cannot be read; what stands for them is in `get()` (shared/setting-rules.ts). */
  readonly problems?: readonly UnreadableSetting[];
  /** The file could not be read at all at start, was kept under this name, and the user has not decided; null: not so. */
  readonly undecided?: string | null;
  /** Why the file cannot be read as it stands now; null if it can. */
  readonly message?: string | null;
  /** Also called when the file was made unreadable by hand: the settings are then the same as before. */
  onChange(listener: (settings: Settings) => void): () => void;
}
