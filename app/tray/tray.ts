/** The tray icon: draws what tray-menu.ts decided, and only what changed. */
import { Menu, nativeImage, Tray, type MenuItemConstructorOptions, type NativeImage } from 'electron';
import { isDeepStrictEqual } from 'node:util';
import { assertNever } from '../../shared/result.ts';
import type { TrayAction, TrayItem, TrayPicture, TrayView } from './tray-menu.ts';
import { trayPicture } from './tray-picture.ts';

/** The icon in the tray. */
export interface TrayIcon {
  update(view: TrayView): void;
  close(): void;
}

/** Puts the icon into the tray. `act` is called with what was clicked. */
export function createTray(assets: string, first: TrayView, act: (action: TrayAction) => void): TrayIcon {
  const pictures = new Map<TrayPicture, NativeImage>();
  const picture = (state: TrayPicture): NativeImage => {
    const known = pictures.get(state);
    if (known !== undefined) return known;
    const loaded = nativeImage.createFromPath(trayPicture(assets, state, process.platform));
    if (process.platform === 'darwin') loaded.setTemplateImage(true);
    pictures.set(state, loaded);
    return loaded;
  };
  const tray = new Tray(picture(first.icon));
  let shown: TrayView | null = null;
  const update = (view: TrayView): void => {
    // The queue still tells of its last changes while the program ends.
    if (tray.isDestroyed()) return;
    if (shown?.icon !== view.icon) tray.setImage(picture(view.icon));
    if (shown?.tooltip !== view.tooltip) tray.setToolTip(view.tooltip);
    // An open menu closes when it is replaced: only for a change that matters.
    if (!isDeepStrictEqual(shown?.items, view.items)) {
      tray.setContextMenu(Menu.buildFromTemplate(template(view.items, act)));
    }
    shown = view;
  };
  update(first);
  tray.on('click', () => {
    // On macOS a click opens the menu.
    if (process.platform !== 'darwin') act({ kind: 'open' });
  });
  return { update, close: () => tray.destroy() };
}

function template(items: readonly TrayItem[], act: (action: TrayAction) => void): MenuItemConstructorOptions[] {
  return items.map((item): MenuItemConstructorOptions => {
    switch (item.type) {
      case 'separator':
        return { type: 'separator' };
      case 'label':
        return { label: item.label, enabled: false };
      case 'action':
        return { label: item.label, enabled: item.enabled, click: () => act(item.action) };
      case 'radio':
        return { type: 'radio', label: item.label, checked: item.checked, click: () => act(item.action) };
      case 'submenu':
        return { label: item.label, submenu: template(item.items, act) };
      default:
        return assertNever(item);
    }
  });
}
