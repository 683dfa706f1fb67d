/** Where a profile and its control socket are. Program and command line must agree, so both ask here. */
import { createHash } from 'node:crypto';
import path from 'node:path';

/** What decides the places; handed in so that every platform's answer can be tested on one. */
export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly tmpdir: string;
  /** User id; -1 where there is none (Windows). */
  readonly uid: number;
}

/** The surroundings of this process. */
export function thisComputer(os: { homedir(): string; tmpdir(): string }): Surroundings {
  return {
    platform: process.platform,
    env: process.env,
    home: os.homedir(),
    tmpdir: os.tmpdir(),
    uid: process.getuid?.() ?? -1,
  };
}

function pathFor(platform: NodeJS.Platform): path.PlatformPath {
  return platform === 'win32' ? path.win32 : path.posix;
}

/** The profile folder when none is named: the platform's application-data folder (spec §10). */
export function defaultProfile(at: Surroundings): string {
  const paths = pathFor(at.platform);
  const join = (...parts: string[]): string => paths.join(...parts);
  if (at.platform === 'win32') return join(at.env['APPDATA'] ?? join(at.home, 'AppData', 'Roaming'), 'PostCast Server');
  if (at.platform === 'darwin') return join(at.home, 'Library', 'Application Support', 'PostCast Server');
  // XDG: a relative path is to be ignored.
  const configured = at.env['XDG_CONFIG_HOME'];
  const base = configured !== undefined && paths.isAbsolute(configured) ? configured : join(at.home, '.config');
  return join(base, 'postcast-server');
}

/** sockaddr_un.sun_path holds 108 octets on Linux and 104 on macOS and BSD, the closing NUL included. */
const SUN_PATH = 103;

/** Where the control socket of a profile is. */
export interface ControlPlace {
  /** For net.listen and net.connect. */
  readonly address: string;
  /** The folder that must be 0700 and ours; null for a named pipe. */
  readonly folder: string | null;
}

/**
 * `profile`: the real path (links resolved, one spelling), so that every way of writing it leads to one socket. In the
 * profile itself, or in a folder of the user's own where the path would be too long for a socket.
 */
export function controlPlace(profile: string, at: Surroundings): ControlPlace {
  const name = createHash('sha256').update(profile).digest('hex').slice(0, 24);
  if (at.platform === 'win32') return { address: `\\\\.\\pipe\\postcast-${name}`, folder: null };
  const join = (...parts: string[]): string => path.posix.join(...parts);
  const inside = join(profile, 'control', 'socket');
  if (Buffer.byteLength(inside) <= SUN_PATH) return { address: inside, folder: join(profile, 'control') };
  const runtime = at.env['XDG_RUNTIME_DIR'];
  const inRuntime = runtime === undefined ? null : join(runtime, 'postcast', name);
  if (inRuntime !== null && runtime?.startsWith('/') === true && Buffer.byteLength(inRuntime) <= SUN_PATH) {
    return { address: inRuntime, folder: join(runtime, 'postcast') };
  }
  const folder = join('/tmp', `postcast-${at.uid}`);
  return { address: join(folder, name), folder };
}
