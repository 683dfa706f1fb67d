/**
 * Direct delivery (spec §4.1) and the LAN step (§4.2): MX hosts and their addresses, one after the other, until one took
 * the mail or said something about it.
 */
import type { ErrorKind, HopRef, Verdict } from '../../shared/mail.ts';
import type { Settings } from '../../shared/settings.ts';
import { isIp } from '../../shared/syntax.ts';
import { mayTryNextHost } from '../policy/classify.ts';
import { classifyDns, errorKindOf } from '../policy/classify-dns.ts';
import type { DnsFailure } from '../policy/classify-dns.ts';
import { domainOf, matchesDomain } from '../policy/domain-match.ts';
import { addressScope } from '../policy/ip-address.ts';
import { stsNamesHost } from '../policy/mta-sts.ts';
import type { MxHost } from '../policy/order-mx.ts';
import type { LookupResult } from '../policy/resolver-trust.ts';
import type { NetworkMemory } from '../network/network-memory.ts';
import type { HostDoubts } from '../policy/model.ts';
import { hopKey, mayBeDelivered, NO_OTHER_HOP, orderHops } from '../policy/unknown-outcome.ts';
import type { Dns } from '../dns/dns-port.ts';
import type { Log } from '../log/log-port.ts';
import type { Clock } from '../runtime/clock.ts';
import { MX_CONNECTIONS } from './connection-pool.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { interleaveFamilies } from '../smtp/dial.ts';
import type { Ipv6Memory } from './ipv6-memory.ts';
import { createHostBackoff } from './host-backoff.ts';
import type { MtaSts } from './mta-sts-policies.ts';
import { resolveMx } from '../dns/resolve-mx.ts';
import type { MxDeps } from '../dns/resolve-mx.ts';
import { parseProxy } from '../smtp/proxy.ts';
import type { ResolverWatch } from '../dns/resolver-watch.ts';
import { openSession, phaseTimeouts } from '../smtp/open-session.ts';
import type { SessionFailure, SmtpSession } from '../smtp/open-session.ts';
import { LOST, outcomeOfFailure, sendOver } from './transactions.ts';
import type { HopOutcome, HopAttemptDraft } from './transactions.ts';
import type { OutgoingRecipient, StepResult, MessageInDelivery } from './delivery-port.ts';

export interface DirectDeps extends Omit<MxDeps, 'dns'> {
  readonly clock: Clock;
  readonly log: Log;
  readonly trust: Pick<ResolverWatch, 'dns' | 'judged' | 'withoutInvented'>;
  readonly settings: () => Settings;
  readonly hostname: () => string;
  readonly pool: ConnectionPool;
  readonly ipv6: Ipv6Memory;
  readonly memory: Pick<NetworkMemory, 'noteDirect' | 'directBlocked'>;
  readonly hopWorks: (key: string) => void;
  /** Policies of recipients' domains; absent: nobody has one. */
  readonly sts?: MtaSts;
  /** More certificate authorities to trust where a policy asks for a verified certificate (PEM). */
  readonly ca?: readonly string[];
}

export interface Direct {
  run(
    step: { readonly domain: string } & HostDoubts,
    message: MessageInDelivery,
    recipients: readonly OutgoingRecipient[],
    signal: AbortSignal,
  ): Promise<StepResult>;
  runLan(
    step: { readonly domain: string; readonly host: string; readonly port: number } & HostDoubts,
    message: MessageInDelivery,
    recipients: readonly OutgoingRecipient[],
    signal: AbortSignal,
  ): Promise<StepResult>;
  /** Domains that have as many messages under way as their hosts take connections. */
  busyDomains(): readonly string[];
  forget(): void;
}

interface Place {
  readonly kind: 'mx' | 'lan';
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
  /** `enforce`: an MTA-STS policy asks for TLS with a verified certificate. `testing`: only told. */
  readonly sts?: 'enforce' | 'testing';
  /** For the log: whose mail it is. */
  readonly domain?: string;
}

/** After a host failed for its own reasons, this many other addresses of it are tried for one message. */
const MAX_ADDRESSES = 8;

export function createDirect(deps: DirectDeps): Direct {
  const { clock, pool } = deps;
  const underWay = new Map<string, number>();
  const backoff = createHostBackoff(clock, deps.settings);
  /** Hosts whose TLS does not work: not asked for it again for a while (the handshake costs a connection each time). */
  const clearText = new Map<string, number>();

  const acquire = (
    place: Place,
    avoid: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<SmtpSession | SessionFailure> => {
    const hop: HopRef = { kind: place.kind, host: place.host, port: place.port };
    const enforced = place.sts === 'enforce';
    // A connection that was verified serves all; one that was not is not for a domain that asks for it.
    const key = `${place.kind}:${place.host}:${place.port}${enforced ? ':verified' : ''}`;
    return pool.acquire(
      {
        key,
        limit: MX_CONNECTIONS,
        avoid,
        open: async (openSignal) => {
          const addresses = place.addresses
            .filter((a) => !avoid.has(a))
            .map((address) => ({ address, family: address.includes(':') ? (6 as const) : (4 as const) }));
          const opened = await openSession(
            {
              hop,
              addresses: interleaveFamilies(addresses, deps.ipv6.works()),
              security: enforced
                ? 'starttls'
                : (clearText.get(key) ?? -Infinity) > clock.monotonic()
                  ? 'none'
                  : 'opportunistic',
              verify: enforced,
              ...(enforced && deps.ca ? { ca: deps.ca } : {}),
              credentials: null,
              allowInsecureAuth: false,
              heloName: deps.hostname(),
              timeouts: phaseTimeouts(deps.settings().connection.serverTimeoutSeconds, place.kind),
              proxy: place.kind === 'lan' ? null : parseProxy(deps.settings().connection.proxy),
            },
            { clock, log: deps.log },
            openSignal,
          );
          deps.ipv6.learn(opened);
          if (place.kind === 'mx' && !openSignal.aborted) noteAnswer(place.host, opened);
          // It may stand elsewhere by now, or never have stood there.
          if (place.kind === 'mx' && opened.kind === 'failed') deps.trust.dns.forget(place.host);
          if (place.sts === 'testing' && opened.kind === 'ready' && opened.tls?.verified !== true) {
            const problem = opened.tls ? 'the certificate cannot be verified' : 'no TLS';
            deps.log.note('mta-sts', { domain: place.domain ?? '', mode: 'testing', host: place.host, problem });
          }
          if (opened.kind === 'ready' && opened.fellBack) clearText.set(key, clock.monotonic() + 3_600_000);
          return opened;
        },
      },
      signal,
    );
  };

  /** Where its mail goes, as far as the name server of this network can be believed (spec §4.4). A literal needs none. */
  const lookUp = (domain: string, mailFrom: string | null, signal: AbortSignal): Promise<LookupResult> => {
    const look = (dns: Dns): Promise<LookupResult> => resolveMx({ ...deps, dns }, domain, signal);
    if (domain.startsWith('[')) return look(deps.trust.dns);
    return deps.trust.judged(look, { domain, sender: mailFrom === null ? null : domainOf(mailFrom) }, signal);
  };

  /** What this connection tells of port 25 on this network. A refusal or a missing route tells nothing. */
  const noteAnswer = (host: string, opened: SmtpSession | SessionFailure): void => {
    if (opened.kind === 'ready' || opened.reply !== null) deps.memory.noteDirect({ kind: 'answered' });
    else if (opened.phase === 'connect' && opened.trouble?.kind === 'timeout')
      deps.memory.noteDirect({ kind: 'silent', host, at: clock.now() });
  };

  /** One place, its addresses in order; ends when one of them has spoken about the mail. Fills `verdicts`. */
  const deliverTo = async (
    place: Place,
    message: MessageInDelivery,
    recipients: readonly OutgoingRecipient[],
    signal: AbortSignal,
    tries: HopAttemptDraft[],
    verdicts: Map<number, Verdict>,
    dsnPassedOn: Set<number>,
  ): Promise<{ readonly noRoute: boolean }> => {
    const avoid = new Set<string>();
    let noRoute = true;
    let left = recipients;
    for (let round = 0; round < MAX_ADDRESSES && left.length > 0; round++) {
      const session = await acquire(place, avoid, signal);
      let outcome: HopOutcome;
      if (session.kind === 'failed') {
        outcome = outcomeOfFailure(session, left);
        noRoute &&= session.noRoute;
        for (const f of session.addressFailures) avoid.add(f.address);
        if (session.hop.address !== undefined) avoid.add(session.hop.address);
      } else {
        noRoute = false;
        const sent = await sendOver(session, () => acquire(place, avoid, signal), message, left, tries, signal);
        pool.release(sent.session);
        avoid.add(sent.session.address.address);
        outcome = sent;
      }
      tries.push(...outcome.tries);
      for (const [id, verdict] of outcome.verdicts) verdicts.set(id, verdict);
      for (const id of outcome.dsnPassedOn) dsnPassedOn.add(id);
      left = left.filter((r) => goesOn(verdicts.get(r.id)));
      if (signal.aborted || place.addresses.every((a) => avoid.has(a))) break;
    }
    return { noRoute };
  };

  /**
   * The places to try now; if there is none, one of those that are left alone, and why. Hosts that failed a moment ago
   * rest while others are tried (spec §5: back-off per hop), unless a doubtful one would be used in their place.
   */
  const orderPlaces = (
    places: readonly Place[],
    { doubts = {}, only }: HostDoubts,
  ): { readonly order: readonly Place[]; readonly leftAlone: { readonly place: Place; readonly verdict: Verdict } } => {
    const { sure, doubtful } = orderHops(places, hopKey, doubts);
    const wanted = [...(only === 'doubtful' ? [] : sure), ...(only === 'sure' ? [] : doubtful)];
    const usable = deps.settings().administration.forceDelivery ? wanted : wanted.slice(0, 1);
    const { use, resting } = backoff.sort(usable.map((p) => p.host));
    const [place] = [...usable, ...places];
    if (place === undefined) throw new Error('a domain without mail servers came this far');
    return {
      order: usable.filter((p) => use.includes(p.host) || (doubtful.length > 0 && sure.includes(p))),
      leftAlone: { place, verdict: resting.get(place.host) ?? NO_OTHER_HOP },
    };
  };

  const through = async (
    places: readonly Place[],
    step: HostDoubts,
    key: string,
    hop: 'direct' | 'lan',
    message: MessageInDelivery,
    recipients: readonly OutgoingRecipient[],
    signal: AbortSignal,
  ): Promise<StepResult> => {
    const tries: HopAttemptDraft[] = [];
    const verdicts = new Map<number, Verdict>();
    const dsnPassedOn = new Set<number>();
    let left = recipients;
    let noRoute = true;
    const { order, leftAlone } = orderPlaces(places, step);
    const blocked = hop === 'direct' && deps.memory.directBlocked();
    if (blocked || order.length === 0) {
      const { place } = leftAlone;
      const verdict = blocked ? BLOCKED : leftAlone.verdict;
      const now = clock.now();
      for (const r of left) verdicts.set(r.id, verdict);
      tries.push({
        hop: { kind: place.kind, host: place.host, port: place.port },
        startedAt: now,
        endedAt: now,
        phase: 'connect',
        tls: null,
        skipped: true,
        outcomes: left.map((r) => ({ recipient: r.id, verdict })),
      });
      noRoute = false;
      left = [];
    }
    try {
      for (const place of order) {
        if (left.length === 0) break;
        const here = new Map<number, Verdict>();
        const said = await deliverTo(place, message, left, signal, tries, here, dsnPassedOn).finally(() => {
          // Aborted or not: what was said counts.
          for (const [id, verdict] of here) verdicts.set(id, verdict);
        });
        noRoute &&= said.noRoute;
        const values = [...here.values()];
        const [first] = values;
        if (values.some((v) => v.kind !== 'deferred' || v.scope !== 'host')) backoff.worked(place.host);
        // Whoever finds the host resting was sent nothing: an unknown outcome is not theirs.
        else if (first && !said.noRoute && !signal.aborted)
          backoff.failed(place.host, mayBeDelivered(first) ? LOST : first);
        left = left.filter((r) => goesOn(verdicts.get(r.id)));
        if (signal.aborted) break;
      }
    } catch (error) {
      if (!signal.aborted || !keepsResult(verdicts)) throw error;
    }
    if (signal.aborted && !keepsResult(verdicts))
      throw signal.reason instanceof Error ? signal.reason : new Error('aborted');
    if ([...verdicts.values()].some((v) => v.kind === 'delivered')) deps.hopWorks(key);

    const errorKinds = new Map<number, ErrorKind>();
    const waitsFor = new Map<number, string>();
    for (const { id } of recipients) {
      const verdict = verdicts.get(id) ?? LOCAL;
      verdicts.set(id, verdict);
      const kind = errorKindOf(hop, verdict, false);
      if (kind) errorKinds.set(id, kind);
      if (verdict.kind === 'deferred' && verdict.scope === 'host') waitsFor.set(id, key);
    }
    return { tries, verdicts, errorKinds, waitsFor, nothingReached: noRoute, dsnPassedOn };
  };

  const dnsFailed = (
    failure: DnsFailure,
    hop: 'direct' | 'lan',
    domain: string,
    recipients: readonly OutgoingRecipient[],
    startedAt: number,
  ): StepResult => {
    // The resolver says "no server" itself when nothing at all answers: a time-out is the domain's.
    const { verdict, errorKind, nothingReached } = classifyDns(failure, hop, true);
    return {
      tries: [
        {
          hop: { kind: hop === 'lan' ? 'lan' : 'mx', host: domain, port: deps.settings().connection.directPort },
          startedAt,
          endedAt: clock.now(),
          phase: 'dns',
          tls: null,
          error: DNS_WORDS[failure],
          outcomes: recipients.map((r) => ({ recipient: r.id, verdict })),
        },
      ],
      verdicts: new Map(recipients.map((r) => [r.id, verdict])),
      errorKinds: new Map(recipients.map((r) => [r.id, errorKind])),
      waitsFor: new Map(),
      nothingReached,
      dsnPassedOn: new Set(),
    };
  };

  /** An `enforce` policy that names none of the domain's mail servers: one of the two is forged, or wrong (RFC 8461 §5). */
  const noneNamed = (domain: string, recipients: readonly OutgoingRecipient[], startedAt: number): StepResult => {
    const verdict: Verdict = { kind: 'deferred', scope: 'host', status: '4.7.5', why: 'tls-required' };
    return {
      tries: [
        {
          hop: { kind: 'mx', host: domain, port: deps.settings().connection.directPort },
          startedAt,
          endedAt: clock.now(),
          phase: 'dns',
          tls: null,
          error: 'the DNS names other mail servers than the policy of the domain (MTA-STS) allows',
          outcomes: recipients.map((r) => ({ recipient: r.id, verdict })),
        },
      ],
      verdicts: new Map(recipients.map((r) => [r.id, verdict])),
      errorKinds: new Map(recipients.map((r) => [r.id, 'smtp' as const])),
      waitsFor: new Map(),
      nothingReached: false,
      dsnPassedOn: new Set(),
    };
  };

  const counted = async <T>(domain: string, run: () => Promise<T>): Promise<T> => {
    underWay.set(domain, (underWay.get(domain) ?? 0) + 1);
    try {
      return await run();
    } finally {
      const left = (underWay.get(domain) ?? 1) - 1;
      if (left > 0) underWay.set(domain, left);
      else underWay.delete(domain);
    }
  };

  return {
    run: (step, message, recipients, signal) =>
      counted(step.domain.toLowerCase(), async () => {
        const { domain } = step;
        const startedAt = clock.now();
        const [found, policy] = await Promise.all([
          lookUp(domain, message.mailFrom, signal),
          deps.sts && !domain.startsWith('[') ? deps.sts.policyFor(domain, signal) : null,
        ]);
        if (found.kind === 'failed') return dnsFailed(found.failure, 'direct', domain, recipients, startedAt);
        const port = deps.settings().connection.directPort;
        const sts = policy && policy.mode !== 'none' ? { sts: policy.mode, domain } : {};
        const named = found.hosts.filter((h) => !policy || policy.mode === 'none' || stsNamesHost(policy, h.host));
        if (policy?.mode === 'enforce' && named.length === 0) return noneNamed(domain, recipients, startedAt);
        if (policy?.mode === 'testing') {
          for (const h of found.hosts.filter((each) => !named.includes(each)))
            deps.log.note('mta-sts', { domain, mode: 'testing', host: h.host, problem: 'the policy does not name it' });
        }
        const places = (policy?.mode === 'enforce' ? named : found.hosts).map((h: MxHost): Place => ({
          kind: 'mx',
          host: h.host,
          port,
          addresses: h.addresses,
          ...sts,
        }));
        return through(places, step, `mx:${domain.toLowerCase()}`, 'direct', message, recipients, signal);
      }),
    runLan: (step, message, recipients, signal) =>
      counted(step.domain.toLowerCase(), async () => {
        const startedAt = clock.now();
        const { connection } = deps.settings();
        const listed = connection.lanHosts.some((entry) => matchesDomain(step.domain, entry.domain));
        const said = await deps.trust.dns.addresses(step.host, signal, 'system');
        const answer = isIp(step.host) ? said : await deps.trust.withoutInvented(said, 'system', signal);
        if (answer.kind !== 'found')
          return dnsFailed(
            answer.kind === 'try-later' ? answer.why : answer.kind,
            'lan',
            step.host,
            recipients,
            startedAt,
          );
        // What the table does not name is looked for on the LAN only: no search domain leads out of it (spec §4.2).
        const near = answer.records.filter((r) => listed || addressScope(r.address) === 'private');
        if (near.length === 0) return dnsFailed('no-address', 'lan', step.host, recipients, startedAt);
        const place: Place = { kind: 'lan', host: step.host, port: step.port, addresses: near.map((r) => r.address) };
        return through([place], step, `lan:${step.domain.toLowerCase()}`, 'lan', message, recipients, signal);
      }),
    busyDomains: () => [...underWay].filter(([, n]) => n >= MX_CONNECTIONS).map(([domain]) => domain),
    forget() {
      backoff.forget();
      clearText.clear();
    },
  };
}

/** Not tried: on this network nobody answers on this port (spec §4.4). */
const BLOCKED: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.1', why: 'direct-blocked' };
const LOCAL: Verdict = { kind: 'deferred', scope: 'local', status: '4.3.0', why: 'local' };

/**
 * Goes on to the next address or host: trouble of the host alone. A 4yz about recipient or message stays with the host
 * that said it, as greylisting wants the same one again (RFC 6647).
 */
function goesOn(verdict: Verdict | undefined): boolean {
  return verdict === undefined || (mayTryNextHost(verdict) && verdict.kind === 'deferred' && verdict.scope === 'host');
}

/** Something was sent that must be told of, abort or not. */
function keepsResult(verdicts: ReadonlyMap<number, Verdict>): boolean {
  return [...verdicts.values()].some(mayBeDelivered);
}

const DNS_WORDS: Readonly<Record<DnsFailure, string>> = {
  'no-such-domain': 'there is no such domain',
  'no-data': 'the domain has no mail server and no address',
  'no-address': 'no mail server of the domain has an address',
  'null-mx': 'the domain says that it takes no mail',
  'bad-name': 'not a domain name',
  'loops-back': 'the mail server of the domain is this computer',
  servfail: 'the DNS server could not look it up',
  refused: 'the DNS server refused to answer',
  timeout: 'the DNS did not answer in time',
  'no-server': 'no DNS server answers',
  'no-names': 'the name server of this network knows no names',
  'one-address': 'the name server of this network gives one address to all names',
  undecided: 'the name server of this network gives no usable answers',
  invented: 'the name server of this network invents an address for it',
};
