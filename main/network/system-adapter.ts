/** The adapter of the platform that the program runs on. */
import type { NetworkAdapter, SystemAdapterParts } from './facts.ts';
import { createLinuxAdapter } from './linux/adapter.ts';
import { createMacAdapter } from './macos/adapter.ts';
import { createWindowsAdapter } from './windows/adapter.ts';

export function createSystemAdapter(
  parts: SystemAdapterParts,
  platform: NodeJS.Platform = process.platform,
): NetworkAdapter {
  if (platform === 'win32') return createWindowsAdapter(parts);
  return platform === 'darwin' ? createMacAdapter(parts) : createLinuxAdapter(parts);
}
