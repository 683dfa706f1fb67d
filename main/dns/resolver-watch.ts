/**
 * Whether the name server of the present network can be believed (spec §4.4): has each look-up judged by
 * policy/resolver-trust.ts, and, while mail waits for names, looks now and then whether they have come back.
 */
import type { Settings } from '../../shared/settings.ts';
import type { NamesTrouble } from '../../shared/status.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import {
  dependsOnCondition,
  FIRST_CHECK_MS,
  judgeLookup,
  nextCheckDelay,
  ownAddresses,
  namesTroubleAfter,
  type LookupResult,
} from '../policy/resolver-trust.ts';
import type { Dns, DnsAnswer } from './dns-port.ts';
import type { Log } from '../log/log-port.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';
import { createControlLookups, type MailFor } from './control-lookups.ts';

/** Mail that waits is looked after by so many pairs of domain and sender. */
const MAX_WAITING = 50;

export interface ResolverWatch {
  /** For recipients' domains. What it keeps was judged when it was said. */
  readonly dns: Dns;
  /** Looks a recipient's domain up with `dns`, and says what that comes to. Rejects only when `signal` aborts. */
  judged(look: (dns: Dns) => Promise<LookupResult>, mail: MailFor, signal: AbortSignal): Promise<LookupResult>;
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

export interface ResolverWatchDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** What it keeps is forgotten with the mood of the name server. */
  readonly dns: Dns;
  readonly log: Pick<Log, 'note' | 'problem'>;
  readonly settings: () => Settings;
  /** Something waits, and may be sent: only then is it worth looking. */
  readonly mayLook?: () => Promise<boolean>;
}

/** A look is for all: nobody's abort ends it. */
const NEVER = new AbortController().signal;

export function createResolverWatch(deps: ResolverWatchDeps): ResolverWatch {
  const { clock, log } = deps;
  const mailDns = deps.dns.uncached();
  const controls = createControlLookups(deps);
  const waiting = new Map<string, MailFor & Pick<NamesTrouble, 'reason'>>();
  const listeners = new Set<() => void>();
  const backListeners = new Set<() => void>();
  let told: NamesTrouble | null = null;
  let round: { cancelled: boolean; cancel: () => void } | null = null;
  let lastWait: number | null = null;

  /** What a name server says in one mood is worth nothing in the other. */
  const forgetAnswers = (): void => {
    controls.doubt();
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
    lastWait = nextCheckDelay(lastWait);
    const mine = { cancelled: false, cancel: (): void => undefined };
    mine.cancel = clock.after(lastWait, () => {
      logRejection(
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

  /** A name that resolves is a sign that what waits may go. */
  const lookSooner = (): void => {
    if (round === null || lastWait === null || lastWait === FIRST_CHECK_MS) return;
    endRound();
    lastWait = null;
    arm();
  };

  const endRound = (): void => {
    if (round === null) return;
    round.cancelled = true;
    round.cancel();
    round = null;
  };

  /** One look for all that waits; what names are known for again is let go. */
  const look = async (isCancelled: () => boolean): Promise<void> => {
    if (deps.mayLook && !(await deps.mayLook())) {
      if (!isCancelled()) waiting.clear();
      return;
    }
    const since = clock.monotonic();
    const invented = await controls.invented('dns', since, NEVER);
    const back: string[] = [];
    for (const [key, mail] of [...waiting]) if ((await controls.mood(mail, invented, since)) === 'sane') back.push(key);
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
    for (const old of [...waiting.keys()].slice(0, Math.max(0, waiting.size - MAX_WAITING))) waiting.delete(old);
    forgetAnswers();
    arm();
    tell();
  };

  return {
    dns: mailDns,
    async judged(lookUp, mail, signal) {
      const since = clock.monotonic();
      const looked = await lookUp(mailDns);
      // All that is kept was vouched for when it was said: mail for hosts that are known waits for nobody.
      if (looked.kind === 'hosts' && mailDns.lastAnswerAt() <= controls.vouchedAt()) return looked;
      const invented = await controls.invented('dns', since, signal);
      const judged = dependsOnCondition(looked, mail.domain, invented)
        ? judgeLookup(looked, await unlessAborted(controls.mood(mail, invented, since), signal), invented)
        : looked;
      const reason = namesTroubleAfter(judged);
      if (reason !== null) wait(mail, reason);
      else if (judged.kind === 'hosts') {
        controls.noteKnown(mail.domain, judged.hosts);
        lookSooner();
      }
      return judged;
    },
    async withoutInvented(answer, how, signal) {
      if (answer.kind !== 'found') return answer;
      const invented = await controls.invented(how, clock.monotonic(), signal);
      const records = answer.records.filter(({ address }) => ownAddresses([address], invented).length > 0);
      if (records.length > 0) return { ...answer, records };
      forgetAnswers();
      return { kind: 'no-data' };
    },
    async isSane(domain, signal) {
      const since = clock.monotonic();
      const invented = await controls.invented('dns', since, signal);
      const sane = (await unlessAborted(controls.mood({ domain, sender: null }, invented, since), signal)) === 'sane';
      if (!sane) forgetAnswers();
      return sane;
    },
    trouble: () => told,
    forget() {
      endRound();
      waiting.clear();
      controls.forget();
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
