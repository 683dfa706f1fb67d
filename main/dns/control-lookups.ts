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

/** The same control look-up is made this often (ms) at most; who comes in between waits for the next: a thousand wrong addresses ask a few times. */
const SPACING_MS = 200;
/** Whoever leaves a name that cannot exist without an answer is not asked for another one for so long. */
const SILENT_MS = 60_000;
/** That answer is waited for no longer than this: where the domain itself was found, silence tells nothing. */
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
   * What a name that cannot exist is given. `since`: when that began to be looked up which it is to tell of (monotonic ms).
   * Nothing if the name server leaves it without an answer. Rejects only when `signal` aborts.
   */
  invented(how: 'dns' | 'system', since: number, signal: AbortSignal): Promise<Invented>;
  /** The mood of the name server, as far as this mail may know. */
  mood(mail: MailFor, invented: Invented, since: number): Promise<ResolverCondition>;
  /** A domain that resolved: asked for again when another does not. */
  noteKnown(domain: string, hosts: readonly MxHost[]): void;
  /** What was said until then (monotonic ms) was followed by a look that found nothing invented. */
  vouchedAt(): number;
  /** Nothing that was said so far is vouched for. */
  doubt(): void;
  /** Another network: nothing that was found out holds. */
  forget(): void;
}

interface Asked {
  /** When it is asked; what was looked up before then is told by it. */
  readonly began: number;
  readonly answer: Promise<unknown>;
  /** Until when it also tells of what is looked up later. */
  until: number;
}

/** What is asked for many has the resolver's own deadline: nobody's abort ends it. */
const UNBOUNDED = new AbortController().signal;
setMaxListeners(0, UNBOUNDED);

export function createControlLookups(deps: {
  readonly clock: Clock;
  readonly random: Random;
  readonly dns: Dns;
  readonly settings: () => Settings;
}): ControlLookups {
  const { clock, random } = deps;
  /** Nobody keeps a name that was never asked for, so that this one need not be asked afresh. */
  const nonsense = deps.dns.uncached();
  const asked = new Map<string, Asked>();
  /** The latest last. */
  const known = new Set<string>();
  let vouchedAt = -Infinity;

  const loopbackCounts = (): boolean => deps.settings().connection.trustLoopbackMx;

  /**
   * Made once for all who need it, and never before `since`, which is when they began to look up what it is to tell of.
   * @param lasts for how long (ms) an answer tells of what is looked up later
   */
  const shared = <T>(
    key: string,
    since: number,
    ask: () => Promise<T>,
    lasts: (answer: T) => number = () => 0,
  ): Promise<T> => {
    const now = clock.monotonic();
    for (const [old, { until }] of asked) if (until < now - SPACING_MS) asked.delete(old);
    const before = asked.get(key);
    if (before && before.until >= since) return before.answer as Promise<T>;
    const began = before ? Math.max(now, before.began + SPACING_MS) : now;
    const answer =
      began === now
        ? ask()
        : new Promise<T>((resolve, reject) => {
            clock.after(began - now, () => {
              ask().then(resolve, reject);
            });
          });
    const entry: Asked = { began, answer, until: began };
    asked.set(key, entry);
    void answer.then(
      (said) => (entry.until = began + lasts(said)),
      () => asked.delete(key),
    );
    return answer;
  };

  const askNonsense = (how: 'dns' | 'system', since: number): Promise<Invented | null> =>
    shared(
      `nonsense ${how}`,
      since,
      async () => {
        const began = clock.monotonic();
        // Reserved for names that do not exist (RFC 6761 §6.4); random, so that nobody is prepared for it.
        const name = `${random.hex(10)}.invalid`;
        const [mx, addresses] = await Promise.all([
          how === 'dns' ? nonsense.mx(name, UNBOUNDED) : ({ kind: 'no-data' } as const),
          nonsense.addresses(name, UNBOUNDED, how),
        ]);
        if (addresses.kind === 'try-later' && (how === 'system' || mx.kind === 'try-later')) return null;
        const exchanges = mx.kind === 'found' ? mx.records.map((r) => r.exchange).filter((host) => host !== '') : [];
        const theirs = await Promise.all(exchanges.slice(0, 3).map((host) => nonsense.addresses(host, UNBOUNDED)));
        const invented = inventedBy(mx, [addresses, ...theirs].map(plain));
        if (how === 'dns' && !inventsNames(invented)) vouchedAt = Math.max(vouchedAt, began);
        return invented;
      },
      (said) => (said === null ? SILENT_MS : 0),
    );

  const whatIsInvented = async (how: 'dns' | 'system', since: number, signal: AbortSignal): Promise<Invented> => {
    let cancel = (): void => undefined;
    const late = new Promise<null>((resolve) => {
      cancel = clock.after(PATIENCE_MS, () => {
        resolve(null);
      });
    });
    try {
      const invented = await unlessAborted(Promise.race([askNonsense(how, since), late]), signal);
      return invented ?? NOTHING_INVENTED;
    } finally {
      cancel();
    }
  };

  /** @param closer where names are invented, records alone prove nothing: an address is asked for in any case */
  const askControl = (name: string, closer: boolean, since: number): Promise<ControlResult> =>
    shared(`control ${String(closer)} ${name}`, since, async () => {
      // It is about what the name server says now, not about what is kept anywhere.
      const dns = deps.dns.uncached();
      const hosts: Answer<string> =
        name === ROOT ? await dns.rootHosts(UNBOUNDED) : exchangesOf(await dns.mx(name, UNBOUNDED));
      const leadsTo = hosts.kind === 'found' ? (hosts.records[0] ?? '') : name;
      const enough = (hosts.kind === 'found' && !closer) || leadsTo === '' || leadsTo === ROOT;
      return controlResult(hosts, enough ? null : plain(await dns.addresses(leadsTo, UNBOUNDED)), loopbackCounts());
    });

  const moodFor = async (
    { domain, sender }: MailFor,
    invented: Invented,
    since: number,
  ): Promise<ResolverCondition> => {
    const names = controlNames(domain, sender, [...known].reverse());
    return resolverCondition(
      await Promise.all(names.map((name) => askControl(name, inventsNames(invented), since))),
      invented,
    );
  };

  return {
    invented: whatIsInvented,
    mood: moodFor,
    noteKnown(domain, hosts) {
      const there = hosts.some((host) => host.addresses.some((address) => isPublic(address, loopbackCounts())));
      if (!there || !isPublicName(domain)) return;
      known.delete(domain);
      known.add(domain);
      for (const old of [...known].slice(0, Math.max(0, known.size - MAX_KNOWN))) known.delete(old);
    },
    vouchedAt: () => vouchedAt,
    doubt() {
      vouchedAt = -Infinity;
    },
    forget() {
      vouchedAt = -Infinity;
      asked.clear();
    },
  };
}

function exchangesOf(answer: DnsAnswer<{ readonly exchange: string }>): Answer<string> {
  return answer.kind === 'found' ? { kind: 'found', records: answer.records.map((r) => r.exchange) } : answer;
}

function plain(answer: DnsAnswer<{ readonly address: string }>): Answer<string> {
  return answer.kind === 'found' ? { kind: 'found', records: answer.records.map((r) => r.address) } : answer;
}
