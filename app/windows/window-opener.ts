/** Shows windows: all that belongs to them is loaded with the first one, since most days go by without any. */
import { ipcMain } from 'electron';
import path from 'node:path';
import { createDispatch } from '../../main/control/dispatch.ts';
import { windowMethods } from '../../shared/ipc-contract.ts';
import type { RunningEngine } from '../engine/engine-port.ts';
import type { Trouble } from '../../main/log/trouble.ts';
import type { Windows } from './windows.ts';
import type { ShellWords } from '../shell/words.ts';

/** Options of createWindowOpener. */
export interface WindowOpenerOptions {
  /** What runs behind the windows; they wait for it. */
  readonly started: Promise<RunningEngine>;
  /** Electron is ready; they wait for that too. */
  readonly ready: Promise<void>;
  readonly words: () => ShellWords;
  /** The work tree, or the root of the packaged program's archive. */
  readonly root: string;
  readonly profile: string;
  /** Path of the icon. */
  readonly icon: string;
  readonly trouble: Trouble;
}

/** The program's windows, whether they were ever opened or not. */
export interface WindowOpener {
  /** Null before the first one. */
  opened(): Windows | null;
  /** Shows the main window, with this message chosen. */
  showMain(message?: string | null): Promise<void>;
  /** Shows the settings at a page. */
  showSettings(page: string): Promise<void>;
}

/** See WindowOpener. */
export function createWindowOpener(options: WindowOpenerOptions): WindowOpener {
  const { started, ready, root, profile, trouble } = options;
  let windows: Windows | null = null;
  let windowsLoading: Promise<Windows> | null = null;

  /** Loaded with the first window, once, however many ask for it side by side. */
  function openWindows(engine: RunningEngine): Promise<Windows> {
    windowsLoading ??= loadWindows(engine);
    return windowsLoading;
  }

  async function loadWindows(engine: RunningEngine): Promise<Windows> {
    const [{ createWindows }, { createWindowApi }, { serveIpc }] = await Promise.all([
      import('./windows.ts'),
      import('./window-api.ts'),
      import('./ipc-server.ts'),
    ]);
    const made = createWindows({
      pages: path.join(root, 'out', 'renderer'),
      preload: path.join(root, 'out', 'preload', 'preload.cjs'),
      stateFile: path.join(profile, 'windows.json'),
      icon: options.icon,
      theme: () => engine.settings().theme,
      problem: trouble,
    });
    const windowApi = createWindowApi({
      engine,
      windows: made,
      logs: path.join(profile, 'logs'),
      words: options.words,
      openSettings: showSettings,
    });
    const own = createDispatch(windowMethods, windowApi, trouble);
    serveIpc(
      ipcMain,
      // What is no call of a window's own is looked up, and its input parsed, by the engine. A name that is no text is refused here.
      (name, input) =>
        typeof name !== 'string' || Object.hasOwn(windowMethods, name) ? own(name, input) : engine.call(name, input),
      (id) => made.isOwn(id),
      trouble,
    );
    windows = made;
    return made;
  }

  async function showMain(message: string | null = null): Promise<void> {
    const engine = await started;
    await ready;
    const opened = await openWindows(engine);
    const wasOpen = opened.isOpen('main');
    await opened.show('main', message === null ? {} : { message });
    if (wasOpen && message !== null) opened.sendTo('main', 'window:show-message', { id: message });
  }

  async function showSettings(page: string): Promise<void> {
    const engine = await started;
    await ready;
    const opened = await openWindows(engine);
    const wasOpen = opened.isOpen('settings');
    await opened.show('settings', { page });
    if (wasOpen) opened.sendTo('settings', 'window:show-page', { page });
  }

  return { opened: () => windows, showMain, showSettings };
}
