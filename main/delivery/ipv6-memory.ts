/** Whether IPv6 leads anywhere on this network (spec §4.4: announced but dead). */
import type { NetworkMemory } from '../network/network-memory.ts';
import type { SessionFailure } from '../smtp/open-session.ts';
import type { SmtpSession } from '../smtp/session.ts';

export interface Ipv6Memory {
  /** False: IPv4 goes first. */
  works(): boolean;
  /** Learns from how connecting went: an IPv6 address failed while an IPv4 one worked. */
  learn(opened: SmtpSession | SessionFailure): void;
}

export function createIpv6Memory(memory: Pick<NetworkMemory, 'ipv6Works' | 'noteIpv6'>): Ipv6Memory {
  return {
    works: () => memory.ipv6Works(),
    learn(opened) {
      if (opened.kind !== 'ready') return;
      if (opened.address.family === 6) memory.noteIpv6(true);
      // An address that was only slower than its 250 ms counts too; one that was refused shows that IPv6 works.
      else if (opened.addressFailures.some((f) => f.address.includes(':') && f.trouble.kind !== 'refused'))
        memory.noteIpv6(false);
    },
  };
}
