/**
 * What the adapters of the platforms tell the monitor: plain facts, no decisions.
 * `interpret-facts.ts` makes a view of them, `identity.ts` an identity.
 */
import type { LinkKind, NetworkHearing } from '../../shared/status.ts';
import type { Log } from '../log/log-port.ts';
import type { Clock } from '../runtime/clock.ts';

/** An address of an interface with the length of its prefix in bits. */
export interface AddressFact {
  readonly address: string;
  readonly prefix: number;
}

/** An interface that is up and has an address; loopback is left out by the adapter. */
export interface LinkFact {
  /** Interface: "eth0"; for a connection without an interface of its own (IPsec) the connection's name. */
  readonly device: string;
  /** As the kernel has it; part of the identity, so that it must not depend on a helper service being there. */
  readonly kind: LinkKind;
  /** What a connection service calls it, which is better for showing (a modem behind ppp0); null if none does. */
  readonly toldKind: LinkKind | null;
  /** SSID or connection name, null if the system does not tell. */
  readonly name: string | null;
  readonly addresses: readonly AddressFact[];
}

/** A default route. Half-default pairs that VPN programs set (0/1 and 128/1) count, with a metric below all others. */
export interface RouteFact {
  readonly family: 4 | 6;
  readonly device: string;
  /** Null on a point-to-point link. */
  readonly gateway: string | null;
  readonly metric: number;
}

/** An address of the local network whose hardware address is known. */
export interface NeighbourFact {
  readonly device: string;
  readonly address: string;
  readonly mac: string;
}

/** One reading of an adapter. */
export interface NetworkFacts {
  readonly links: readonly LinkFact[];
  readonly routes: readonly RouteFact[];
  readonly neighbours: readonly NeighbourFact[];
  /** DNS suffix that the network gave, lower case without trailing dot; null = none. */
  readonly dnsSuffix: string | null;
  /** What the system says of a captive portal; null = it does not know. */
  readonly portal: boolean | null;
  readonly metered: boolean | null;
  /** How the adapter learns of changes at present. Absent: it does not say. */
  readonly hearing?: NetworkHearing;
}

/** Facts of a computer without any network. */
export const NO_FACTS: NetworkFacts = {
  links: [],
  routes: [],
  neighbours: [],
  dnsSuffix: null,
  portal: null,
  metered: null,
};

/** What an adapter says of its helper (the program that tells of changes). */
export function hearingOf(helper: string, heard: boolean): NetworkHearing {
  return { by: heard ? 'helper' : 'looking', helper };
}

/** How one platform is read and watched. */
export interface NetworkAdapter {
  /** Reads once. May reject; the monitor keeps what it knew and logs it. */
  readonly read: () => Promise<NetworkFacts>;
  /** Calls back whenever a reading could differ; cheap to call too often. Returns its stop. */
  readonly watch: (changed: () => void) => () => void;
  /** Lets the system look for the hardware address of a gateway; must not wait for the answer. */
  readonly provoke: (route: RouteFact) => void;
  readonly close: () => Promise<void>;
}

/** Parts that every adapter is made of. */
export interface SystemAdapterParts {
  readonly clock: Clock;
  readonly log: Pick<Log, 'note' | 'problem'>;
}
