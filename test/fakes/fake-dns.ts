import type { Dns, DnsAnswer } from '../../main/dns/dns-port.ts';

export interface Zone {
  /** Domain → "preference host", or an answer that is none. */
  readonly mx?: Readonly<Record<string, readonly string[] | DnsAnswer<never>>>;
  /** Host → addresses, or an answer that is none. */
  readonly a?: Readonly<Record<string, readonly string[] | DnsAnswer<never>>>;
  /** What NS of the root comes to; default: there are some, as wherever the Internet is. */
  readonly root?: DnsAnswer<string>;
  /** What the system's resolver knows (LAN names). */
  readonly system?: Readonly<Record<string, readonly string[]>>;
}

/** A DNS with a fixed zone; what is not in it does not exist. Counts its questions. */
export function fakeDns(zone: Zone): Dns & { readonly asked: string[]; flushed: number } {
  const asked: string[] = [];
  const found = <T>(records: readonly T[]): DnsAnswer<T> =>
    records.length === 0 ? { kind: 'no-data' } : { kind: 'found', records, ttl: 60 };
  const family = (address: string): { address: string; family: 4 | 6 } => ({
    address,
    family: address.includes(':') ? 6 : 4,
  });
  return {
    asked,
    flushed: 0,
    mx(domain) {
      asked.push(`mx ${domain}`);
      const known = zone.mx?.[domain];
      if (known === undefined) return Promise.resolve({ kind: zone.a?.[domain] ? 'no-data' : 'no-such-domain' });
      if ('kind' in known) return Promise.resolve(known);
      return Promise.resolve(
        found(
          known.map((record) => {
            const [preference = '0', exchange = ''] = record.split(' ');
            return { exchange, preference: Number(preference) };
          }),
        ),
      );
    },
    addresses(host, _signal, how = 'dns') {
      asked.push(`${how} ${host}`);
      if (/^[\d.]+$|:/.test(host)) return Promise.resolve(found([family(host)]));
      const known = how === 'system' ? zone.system?.[host] : zone.a?.[host];
      if (known === undefined) return Promise.resolve({ kind: 'no-such-domain' });
      return Promise.resolve('kind' in known ? known : found(known.map(family)));
    },
    txt: () => Promise.resolve({ kind: 'no-data' }),
    srv: () => Promise.resolve({ kind: 'no-data' }),
    rootHosts() {
      asked.push('ns .');
      return Promise.resolve(zone.root ?? found(['a.root.test']));
    },
    lastAnswerAt: () => Infinity,
    uncached() {
      return this;
    },
    forget: () => undefined,
    flush() {
      this.flushed += 1;
    },
  };
}
