/** The life of the shell: the engine's thread, then tray, windows, calls and notifications; the way out at the end. */
import { app, Menu, nativeTheme, safeStorage, shell } from 'electron';
import os from 'node:os';
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import { defaultProfile, thisComputer } from '../../main/control/profile-path.ts';
import type { Trouble } from '../../main/log/trouble.ts';
import { hostEngine } from '../engine/engine-host.ts';
import { createSettingsWriter } from '../settings-writer.ts';
import { built, newEngineThread } from '../engine/engine-worker.ts';
import { createKeyStore } from '../engine/key-store.ts';
import { createNotifier } from '../notifications/notifications.ts';
import { createTrayActions } from '../tray/tray-actions.ts';
import { trayView } from '../tray/tray-menu.ts';
import { createTray, type TrayIcon } from '../tray/tray.ts';
import { createWindowOpener } from '../windows/window-opener.ts';
import { watchPower } from './power.ts';
import { shellWords, type ShellWords } from './words.ts';

/** Options of runShell. */
export interface ShellOptions {
  /** Real path. */
  readonly profile: string;
  /** A thread that nobody has spoken to yet. */
  readonly firstEngineThread: Worker;
  readonly hidden: boolean;
  readonly trouble: Trouble;
  /** The program begins to end: what fails from here on in its start is no news. */
  readonly ending: () => void;
}

/** How long mail in flight may take to finish when the program ends; what is not done goes back to the queue. */
const STOP_GRACE_MS = 5_000;
/** The end comes after this time whatever hangs: everything accepted is on disk already. */
const STOP_LIMIT_MS = 10_000;
/** Failures within this time make one notification. */
const GATHER_MS = 3_000;

/** The work tree, or the root of the packaged program's archive. */
const ROOT = app.getAppPath();
const ASSETS = path.join(ROOT, 'assets');
const APP_ICON = path.join(ASSETS, process.platform === 'win32' ? 'icon.ico' : 'icon.png');

/** Runs the program; resolves when it is up. */
export async function runShell(options: ShellOptions): Promise<void> {
  const { profile, trouble } = options;
  let tray: TrayIcon | null = null;
  let quitting = false;
  let trayHost: Promise<boolean> | null = null;
  let saidStillRunning = false;

  const ready = app.whenReady();
  const hosted = hostEngine({
    first: options.firstEngineThread,
    another: newEngineThread,
    start: {
      profile,
      version: app.getVersion(),
      workers: { store: built('store-worker.js').href, preview: built('preview-worker.js').href },
    },
    keyStore: createKeyStore({ safeStorage, platform: process.platform, ready }),
    keyStoreReady: ready,
    openExternal: (url) => shell.openExternal(url),
    writeSettings: createSettingsWriter(profile),
    quit: () => detached('quit', quit()),
    trouble,
  });
  const { started } = hosted;
  const windows = createWindowOpener({
    started,
    ready,
    words: () => words(),
    root: ROOT,
    profile,
    icon: APP_ICON,
    trouble,
  });

  app.on('second-instance', (_event, _argv, _cwd, data) => {
    if ((data as { hidden?: unknown } | null)?.hidden !== true) detached('second start', windows.showMain());
  });
  app.on('activate', () => detached('activate', windows.showMain()));
  app.on('window-all-closed', () => {
    if (quitting) return;
    detached('windows closed', afterLastWindow());
  });
  app.on('before-quit', (event) => {
    // Everything that quits (menu, session, signal) comes by here; the queue is closed first.
    event.preventDefault();
    detached('quit', quit());
  });
  // Electron's own handlers are gone as soon as any library listens for a signal, and one of them may end the process at
  // once. With a listener of ours its end is only asked for again.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => detached(signal, quit()));

  const engine = await started;
  const words = (): ShellWords => shellWords(engine.settings().language, app.isReady() ? app.getLocale() : '');
  await ready;
  if (process.platform === 'darwin') setMacMenu();

  for (const name of ['queue:changed', 'status:changed', 'settings:changed', 'gateways:changed'] as const)
    engine.on(name, (payload) => windows.opened()?.send(name, payload));
  const view = (): ReturnType<typeof trayView> => trayView(engine.status(), words().tray);
  const redraw = (): void => icon.update(view());
  const act = createTrayActions({ engine, windows, words, redraw, quit });
  const icon = createTray(ASSETS, view(), (action) => detached(`tray ${action.kind}`, act(action)));
  tray = icon;
  engine.on('status:changed', ({ listener }) => {
    redraw();
    notifier.listener(listener);
  });

  const notifier = createNotifier({
    show: (notice) => {
      detached(
        'notification',
        import('../notifications/notification-host.ts').then(({ showNotice }) =>
          showNotice(notice, APP_ICON, () => {
            detached(
              'notification click',
              notice.page === null ? windows.showMain(notice.id) : windows.showSettings(notice.page),
            );
          }),
        ),
      );
    },
    enabled: () => engine.settings().notifications,
    words,
    gatherMs: GATHER_MS,
    after: (ms, run) => void setTimeout(run, ms),
  });
  engine.onFailed((message) => notifier.failed(message));
  notifier.listener(engine.status().listener);

  if (!options.hidden && !engine.settings().startHidden) {
    // A window that cannot be shown is no reason to accept no mail.
    await windows.showMain().catch((error: unknown) => trouble('window', error));
  }

  // Comforts, once mail is taken care of.
  watchPower({
    suspended: () => engine.suspended(),
    resumed: () => engine.resumed(),
    ending: () => detached('session end', quit()),
  });
  const applySettings = (): void => {
    const { theme, launchAtLogin } = engine.settings();
    nativeTheme.themeSource = theme;
    redraw();
    detached('launch at login', applyLoginItem(launchAtLogin));
  };
  engine.onSettings(applySettings);
  if (engine.settings().launchAtLogin) applySettings();

  function detached(event: string, promise: Promise<unknown>): void {
    promise.catch((error: unknown) => trouble(event, error));
  }

  function hasTray(): Promise<boolean> {
    trayHost ??= import('../tray/tray-host.ts').then((host) => host.hasTrayHost(process.platform));
    return trayHost;
  }

  async function afterLastWindow(): Promise<void> {
    const { closeToTray, notifications } = (await started).settings();
    if (!closeToTray) return quit();
    if (saidStillRunning || !notifications || (await hasTray())) return;
    saidStillRunning = true;
    const { showNotice } = await import('../notifications/notification-host.ts');
    const { stillRunning } = words();
    showNotice({ ...stillRunning, id: null, page: null }, APP_ICON, () =>
      detached('notification click', windows.showMain()),
    );
  }

  /** Accept nothing more, finish or give back what is in flight, close; bounded in time. */
  async function quit(): Promise<void> {
    if (quitting) return;
    quitting = true;
    options.ending();
    setTimeout(() => app.exit(0), STOP_LIMIT_MS);
    const placesKept = windows.opened()?.closeAll();
    tray?.close();
    await Promise.all([hosted.stop(STOP_GRACE_MS), placesKept]).catch((error: unknown) => trouble('stop', error));
    app.exit(0);
  }

  async function applyLoginItem(enabled: boolean): Promise<void> {
    const { setLaunchAtLogin } = await import('./login-item.ts');
    const isDefault = profile === defaultProfile(thisComputer(os));
    await setLaunchAtLogin(enabled, {
      // An AppImage is started by its own path, not by that of what is inside.
      executable: process.env['APPIMAGE'] ?? process.execPath,
      args: [...(app.isPackaged ? [] : [app.getAppPath()]), '--hidden', ...(isDefault ? [] : ['--profile', profile])],
      home: os.homedir(),
      env: process.env,
    });
  }
}

function setMacMenu(): void {
  Menu.setApplicationMenu(Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }]));
}
