/** The dial-up port of the platform that the program runs on (spec §7). */
import type { Log } from '../../log/log-port.ts';
import type { DialUp } from '../network-port.ts';
import { runCommand, type RunCommand } from '../run-command.ts';
import { dialUpWith } from './dialler.ts';
import { createLinuxDialler } from './linux.ts';
import { createMacDialler } from './macos.ts';
import { createWindowsDialler } from './windows.ts';

export interface DialUpParts {
  readonly log: Pick<Log, 'note'>;
  readonly run?: RunCommand;
  readonly platform?: NodeJS.Platform;
}

/** The port. Only names that the system itself lists are ever handed to a command; nothing goes through a shell. */
export function createDialUp({ log, run = runCommand, platform = process.platform }: DialUpParts): DialUp {
  const dialler =
    platform === 'win32'
      ? createWindowsDialler(run)
      : platform === 'darwin'
        ? createMacDialler(run)
        : createLinuxDialler(run);
  return dialUpWith(dialler, log);
}
