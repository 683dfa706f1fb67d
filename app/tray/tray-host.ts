/** Whether there is anything that shows tray icons: GNOME has nothing of the kind unless an extension brings it. */
import { execFile } from 'node:child_process';

type Run = (file: string, args: readonly string[]) => Promise<string>;

const run: Run = (file, args) =>
  new Promise((resolve, reject) => {
    execFile(file, [...args], { timeout: 2000, encoding: 'utf8' }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new Error(error.message));
    });
  });

const WATCHER = 'org.kde.StatusNotifierWatcher';

/**
 * Asks the session bus who watches for status icons. True on Windows and macOS. Where nobody can be asked the answer is
 * false: the window then shows its own way to quit, which does no harm beside a tray.
 */
export async function hasTrayHost(platform: NodeJS.Platform, ask: Run = run): Promise<boolean> {
  if (platform !== 'linux') return true;
  const questions: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      'gdbus',
      [
        ...['call', '--session', '--dest', 'org.freedesktop.DBus', '--object-path', '/org/freedesktop/DBus'],
        ...['--method', 'org.freedesktop.DBus.NameHasOwner', WATCHER],
      ],
      /true/,
    ],
    [
      'dbus-send',
      [
        ...['--session', '--print-reply', '--dest=org.freedesktop.DBus', '/org/freedesktop/DBus'],
        ...['org.freedesktop.DBus.NameHasOwner', `string:${WATCHER}`],
      ],
      /boolean true/,
    ],
  ];
  for (const [file, args, yes] of questions) {
    try {
      return yes.test(await ask(file, args));
    } catch {
      // not installed, or no bus: the next one
    }
  }
  return false;
}
