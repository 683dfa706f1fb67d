/** Writes settings.json for the engine's thread: electron-store needs Electron around it, so its writes happen in the main thread. */
import type ElectronStore from 'electron-store';

/** Replaces the whole file; resolves once it is on disk. Rejects if it cannot be written; the old file then stands. */
export type WriteSettings = (stored: Readonly<Record<string, unknown>>) => Promise<void>;

/** @param profile the profile folder; it exists. electron-store is loaded with the first write: most days go by without one. */
export function createSettingsWriter(profile: string): WriteSettings {
  let opening: Promise<ElectronStore> | undefined;
  return async (stored) => {
    opening ??= openStore(profile);
    try {
      (await opening).store = { ...stored };
    } catch (error) {
      // It is opened anew with the next write.
      opening = undefined;
      throw error;
    }
  };
}

async function openStore(profile: string): Promise<ElectronStore> {
  const { default: Store } = await import('electron-store');
  return new Store({
    cwd: profile,
    name: 'settings',
    // Not `watch`: on Linux that reads the file every five seconds; main/settings/watch-file.ts waits for the system's word.
    // A file that cannot be read is set aside by the engine; electron-store must never clear it.
    clearInvalidConfig: false,
    accessPropertiesByDotNotation: false,
    configFileMode: 0o600,
    serialize: (value) => `${JSON.stringify(value, null, 2)}\n`,
    // What is in the file is judged by the engine (main/settings/read-settings.ts): broken text is no exception here.
    deserialize: () => ({}),
  });
}
