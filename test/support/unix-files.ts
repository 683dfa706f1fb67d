/** What files can be on Unix and not on Windows. */
import { statSync } from 'node:fs';
import { expect } from 'vitest';

/** False on Windows, where a file is its user's by the access list of the profile's folder, and modes say nothing. */
export const hasModeBits = process.platform !== 'win32';

/** False on Windows, where the control socket is a named pipe: it lies in no folder, and is gone with its program. */
export const hasSocketFiles = process.platform !== 'win32';

/** False on Windows, where making a symbolic link wants a privilege that users do not have. */
export const hasSymlinks = process.platform !== 'win32';

/** False on Windows, where no pipe or device has its place among the files. */
export const hasPipeFiles = process.platform !== 'win32';

/** Expects a file's or folder's mode to be this, where there are modes. */
export function expectMode(file: string, mode: number): void {
  if (hasModeBits) expect(statSync(file).mode & 0o777).toBe(mode);
}
