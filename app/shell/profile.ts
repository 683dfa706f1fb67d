/** Opens the profile folder: one folder, one spelling, whatever was written. */
import { chmodSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { defaultProfile, thisComputer } from '../../main/control/profile-path.ts';

/**
 * `written`: as given after --profile, null for the default. Makes the folder (0700) if need be and returns its real path,
 * so that the lock, the control socket and the secrets are the same for every spelling. Throws if it cannot be used.
 */
export function openProfile(written: string | null, cwd: string): string {
  const wanted = written === null ? defaultProfile(thisComputer(os)) : path.resolve(cwd, written);
  mkdirSync(wanted, { recursive: true, mode: 0o700 });
  const real = realpathSync.native(wanted);
  const stats = statSync(real);
  if (stats.uid === process.getuid?.() && (stats.mode & 0o077) !== 0) {
    try {
      chmodSync(real, 0o700);
    } catch {
      // A read-only place: its owner decides.
    }
  }
  return real;
}
