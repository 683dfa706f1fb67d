/** The adapter of the platform that the program runs on. */
import type { Clock, Log } from '../ports.ts';
import type { NetworkAdapter } from './facts.ts';
import { createLinuxAdapter } from './linux/adapter.ts';
import { createMacAdapter } from './macos/adapter.ts';
import { createWindowsAdapter } from './windows/adapter.ts';

/** Parts that every adapter is made of. */
export interface SystemAdapterParts {
  readonly clock: Clock;
  readonly log: Pick<Log, 'note' | 'problem'>;
}

export function createSystemAdapter(
  parts: SystemAdapterParts,
  platform: NodeJS.Platform = process.platform,
): NetworkAdapter {
  if (platform === 'win32') return createWindowsAdapter(parts);
  return platform === 'darwin' ? createMacAdapter(parts) : createLinuxAdapter(parts);
}
