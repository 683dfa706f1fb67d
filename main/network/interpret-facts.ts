/** From facts to what they mean: online or not, which link carries the traffic, which network it is. Pure. */
import type { Link, LinkKind, NetworkState } from '../../shared/status.ts';
import type { LinkFact, NetworkFacts, RouteFact } from './facts.ts';
import { networkId, normalMac, overlayWord, sameSubnet, subnetOf } from './identity.ts';

/** What one reading means. */
export interface NetworkView {
  readonly online: boolean;
  /** Null when offline. */
  readonly id: string | null;
  /** As the system names it. */
  readonly systemName: string | null;
  readonly kind: LinkKind | null;
  readonly links: readonly Link[];
  /** Null = the system does not know. */
  readonly portal: boolean | null;
  readonly metered: boolean | null;
  /** The route whose gateway has no known hardware address yet, though it should have one; null if all is known. */
  readonly unresolved: RouteFact | null;
  /** Hardware address of the gateway. */
  readonly gatewayMac: string | null;
  /** What stays the same while an identity is merely refined (the gateway's hardware address or the DNS suffix came late). */
  readonly place: string | null;
}

/** Reads the facts (spec §2). A link-local address (169.254/16, fe80::/10) is none. */
export function interpret(facts: NetworkFacts): NetworkView {
  const usable = facts.links
    .map((link) => ({ ...link, addresses: link.addresses.filter(({ address }) => !isLinkLocal(address)) }))
    .filter((link) => link.addresses.length > 0 || link.kind === 'vpn');
  const links = usable.map(asLink).sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : 0));
  const carrier = chooseLink(usable, facts.routes, () => true);
  const offline = {
    id: null,
    systemName: null,
    kind: null,
    unresolved: null,
    gatewayMac: null,
    place: null,
    portal: null,
    metered: null,
  };
  if (carrier === null) return { online: false, links, ...offline };

  // A VPN rides on something: the network is what is underneath, marked by the VPN over it.
  const base = chooseLink(usable, facts.routes, ({ kind }) => kind !== 'vpn') ?? carrier;
  const { link, route } = base;
  const gateway = route?.gateway ?? null;
  const gatewayMac = route === null || gateway === null ? null : macOf(facts, route);
  const subnet = subnetOfLink(link, route);
  const overlays = usable
    .filter(
      (other) =>
        other.kind === 'vpn' && other.device !== link.device && (other.addresses.length > 0 || other.name !== null),
    )
    .map((vpn) => overlayWord({ device: vpn.device, subnet: subnetOfLink(vpn, null) }));
  const dialled = link.kind === 'ppp' || link.kind === 'mobile';
  const parts = {
    kind: link.kind,
    subnet,
    dnsSuffix: facts.dnsSuffix,
    connection: dialled ? link.name : null,
    overlays,
  };
  return {
    online: true,
    id: networkId({ ...parts, gatewayMac }),
    systemName: link.name ?? carrier.link.name,
    kind: carrier.link.toldKind ?? carrier.link.kind,
    links,
    portal: facts.portal,
    metered: facts.metered,
    gatewayMac,
    unresolved: gateway !== null && gatewayMac === null && hasHardware(link) ? route : null,
    place: [link.device, link.kind, subnet ?? '', gateway ?? '', ...overlays].join('\0'),
  };
}

interface Chosen {
  readonly link: LinkFact;
  readonly route: RouteFact | null;
}

/** The link with the best default route; without any, one that at least has a network of its own (not a bridge to virtual machines). */
function chooseLink(
  links: readonly LinkFact[],
  routes: readonly RouteFact[],
  fits: (link: LinkFact) => boolean,
): Chosen | null {
  const candidates = links.filter((link) => fits(link) && link.addresses.length > 0);
  const ranked = routes
    .flatMap((route) => {
      const link = candidates.find(
        ({ device, addresses }) =>
          device === route.device && addresses.some(({ address }) => familyOf(address) === route.family),
      );
      return link === undefined ? [] : [{ link, route }];
    })
    // IPv4 first: its subnet and gateway are there longest, so a dual-stack network keeps one identity.
    .sort(
      (a, b) =>
        a.route.family - b.route.family || a.route.metric - b.route.metric || (a.link.device < b.link.device ? -1 : 1),
    );
  const best = ranked[0];
  if (best !== undefined) return best;
  const local = candidates
    .filter(({ kind }) => kind === 'ethernet' || kind === 'wifi' || kind === 'mobile' || kind === 'ppp')
    .sort((a, b) => (a.device < b.device ? -1 : 1))[0];
  return local === undefined ? null : { link: local, route: null };
}

function macOf(facts: NetworkFacts, route: RouteFact): string | null {
  const found = facts.neighbours.find(({ device, address }) => device === route.device && address === route.gateway);
  return found === undefined ? null : normalMac(found.mac);
}

/** The subnet that the gateway is in, else that of the first address; none for a point-to-point address. */
function subnetOfLink(link: LinkFact, route: RouteFact | null): string | null {
  const family = route?.family ?? (link.addresses.some(({ address }) => familyOf(address) === 4) ? 4 : 6);
  const own = link.addresses.filter(({ address }) => familyOf(address) === family);
  const gateway = route?.gateway ?? null;
  const beside = gateway === null ? undefined : own.find(({ address, prefix }) => sameSubnet(address, prefix, gateway));
  const chosen = beside ?? own[0];
  if (chosen === undefined || link.kind === 'ppp' || link.kind === 'mobile') return null;
  if (family === 4 && chosen.prefix > 30) return null;
  // A temporary or ULA address can come first; the lowest prefix is the same whichever does.
  if (family === 6) return own.map(({ address, prefix }) => subnetOf(address, prefix) ?? '').sort()[0] ?? null;
  return subnetOf(chosen.address, chosen.prefix);
}

function hasHardware(link: LinkFact): boolean {
  return link.kind === 'ethernet' || link.kind === 'wifi' || link.kind === 'other';
}

function asLink(link: LinkFact): Link {
  return {
    device: link.device,
    kind: link.toldKind ?? link.kind,
    name: link.name,
    addresses: link.addresses.map(({ address }) => address).sort(),
  };
}

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

function isLinkLocal(address: string): boolean {
  return address.startsWith('169.254.') || /^fe[89ab][0-9a-f]:/i.test(address);
}

/**
 * Whether going from one state to the next means another network, or one that has come back: a reason to probe gateways and
 * start what waits. Refined identities and news about other links of the same network are not (`since` stays).
 */
export function isNetworkChange(before: NetworkState, after: NetworkState): boolean {
  return after.online && (!before.online || after.since !== before.since || (before.portal && !after.portal));
}
