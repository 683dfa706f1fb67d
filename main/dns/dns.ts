/**
 * The DNS as the program uses it: our own resolver (servers of the settings, else the system's, read anew whenever the
 * network changes), answers as a closed union, cached for their time to live.
 */
import { lookup, Resolver } from 'node:dns/promises';
import { domainToASCII } from 'node:url';
import type { Settings } from '../../shared/settings.ts';
import { isIp } from '../../shared/syntax.ts';
import type { Dns, DnsAnswer } from './dns-port.ts';
import type { Clock } from '../runtime/clock.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';

/** Node tells no TTL for MX, TXT and SRV: as long as that is not too long for any of them. */
const UNTOLD_TTL_S = 300;
/** "No such domain" and "no data" (RFC 2308 would take it from the SOA, which Node does not show). */
const NEGATIVE_TTL_S = 60;
const MIN_TTL_S = 5;
const MAX_TTL_S = 3600;
const SYSTEM_TTL_S = 30;
const MAX_ENTRIES = 10_000;
/**
 * The resolver below keeps answers of its own in some of our runtimes (c-ares 1.33 in Node.js 20.18: "no data" for up to an
 * hour, past a change of its servers). A new one knows nothing; one that is kept knows which servers are silent. So it is
 * kept for this long.
 */
const RESOLVER_LIFE_MS = 60_000;
const MAX_CNAMES = 8;

type TryLater = Extract<DnsAnswer<never>, { kind: 'try-later' }>;
type Failure = Exclude<DnsAnswer<never>, { kind: 'found' }>;

interface Cached {
  readonly answer: DnsAnswer<unknown>;
  readonly until: number;
}

/** What an error of c-ares or getaddrinfo means. Unknown ones are temporary. */
function failureOf(code: string | undefined): Failure {
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_NONAME':
      return { kind: 'no-such-domain' };
    case 'ENODATA':
    case 'EAI_NODATA':
      return { kind: 'no-data' };
    case 'EBADNAME':
    case 'EBADQUERY':
    case 'EBADSTR':
    case 'ERR_INVALID_ARG_VALUE':
    case 'ERR_INVALID_ARG_TYPE':
      return { kind: 'bad-name' };
    case 'ETIMEOUT':
    case 'ECANCELLED':
      return { kind: 'try-later', why: 'timeout' };
    case 'ECONNREFUSED':
    case 'ENONAME':
    case 'ENOTINITIALIZED':
      return { kind: 'try-later', why: 'no-server' };
    case 'EREFUSED':
    case 'ENOTIMP':
      return { kind: 'try-later', why: 'refused' };
    default:
      return { kind: 'try-later', why: 'servfail' };
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Makes the `Dns` port. Settings are read at every question, so a change takes effect at once. */
export function createDns(deps: { readonly clock: Clock; readonly settings: () => Settings }): Dns {
  const { clock } = deps;
  const cache = new Map<string, Cached>();
  const asking = new Map<string, Promise<DnsAnswer<unknown>>>();
  let resolver: Resolver | null = null;
  let resolverFor = '';
  let resolverSince = -Infinity;
  let generation = 0;
  /** When a server last answered anything at all: tells a slow domain from a dead DNS. */
  let lastSign = -Infinity;

  /** Answers that are on their way are given to whoever asked, and not kept. */
  const forgetAll = (): void => {
    generation++;
    cache.clear();
    asking.clear();
    resolver = null;
  };

  const current = (): Resolver => {
    const { dnsServers, dnsTimeoutSeconds } = deps.settings().connection;
    const wanted = JSON.stringify([dnsServers, dnsTimeoutSeconds]);
    // What other servers said may be what made the user change them.
    if (resolverFor !== '' && resolverFor !== wanted) {
      forgetAll();
      lastSign = -Infinity;
    }
    if (resolver === null || clock.monotonic() - resolverSince >= RESOLVER_LIFE_MS) {
      // Two tries a server, the second twice as patient; the deadline below bounds the whole.
      resolver = new Resolver({ timeout: Math.max(250, Math.floor((dnsTimeoutSeconds * 1000) / 4)), tries: 2 });
      if (dnsServers.length > 0) resolver.setServers(dnsServers);
      resolverSince = clock.monotonic();
    }
    resolverFor = wanted;
    return resolver;
  };

  const keep = (key: string, answer: Exclude<DnsAnswer<unknown>, { readonly kind: 'try-later' }>): void => {
    const now = clock.monotonic();
    // In the order of keeping: what has run out lies in front.
    for (const [old, { until }] of cache) {
      if (until > now && cache.size < MAX_ENTRIES) break;
      cache.delete(old);
    }
    cache.delete(key);
    cache.set(key, { answer, until: now + (answer.kind === 'found' ? answer.ttl : NEGATIVE_TTL_S) * 1000 });
  };

  const query = async <T>(
    ask: (resolver: Resolver) => Promise<readonly T[]>,
    ttlOf: (records: readonly T[]) => number,
  ): Promise<DnsAnswer<T>> => {
    const limit = deps.settings().connection.dnsTimeoutSeconds * 1000;
    const began = clock.monotonic();
    const asked = generation;
    let cancel = (): void => undefined;
    const deadline = new Promise<TryLater>((resolve) => {
      cancel = clock.after(limit, () => {
        resolve({ kind: 'try-later', why: 'timeout' });
      });
    });
    const answer = await Promise.race([
      deadline,
      (async (): Promise<DnsAnswer<T>> => {
        try {
          const records = await ask(current());
          return records.length === 0
            ? { kind: 'no-data' }
            : { kind: 'found', records, ttl: Math.min(MAX_TTL_S, Math.max(MIN_TTL_S, ttlOf(records))) };
        } catch (error) {
          return failureOf(codeOf(error));
        }
      })(),
    ]);
    cancel();
    if (answer.kind !== 'try-later' || answer.why === 'servfail' || answer.why === 'refused') {
      if (asked === generation) lastSign = clock.monotonic();
      return answer;
    }
    // Silence: the domain's own trouble only if the servers spoke about something else meanwhile.
    return answer.why === 'timeout' && lastSign < began - limit ? { kind: 'try-later', why: 'no-server' } : answer;
  };

  /** Asks, and follows a CNAME that the server left to us. */
  const following = async <T>(name: string, ask: (name: string) => Promise<DnsAnswer<T>>): Promise<DnsAnswer<T>> => {
    let at = name;
    const seen = new Set<string>();
    for (;;) {
      const answer = await ask(at);
      if (answer.kind !== 'no-data' || seen.size >= MAX_CNAMES) return answer;
      seen.add(at);
      const alias = await query(
        (r) => r.resolveCname(at),
        () => UNTOLD_TTL_S,
      );
      const next = alias.kind === 'found' ? alias.records[0]?.toLowerCase() : undefined;
      if (next === undefined || next === '' || seen.has(next)) return answer;
      at = next;
    }
  };

  const cached = async <T>(
    key: string,
    signal: AbortSignal,
    ask: () => Promise<DnsAnswer<T>>,
  ): Promise<DnsAnswer<T>> => {
    signal.throwIfAborted();
    current();
    const known = cache.get(key);
    if (known && known.until > clock.monotonic()) return known.answer as DnsAnswer<T>;
    let running = asking.get(key) as Promise<DnsAnswer<T>> | undefined;
    if (!running) {
      const asked = generation;
      running = ask().then((answer) => {
        if (asking.get(key) === running) asking.delete(key);
        if (asked === generation && answer.kind !== 'try-later') keep(key, answer);
        return answer;
      });
      asking.set(key, running);
    }
    return unlessAborted(running, signal);
  };

  const nameOf = (text: string): string | null => {
    const plain = text.replace(/\.$/, '');
    // domainToASCII refuses underscores in no case, and gives '' for what is no name.
    const ascii = domainToASCII(plain).toLowerCase();
    const bad =
      ascii === '' || ascii.length > 253 || ascii.split('.').some((label) => label.length === 0 || label.length > 63);
    return bad || /[^a-z0-9._-]/.test(ascii) ? null : ascii;
  };
  const named = async <T>(text: string, ask: (name: string) => Promise<DnsAnswer<T>>): Promise<DnsAnswer<T>> => {
    const name = nameOf(text);
    return name === null ? { kind: 'bad-name' } : ask(name);
  };

  type Address = { readonly address: string; readonly family: 4 | 6 };
  const ofFamily = (name: string, family: 4 | 6): Promise<DnsAnswer<Address>> =>
    following(name, async (at) => {
      const answer = await query(
        (r) => (family === 4 ? r.resolve4(at, { ttl: true }) : r.resolve6(at, { ttl: true })),
        (records) => Math.min(...records.map((r) => r.ttl)),
      );
      return answer.kind === 'found'
        ? { ...answer, records: answer.records.map((r) => ({ address: r.address, family })) }
        : answer;
    });
  const bothFamilies = async (name: string): Promise<DnsAnswer<Address>> => {
    const [six, four] = await Promise.all([ofFamily(name, 6), ofFamily(name, 4)]);
    if (six.kind === 'found' && four.kind === 'found') {
      return { kind: 'found', records: [...six.records, ...four.records], ttl: Math.min(six.ttl, four.ttl) };
    }
    const found = six.kind === 'found' ? six : four.kind === 'found' ? four : null;
    const later = six.kind === 'try-later' ? six : four.kind === 'try-later' ? four : null;
    // Half an answer is used, but not for long.
    if (found) return later ? { ...found, ttl: MIN_TTL_S } : found;
    return later ?? (four.kind === 'no-such-domain' ? four : six);
  };
  const bySystem = async (name: string): Promise<DnsAnswer<Address>> => {
    try {
      const found = await lookup(name, { all: true, order: 'verbatim' });
      const records = found.map((a): Address => ({ address: a.address, family: a.family === 6 ? 6 : 4 }));
      return records.length === 0 ? { kind: 'no-data' } : { kind: 'found', records, ttl: SYSTEM_TTL_S };
    } catch (error) {
      return failureOf(codeOf(error));
    }
  };

  return {
    mx: (domain, signal) =>
      named(domain, (name) =>
        cached(`mx ${name}`, signal, () =>
          following(name, async (at) => {
            const answer = await query(
              (r) => r.resolveMx(at),
              () => UNTOLD_TTL_S,
            );
            return answer.kind === 'found'
              ? { ...answer, records: answer.records.map((r) => ({ exchange: r.exchange, preference: r.priority })) }
              : answer;
          }),
        ),
      ),
    addresses: async (host, signal, how = 'dns') => {
      const bare = host.replace(/^\[(.*)\]$/, '$1');
      if (isIp(bare))
        return { kind: 'found', records: [{ address: bare, family: bare.includes(':') ? 6 : 4 }], ttl: MAX_TTL_S };
      return named(host, (name) =>
        cached(`${how} ${name}`, signal, () => (how === 'system' ? bySystem(name) : bothFamilies(name))),
      );
    },
    txt: (text, signal) =>
      named(text, (name) =>
        cached(`txt ${name}`, signal, () =>
          following(name, async (at) => {
            const answer = await query(
              (r) => r.resolveTxt(at),
              () => UNTOLD_TTL_S,
            );
            return answer.kind === 'found'
              ? { ...answer, records: answer.records.map((parts) => parts.join('')) }
              : answer;
          }),
        ),
      ),
    srv: (text, signal) =>
      named(text, (name) =>
        cached(`srv ${name}`, signal, async () => {
          const answer = await query(
            (r) => r.resolveSrv(name),
            () => UNTOLD_TTL_S,
          );
          return answer.kind === 'found'
            ? {
                ...answer,
                records: answer.records.map((r) => ({
                  target: r.name,
                  port: r.port,
                  priority: r.priority,
                  weight: r.weight,
                })),
              }
            : answer;
        }),
      ),
    async rootHosts(signal) {
      return cached('ns .', signal, () =>
        query(
          (r) => r.resolveNs('.'),
          () => UNTOLD_TTL_S,
        ),
      );
    },
    lastAnswerAt: () => lastSign,
    uncached: () => createDns(deps),
    forget(text) {
      if (text === undefined) return forgetAll();
      const name = nameOf(text);
      for (const key of [...cache.keys()].filter((each) => each.endsWith(` ${name ?? ''}`))) cache.delete(key);
    },
    flush() {
      resolver?.cancel();
      forgetAll();
      lastSign = -Infinity;
    },
  };
}
