/** The autostart entry of Linux desktops. Pure. */
import path from 'node:path';

/** Where it stands (XDG autostart specification). */
export function autostartFile(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const configured = env['XDG_CONFIG_HOME'];
  const base =
    configured !== undefined && path.posix.isAbsolute(configured) ? configured : path.posix.join(home, '.config');
  return path.posix.join(base, 'autostart', 'postcast-server.desktop');
}

/** One argument of an Exec line: quoted, with the specification's two rounds of escapes, and % doubled. */
function quoted(argument: string): string {
  const inside = argument
    .replaceAll(/(["`$\\])/g, '\\$1')
    .replaceAll('\\', '\\\\')
    .replaceAll('%', '%%');
  return `"${inside}"`;
}

/** The text of the entry. */
export function autostartEntry(executable: string, args: readonly string[]): string {
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Name=PostCast Server',
    'Comment=Outgoing mail server of this computer',
    `Exec=${[executable, ...args].map(quoted).join(' ')}`,
    'Icon=postcast-server',
    'Terminal=false',
    'X-GNOME-Autostart-enabled=true',
    '',
  ].join('\n');
}
