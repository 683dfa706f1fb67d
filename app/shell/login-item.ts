/** Starting with the session (general.launchAtLogin): by Electron on Windows and macOS, by an autostart entry on Linux. */
import { app } from 'electron';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { autostartEntry, autostartFile } from './autostart.ts';

/** What is started at log-in: this very program, hidden, with this profile. */
export interface LoginItem {
  readonly executable: string;
  readonly args: readonly string[];
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Makes it so, if it is not so already. */
export async function setLaunchAtLogin(enabled: boolean, item: LoginItem): Promise<void> {
  if (process.platform !== 'linux') {
    const settings = { path: item.executable, args: [...item.args] };
    if (app.getLoginItemSettings(settings).openAtLogin === enabled) return;
    app.setLoginItemSettings({ ...settings, openAtLogin: enabled });
    return;
  }
  const file = autostartFile(item.env, item.home);
  const there = await readFile(file, 'utf8').catch(() => null);
  if (!enabled) {
    if (there !== null) await rm(file, { force: true });
    return;
  }
  const entry = autostartEntry(item.executable, item.args);
  if (there === entry) return;
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.tmp`;
  await writeFile(temporary, entry);
  await rename(temporary, file);
}
