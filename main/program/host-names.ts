/** What this computer is called, and its addresses. */
import os from 'node:os';
import { ehloName } from '../policy/ehlo-name.ts';
import type { NetworkMonitor } from '../network/network-port.ts';
import type { Clock } from '../runtime/clock.ts';
import type { SettingsStore } from '../settings/settings-store.ts';

/** The system is asked for the computer's name this often at most: every message wants it several times. */
const ASK_EVERY_MS = 10_000;

export interface HostNames {
  /** The name in greeting, EHLO and Received. */
  hostname(): string;
  /** Names and addresses that are this computer, for the MX loop rule (RFC 5321 §5.1). */
  own(): readonly string[];
}

export function createHostNames(
  clock: Pick<Clock, 'monotonic'>,
  network: Pick<NetworkMonitor, 'current'>,
  settings: Pick<SettingsStore, 'get'>,
): HostNames {
  let name = '';
  let askedAt = Number.NEGATIVE_INFINITY;
  const machine = (): string => {
    const now = clock.monotonic();
    if (now - askedAt > ASK_EVERY_MS) {
      name = os.hostname();
      askedAt = now;
    }
    return name;
  };
  const addresses = (): readonly string[] => network.current().links.flatMap((link) => link.addresses);
  const hostname = (): string => ehloName(settings.get().server.hostname, machine(), addresses());
  return { hostname, own: () => [hostname(), machine(), ...addresses()] };
}
