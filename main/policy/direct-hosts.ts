/**
 * Which mail servers of a domain a direct or LAN step may use, and in which order (spec §4.1, §4.2, §4.4, §5; RFC 8461).
 * Decided from what was looked up, the domain's MTA-STS policy, unknown outcomes and recent failures.
 */
import type { Verdict } from '../../shared/mail.ts';
import type { HostDoubts } from './model.ts';
import { stsNamesHost, type StsPolicy } from './mta-sts.ts';
import type { MxHost } from './order-mx.ts';
import { hopKey, NO_OTHER_HOP, orderHops } from './unknown-outcome.ts';

/** A mail server to connect to, with its addresses in the order of the resolver. */
export interface MailHost {
  readonly kind: 'mx' | 'lan';
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
  /** MTA-STS: `enforce` asks for TLS with a verified certificate, `testing` has violations logged only. Absent: no policy. */
  readonly sts?: 'enforce' | 'testing';
  /** Recipient domain that the policy is of, for the log. */
  readonly domain?: string;
}

/** Not tried: on this network nobody answers on this port (spec §4.4). */
export const DIRECT_BLOCKED: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.1', why: 'direct-blocked' };

/** The MX hosts that a policy lets mail go to; `unnamed`: those that it does not name. */
export interface AllowedHosts {
  /** Empty only if the policy is enforced and names none of the hosts (RFC 8461 §5: forged, or a mistake). */
  readonly hosts: readonly MailHost[];
  readonly unnamed: readonly string[];
}

/**
 * Applies a domain's MTA-STS policy to its MX hosts: `enforce` leaves out the unnamed ones, `testing` keeps them.
 * @param policy null: the domain has none
 * @param port of direct delivery (`connection.directPort`)
 */
export function hostsAllowedBySts(
  found: readonly MxHost[],
  policy: StsPolicy | null,
  domain: string,
  port: number,
): AllowedHosts {
  const mode = policy === null || policy.mode === 'none' ? null : policy.mode;
  const named = policy === null || mode === null ? found : found.filter((h) => stsNamesHost(policy, h.host));
  return {
    hosts: (mode === 'enforce' ? named : found).map(({ host, addresses }) => ({
      kind: 'mx',
      host,
      port,
      addresses,
      ...(mode === null ? {} : { sts: mode, domain }),
    })),
    unnamed: found.filter((h) => !named.includes(h)).map((h) => h.host),
  };
}

/** What an order depends on beside the hosts themselves. */
export interface HostOrderFacts {
  /** `administration.forceDelivery`: every host, not the first one only (spec §4.1). */
  readonly forceDelivery: boolean;
  /** Port 25 is known to be blocked on this network. */
  readonly blocked: boolean;
  /** Why a host is in back-off: the verdict of its last failure; null: it is not. */
  readonly backoffVerdict: (host: string) => Verdict | null;
}

/** The hosts to try, first to last; or that none is tried now, with the host and verdict that stand for it in the timeline. */
export type HostOrder =
  | { readonly kind: 'try'; readonly hosts: readonly MailHost[] }
  | { readonly kind: 'skip'; readonly host: MailHost; readonly verdict: Verdict };

/**
 * Hosts without doubt first, doubtful ones last, those in back-off left out (spec §5: the schedule holds per hop too). A
 * host without doubt is tried in spite of its back-off if a doubtful one would be used in its place (spec §3.2).
 * @param hosts in their usual order, at least one
 */
export function orderHosts(
  hosts: readonly MailHost[],
  { doubts = {}, only }: HostDoubts,
  facts: HostOrderFacts,
): HostOrder {
  const { sure, doubtful } = orderHops(hosts, hopKey, doubts);
  const wanted = [...(only === 'doubtful' ? [] : sure), ...(only === 'sure' ? [] : doubtful)];
  const usable = facts.forceDelivery ? wanted : wanted.slice(0, 1);
  const [first] = usable;
  const host = first ?? hosts[0];
  if (host === undefined) throw new Error('a domain without mail servers came this far');
  if (facts.blocked) return { kind: 'skip', host, verdict: DIRECT_BLOCKED };
  const order = usable.filter(
    (h) => facts.backoffVerdict(h.host) === null || (doubtful.length > 0 && sure.includes(h)),
  );
  if (order.length > 0) return { kind: 'try', hosts: order };
  const verdict = first === undefined ? null : facts.backoffVerdict(first.host);
  return { kind: 'skip', host, verdict: verdict ?? NO_OTHER_HOP };
}
