/** The DNS as the rest of the engine sees it. */

/** DNS answers are a closed union, never exceptions (OpenSMTPD's habit). */
export type DnsAnswer<T> =
  | { readonly kind: 'found'; readonly records: readonly T[]; readonly ttl: number }
  | { readonly kind: 'no-such-domain' }
  | { readonly kind: 'no-data' }
  | { readonly kind: 'try-later'; readonly why: 'timeout' | 'servfail' | 'no-server' | 'refused' }
  | { readonly kind: 'bad-name' };

export interface Dns {
  mx(
    domain: string,
    signal: AbortSignal,
  ): Promise<DnsAnswer<{ readonly exchange: string; readonly preference: number }>>;
  /** IPv4 and IPv6 addresses; `system` asks the system resolver (hosts file, mDNS) instead: LAN names. */
  addresses(
    host: string,
    signal: AbortSignal,
    how?: 'dns' | 'system',
  ): Promise<DnsAnswer<{ readonly address: string; readonly family: 4 | 6 }>>;
  txt(name: string, signal: AbortSignal): Promise<DnsAnswer<string>>;
  srv(
    name: string,
    signal: AbortSignal,
  ): Promise<
    DnsAnswer<{ readonly target: string; readonly port: number; readonly priority: number; readonly weight: number }>
  >;
  /** Names of the hosts of the root zone: every name server of the Internet knows them. */
  rootHosts(signal: AbortSignal): Promise<DnsAnswer<string>>;
  /** When a server last answered (monotonic ms). */
  lastAnswerAt(): number;
  /** The same servers, without any cache of this one. */
  uncached(): Dns;
  /** Forgets the answers for this name, or all of them. Questions under way go on; their answers are not kept. */
  forget(name?: string): void;
  /** Forgets everything, and gives up what is being asked: the network changed. */
  flush(): void;
}
