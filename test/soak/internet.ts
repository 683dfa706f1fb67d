/** The Internet of a soak: which mail servers and gateways there are, and what a DNS server says in each of its moods. */

import type { ZoneEntry } from '../fakes/scripted-dns-server.ts';

/** A mail server: of a domain (`mx`), or one that the user named as a gateway. */
export interface Host {
  /** `mx-d0`, `g1`. Gateways have it as their id in the settings. */
  readonly id: string;
  readonly kind: 'mx' | 'gateway';
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** Recipients' domains with their mail servers in the order of preference. */
const MAIL_DOMAINS: Readonly<Record<string, readonly string[]>> = {
  'd0.soak.test': ['mx-d0'],
  'd1.soak.test': ['mx-d1'],
  'd2.soak.test': ['mx-d2', 'mx-d2b'],
  'd3.soak.test': ['mx-d3'],
  /** Has no MX record, but an address (RFC 5321 §5.1). */
  'd4.soak.test': ['mx-d4'],
  /** The one that the mode `domains` is given. */
  'listed.soak.test': ['mx-listed'],
  /** Where reports go. */
  'sender.test': ['mx-sender'],
};
const WITHOUT_MX = 'd4.soak.test';

export const DOMAINS: readonly string[] = Object.keys(MAIL_DOMAINS).filter((domain) => domain !== 'sender.test');
export const LISTED = 'listed.soak.test';
/** A typing mistake: no such domain anywhere. */
export const MISTYPED = 'mistyped.soak.test';
export const GATEWAYS: readonly string[] = ['g0', 'g1', 'g2', 'g3'];
/** This one wants a sign-in. */
export const SIGN_IN_GATEWAY = 'g2';
export const NETWORKS = ['home', 'office', 'hotel'] as const;
export const USER = 'ann';
export const PASSWORD = 'correct-horse-battery';

export interface Internet {
  readonly hosts: readonly Host[];
  host(id: string): Host;
}

/** @param place where a host stands; `n` counts the hosts of its kind */
export function createInternet(
  place: (kind: Host['kind'], n: number) => { readonly address: string; readonly port: number },
): Internet {
  const mx = Object.values(MAIL_DOMAINS)
    .flat()
    .map((id, n): Host => ({ id, kind: 'mx', name: `${id}.hosts.test`, ...place('mx', n) }));
  const gateways = GATEWAYS.map((id, n): Host => ({ id, kind: 'gateway', name: id, ...place('gateway', n) }));
  const hosts = [...mx, ...gateways];
  return {
    hosts,
    host: (id) => {
      const found = hosts.find((host) => host.id === id);
      if (!found) throw new Error(`no host ${id}`);
      return found;
    },
  };
}

/**
 * How the resolver of a network is. `knows-nothing`: NXDOMAIN for whatever is asked (a router whose line is down); `one-for-all`: no
 * MX, and the same address for every name (a log-in page); `redirects`: sane but for names that do not exist, which have that
 * address (a provider's search page); `servfail` and `dead` speak for themselves.
 */
export type DnsMood = 'sane' | 'knows-nothing' | 'one-for-all' | 'redirects' | 'servfail' | 'dead';
export const DNS_MOODS: readonly DnsMood[] = ['sane', 'knows-nothing', 'one-for-all', 'redirects', 'servfail', 'dead'];

export type DnsReply =
  | { readonly kind: 'mx'; readonly records: readonly { readonly exchange: string; readonly priority: number }[] }
  | { readonly kind: 'a' | 'ns'; readonly records: readonly string[] }
  | { readonly kind: 'nxdomain' | 'nodata' | 'servfail' | 'silence' };

/** What a resolver in that mood answers. `type` as in the question (`MX`, `A`, `NS` …), `name` in any case, '' = the root. */
export function resolve(internet: Internet, mood: DnsMood, lie: string, type: string, name: string): DnsReply {
  switch (mood) {
    case 'sane':
      return sane(internet, type, name.toLowerCase().replace(/\.$/, ''));
    case 'knows-nothing':
      return { kind: 'nxdomain' };
    case 'one-for-all':
      return type === 'A' ? { kind: 'a', records: [lie] } : { kind: 'nodata' };
    case 'redirects': {
      const answer = sane(internet, type, name.toLowerCase().replace(/\.$/, ''));
      if (answer.kind !== 'nxdomain') return answer;
      return type === 'A' ? { kind: 'a', records: [lie] } : { kind: 'nodata' };
    }
    case 'servfail':
      return { kind: 'servfail' };
    case 'dead':
      return { kind: 'silence' };
  }
}

function sane(internet: Internet, type: string, name: string): DnsReply {
  if (name === '') return type === 'NS' ? { kind: 'ns', records: ['a.root-servers.test'] } : { kind: 'nodata' };
  const servers = MAIL_DOMAINS[name];
  const host = internet.hosts.find((h) => h.kind === 'mx' && h.name === name);
  // Names with something below them exist, if only as a way to it (RFC 8020).
  if (!servers && !host)
    return ['test', 'soak.test', 'hosts.test'].includes(name) ? { kind: 'nodata' } : { kind: 'nxdomain' };
  if (type === 'MX' && servers && name !== WITHOUT_MX)
    return {
      kind: 'mx',
      records: servers.map((id, i) => ({ exchange: internet.host(id).name, priority: 10 * (i + 1) })),
    };
  const alone = name === WITHOUT_MX ? internet.host(MAIL_DOMAINS[WITHOUT_MX]?.[0] ?? '') : host;
  if (type === 'A' && alone) return { kind: 'a', records: [alone.address] };
  if (type === 'NS' && servers) return { kind: 'ns', records: ['ns.hosts.test'] };
  return { kind: 'nodata' };
}

/** The same names as a zone of a scripted server. */
export function zoneOf(internet: Internet): Readonly<Record<string, ZoneEntry>> {
  const hosts = internet.hosts.filter((h) => h.kind === 'mx').map((h) => [h.name, { a: [h.address] }] as const);
  const domains = Object.entries(MAIL_DOMAINS).map(([domain, ids]) => {
    const servers = ids.map((id) => internet.host(id));
    return [
      domain,
      domain === WITHOUT_MX
        ? { a: servers.map((h) => h.address) }
        : { mx: servers.map((h, i) => `${10 * (i + 1)} ${h.name}`) },
    ] as const;
  });
  return Object.fromEntries<ZoneEntry>([...hosts, ...domains]);
}

/** Whether this domain takes mail at all. */
export function exists(domain: string): boolean {
  return MAIL_DOMAINS[domain] !== undefined;
}
