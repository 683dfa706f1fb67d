// Opens a package of any kind, whichever system it is for, and lists the native modules in it.
import { mkdtempSync, openSync, closeSync, readSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onPath, runCommand } from '../lib/process.mjs';

const HEAD_BYTES = 4096;

/** How each kind is unpacked into a folder. `program`: what that takes. */
const KINDS = [
  { ending: '.tar.gz', program: 'tar', command: (file, to) => ['tar', '-xzf', file, '-C', to] },
  { ending: '.deb', program: 'dpkg-deb', command: (file, to) => ['dpkg-deb', '--extract', file, to] },
  { ending: '.zip', program: '7za', command: (file, to) => ['7za', 'x', '-y', `-o${to}`, file] },
  { ending: '.exe', program: '7z', command: (file, to) => ['7z', 'x', '-y', `-o${to}`, file] },
  { ending: '.AppImage', program: '7z', command: (file, to) => ['7z', 'x', '-y', `-o${to}`, file] },
  {
    ending: '.rpm',
    program: 'rpm2cpio',
    command: (file, to) => ['sh', '-c', 'rpm2cpio "$1" | (cd "$2" && cpio -id --quiet)', 'sh', file, to],
  },
];

/**
 * The native modules in a package or an unpacked one. `unopened` says why it could not be looked into, else it is null.
 * @param {string} file path of a package or of a folder
 * @returns {Promise<{ modules: { name: string, head: Buffer }[], unopened: string | null }>}
 */
export async function nativeModulesIn(file) {
  if (statSync(file).isDirectory()) return { modules: modulesBelow(file), unopened: null };
  const kind = KINDS.find(({ ending }) => file.endsWith(ending));
  if (kind === undefined) return { modules: [], unopened: 'nothing here opens this kind' };
  if (onPath(kind.program) === undefined) return { modules: [], unopened: `${kind.program} is missing` };
  const folder = mkdtempSync(path.join(tmpdir(), 'postcast-opened-'));
  try {
    const [command, ...args] = kind.command(file, folder);
    const { code, output } = await runCommand(command, args, { timeoutSeconds: 300 });
    if (code !== 0) throw new Error(`${path.basename(file)} cannot be opened:\n${output}`);
    return { modules: modulesBelow(folder), unopened: null };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function modulesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.node'))
    .map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return { name: path.relative(folder, file), head: headOf(file) };
    });
}

function headOf(file) {
  const head = Buffer.alloc(HEAD_BYTES);
  const descriptor = openSync(file, 'r');
  try {
    return head.subarray(0, readSync(descriptor, head, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(descriptor);
  }
}
