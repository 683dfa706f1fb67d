/**
 * The DNS as the program uses it: our own resolver (servers of the settings, else the system's, read anew whenever the
 * network changes), answers as a closed union, cached for their time to live.
 */
import { lookup, Resolver } from 'node:dns/promises';
import { domainToASCII } from 'node:url';
import type { Settings } from '../../shared/settings.ts';
import { isIp } from '../../shared/syntax.ts';
import type { Dns, DnsAnswer } from './dns-port.ts';
import { createAnswerCache, type AnswerCache } from './answer-cache.ts';
import type { Clock } from '../runtime/clock.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';

/** Node.js gives no TTL for MX, TXT, SRV, NS and CNAME: this is not too long for any of them. */
const DEFAULT_TTL_S = 300;
const MIN_TTL_S = 5;
const MAX_TTL_S = 3600;
const SYSTEM_TTL_S = 30;
/**
 * c-ares has a cache of its own in some runtimes (1.33 in Node.js 20.18: "no data" for up to an hour, also after its servers
 * were changed), which a new resolver does not share; an older resolver knows which servers are silent. This is the
 * compromise.
 */
const RESOLVER_LIFE_MS = 60_000;
const MAX_CNAMES = 8;

type TryLater = Extract<DnsAnswer<never>, { kind: 'try-later' }>;
type Failure = Exclude<DnsAnswer<never>, { kind: 'found' }>;

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

type Address = { readonly address: string; readonly family: 4 | 6 };

export interface DnsDeps {
  readonly clock: Clock;
  readonly settings: () => Settings;
}

/** A resolver of Node.js with its settings, and what it answered. */
interface DnsState {
  readonly deps: DnsDeps;
  readonly cache: AnswerCache;
  resolver: Resolver | null;
  /** Servers and time-out that it was made for; '' = none was made yet. */
  resolverFor: string;
  /** Monotonic ms. */
  resolverSince: number;
  /** When a server last answered anything at all (monotonic ms): tells a slow domain from DNS servers that are gone. */
  lastAnswerAt: number;
}

/** Makes the `Dns` port. Settings are read at every question, so that a change takes effect at once. */
export function createDns(deps: DnsDeps): Dns {
  const state: DnsState = {
    deps,
    cache: createAnswerCache(deps.clock),
    resolver: null,
    resolverFor: '',
    resolverSince: -Infinity,
    lastAnswerAt: -Infinity,
  };
  /** The answer for a name, from the cache or asked for once for all who want it. */
  const answer = async <T>(
    type: string,
    name: string,
    signal: AbortSignal,
    ask: (name: string) => Promise<DnsAnswer<T>>,
  ): Promise<DnsAnswer<T>> => {
    const ascii = asciiName(name);
    if (ascii === null) return { kind: 'bad-name' };
    signal.throwIfAborted();
    resolverOf(state);
    return unlessAborted(
      state.cache.get(`${type} ${ascii}`, () => ask(ascii)),
      signal,
    );
  };
  return {
    mx: (domain, signal) =>
      answer('mx', domain, signal, (name) => followingCname(state, name, (at) => queryMx(state, at))),
    addresses: async (host, signal, how = 'dns') => {
      const bare = host.replace(/^\[(.*)\]$/, '$1');
      if (isIp(bare))
        return { kind: 'found', records: [{ address: bare, family: bare.includes(':') ? 6 : 4 }], ttl: MAX_TTL_S };
      return answer(how, host, signal, (name) =>
        how === 'system' ? addressesBySystem(name) : addressesOfBothFamilies(state, name),
      );
    },
    txt: (host, signal) =>
      answer('txt', host, signal, (name) => followingCname(state, name, (at) => queryTxt(state, at))),
    srv: (service, signal) => answer('srv', service, signal, (name) => querySrv(state, name)),
    async rootHosts(signal) {
      signal.throwIfAborted();
      resolverOf(state);
      return unlessAborted(
        state.cache.get('ns .', () => query(state, (r) => r.resolveNs('.'))),
        signal,
      );
    },
    lastAnswerAt: () => state.lastAnswerAt,
    uncached: () => createDns(deps),
    forget(host) {
      if (host === undefined) forgetAll(state);
      else state.cache.forget(asciiName(host) ?? '');
    },
    flush() {
      state.resolver?.cancel();
      forgetAll(state);
      state.lastAnswerAt = -Infinity;
    },
  };
}

function forgetAll(state: DnsState): void {
  state.cache.clear();
  state.resolver = null;
}

/** The resolver for the present settings. */
function resolverOf(state: DnsState): Resolver {
  const { clock, settings } = state.deps;
  const { dnsServers, dnsTimeoutSeconds } = settings().connection;
  const wanted = JSON.stringify([dnsServers, dnsTimeoutSeconds]);
  // What other servers answered may be the reason for which the user changed them.
  if (state.resolverFor !== '' && state.resolverFor !== wanted) {
    forgetAll(state);
    state.lastAnswerAt = -Infinity;
  }
  state.resolverFor = wanted;
  if (state.resolver !== null && clock.monotonic() - state.resolverSince < RESOLVER_LIFE_MS) return state.resolver;
  // Two tries a server, the second twice as patient; the deadline of `query` bounds the whole.
  const resolver = new Resolver({ timeout: Math.max(250, Math.floor((dnsTimeoutSeconds * 1000) / 4)), tries: 2 });
  if (dnsServers.length > 0) resolver.setServers(dnsServers);
  state.resolver = resolver;
  state.resolverSince = clock.monotonic();
  return resolver;
}

/** Asks one question, with a deadline. */
async function query<T>(
  state: DnsState,
  ask: (resolver: Resolver) => Promise<readonly T[]>,
  ttlOf: (records: readonly T[]) => number = () => DEFAULT_TTL_S,
): Promise<DnsAnswer<T>> {
  const { clock, settings } = state.deps;
  const limit = settings().connection.dnsTimeoutSeconds * 1000;
  const began = clock.monotonic();
  const generation = state.cache.generation();
  let cancel = (): void => undefined;
  const deadline = new Promise<TryLater>((resolve) => {
    cancel = clock.after(limit, () => {
      resolve({ kind: 'try-later', why: 'timeout' });
    });
  });
  const asked = async (): Promise<DnsAnswer<T>> => {
    try {
      const records = await ask(resolverOf(state));
      if (records.length === 0) return { kind: 'no-data' };
      return { kind: 'found', records, ttl: Math.min(MAX_TTL_S, Math.max(MIN_TTL_S, ttlOf(records))) };
    } catch (error) {
      return failureOf(codeOf(error));
    }
  };
  const answer = await Promise.race([deadline, asked()]);
  cancel();
  if (answer.kind !== 'try-later' || answer.why === 'servfail' || answer.why === 'refused') {
    if (generation === state.cache.generation()) state.lastAnswerAt = clock.monotonic();
    return answer;
  }
  // Silence is the domain's own trouble only if the servers answered something else meanwhile.
  const isSilent = answer.why === 'timeout' && state.lastAnswerAt < began - limit;
  return isSilent ? { kind: 'try-later', why: 'no-server' } : answer;
}

/** Asks, and follows CNAME records that the server did not follow. */
async function followingCname<T>(
  state: DnsState,
  name: string,
  ask: (name: string) => Promise<DnsAnswer<T>>,
): Promise<DnsAnswer<T>> {
  let at = name;
  const seen = new Set<string>();
  for (;;) {
    const answer = await ask(at);
    if (answer.kind !== 'no-data' || seen.size >= MAX_CNAMES) return answer;
    seen.add(at);
    const alias = await query(state, (r) => r.resolveCname(at));
    const next = alias.kind === 'found' ? alias.records[0]?.toLowerCase() : undefined;
    if (next === undefined || next === '' || seen.has(next)) return answer;
    at = next;
  }
}

async function queryMx(state: DnsState, name: string) {
  const answer = await query(state, (r) => r.resolveMx(name));
  return mapRecords(answer, ({ exchange, priority }) => ({ exchange, preference: priority }));
}

async function queryTxt(state: DnsState, name: string): Promise<DnsAnswer<string>> {
  return mapRecords(await query(state, (r) => r.resolveTxt(name)), (parts) => parts.join(''));
}

async function querySrv(state: DnsState, name: string) {
  const answer = await query(state, (r) => r.resolveSrv(name));
  return mapRecords(answer, ({ name: target, port, priority, weight }) => ({ target, port, priority, weight }));
}

function addressesOfFamily(state: DnsState, name: string, family: 4 | 6): Promise<DnsAnswer<Address>> {
  return followingCname(state, name, async (at) => {
    const answer = await query(
      state,
      (r) => (family === 4 ? r.resolve4(at, { ttl: true }) : r.resolve6(at, { ttl: true })),
      (records) => Math.min(...records.map((r) => r.ttl)),
    );
    return mapRecords(answer, ({ address }): Address => ({ address, family }));
  });
}

async function addressesOfBothFamilies(state: DnsState, name: string): Promise<DnsAnswer<Address>> {
  const [six, four] = await Promise.all([addressesOfFamily(state, name, 6), addressesOfFamily(state, name, 4)]);
  if (six.kind === 'found' && four.kind === 'found')
    return { kind: 'found', records: [...six.records, ...four.records], ttl: Math.min(six.ttl, four.ttl) };
  const found = six.kind === 'found' ? six : four.kind === 'found' ? four : null;
  const later = six.kind === 'try-later' ? six : four.kind === 'try-later' ? four : null;
  // Half an answer is used, but not for long.
  if (found) return later ? { ...found, ttl: MIN_TTL_S } : found;
  return later ?? (four.kind === 'no-such-domain' ? four : six);
}

async function addressesBySystem(name: string): Promise<DnsAnswer<Address>> {
  try {
    const found = await lookup(name, { all: true, order: 'verbatim' });
    const records = found.map((a): Address => ({ address: a.address, family: a.family === 6 ? 6 : 4 }));
    return records.length === 0 ? { kind: 'no-data' } : { kind: 'found', records, ttl: SYSTEM_TTL_S };
  } catch (error) {
    return failureOf(codeOf(error));
  }
}

function mapRecords<T, U>(answer: DnsAnswer<T>, map: (record: T) => U): DnsAnswer<U> {
  return answer.kind === 'found' ? { ...answer, records: answer.records.map(map) } : answer;
}

/** The name in lower-case A-labels; null if it is none that could be asked for. */
function asciiName(text: string): string | null {
  const plain = text.replace(/\.$/, '');
  // domainToASCII accepts underscores, and gives '' for what is no name.
  const ascii = domainToASCII(plain).toLowerCase();
  const bad =
    ascii === '' || ascii.length > 253 || ascii.split('.').some((label) => label.length === 0 || label.length > 63);
  return bad || /[^a-z0-9._-]/.test(ascii) ? null : ascii;
}
