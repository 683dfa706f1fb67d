/**
 * MTA-STS (RFC 8461): finds and keeps the policies of recipients' domains. A policy that cannot be had never holds mail
 * back: the one that is kept and has not expired counts, else there is none (§3.3, §5.1).
 *
 * Why not mailauth's: its fetch is unbounded, its wildcard takes several labels, and a DNS failure forgets what was known.
 */
import { logRejection } from '../runtime/log-rejection.ts';
import { canonicalDomain } from '../policy/domain-match.ts';
import { parseStsPolicy, stsRecordId, type StsPolicy } from '../policy/mta-sts.ts';
import type { Dns } from '../dns/dns-port.ts';
import type { Log } from '../log/log-port.ts';
import type { MemoStore } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';

/** Fetches the policy text of a domain; null if it could not be had, whatever the reason. Never rejects. */
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
  /** Policies that could not be fetched are fetched again at once: the network was at fault. */
  forgetFailures(): void;
}

interface Kept {
  readonly id: string;
  readonly policy: StsPolicy;
  readonly fetchedAt: number;
}

const MEMO = 'mta-sts';
const MAX_POLICIES = 500;
/** Renewing a policy that is in use may take this long. */
const RENEWAL_MS = 15_000;
/** The record is asked for beside the MX; a server that never answers for TXT must not hold mail up for long. */
const RECORD_MS = 5_000;
/** §3.3: not more often than every five minutes after a failure. */
const AGAIN_MS = 5 * 60_000;
/** A kept policy is fetched anew this often, so that its time does not run out while it is in use (§5.1). */
const RENEW_MS = 24 * 3_600_000;

interface StsState {
  readonly deps: MtaStsDeps;
  /** By domain, in the order of fetching. */
  readonly kept: Map<string, Kept>;
  /** Monotonic ms of the last failure, by domain. */
  readonly failedAt: Map<string, number>;
  readonly fetching: Map<string, Promise<Kept | null>>;
  loading: Promise<void> | null;
}

export function createMtaSts(deps: MtaStsDeps): MtaSts {
  const state: StsState = { deps, kept: new Map(), failedAt: new Map(), fetching: new Map(), loading: null };
  return {
    forgetFailures() {
      state.failedAt.clear();
    },
    async policyFor(domain, signal) {
      const name = canonicalDomain(domain);
      if (name === '' || name.startsWith('[')) return null;
      await (state.loading ??= load(state));
      const id = await recordId(deps, name, signal);
      const known = unexpired(state, name);
      if (id === null) return known?.policy ?? null;
      if (known?.id === id) {
        if (deps.clock.now() - known.fetchedAt > RENEW_MS)
          logRejection(fetchOnce(state, name, id, AbortSignal.timeout(RENEWAL_MS)), deps.log, 'mta-sts');
        return known.policy;
      }
      const next = await fetchOnce(state, name, id, signal);
      signal.throwIfAborted();
      return (next ?? known)?.policy ?? null;
    },
  };
}

async function load({ deps: { store, log }, kept }: StsState): Promise<void> {
  if (!store) return;
  try {
    for (const [domain, value] of readKept(await store.getMemo(MEMO))) kept.set(domain, value);
  } catch (error) {
    log.problem('mta-sts', error);
  }
}

function unexpired({ deps, kept }: StsState, domain: string): Kept | null {
  const value = kept.get(domain);
  const age = value ? deps.clock.now() - value.fetchedAt : 0;
  // A clock that was set back makes nothing expire; one that was set far ahead only costs a fetch.
  return value && age < value.policy.maxAge * 1000 ? value : null;
}

/** Fetches a policy, once for all who need it at the moment; not soon again after a failure. */
function fetchOnce(state: StsState, domain: string, id: string, signal: AbortSignal): Promise<Kept | null> {
  const { fetching, failedAt, deps } = state;
  const running = fetching.get(domain);
  if (running) return running;
  const last = failedAt.get(domain);
  if (last !== undefined && deps.clock.monotonic() - last < AGAIN_MS) return Promise.resolve(null);
  const run = fetchAndKeep(state, domain, id, signal).finally(() => {
    fetching.delete(domain);
  });
  fetching.set(domain, run);
  return run;
}

async function fetchAndKeep(
  { deps: { clock, log, store, fetchPolicy }, kept, failedAt }: StsState,
  domain: string,
  id: string,
  signal: AbortSignal,
): Promise<Kept | null> {
  const text = await fetchPolicy(domain, signal);
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
}

/** Id of the domain's policy by its TXT record; null: none, or no answer in time. */
async function recordId({ clock, dns }: MtaStsDeps, name: string, signal: AbortSignal): Promise<string | null> {
  let cancel = (): void => undefined;
  const late = new Promise<null>((resolve) => {
    cancel = clock.after(RECORD_MS, () => {
      resolve(null);
    });
  });
  try {
    const answer = await Promise.race([dns.txt(`_mta-sts.${name}`, signal), late]);
    return answer?.kind === 'found' ? stsRecordId(answer.records) : null;
  } finally {
    cancel();
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
