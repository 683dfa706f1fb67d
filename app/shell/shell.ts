/** The life of the program: engine first, then tray, windows, calls and notifications; the way out at the end. */
import { app, Menu, nativeTheme } from 'electron';
import os from 'node:os';
import path from 'node:path';
import { startControlServer } from '../../main/control/control-server.ts';
import { createDispatch } from '../../main/control/dispatch.ts';
import { controlPlace, defaultProfile, thisComputer } from '../../main/control/profile-path.ts';
import { engineMethods, type EngineApi } from '../../shared/ipc-contract.ts';
import { ok } from '../../shared/result.ts';
import { createCoalescer } from './coalesce.ts';
import { compose, type Composition } from '../compose.ts';
import { createTrayActions } from '../tray/tray-actions.ts';
import type { TrayIcon } from '../tray/tray.ts';
import type { Trouble } from './trouble.ts';
import { createWindowOpener } from '../windows/window-opener.ts';
import { shellWords, type ShellWords } from './words.ts';

/** Options of runShell. */
export interface ShellOptions {
  /** Real path. */
  readonly profile: string;
  readonly hidden: boolean;
  readonly trouble: Trouble;
  /** Called once mail is taken and the command line is answered. A start that fails rejects instead. */
  readonly stands: () => void;
  /** The program begins to end: what fails from here on in its start is no news. */
  readonly ending: () => void;
}

/** Events to windows and tray, about four a second. */
const EVENT_INTERVAL_MS = 250;
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

  const composing = compose({
    profile,
    problem: trouble,
    note: (event, facts) => trouble(event, Object.values(facts).join(' ')),
  });
  const quitApi: Pick<EngineApi, 'app.quit'> = {
    'app.quit': async () => {
      // The answer goes out first.
      setImmediate(() => detached('quit', quit()));
      return ok({});
    },
  };

  // Listens from the beginning, and answers once there is something to answer with: nobody is told that nothing runs here.
  const dispatching = composing.then(({ engine }) =>
    createDispatch(engineMethods, { ...engine.api, ...quitApi }, trouble),
  );
  dispatching.catch(() => undefined);
  const controlling = startControlServer({
    place: controlPlace(profile, thisComputer(os)),
    dispatch: async (name, input) => (await dispatching)(name, input),
    problem: trouble,
  }).catch((error: unknown) => {
    // The program works without its command line.
    trouble('control socket', error);
    return null;
  });
  const ready = app.whenReady();
  const wordsNow = (settings: Composition['settings']): ShellWords =>
    shellWords(settings.get().general.language, app.isReady() ? app.getLocale() : '');
  const windows = createWindowOpener({
    composing,
    ready,
    handlers: (engine) => ({ ...engine.api, ...quitApi }),
    words: wordsNow,
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
  // Electron's own handlers are gone as soon as any library listens for a signal, and electron-store brings one that
  // ends the process at once. With a listener of ours its end is only asked for again.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => detached(signal, quit()));

  const composition = await composing.catch((error: unknown) => {
    throw new Error(error instanceof Error ? error.message : String(error), { cause: error });
  });
  const { engine, settings } = composition;
  const words = (): ShellWords => wordsNow(settings);

  await controlling;
  options.stands();

  await ready;
  if (process.platform === 'darwin') setMacMenu();

  const events = createCoalescer((name, payload) => windows.opened()?.send(name, payload), EVENT_INTERVAL_MS);
  for (const name of ['queue:changed', 'settings:changed', 'gateways:changed'] as const) {
    engine.on(name, (payload) => events.push(name, payload));
  }
  const { createTray } = await import('../tray/tray.ts');
  const { trayView } = await import('../tray/tray-menu.ts');
  const view = (): ReturnType<typeof trayView> => trayView(engine.status(), words().tray);
  const act = createTrayActions({ engine, windows, words, redraw: () => trayUpdates.push('status', null), quit });
  const icon = createTray(ASSETS, view(), (action) => detached(`tray ${action.kind}`, act(action)));
  tray = icon;
  const trayUpdates = createCoalescer(() => icon.update(view()), EVENT_INTERVAL_MS);
  engine.on('status:changed', (status) => {
    events.push('status:changed', status);
    trayUpdates.push('status', null);
    notifier.listener(status.listener);
  });

  const { createNotifier } = await import('../notifications/notifications.ts');
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
    enabled: () => settings.get().general.notifications,
    words,
    gatherMs: GATHER_MS,
    after: (ms, run) => void setTimeout(run, ms),
  });
  engine.onFailed((message) => notifier.failed(message));
  notifier.listener(engine.status().listener);

  if (!options.hidden && !settings.get().general.startHidden) {
    // A window that cannot be shown is no reason to accept no mail.
    await windows.showMain().catch((error: unknown) => trouble('window', error));
  }

  // Comforts, once mail is taken care of.
  const { watchPower } = await import('./power.ts');
  watchPower({
    suspended: () => engine.suspended(),
    resumed: () => engine.resumed(),
    ending: () => detached('session end', quit()),
  });
  await settings.watch().catch((error: unknown) => trouble('settings.json is not watched', error));
  const applySettings = (): void => {
    const { general } = settings.get();
    nativeTheme.themeSource = general.theme;
    trayUpdates.push('status', null);
    detached('launch at login', applyLoginItem(general.launchAtLogin));
  };
  settings.onChange(applySettings);
  if (settings.get().general.launchAtLogin) applySettings();

  function detached(event: string, promise: Promise<unknown>): void {
    promise.catch((error: unknown) => trouble(event, error));
  }

  function hasTray(): Promise<boolean> {
    trayHost ??= import('../tray/tray-host.ts').then((host) => host.hasTrayHost(process.platform));
    return trayHost;
  }

  async function afterLastWindow(): Promise<void> {
    const { general } = settings.get();
    if (!general.closeToTray) return quit();
    if (saidStillRunning || !general.notifications || (await hasTray())) return;
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
    // A start that is under way comes to its end first: what it opens has to be closed.
    const running = await composing.catch(() => null);
    running?.settings.close();
    await Promise.all([
      controlling.then((control) => control?.close(1_000)),
      running?.engine.stop(STOP_GRACE_MS),
      placesKept,
    ]).catch((error: unknown) => trouble('stop', error));
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
