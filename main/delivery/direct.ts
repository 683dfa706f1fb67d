/**
 * Direct delivery (spec §4.1) and the LAN step (§4.2): look the hosts up, order them, try host by host until one took the
 * mail or said something about it, and combine what they said.
 */
import type { ErrorKind, Verdict } from '../../shared/mail.ts';
import { mayTryNextHost } from '../policy/classify.ts';
import { orderHosts, type MailHost } from '../policy/direct-hosts.ts';
import { mayBeDelivered } from '../policy/unknown-outcome.ts';
import { errorKindOf } from '../policy/classify-dns.ts';
import type { NetworkMemory } from '../network/network-memory.ts';
import { MX_CONNECTIONS } from './connection-pool.ts';
import type { OutgoingRecipient, StepResult, MessageInDelivery } from './delivery-port.ts';
import { findHosts, type FindHostsDeps, type HostStep } from './find-hosts.ts';
import { createHostBackoff, type HostBackoff } from './host-backoff.ts';
import { createHostSessions, type HostSessions, type HostSessionsDeps } from './host-sessions.ts';
import { lookupFailed, noHostAllowed } from './lookup-outcomes.ts';
import {
  addOutcome,
  LOCAL_TROUBLE,
  newOutcome,
  outcomeOfFailure,
  SESSION_LOST,
  sendOver,
  type StepOutcomeSoFar,
} from './transactions.ts';

export interface DirectDeps extends FindHostsDeps, Omit<HostSessionsDeps, 'trust' | 'memory'> {
  readonly memory: Pick<NetworkMemory, 'noteDirect' | 'directBlocked'>;
  /** Told when a hop took mail: others wait for it. */
  readonly hopWorks: (key: string) => void;
}

export interface Direct {
  /** Takes a direct or a LAN step. Rejects only when `signal` aborts before a recipient was taken. */
  run(
    step: HostStep,
    message: MessageInDelivery,
    recipients: readonly OutgoingRecipient[],
    signal: AbortSignal,
  ): Promise<StepResult>;
  /** Domains that have as many messages under way as their hosts take connections. */
  busyDomains(): readonly string[];
  /** Another network: failures of hosts say nothing any more. */
  forget(): void;
}

/** After a host failed for its own reasons, this many addresses of it are tried for one message. */
const MAX_ADDRESSES = 8;

/** One run of a step: what it sends, over what. */
interface DirectRun {
  readonly deps: DirectDeps;
  readonly sessions: HostSessions;
  readonly backoff: HostBackoff;
  readonly message: MessageInDelivery;
  readonly recipients: readonly OutgoingRecipient[];
  readonly signal: AbortSignal;
}

/** What the hosts of a step said so far. */
interface HostsOutcome extends StepOutcomeSoFar {
  /** No host has been connected to for want of a route. */
  noRoute: boolean;
}

export function createDirect(deps: DirectDeps): Direct {
  const sessions = createHostSessions(deps);
  const backoff = createHostBackoff(deps.clock, deps.settings);
  const underWay = new Map<string, number>();
  return {
    async run(step, message, recipients, signal) {
      const domain = step.domain.toLowerCase();
      underWay.set(domain, (underWay.get(domain) ?? 0) + 1);
      try {
        return await deliverDirectly({ deps, sessions, backoff, message, recipients, signal }, step);
      } finally {
        const left = (underWay.get(domain) ?? 1) - 1;
        if (left > 0) underWay.set(domain, left);
        else underWay.delete(domain);
      }
    },
    busyDomains: () => [...underWay].filter(([, n]) => n >= MX_CONNECTIONS).map(([domain]) => domain),
    forget() {
      backoff.forget();
      sessions.forget();
    },
  };
}

/** Resolve, order, try host by host, combine. */
async function deliverDirectly(run: DirectRun, step: HostStep): Promise<StepResult> {
  const { deps, recipients } = run;
  const startedAt = deps.clock.now();
  const found = await findHosts(deps, step, run.message.mailFrom, run.signal);
  if (found.kind !== 'hosts') {
    const lookup = { hop: step.kind, name: found.name, port: deps.settings().connection.directPort };
    const times = { startedAt, endedAt: deps.clock.now() };
    return found.kind === 'no-hosts'
      ? lookupFailed(found.failure, lookup, recipients, times)
      : noHostAllowed(lookup, recipients, times);
  }
  const order = orderHosts(found.hosts, step, {
    forceDelivery: deps.settings().administration.forceDelivery,
    blocked: step.kind === 'direct' && deps.memory.directBlocked(),
    backoffVerdict: (host) => run.backoff.verdictOf(host),
  });
  const outcome = order.kind === 'try' ? await tryHosts(run, order.hosts) : skipHost(run, order.host, order.verdict);
  const hop = `${step.kind === 'lan' ? 'lan' : 'mx'}:${step.domain.toLowerCase()}`;
  if ([...outcome.verdicts.values()].some((v) => v.kind === 'delivered')) deps.hopWorks(hop);
  return combine(outcome, step.kind, hop, recipients);
}

/** Tries the hosts in order, each with the recipients that are left. Rejects only if it is aborted and nobody was taken. */
async function tryHosts(run: DirectRun, hosts: readonly MailHost[]): Promise<HostsOutcome> {
  const { signal } = run;
  const outcome: HostsOutcome = { ...newOutcome(), noRoute: true };
  try {
    for (const host of hosts) {
      const left = run.recipients.filter((r) => mayGoToNextHost(outcome.verdicts.get(r.id)));
      if (left.length === 0 || signal.aborted) break;
      await tryHost(run, host, left, outcome);
    }
  } catch (error) {
    if (!signal.aborted || !wasTaken(outcome)) throw error;
  }
  if (signal.aborted && !wasTaken(outcome)) throw signal.reason instanceof Error ? signal.reason : new Error('aborted');
  return outcome;
}

/** Tries one host and takes in what it said, of the mail and of itself; also when it is aborted half-way. */
async function tryHost(
  run: DirectRun,
  host: MailHost,
  recipients: readonly OutgoingRecipient[],
  outcome: HostsOutcome,
): Promise<void> {
  const here: HostsOutcome = { ...newOutcome(), noRoute: true };
  try {
    await tryAddresses(run, host, recipients, here, outcome);
  } finally {
    addOutcome(outcome, here);
  }
  outcome.noRoute &&= here.noRoute;
  const verdicts = [...here.verdicts.values()];
  const [first] = verdicts;
  if (verdicts.some((v) => v.kind !== 'deferred' || v.scope !== 'host')) run.backoff.worked(host.host);
  // For a message that finds the host in back-off nothing was sent: the unknown outcome of another one is not its own.
  else if (first && !here.noRoute && !run.signal.aborted)
    run.backoff.failed(host.host, mayBeDelivered(first) ? SESSION_LOST : first);
}

/** The addresses of one host in order, until one of them said something about the mail. Fills `here`. */
async function tryAddresses(
  run: DirectRun,
  host: MailHost,
  recipients: readonly OutgoingRecipient[],
  here: HostsOutcome,
  before: HostsOutcome,
): Promise<void> {
  const { sessions, signal } = run;
  const avoid = new Set<string>();
  const acquire = () => sessions.acquire(host, avoid, signal);
  let left = recipients;
  for (let round = 0; round < MAX_ADDRESSES && left.length > 0; round++) {
    const session = await acquire();
    if (session.kind === 'failed') {
      here.noRoute &&= session.noRoute;
      for (const { address } of session.addressFailures) avoid.add(address);
      if (session.hop.address !== undefined) avoid.add(session.hop.address);
      addOutcome(here, outcomeOfFailure(session, left));
    } else {
      here.noRoute = false;
      const sent = await sendOver(session, acquire, run.message, left, [...before.tries, ...here.tries], signal);
      sessions.release(sent.session);
      avoid.add(sent.session.address.address);
      addOutcome(here, sent);
    }
    left = left.filter((r) => mayGoToNextHost(here.verdicts.get(r.id)));
    if (signal.aborted || host.addresses.every((a) => avoid.has(a))) break;
  }
}

/** No host is tried now: one row of the timeline says which one was skipped, and why. */
function skipHost({ deps, recipients, signal }: DirectRun, host: MailHost, verdict: Verdict): HostsOutcome {
  signal.throwIfAborted();
  const now = deps.clock.now();
  return {
    tries: [
      {
        hop: { kind: host.kind, host: host.host, port: host.port },
        startedAt: now,
        endedAt: now,
        phase: 'connect',
        tls: null,
        skipped: true,
        outcomes: recipients.map((r) => ({ recipient: r.id, verdict })),
      },
    ],
    verdicts: new Map(recipients.map((r) => [r.id, verdict])),
    dsnPassedOn: new Set(),
    noRoute: false,
  };
}

/** One verdict for every recipient, its kind of error (spec §3.6), and the hop that it waits for if the hop was at fault. */
function combine(
  { tries, verdicts, dsnPassedOn, noRoute }: HostsOutcome,
  kind: 'direct' | 'lan',
  hop: string,
  recipients: readonly OutgoingRecipient[],
): StepResult {
  const errorKinds = new Map<number, ErrorKind>();
  const waitsFor = new Map<number, string>();
  for (const { id } of recipients) {
    const verdict = verdicts.get(id) ?? LOCAL_TROUBLE;
    verdicts.set(id, verdict);
    const errorKind = errorKindOf(kind, verdict, false);
    if (errorKind) errorKinds.set(id, errorKind);
    if (verdict.kind === 'deferred' && verdict.scope === 'host') waitsFor.set(id, hop);
  }
  return { tries, verdicts, errorKinds, waitsFor, nothingReached: noRoute, dsnPassedOn };
}

/**
 * Trouble of the host alone: the next address or host is tried. A 4yz about recipient or message stays with the host that
 * said it, since greylisting wants the same one again (RFC 6647).
 */
function mayGoToNextHost(verdict: Verdict | undefined): boolean {
  return verdict === undefined || (mayTryNextHost(verdict) && verdict.kind === 'deferred' && verdict.scope === 'host');
}

/** A recipient was taken, or may have been: that is recorded, aborted or not. */
function wasTaken({ verdicts }: StepOutcomeSoFar): boolean {
  return [...verdicts.values()].some(mayBeDelivered);
}
