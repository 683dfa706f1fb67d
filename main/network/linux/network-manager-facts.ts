/** What NetworkManager tells, made into facts and laid over the kernel's. Pure. */
import type { LinkKind } from '../../../shared/status.ts';
import type { LinkFact, NetworkFacts } from '../facts.ts';

/** Properties of a D-Bus object, variants unwrapped. Nothing is taken for granted: other versions and mocks leave some out. */
export type Properties = Readonly<Record<string, unknown>>;

/** One active connection with what belongs to it. */
export interface ActiveConnection {
  readonly active: Properties;
  readonly devices: readonly Properties[];
  /** The access point, for a wireless one. */
  readonly accessPoint: Properties | null;
}

/** NetworkManager's view at one moment. */
export interface ServiceFacts {
  readonly portal: boolean | null;
  readonly metered: boolean | null;
  readonly connections: readonly {
    /** SSID, else the connection's name. */
    readonly name: string;
    readonly kind: LinkKind | null;
    /** Interfaces that carry its traffic; empty for a VPN, whose device is the one it runs over. */
    readonly devices: readonly string[];
    readonly vpn: boolean;
    /** Up, not merely on its way. */
    readonly up: boolean;
  }[];
}

/** NM_CONNECTIVITY_PORTAL, NM_ACTIVE_CONNECTION_STATE_…, NM_METERED_…: nm-dbus-interface.h. */
const CONNECTIVITY_UNKNOWN = 0;
const CONNECTIVITY_PORTAL = 2;
const ACTIVATING = 1;
const ACTIVATED = 2;

export function serviceFacts(manager: Properties, connections: readonly ActiveConnection[]): ServiceFacts {
  const connectivity = numberOf(manager['Connectivity']);
  // Without its own check NetworkManager calls every network "full".
  const checks =
    manager['ConnectivityCheckEnabled'] !== false && connectivity !== null && connectivity !== CONNECTIVITY_UNKNOWN;
  const metered = numberOf(manager['Metered']);
  return {
    portal: checks || connectivity === CONNECTIVITY_PORTAL ? connectivity === CONNECTIVITY_PORTAL : null,
    metered: metered === 1 || metered === 3 ? true : metered === 2 || metered === 4 ? false : null,
    connections: connections.flatMap(({ active, devices, accessPoint }) => {
      const state = numberOf(active['State']);
      const type = textOf(active['Type']);
      if ((state !== ACTIVATING && state !== ACTIVATED) || type === 'loopback') return [];
      const vpn = active['Vpn'] === true || type === 'vpn';
      const ssid = accessPoint?.['Ssid'];
      const name =
        ssid instanceof Uint8Array && ssid.length > 0 ? new TextDecoder().decode(ssid) : textOf(active['Id']);
      const interfaces = devices
        .map((device) => textOf(device['IpInterface']) || textOf(device['Interface']))
        .filter((device) => device !== '');
      return name === ''
        ? []
        : [{ name, kind: kindOfType(type), devices: vpn ? [] : interfaces, vpn, up: state === ACTIVATED }];
    }),
  };
}

/** Connection types of NetworkManager (nm-settings). Null = the kernel's kind is kept. */
function kindOfType(type: string): LinkKind | null {
  switch (type) {
    case '802-3-ethernet':
      return 'ethernet';
    case '802-11-wireless':
      return 'wifi';
    case 'gsm':
    case 'cdma':
    case 'bluetooth':
    case 'wimax':
      return 'mobile';
    case 'pppoe':
    case 'ppp':
    case 'adsl':
      return 'ppp';
    case 'vpn':
    case 'wireguard':
    case 'tun':
      return 'vpn';
    default:
      return null;
  }
}

/**
 * Names and kinds for the links. A VPN's own interface is not told; the first VPN interface without a name of its own gets
 * it, and a VPN without any (IPsec) becomes a link without addresses, so that it can be seen and counted.
 */
export function withService(facts: NetworkFacts, service: ServiceFacts | null): NetworkFacts {
  if (service === null) return facts;
  const links: LinkFact[] = facts.links.map((link) => {
    const connection = service.connections.find(({ devices }) => devices.includes(link.device));
    // Interfaces that other programs made are taken over under their own name, which says nothing.
    if (connection === undefined || connection.name === link.device) return link;
    return { ...link, name: connection.name, toldKind: connection.kind };
  });
  for (const vpn of service.connections.filter((connection) => connection.vpn && connection.up)) {
    const index = links.findIndex((link) => link.kind === 'vpn' && link.name === null);
    const own = links[index];
    if (own === undefined)
      links.push({ device: vpn.name, kind: 'vpn', toldKind: 'vpn', name: vpn.name, addresses: [] });
    else links[index] = { ...own, name: vpn.name, toldKind: 'vpn' };
  }
  return { ...facts, links, portal: service.portal, metered: service.metered };
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
