/** Which picture the tray shows. Pure. */
import path from 'node:path';
import type { TrayPicture } from './tray-menu.ts';

/** The picture file of a state: sizes for Windows are inside the ICO, `@2x` files are found by Electron itself. */
export function trayPicture(assets: string, state: TrayPicture, platform: NodeJS.Platform): string {
  switch (platform) {
    case 'win32':
      return path.join(assets, 'tray', `${state}.ico`);
    case 'darwin':
      return path.join(assets, 'tray', `${state}Template.png`);
    default:
      return path.join(assets, 'tray', `${state}.png`);
  }
}
