/** Writes a file that a user chose. Plain Node and small: the command line carries it. */
import { randomBytes } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** Of a file that was not there: for this user's eyes only. */
const PRIVATE = 0o600;

/**
 * All or nothing: what stood under that name stays whole until the new one is on the disk, whatever fails, and no other
 * file is touched. A link is followed; the permissions of a file that is replaced are kept. Rejects with the system's
 * error, or with that of `chunks`.
 */
export async function saveFile(file: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
  const target = await realpath(file).catch(() => path.resolve(file));
  const before = await stat(target).catch(() => null);
  if (before !== null && !before.isFile()) {
    // A pipe or a device (/dev/stdout) holds nothing that could be lost, and must not be replaced by a file.
    if (before.isDirectory()) throw Object.assign(new Error(`${file} is a folder`), { code: 'EISDIR' });
    return writeTo(target, 'w', PRIVATE, chunks);
  }
  const temporary = path.join(path.dirname(target), `.${randomBytes(8).toString('hex')}.part`);
  const mode = before === null ? PRIVATE : before.mode & 0o777;
  try {
    await writeTo(temporary, 'wx', mode, chunks);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function writeTo(
  file: string,
  flags: 'w' | 'wx',
  mode: number,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const handle = await open(file, flags, PRIVATE);
  try {
    for await (const chunk of chunks) await handle.writeFile(chunk);
    if (flags === 'wx') {
      await handle.chmod(mode);
      await handle.sync();
    }
  } finally {
    await handle.close();
  }
}
