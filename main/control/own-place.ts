/** Whether a folder or socket is this user's alone. Plain Node and small: the command line carries it. */
import { lstat } from 'node:fs/promises';

/** What may be wrong with a place that mail or passwords are to be handed to. */
export class ForeignOwnerError extends Error {}

/**
 * Rejects with ForeignOwnerError unless `folder` is a real folder (no link) that belongs to this user and that nobody else may
 * write to; with the system's error if it cannot be looked at. Windows has no owner here: the folder lies in the
 * user's own profile, and its access list is not looked at.
 */
export async function requireOwnFolder(folder: string): Promise<void> {
  const stats = await lstat(folder);
  if (!stats.isDirectory()) throw new ForeignOwnerError(`${folder} is not a folder`);
  requireOwner(folder, stats.uid);
  if (process.platform !== 'win32' && (stats.mode & 0o022) !== 0)
    throw new ForeignOwnerError(`other users may write to ${folder}`);
}

/** As above for the socket of a running program. */
export async function requireOwnSocket(socket: string): Promise<void> {
  const stats = await lstat(socket);
  if (!stats.isSocket()) throw new ForeignOwnerError(`${socket} is not a socket`);
  requireOwner(socket, stats.uid);
}

function requireOwner(what: string, uid: number): void {
  const own = process.geteuid?.();
  if (own !== undefined && uid !== own) throw new ForeignOwnerError(`${what} belongs to another user`);
}
