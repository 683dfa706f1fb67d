/**
 * Asks the control look-ups by which policy/resolver-trust.ts judges the name server of the present network, and, while mail
 * waits because of it, looks now and then whether names have come back.
 */
import type { Settings } from '../../shared/settings.ts';
import type { NamesTrouble } from '../../shared/status.ts';
import { drop } from '../drop.ts';
import type { Answer } from '../policy/order-mx.ts';
import {
  controlNames,
  controlOf,
  dependsOnMood,
  inventedBy,
  inventsNames,
  isPublic,
  isPublicName,
  judgeLookup,
  moodOf,
  nextLook,
  NOTHING_INVENTED,
  ownAddresses,
  ROOT,
  waitsFor,
  type Control,
  type Invented,
  type Looked,
  type ResolverMood,
} from '../policy/resolver-trust.ts';
import type { Clock, Dns, DnsAnswer, Log, Random } from '../ports.ts';
import { unlessAborted } from '../unless-aborted.ts';

/** The same control look-up is made this often (ms) at most; who comes in between waits for the next: a thousand wrong addresses ask a few times. */
const SPACING_MS = 200;
/** Whoever leaves a name that cannot exist without an answer is not asked for another one for so long. */
const SILENT_MS = 60_000;
/** That answer is waited for no longer than this: where the domain itself was found, silence tells nothing. */
const PATIENCE_MS = 3_000;
/** Names that resolved lately, and mail that waits: so many are kept. */
const MOST_KNOWN = 8;
const MOST_WAITING = 50;

/** Whose mail it is: the recipient's domain, and the sender's; null = the null reverse-path. */
export interface MailFor {
  readonly domain: string;
  readonly sender: string | null;
}

export interface ResolverTrust {
  /** For recipients' domains. What it keeps was judged when it was said. */
  readonly dns: Dns;
  /** Looks a recipient's domain up with `dns`, and says what that comes to. Rejects only when `signal` aborts. */
  judged(look: (dns: Dns) => Promise<Looked>, mail: MailFor, signal: AbortSignal): Promise<Looked>;
  /** Without the addresses that a name which cannot exist has, too. `how`: whose answer it is; ask `dns` for it, just before. */
  withoutInvented<T extends { readonly address: string }>(
    answer: DnsAnswer<T>,
    how: 'dns' | 'system',
    signal: AbortSignal,
  ): Promise<DnsAnswer<T>>;
  /** True if it can be believed now that this domain does not exist. */
  isSane(domain: string, signal: AbortSignal): Promise<boolean>;
  /** Why mail waits for names; null: none does. */
  trouble(): NamesTrouble | null;
  /** Another network, other servers, or the user wants to know: nothing of what was found out holds. */
  forget(): void;
  /** Told when `trouble()` changes. Returns its unsubscribe. */
  onChange(listener: () => void): () => void;
  /** Told when names are known again that mail waits for. Returns its unsubscribe. */
  onBack(listener: () => void): () => void;
}

export interface ResolverTrustDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** What it keeps is forgotten with the mood of the name server. */
  readonly dns: Dns;
  readonly log: Pick<Log, 'note' | 'problem'>;
  readonly settings: () => Settings;
  /** Something waits, and may be sent: only then is it worth looking. */
  readonly mayLook?: () => Promise<boolean>;
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

export function createResolverTrust(deps: ResolverTrustDeps): ResolverTrust {
  const { clock, random, log } = deps;
  const mailDns = deps.dns.afresh();
  /** Nobody keeps a name that was never asked for, so that this one need not be asked afresh. */
  const nonsense = deps.dns.afresh();
  const asked = new Map<string, Asked>();
  /** Names that resolved, the latest last. */
  const known = new Set<string>();
  const waiting = new Map<string, MailFor & Pick<NamesTrouble, 'reason'>>();
  const listeners = new Set<() => void>();
  const backListeners = new Set<() => void>();
  let told: NamesTrouble | null = null;
  let round: { cancelled: boolean; cancel: () => void } | null = null;
  let lastWait: number | null = null;
  /** What was said until then was followed by a look that found nothing invented. */
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
  const askControl = (name: string, closer: boolean, since: number): Promise<Control> =>
    shared(`control ${String(closer)} ${name}`, since, async () => {
      // It is about what the name server says now, not about what is kept anywhere.
      const dns = deps.dns.afresh();
      const hosts: Answer<string> =
        name === ROOT ? await dns.rootHosts(UNBOUNDED) : exchangesOf(await dns.mx(name, UNBOUNDED));
      const leadsTo = hosts.kind === 'found' ? (hosts.records[0] ?? '') : name;
      const enough = (hosts.kind === 'found' && !closer) || leadsTo === '' || leadsTo === ROOT;
      return controlOf(hosts, enough ? null : plain(await dns.addresses(leadsTo, UNBOUNDED)), loopbackCounts());
    });

  const moodFor = async ({ domain, sender }: MailFor, invented: Invented, since: number): Promise<ResolverMood> => {
    const names = controlNames(domain, sender, [...known].reverse());
    return moodOf(await Promise.all(names.map((name) => askControl(name, inventsNames(invented), since))), invented);
  };

  /** What a name server says in one mood is worth nothing in the other. */
  const forgetAnswers = (): void => {
    vouchedAt = -Infinity;
    mailDns.forget();
    deps.dns.forget();
  };

  const tell = (): void => {
    const reason = [...waiting.values()].at(-1)?.reason ?? null;
    if (reason === (told?.reason ?? null)) return;
    told = reason === null ? null : { reason, since: clock.now() };
    log.note('names', { trouble: reason });
    for (const listener of listeners) listener();
  };

  const arm = (): void => {
    if (round !== null || waiting.size === 0) return;
    lastWait = nextLook(lastWait);
    const mine = { cancelled: false, cancel: (): void => undefined };
    mine.cancel = clock.after(lastWait, () => {
      drop(
        look(() => mine.cancelled).finally(() => {
          if (mine.cancelled) return;
          round = null;
          arm();
          tell();
        }),
        log,
        'names',
      );
    });
    round = mine;
  };

  /** One look for all that waits; what names are known for again is let go. */
  const look = async (isCancelled: () => boolean): Promise<void> => {
    if (deps.mayLook && !(await deps.mayLook())) {
      if (!isCancelled()) waiting.clear();
      return;
    }
    const since = clock.monotonic();
    const invented = await whatIsInvented('dns', since, UNBOUNDED);
    const back: string[] = [];
    for (const [key, mail] of [...waiting]) if ((await moodFor(mail, invented, since)) === 'sane') back.push(key);
    if (isCancelled() || back.length === 0) return;
    for (const key of back) waiting.delete(key);
    forgetAnswers();
    tell();
    for (const listener of backListeners) listener();
  };

  const wait = (mail: MailFor, reason: NamesTrouble['reason']): void => {
    if (waiting.size === 0) lastWait = null;
    const key = `${mail.domain} ${mail.sender ?? ''}`;
    waiting.delete(key);
    waiting.set(key, { ...mail, reason });
    for (const old of [...waiting.keys()].slice(0, Math.max(0, waiting.size - MOST_WAITING))) waiting.delete(old);
    forgetAnswers();
    arm();
    tell();
  };

  const noteKnown = (domain: string): void => {
    known.delete(domain);
    known.add(domain);
    for (const old of [...known].slice(0, Math.max(0, known.size - MOST_KNOWN))) known.delete(old);
  };

  return {
    dns: mailDns,
    async judged(lookUp, mail, signal) {
      const since = clock.monotonic();
      const looked = await lookUp(mailDns);
      // All that is kept was vouched for when it was said: mail for hosts that are known waits for nobody.
      if (looked.kind === 'hosts' && mailDns.lastAnswerAt() <= vouchedAt) return looked;
      const invented = await whatIsInvented('dns', since, signal);
      const judged = dependsOnMood(looked, mail.domain, invented)
        ? judgeLookup(looked, await unlessAborted(moodFor(mail, invented, since), signal), invented)
        : looked;
      const reason = waitsFor(judged);
      if (reason !== null) wait(mail, reason);
      else if (judged.kind === 'hosts' && isPublicName(mail.domain)) {
        const there = judged.hosts.some((host) => host.addresses.some((a) => isPublic(a, loopbackCounts())));
        if (there) noteKnown(mail.domain);
      }
      return judged;
    },
    async withoutInvented(answer, how, signal) {
      if (answer.kind !== 'found') return answer;
      const invented = await whatIsInvented(how, clock.monotonic(), signal);
      const records = answer.records.filter(({ address }) => ownAddresses([address], invented).length > 0);
      if (records.length > 0) return { ...answer, records };
      forgetAnswers();
      return { kind: 'no-data' };
    },
    async isSane(domain, signal) {
      const since = clock.monotonic();
      const invented = await whatIsInvented('dns', since, signal);
      const sane = (await unlessAborted(moodFor({ domain, sender: null }, invented, since), signal)) === 'sane';
      if (!sane) forgetAnswers();
      return sane;
    },
    trouble: () => told,
    forget() {
      if (round !== null) {
        round.cancelled = true;
        round.cancel();
        round = null;
      }
      waiting.clear();
      asked.clear();
      forgetAnswers();
      tell();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onBack(listener) {
      backListeners.add(listener);
      return () => backListeners.delete(listener);
    },
  };
}

function exchangesOf(answer: DnsAnswer<{ readonly exchange: string }>): Answer<string> {
  return answer.kind === 'found' ? { kind: 'found', records: answer.records.map((r) => r.exchange) } : answer;
}

function plain(answer: DnsAnswer<{ readonly address: string }>): Answer<string> {
  return answer.kind === 'found' ? { kind: 'found', records: answer.records.map((r) => r.address) } : answer;
}
