/**
 * MTA-STS (RFC 8461): finds, fetches and keeps the policies of recipients' domains. Trouble on the way to a policy never
 * holds mail back: what is kept and has not expired counts, else there is no policy (§3.3, §5.1).
 *
 * Why not mailauth's: its fetch is unbounded, its wildcard takes several labels, and a DNS failure forgets what was known.
 */
import https from 'node:https';
import { logRejection } from '../runtime/log-rejection.ts';
import { canonicalDomain } from '../policy/domain-match.ts';
import { addressScope } from '../policy/ip-address.ts';
import { parseStsPolicy, stsRecordId, type StsPolicy } from '../policy/mta-sts.ts';
import type { Dns } from '../dns/dns-port.ts';
import type { Log } from '../log/log-port.ts';
import type { MemoStore } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { bypassesProxy, type Proxy } from '../smtp/proxy.ts';
import { secureTunnel } from '../smtp/proxy-tunnel.ts';

/** Fetches the policy text of a domain; null if it could not be had, whatever the reason. Rejects never. */
export type FetchPolicy = (domain: string, signal: AbortSignal) => Promise<string | null>;

export interface MtaStsDeps {
  readonly clock: Clock;
  readonly dns: Pick<Dns, 'txt'>;
  readonly log: Pick<Log, 'note' | 'problem'>;
  readonly fetchPolicy: FetchPolicy;
  /** Keeps policies across restarts; null = memory only. */
  readonly store: MemoStore | null;
}

export interface MtaSts {
  /** The policy in force for a domain (A-labels or U-labels), null = none. Rejects only when `signal` aborts. */
  policyFor(domain: string, signal: AbortSignal): Promise<StsPolicy | null>;
  /** Policies that could not be fetched are asked for again at once: it was this network's doing. */
  forgetFailures(): void;
}

interface Kept {
  readonly id: string;
  readonly policy: StsPolicy;
  readonly fetchedAt: number;
}

const MEMO = 'mta-sts';
const MAX_POLICIES = 500;
const MAX_OCTETS = 64 * 1024;
const FETCH_MS = 15_000;
/** The record is asked for beside the MX; a server that never answers for TXT must not hold mail up for long. */
const RECORD_MS = 5_000;
/** §3.3: not more often than every five minutes after a failure. */
const AGAIN_MS = 5 * 60_000;
/** A kept policy is fetched anew this often, so that its time does not run out while it is in use (§5.1). */
const RENEW_MS = 24 * 3_600_000;

export function createMtaSts(deps: MtaStsDeps): MtaSts {
  const { clock, log, store } = deps;
  const kept = new Map<string, Kept>();
  const failedAt = new Map<string, number>();
  const fetching = new Map<string, Promise<Kept | null>>();
  let loading: Promise<void> | null = null;

  const load = (): Promise<void> =>
    (loading ??= (async () => {
      if (!store) return;
      try {
        for (const [domain, value] of readKept(await store.getMemo(MEMO))) kept.set(domain, value);
      } catch (error) {
        log.problem('mta-sts', error);
      }
    })());

  const fresh = (value: Kept | undefined): Kept | null => {
    const age = value ? clock.now() - value.fetchedAt : 0;
    // A clock that went back makes nothing expire; one that went far ahead only costs a fetch.
    return value && age < value.policy.maxAge * 1000 ? value : null;
  };

  const fetchNow = (domain: string, id: string, signal: AbortSignal): Promise<Kept | null> => {
    const running = fetching.get(domain);
    if (running) return running;
    const last = failedAt.get(domain);
    if (last !== undefined && clock.monotonic() - last < AGAIN_MS) return Promise.resolve(null);
    const run = (async (): Promise<Kept | null> => {
      const text = await deps.fetchPolicy(domain, signal);
      if (signal.aborted) return null;
      const policy = text === null ? null : parseStsPolicy(text);
      if (!policy) {
        if (failedAt.size > MAX_POLICIES) failedAt.clear();
        failedAt.set(domain, clock.monotonic());
        log.note('mta-sts', { domain, problem: text === null ? 'policy not fetched' : 'policy not understood' });
        return null;
      }
      failedAt.delete(domain);
      const value: Kept = { id, policy, fetchedAt: clock.now() };
      kept.delete(domain);
      kept.set(domain, value);
      for (const old of [...kept.keys()].slice(0, Math.max(0, kept.size - MAX_POLICIES))) kept.delete(old);
      if (store) logRejection(store.setMemo(MEMO, JSON.stringify([...kept])), log, 'mta-sts');
      return value;
    })().finally(() => {
      fetching.delete(domain);
    });
    fetching.set(domain, run);
    return run;
  };

  return {
    forgetFailures() {
      failedAt.clear();
    },
    async policyFor(domain, signal) {
      const name = canonicalDomain(domain);
      if (name === '' || name.startsWith('[')) return null;
      await load();
      const id = await recordId(name, signal);
      const known = fresh(kept.get(name));
      if (id === null) return known?.policy ?? null;
      if (known?.id === id) {
        if (clock.now() - known.fetchedAt > RENEW_MS)
          logRejection(fetchNow(name, id, AbortSignal.timeout(FETCH_MS)), log, 'mta-sts');
        return known.policy;
      }
      const next = await fetchNow(name, id, signal);
      signal.throwIfAborted();
      return (next ?? known)?.policy ?? null;
    },
  };

  async function recordId(name: string, signal: AbortSignal): Promise<string | null> {
    let cancel = (): void => undefined;
    const late = new Promise<null>((resolve) => {
      cancel = clock.after(RECORD_MS, () => {
        resolve(null);
      });
    });
    try {
      const answer = await Promise.race([deps.dns.txt(`_mta-sts.${name}`, signal), late]);
      return answer?.kind === 'found' ? stsRecordId(answer.records) : null;
    } finally {
      cancel();
    }
  }
}

function readKept(text: string | null): readonly (readonly [string, Kept])[] {
  if (text === null) return [];
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) return [];
  return (value as readonly unknown[]).filter((entry): entry is [string, Kept] => {
    if (!Array.isArray(entry) || typeof entry[0] !== 'string') return false;
    const kept = entry[1] as Partial<Kept> | null | undefined;
    const policy = kept?.policy as Partial<Kept['policy']> | undefined;
    return (
      typeof kept?.id === 'string' &&
      typeof kept.fetchedAt === 'number' &&
      typeof policy?.maxAge === 'number' &&
      Array.isArray(policy.mx)
    );
  });
}

/**
 * The real fetch (§3.3): https with a verified certificate, our own resolver, no redirects, bounded in time and size, through the user's proxy. Addresses of
 * this computer and the local network are not asked: a stranger's domain has no business there.
 */
export function policyFetcher(deps: {
  readonly clock: Clock;
  readonly dns: Pick<Dns, 'addresses'>;
  /** For test laboratories: loopback is as good as any address. */
  readonly trustLoopback: () => boolean;
  /** `connection.proxy`, asked at every fetch; null = none. */
  readonly proxy?: () => Proxy | null;
  readonly port?: number;
  readonly ca?: readonly string[];
}): FetchPolicy {
  return async (domain, signal) => {
    const host = `mta-sts.${domain}`;
    const answer = await deps.dns.addresses(host, signal).catch(() => null);
    if (answer?.kind !== 'found') return null;
    const usable = answer.records.find(
      ({ address }) =>
        addressScope(address) === 'public' || (deps.trustLoopback() && addressScope(address) === 'loopback'),
    );
    if (!usable) return null;
    const proxy = bypassesProxy(usable.address) ? null : (deps.proxy?.() ?? null);
    const port = deps.port ?? 443;
    const limit = new AbortController();
    const cancel = deps.clock.after(FETCH_MS, () => {
      limit.abort(new Error('no answer in time'));
    });
    const wanted = AbortSignal.any([signal, limit.signal]);
    try {
      const target = { host: usable.address, port, name: host, ...(deps.ca ? { ca: deps.ca } : {}) };
      const tunnel = proxy ? await secureTunnel(proxy, target, wanted) : null;
      return await policyText(host, wanted, {
        // The address that we looked up; the certificate is checked against the name.
        host: usable.address,
        servername: host,
        port,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
        ...(tunnel ? { createConnection: () => tunnel } : { agent: false }),
        ...(deps.ca ? { ca: [...deps.ca] } : {}),
      });
    } catch {
      return null;
    } finally {
      cancel();
    }
  };
}

/** The document, null if there is none. Rejects never. */
function policyText(host: string, signal: AbortSignal, how: https.RequestOptions): Promise<string | null> {
  return new Promise((resolve) => {
    const request = https.request({
      ...how,
      path: '/.well-known/mta-sts.txt',
      headers: { host, accept: 'text/plain' },
      signal,
    });
    const end = (text: string | null): void => {
      resolve(text);
      request.destroy();
    };
    request.on('error', () => {
      end(null);
    });
    request.on('response', (response) => {
      if (response.statusCode !== 200) return end(null);
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (part: Buffer) => {
        size += part.length;
        parts.push(part);
        if (size > MAX_OCTETS) end(null);
      });
      response.on('error', () => {
        end(null);
      });
      response.on('close', () => {
        end(response.complete ? Buffer.concat(parts).toString('utf8') : null);
      });
    });
    request.end();
  });
}
