/** The composition root: builds the real ports, starts the engine with them, and hands the shell plain objects. */
import { app, safeStorage } from 'electron';
import path from 'node:path';
import type { RunningEngine } from './engine-port.ts';
import { createPlaceholderEngine } from './placeholder-engine.ts';
import { createSecretStore } from './secrets.ts';
import { openSettingsFile, type SettingsFile } from './settings-store.ts';

/** Everything that runs behind the windows. */
export interface Composition {
  readonly engine: RunningEngine;
  readonly settings: SettingsFile;
}

/** Options of compose. */
export interface ComposeOptions {
  /** The profile folder, its real path. */
  readonly profile: string;
  readonly problem: (event: string, error: unknown) => void;
  readonly note: (event: string, facts: Readonly<Record<string, string>>) => void;
}

/**
 * Resolves once the engine runs; the listener may stand before Electron is ready. Nothing that is not needed for listening
 * is imported on this way.
 */
export async function compose(options: ComposeOptions): Promise<Composition> {
  const { profile, problem, note } = options;
  const settings = openSettingsFile({ profile, now: () => Date.now(), note });
  const secrets = createSecretStore({
    file: path.join(profile, 'secrets'),
    safeStorage,
    platform: process.platform,
    ready: app.whenReady(),
    problem,
  });
  // The engine of main/ goes here: ports in, RunningEngine out.
  const engine = createPlaceholderEngine({ settings, secrets, profile, version: app.getVersion() });
  return { engine, settings };
}
