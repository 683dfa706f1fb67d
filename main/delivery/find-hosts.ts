/** From the domain of a direct or LAN step to its mail servers (spec §4.1, §4.2, §4.4), or why there are none. */
import type { Settings } from '../../shared/settings.ts';
import { isIp } from '../../shared/syntax.ts';
import type { DnsFailure } from '../policy/classify-dns.ts';
import { hostsAllowedBySts, type MailHost } from '../policy/direct-hosts.ts';
import { domainOf, matchesDomain } from '../policy/domain-match.ts';
import { addressScope } from '../policy/ip-address.ts';
import type { PlanStep } from '../policy/model.ts';
import type { LookupResult } from '../policy/resolver-trust.ts';
import type { Dns } from '../dns/dns-port.ts';
import { resolveMx, type MxDeps } from '../dns/resolve-mx.ts';
import type { ResolverWatch } from '../dns/resolver-watch.ts';
import type { Log } from '../log/log-port.ts';
import type { MtaSts } from './mta-sts-policies.ts';

export interface FindHostsDeps extends Omit<MxDeps, 'dns'> {
  readonly log: Log;
  readonly trust: Pick<ResolverWatch, 'dns' | 'judged' | 'withoutInvented'>;
  readonly settings: () => Settings;
  /** Policies of recipients' domains; absent: no domain has one. */
  readonly sts?: MtaSts;
}

/** A direct or a LAN step. */
export type HostStep = Extract<PlanStep, { kind: 'direct' | 'lan' }>;

export type FoundHosts =
  | { readonly kind: 'hosts'; readonly hosts: readonly MailHost[] }
  /** `name`: what was looked up. */
  | { readonly kind: 'no-hosts'; readonly name: string; readonly failure: DnsFailure }
  /** An enforced MTA-STS policy names none of the domain's mail servers. */
  | { readonly kind: 'none-allowed'; readonly name: string };

/**
 * Looks the step's hosts up.
 * @param mailFrom reverse-path of the message: its domain is a control look-up (spec §4.4)
 * @returns at least one host, in order of use. Rejects only when `signal` aborts.
 */
export function findHosts(
  deps: FindHostsDeps,
  step: HostStep,
  mailFrom: string | null,
  signal: AbortSignal,
): Promise<FoundHosts> {
  return step.kind === 'direct' ? findMxHosts(deps, step.domain, mailFrom, signal) : findLanHost(deps, step, signal);
}

async function findMxHosts(
  deps: FindHostsDeps,
  domain: string,
  mailFrom: string | null,
  signal: AbortSignal,
): Promise<FoundHosts> {
  const [found, policy] = await Promise.all([
    lookUpMx(deps, domain, mailFrom, signal),
    deps.sts && !domain.startsWith('[') ? deps.sts.policyFor(domain, signal) : null,
  ]);
  if (found.kind === 'failed') return { kind: 'no-hosts', name: domain, failure: found.failure };
  const { hosts, unnamed } = hostsAllowedBySts(found.hosts, policy, domain, deps.settings().connection.directPort);
  if (hosts.length === 0) return { kind: 'none-allowed', name: domain };
  if (policy?.mode === 'testing') {
    for (const host of unnamed)
      deps.log.note('mta-sts', { domain, mode: 'testing', host, problem: 'the policy does not name it' });
  }
  return { kind: 'hosts', hosts };
}

/** MX hosts as far as the name server of this network can be believed (spec §4.4). An address literal needs no name server. */
function lookUpMx(
  deps: FindHostsDeps,
  domain: string,
  mailFrom: string | null,
  signal: AbortSignal,
): Promise<LookupResult> {
  const lookUp = (dns: Dns): Promise<LookupResult> => resolveMx({ ...deps, dns }, domain, signal);
  if (domain.startsWith('[')) return lookUp(deps.trust.dns);
  return deps.trust.judged(lookUp, { domain, sender: mailFrom === null ? null : domainOf(mailFrom) }, signal);
}

async function findLanHost(
  deps: FindHostsDeps,
  step: Extract<PlanStep, { kind: 'lan' }>,
  signal: AbortSignal,
): Promise<FoundHosts> {
  const { domain, host, port } = step;
  const noHosts = (failure: DnsFailure): FoundHosts => ({ kind: 'no-hosts', name: host, failure });
  const listed = deps.settings().connection.lanHosts.some((entry) => matchesDomain(domain, entry.domain));
  const looked = await deps.trust.dns.addresses(host, signal, 'system');
  const answer = isIp(host) ? looked : await deps.trust.withoutInvented(looked, 'system', signal);
  if (answer.kind !== 'found') return noHosts(answer.kind === 'try-later' ? answer.why : answer.kind);
  // What the table does not list is looked for on the LAN only: a search domain must not lead out of it (spec §4.2).
  const near = answer.records.filter((r) => listed || addressScope(r.address) === 'private');
  if (near.length === 0) return noHosts('no-address');
  return { kind: 'hosts', hosts: [{ kind: 'lan', host, port, addresses: near.map((r) => r.address) }] };
}
