/** Shows windows: all that belongs to them is loaded with the first one, since most days go by without any. */
import { ipcMain } from 'electron';
import path from 'node:path';
import { createDispatch, type HandlerTable } from '../../main/control/dispatch.ts';
import { methods } from '../../shared/ipc-contract.ts';
import type { Composition } from '../compose.ts';
import type { Trouble } from '../shell/trouble.ts';
import type { Windows } from './windows.ts';
import type { ShellWords } from '../shell/words.ts';

/** Options of createWindowOpener. */
export interface WindowOpenerOptions {
  /** What runs behind the windows; they wait for it. */
  readonly composing: Promise<Composition>;
  /** Electron is ready; they wait for that too. */
  readonly ready: Promise<void>;
  /** The calls that are no window's own. */
  readonly handlers: (engine: Composition['engine']) => HandlerTable;
  readonly words: (settings: Composition['settings']) => ShellWords;
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
  const { composing, ready, root, profile, trouble } = options;
  let windows: Windows | null = null;
  let windowsLoading: Promise<Windows> | null = null;

  /** Loaded with the first window, once, however many ask for it side by side. */
  function openWindows({ engine, settings }: Composition): Promise<Windows> {
    windowsLoading ??= loadWindows(engine, settings);
    return windowsLoading;
  }

  async function loadWindows(engine: Composition['engine'], settings: Composition['settings']): Promise<Windows> {
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
      settings: () => settings.get(),
      problem: trouble,
    });
    const windowApi = createWindowApi({
      engine: async () => (await composing).engine,
      windows: made,
      logs: path.join(profile, 'logs'),
      words: () => options.words(settings),
      openSettings: showSettings,
    });
    serveIpc(
      ipcMain,
      createDispatch(methods, { ...options.handlers(engine), ...windowApi }, trouble),
      (id) => made.isOwn(id),
      trouble,
    );
    windows = made;
    return made;
  }

  async function showMain(message: string | null = null): Promise<void> {
    const composition = await composing;
    await ready;
    const opened = await openWindows(composition);
    const wasOpen = opened.isOpen('main');
    await opened.show('main', message === null ? {} : { message });
    if (wasOpen && message !== null) opened.sendTo('main', 'window:show-message', { id: message });
  }

  async function showSettings(page: string): Promise<void> {
    const composition = await composing;
    await ready;
    const opened = await openWindows(composition);
    const wasOpen = opened.isOpen('settings');
    await opened.show('settings', { page });
    if (wasOpen) opened.sendTo('settings', 'window:show-page', { page });
  }

  return { opened: () => windows, showMain, showSettings };
}
