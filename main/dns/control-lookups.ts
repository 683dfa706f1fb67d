/**
 * The control look-ups by which policy/resolver-trust.ts judges a name server: of names that exist, and of one that cannot.
 * Asked for many at once, past everything that is kept, and not often.
 */
import { setMaxListeners } from 'node:events';
import type { Settings } from '../../shared/settings.ts';
import type { Answer, MxHost } from '../policy/order-mx.ts';
import {
  controlNames,
  controlResult,
  inventedBy,
  inventsNames,
  isPublic,
  isPublicName,
  resolverCondition,
  NOTHING_INVENTED,
  ROOT,
  type ControlResult,
  type Invented,
  type ResolverCondition,
} from '../policy/resolver-trust.ts';
import type { Dns, DnsAnswer } from './dns-port.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';

/** The same control look-up is made this often (ms) at most; who needs one in between waits for the next, so that a thousand wrong addresses cause a few. */
const SPACING_MS = 200;
/** A name server that leaves a name which cannot exist without an answer is not asked for another one for this long. */
const SILENT_MS = 60_000;
/** That answer is waited for no longer than this: where the domain itself was found, silence shows nothing. */
const PATIENCE_MS = 3_000;
/** Names that resolved lately: so many are kept. */
const MAX_KNOWN = 8;

/** Whose mail it is: the recipient's domain, and the sender's; null = the null reverse-path. */
export interface MailFor {
  readonly domain: string;
  readonly sender: string | null;
}

export interface ControlLookups {
  /**
   * The addresses and mail servers that a name which cannot exist is given; none if the name server does not answer. Rejects
   * only when `signal` aborts.
   * @param since when the look-up began that is to be judged by it (monotonic ms)
   */
  invented(how: 'dns' | 'system', since: number, signal: AbortSignal): Promise<Invented>;
  /** The condition of the name server, by control look-ups that have nothing to do with the recipient's domain. */
  condition(mail: MailFor, invented: Invented, since: number): Promise<ResolverCondition>;
  /** A domain that resolved: asked for again when another does not. */
  noteKnown(domain: string, hosts: readonly MxHost[]): void;
  /** Answers of until then (monotonic ms) were followed by a look-up that found nothing invented. */
  confirmedUntil(): number;
  /** No answer so far counts as confirmed. */
  clearConfirmed(): void;
  /** Another network: nothing that was found out is valid. */
  forget(): void;
}

/** What is asked for many at once has the resolver's own deadline: no single abort ends it. */
const UNBOUNDED = new AbortController().signal;
setMaxListeners(0, UNBOUNDED);

export interface ControlLookupsDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly dns: Dns;
  readonly settings: () => Settings;
}

/** What is kept between control look-ups. */
interface State {
  readonly deps: ControlLookupsDeps;
  readonly questions: SharedQuestions;
  /** For names that cannot exist: as each is new, no cache knows it, and one resolver will do. */
  readonly nonsense: Dns;
  /** Domains that resolved lately, the latest last. */
  readonly known: Set<string>;
  confirmedUntil: number;
}

export function createControlLookups(deps: ControlLookupsDeps): ControlLookups {
  const state: State = {
    deps,
    questions: createSharedQuestions(deps.clock),
    nonsense: deps.dns.uncached(),
    known: new Set(),
    confirmedUntil: -Infinity,
  };
  const { known } = state;
  return {
    invented: (how, since, signal) => inventedWithin(state, how, since, signal),
    async condition({ domain, sender }, invented, since) {
      const names = controlNames(domain, sender, [...known].reverse());
      const controls = await Promise.all(names.map((name) => askControl(state, name, inventsNames(invented), since)));
      return resolverCondition(controls, invented);
    },
    noteKnown(domain, hosts) {
      const there = hosts.some((host) => host.addresses.some((address) => isPublic(address, loopbackCounts(state))));
      if (!there || !isPublicName(domain)) return;
      known.delete(domain);
      known.add(domain);
      for (const old of [...known].slice(0, Math.max(0, known.size - MAX_KNOWN))) known.delete(old);
    },
    confirmedUntil: () => state.confirmedUntil,
    clearConfirmed() {
      state.confirmedUntil = -Infinity;
    },
    forget() {
      state.confirmedUntil = -Infinity;
      state.questions.forget();
    },
  };
}

function loopbackCounts({ deps }: State): boolean {
  return deps.settings().connection.trustLoopbackMx;
}

async function inventedWithin(
  state: State,
  how: 'dns' | 'system',
  since: number,
  signal: AbortSignal,
): Promise<Invented> {
  let cancel = (): void => undefined;
  const late = new Promise<null>((resolve) => {
    cancel = state.deps.clock.after(PATIENCE_MS, () => {
      resolve(null);
    });
  });
  try {
    return (await unlessAborted(Promise.race([askNonsense(state, how, since), late]), signal)) ?? NOTHING_INVENTED;
  } finally {
    cancel();
  }
}

/** What a name that cannot exist is given; null: no answer. */
function askNonsense(state: State, how: 'dns' | 'system', since: number): Promise<Invented | null> {
  const { clock, random } = state.deps;
  const { nonsense } = state;
  const ask = async (): Promise<Invented | null> => {
    const began = clock.monotonic();
    // Reserved for names that do not exist (RFC 6761 §6.4); random, so that no server can be prepared for it.
    const name = `${random.hex(10)}.invalid`;
    const [mx, addresses] = await Promise.all([
      how === 'dns' ? nonsense.mx(name, UNBOUNDED) : ({ kind: 'no-data' } as const),
      nonsense.addresses(name, UNBOUNDED, how),
    ]);
    if (addresses.kind === 'try-later' && (how === 'system' || mx.kind === 'try-later')) return null;
    const exchanges = mx.kind === 'found' ? mx.records.map((r) => r.exchange).filter((host) => host !== '') : [];
    const theirs = await Promise.all(exchanges.slice(0, 3).map((host) => nonsense.addresses(host, UNBOUNDED)));
    const invented = inventedBy(mx, [addresses, ...theirs].map(plain));
    if (how === 'dns' && !inventsNames(invented)) state.confirmedUntil = Math.max(state.confirmedUntil, began);
    return invented;
  };
  return state.questions.ask(`nonsense ${how}`, since, ask, (answer) => (answer === null ? SILENT_MS : 0));
}

/** @param closer where names are invented, records alone prove nothing: an address is asked for in any case */
function askControl(state: State, name: string, closer: boolean, since: number): Promise<ControlResult> {
  return state.questions.ask(`control ${String(closer)} ${name}`, since, async () => {
    // What the name server answers now is wanted, not what is cached anywhere.
    const dns = state.deps.dns.uncached();
    const hosts: Answer<string> =
      name === ROOT ? await dns.rootHosts(UNBOUNDED) : exchangesOf(await dns.mx(name, UNBOUNDED));
    const leadsTo = hosts.kind === 'found' ? (hosts.records[0] ?? '') : name;
    const enough = (hosts.kind === 'found' && !closer) || leadsTo === '' || leadsTo === ROOT;
    const addresses = enough ? null : plain(await dns.addresses(leadsTo, UNBOUNDED));
    return controlResult(hosts, addresses, loopbackCounts(state));
  });
}

/** Questions that are asked once for all who need the answer, and not more often than every SPACING_MS. */
interface SharedQuestions {
  /**
   * An answer to a question that was asked at `since` (monotonic ms) or later.
   * @param validMs for how long an answer also counts for later needs
   */
  ask<T>(key: string, since: number, ask: () => Promise<T>, validMs?: (answer: T) => number): Promise<T>;
  forget(): void;
}

interface AskedQuestion {
  /** When it is asked; what was looked up before then can be judged by it. */
  readonly began: number;
  readonly answer: Promise<unknown>;
  /** Until when its answer counts for what is looked up later. */
  until: number;
}

function createSharedQuestions(clock: Clock): SharedQuestions {
  const asked = new Map<string, AskedQuestion>();
  return {
    ask<T>(key: string, since: number, ask: () => Promise<T>, validMs: (answer: T) => number = () => 0) {
      const now = clock.monotonic();
      for (const [old, { until }] of asked) if (until < now - SPACING_MS) asked.delete(old);
      const before = asked.get(key);
      if (before && before.until >= since) return before.answer as Promise<T>;
      const began = before ? Math.max(now, before.began + SPACING_MS) : now;
      const answer = began === now ? ask() : afterwards(clock, began - now, ask);
      const entry: AskedQuestion = { began, answer, until: began };
      asked.set(key, entry);
      void answer.then(
        (result) => (entry.until = began + validMs(result)),
        () => asked.delete(key),
      );
      return answer;
    },
    forget() {
      asked.clear();
    },
  };
}

function afterwards<T>(clock: Clock, ms: number, run: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    clock.after(ms, () => {
      run().then(resolve, reject);
    });
  });
}

function exchangesOf(answer: DnsAnswer<{ readonly exchange: string }>): Answer<string> {
  return answer.kind === 'found' ? { kind: 'found', records: answer.records.map((r) => r.exchange) } : answer;
}

function plain(answer: DnsAnswer<{ readonly address: string }>): Answer<string> {
  return answer.kind === 'found' ? { kind: 'found', records: answer.records.map((r) => r.address) } : answer;
}
