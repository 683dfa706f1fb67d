/** The composition root: builds the real ports, starts the engine with them, and hands the shell plain objects. */
import { app, safeStorage, shell } from 'electron';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { createDialUp } from '../main/network/dial-up/system-dial-up.ts';
import { createLazyAdapter } from '../main/network/lazy-adapter.ts';
import { createNetworkMonitor } from '../main/network/monitor.ts';
import { createPortalProbe } from '../main/network/portal-probe.ts';
import { startProgram } from '../main/program/program.ts';
import type { RunningEngine } from './engine-port.ts';
import { createSecretStore } from '../main/secrets/kept-secrets.ts';
import { openSettingsFile, type SettingsFile } from '../main/settings/settings-file.ts';
import { createKeyStore } from './key-store.ts';

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

/** A file of the build: chunks move about, the entries of threads do not. */
function built(file: string): URL {
  return pathToFileURL(path.join(app.getAppPath(), 'out', 'main', file));
}

/** Resolves once the listener stands, which may be before Electron is ready. Rejects if there is no way to keep mail. */
export async function compose(options: ComposeOptions): Promise<Composition> {
  const { profile, problem, note } = options;
  const settings = openSettingsFile({ profile, now: () => Date.now(), note });
  const secrets = createSecretStore({
    file: path.join(profile, 'secrets'),
    keyStore: createKeyStore({ safeStorage, platform: process.platform, ready: app.whenReady() }),
    problem,
  });
  const program = await startProgram({
    profile,
    version: app.getVersion(),
    settings,
    secrets,
    network: ({ clock, log }) =>
      createNetworkMonitor({
        clock,
        log,
        settings,
        adapter: createLazyAdapter(async () => {
          const { createSystemAdapter } = await import('../main/network/system-adapter.ts');
          return createSystemAdapter({ clock, log });
        }),
        probePortal: createPortalProbe(),
      }),
    dialUp: ({ log }) => createDialUp({ log }),
    workers: { store: built('store-worker.js'), preview: built('preview-worker.js') },
    openExternal: (url) => shell.openExternal(url),
    quit: () => {
      app.quit();
    },
  });
  return { engine: { ...program, onFailed: (listener) => program.on('failed', listener) }, settings };
}
