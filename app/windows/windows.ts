/**
 * The windows: made when they are wanted, gone when they are closed (memory). Our own pages only, out of the program's
 * folder, over a scheme of our own whose answers carry the content security policy.
 */
import { BrowserWindow, nativeTheme, protocol, screen, session, shell, type WebContents } from 'electron';
import { readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Settings } from '../../shared/settings.ts';
import { clampBounds, parseRemembered, type RememberedWindow } from './bounds.ts';
import { EVENT_CHANNEL, isOwnPage } from './ipc-server.ts';
import { PAGE_ORIGIN, PAGE_SCHEME } from './page-scheme.ts';

/** Which windows there are. */
export type WindowKind = 'main' | 'settings';

/** Opens, finds and informs windows. */
export interface Windows {
  /** Opens the window or brings it to the front. `query` reaches the page in its address. */
  show(kind: WindowKind, query?: Readonly<Record<string, string>>): Promise<BrowserWindow>;
  /** To every open window. */
  send(name: string, payload: unknown): void;
  sendTo(kind: WindowKind, name: string, payload: unknown): void;
  isOwn(webContentsId: number): boolean;
  isOpen(kind: WindowKind): boolean;
  get(kind: WindowKind): BrowserWindow | null;
  /** Resolves once their places are kept, for the next start. */
  closeAll(): Promise<void>;
}

const SIZES = {
  main: { width: 1280, height: 800, minWidth: 900, minHeight: 600 },
  settings: { width: 960, height: 720, minWidth: 900, minHeight: 600 },
} as const;

/** Shown until the page has painted: no white flash. */
const BACKGROUND = { dark: '#1f1f1f', light: '#fafafa' };

/** Style elements are made at run time by the component library; scripts only ever come from our own files. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "frame-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
].join('; ');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

/** What stands behind # in a page's address: the renderer decides by it what to show. */
function place(kind: 'main' | 'settings', query: Readonly<Record<string, string>>): string {
  if (kind === 'settings') return `#/settings/${encodeURIComponent(query['page'] ?? 'gateways')}`;
  const message = query['message'];
  return message === undefined ? '' : `#/message/${encodeURIComponent(message)}`;
}

/** The file behind an address of ours inside `root`; null for anything else. Pure but for the path rules of the platform. */
export function pageFile(url: string, root: string): string | null {
  if (!isOwnPage(url)) return null;
  let name: string;
  try {
    name = decodeURIComponent(new URL(url).pathname);
  } catch {
    return null;
  }
  if (name.includes('\0') || name.includes('\\')) return null;
  const file = path.join(root, name === '/' ? 'index.html' : name);
  return file.startsWith(root + path.sep) && path.extname(file) in TYPES ? file : null;
}

/** Options of createWindows. */
export interface WindowsOptions {
  /** Folder of the built pages. */
  readonly pages: string;
  readonly preload: string;
  /** Where bounds are remembered. */
  readonly stateFile: string;
  readonly icon: string;
  readonly theme: () => Settings['general']['theme'];
  readonly problem: (event: string, error: unknown) => void;
}

/** Call once, after ready. */
export function createWindows(options: WindowsOptions): Windows {
  const open = new Map<WindowKind, BrowserWindow>();
  const remembered = readState(options.stateFile);
  let saving: Promise<void> = Promise.resolve();
  servePages(options);

  function remember(kind: WindowKind, window: BrowserWindow): void {
    remembered.set(kind, { bounds: window.getNormalBounds(), maximized: window.isMaximized() });
    const text = JSON.stringify(Object.fromEntries(remembered));
    saving = saving
      .then(async () => {
        const temporary = `${options.stateFile}.tmp`;
        await writeFile(temporary, text, { mode: 0o600 });
        await rename(temporary, options.stateFile);
      })
      .catch((error: unknown) => options.problem('window place not kept', error));
  }

  function create(kind: WindowKind): BrowserWindow {
    const size = SIZES[kind];
    nativeTheme.themeSource = options.theme();
    const primary = screen.getPrimaryDisplay();
    const areas = [primary, ...screen.getAllDisplays().filter((d) => d.id !== primary.id)].map((d) => d.workArea);
    const last = remembered.get(kind) ?? null;
    const window = new BrowserWindow({
      ...clampBounds(last?.bounds ?? null, size, { width: size.minWidth, height: size.minHeight }, areas),
      minWidth: size.minWidth,
      minHeight: size.minHeight,
      show: false,
      title: 'PostCast Server',
      backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
      autoHideMenuBar: true,
      icon: options.icon,
      webPreferences: {
        preload: options.preload,
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
        webviewTag: false,
        navigateOnDragDrop: false,
        spellcheck: false,
        // Compiled code is kept from the first opening on, not from the third.
        v8CacheOptions: 'bypassHeatCheck',
        safeDialogs: true,
      },
    });
    if (last?.maximized === true) window.maximize();
    harden(window.webContents);
    window.on('close', () => remember(kind, window));
    window.on('closed', () => {
      open.delete(kind);
    });
    window.webContents.on('render-process-gone', (_event, details) => {
      options.problem('window crashed', new Error(details.reason));
      // Mail goes on; the window can be opened again.
      if (!window.isDestroyed()) window.destroy();
    });
    open.set(kind, window);
    return window;
  }

  return {
    show: async (kind, query = {}) => {
      const existing = open.get(kind);
      if (existing !== undefined) {
        if (existing.isMinimized()) existing.restore();
        existing.show();
        existing.focus();
        return existing;
      }
      const window = create(kind);
      // A page that never paints (broken build) must not leave an invisible window.
      const fallback = setTimeout(() => window.isDestroyed() || window.show(), 3000);
      window.once('ready-to-show', () => {
        clearTimeout(fallback);
        window.show();
      });
      window.once('closed', () => clearTimeout(fallback));
      await window.loadURL(`${PAGE_ORIGIN}/index.html${place(kind, query)}`).catch((error: unknown) => {
        // Closed while it was loading: that is what the user wanted.
        if (!window.isDestroyed()) throw error;
      });
      return window;
    },
    send: (name, payload) => {
      for (const window of open.values()) window.webContents.send(EVENT_CHANNEL, name, payload);
    },
    sendTo: (kind, name, payload) => {
      open.get(kind)?.webContents.send(EVENT_CHANNEL, name, payload);
    },
    isOwn: (id) => [...open.values()].some((window) => !window.isDestroyed() && window.webContents.id === id),
    isOpen: (kind) => open.has(kind),
    get: (kind) => open.get(kind) ?? null,
    closeAll: () => {
      for (const [kind, window] of open) {
        // destroy() tells nobody, and a page cannot hold it up.
        remember(kind, window);
        window.destroy();
      }
      // Widths and columns, which Chromium would write at some later time.
      session.defaultSession.flushStorageData();
      return saving;
    },
  };
}

function readState(file: string): Map<WindowKind, RememberedWindow> {
  const known = new Map<WindowKind, RememberedWindow>();
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return known; // the first start, or not worth a word
  }
  for (const kind of ['main', 'settings'] as const) {
    const one = parseRemembered((value as Record<string, unknown> | null)?.[kind]);
    if (one !== null) known.set(kind, one);
  }
  return known;
}

function servePages(options: WindowsOptions): void {
  protocol.handle(PAGE_SCHEME, async (request) => {
    const file = request.method === 'GET' ? pageFile(request.url, options.pages) : null;
    if (file === null) return new Response('Not found', { status: 404 });
    try {
      // readFile sees into the asar archive of the packaged program.
      const body = await readFile(file);
      return new Response(new Uint8Array(body), {
        headers: {
          'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream',
          'content-security-policy': POLICY,
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-cache',
        },
      });
    } catch {
      return new Response('Not found', { status: 404 });
    }
  });
  // No page of ours needs camera, place, clipboard reading, notifications, USB, …; whatever asks is told no.
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.defaultSession.setPermissionCheckHandler(() => false);
  session.defaultSession.setDevicePermissionHandler(() => false);
  // Nothing a page or a message in it refers to is ever fetched from elsewhere.
  session.defaultSession.webRequest.onBeforeRequest((details, answer) => {
    const { url } = details;
    answer({ cancel: !(isOwnPage(url) || /^(data|blob|devtools|about):/.test(url)) });
  });
}

function harden(contents: WebContents): void {
  contents.setWindowOpenHandler(({ url }) => {
    openOutside(url);
    return { action: 'deny' };
  });
  contents.on('will-navigate', (event) => {
    if (!isOwnPage(event.url) || !event.isMainFrame) event.preventDefault();
  });
  contents.on('will-frame-navigate', (event) => {
    if (!isOwnPage(event.url) && !/^(about:(blank|srcdoc)|blob:)/.test(event.url)) event.preventDefault();
  });
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
}

/** Opens a link in the user's browser or mail program; anything but http(s) and mailto is dropped. */
export function openOutside(url: string): void {
  let protocolName: string;
  try {
    protocolName = new URL(url).protocol;
  } catch {
    return;
  }
  if (!['http:', 'https:', 'mailto:'].includes(protocolName)) return;
  shell.openExternal(url).catch(() => undefined);
}
