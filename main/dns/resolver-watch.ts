/**
 * Whether the name server of the present network can be believed (spec §4.4): has each look-up judged by
 * policy/resolver-trust.ts, and, while mail waits for names, checks now and then whether they are back.
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
import { createControlLookups, type ControlLookups, type MailFor } from './control-lookups.ts';

/** Names are checked for at most this many pairs of recipient domain and sender. */
const MAX_WAITING = 50;

export interface ResolverWatch {
  /** For recipients' domains. Answers that it keeps were judged when they came. */
  readonly dns: Dns;
  /** Looks a recipient's domain up with `dns`, and judges the result. Rejects only when `signal` aborts. */
  judged(lookUp: (dns: Dns) => Promise<LookupResult>, mail: MailFor, signal: AbortSignal): Promise<LookupResult>;
  /** An answer without the addresses that a name which cannot exist has as well. `how`: who gave it; to be called just after `dns` was asked. */
  withoutInvented<T extends { readonly address: string }>(
    answer: DnsAnswer<T>,
    how: 'dns' | 'system',
    signal: AbortSignal,
  ): Promise<DnsAnswer<T>>;
  /** True if it can be believed now that this domain does not exist. */
  isSane(domain: string, signal: AbortSignal): Promise<boolean>;
  /** Why mail waits for names; null: none does. */
  trouble(): NamesTrouble | null;
  /** Another network, other servers, or the user asked for a new attempt: nothing that was found out is valid. */
  forget(): void;
  /** Calls back when `trouble()` changes. Returns its unsubscribe. */
  onChange(listener: () => void): () => void;
  /** Calls back when names are known again that mail waits for. Returns its unsubscribe. */
  onBack(listener: () => void): () => void;
}

export interface ResolverWatchDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Its cache is cleared when the condition of the name server changes. */
  readonly dns: Dns;
  readonly log: Pick<Log, 'note' | 'problem'>;
  readonly settings: () => Settings;
  /** Whether anything waits and may be sent: names are checked only then. */
  readonly mayLook?: () => Promise<boolean>;
}

/** A check is made for all mail that waits: no single abort ends it. */
const NEVER = new AbortController().signal;

/** What waits for names, and when they are checked next. */
interface State {
  readonly deps: ResolverWatchDeps;
  readonly dns: Dns;
  readonly controls: ControlLookups;
  readonly waiting: Map<string, MailFor & Pick<NamesTrouble, 'reason'>>;
  readonly listeners: Set<() => void>;
  readonly backListeners: Set<() => void>;
  /** As last announced. */
  trouble: NamesTrouble | null;
  /** The check that is due or running. */
  round: { cancelled: boolean; cancel: () => void } | null;
  /** Ms before the last check; null = none was needed. */
  lastWait: number | null;
}

export function createResolverWatch(deps: ResolverWatchDeps): ResolverWatch {
  const state: State = {
    deps,
    dns: deps.dns.uncached(),
    controls: createControlLookups(deps),
    waiting: new Map(),
    listeners: new Set(),
    backListeners: new Set(),
    trouble: null,
    round: null,
    lastWait: null,
  };
  const { controls, listeners, backListeners } = state;
  const now = (): number => deps.clock.monotonic();
  return {
    dns: state.dns,
    judged: (lookUp, mail, signal) => judge(state, lookUp, mail, signal),
    async withoutInvented(answer, how, signal) {
      if (answer.kind !== 'found') return answer;
      const invented = await controls.invented(how, now(), signal);
      const records = answer.records.filter(({ address }) => ownAddresses([address], invented).length > 0);
      if (records.length > 0) return { ...answer, records };
      forgetAnswers(state);
      return { kind: 'no-data' };
    },
    async isSane(domain, signal) {
      const since = now();
      const invented = await controls.invented('dns', since, signal);
      const condition = await unlessAborted(controls.condition({ domain, sender: null }, invented, since), signal);
      if (condition !== 'sane') forgetAnswers(state);
      return condition === 'sane';
    },
    trouble: () => state.trouble,
    forget() {
      endRound(state);
      state.waiting.clear();
      controls.forget();
      forgetAnswers(state);
      announce(state);
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

async function judge(
  state: State,
  lookUp: (dns: Dns) => Promise<LookupResult>,
  mail: MailFor,
  signal: AbortSignal,
): Promise<LookupResult> {
  const { controls, dns } = state;
  const since = state.deps.clock.monotonic();
  const looked = await lookUp(dns);
  // All that is cached was confirmed when it was answered: mail for known hosts waits for no control look-up.
  if (looked.kind === 'hosts' && dns.lastAnswerAt() <= controls.confirmedUntil()) return looked;
  const invented = await controls.invented('dns', since, signal);
  const judged = dependsOnCondition(looked, mail.domain, invented)
    ? judgeLookup(looked, await unlessAborted(controls.condition(mail, invented, since), signal), invented)
    : looked;
  const reason = namesTroubleAfter(judged);
  if (reason !== null) addWaiting(state, mail, reason);
  else if (judged.kind === 'hosts') {
    controls.noteKnown(mail.domain, judged.hosts);
    checkSooner(state);
  }
  return judged;
}

/** What a name server answers in one condition is worth nothing in the other. */
function forgetAnswers({ controls, dns, deps }: State): void {
  controls.clearConfirmed();
  dns.forget();
  deps.dns.forget();
}

function announce(state: State): void {
  const reason = [...state.waiting.values()].at(-1)?.reason ?? null;
  if (reason === (state.trouble?.reason ?? null)) return;
  state.trouble = reason === null ? null : { reason, since: state.deps.clock.now() };
  state.deps.log.note('names', { trouble: reason });
  for (const listener of state.listeners) listener();
}

/** Sets the timer for the next check, if anything waits. */
function scheduleCheck(state: State): void {
  if (state.round !== null || state.waiting.size === 0) return;
  const { clock, log } = state.deps;
  const wait = nextCheckDelay(state.lastWait);
  state.lastWait = wait;
  const round = { cancelled: false, cancel: (): void => undefined };
  round.cancel = clock.after(wait, () => {
    const checked = check(state, () => round.cancelled).finally(() => {
      if (round.cancelled) return;
      state.round = null;
      scheduleCheck(state);
      announce(state);
    });
    logRejection(checked, log, 'names');
  });
  state.round = round;
}

/** A name that resolves is a sign that what waits may go. */
function checkSooner(state: State): void {
  if (state.round === null || state.lastWait === null || state.lastWait === FIRST_CHECK_MS) return;
  endRound(state);
  state.lastWait = null;
  scheduleCheck(state);
}

function endRound(state: State): void {
  if (state.round === null) return;
  state.round.cancelled = true;
  state.round.cancel();
  state.round = null;
}

/** Checks for all that waits; what names are known for again is released. */
async function check(state: State, isCancelled: () => boolean): Promise<void> {
  const { deps, controls, waiting } = state;
  if (deps.mayLook && !(await deps.mayLook())) {
    if (!isCancelled()) waiting.clear();
    return;
  }
  const since = deps.clock.monotonic();
  const invented = await controls.invented('dns', since, NEVER);
  const back: string[] = [];
  for (const [key, mail] of [...waiting])
    if ((await controls.condition(mail, invented, since)) === 'sane') back.push(key);
  if (isCancelled() || back.length === 0) return;
  for (const key of back) waiting.delete(key);
  forgetAnswers(state);
  announce(state);
  for (const listener of state.backListeners) listener();
}

function addWaiting(state: State, mail: MailFor, reason: NamesTrouble['reason']): void {
  const { waiting } = state;
  if (waiting.size === 0) state.lastWait = null;
  const key = `${mail.domain} ${mail.sender ?? ''}`;
  waiting.delete(key);
  waiting.set(key, { ...mail, reason });
  for (const old of [...waiting.keys()].slice(0, Math.max(0, waiting.size - MAX_WAITING))) waiting.delete(old);
  forgetAnswers(state);
  scheduleCheck(state);
  announce(state);
}
