/** What the DNS said about a recipient's domain, as a verdict (spec §3.6, RFC 5321 §5.1, RFC 7505). */
import type { DeferReason, EnhancedStatus, ErrorKind, Verdict } from '../../shared/mail.ts';
import { assertNever } from '../../shared/result.ts';

/** Why a domain leads to no mail server. */
export type DnsFailure =
  | 'no-such-domain'
  /** The domain exists, but has neither MX nor address. */
  | 'no-data'
  /** It has MX records, and none of their hosts has an address. */
  | 'no-address'
  | 'null-mx'
  | 'bad-name'
  /** Its best MX is this computer, loopback or an unspecified address. */
  | 'loops-back'
  | 'servfail'
  | 'refused'
  | 'timeout'
  | 'no-server'
  /** The name server of this network knows no names, not even common ones (spec §4.4). */
  | 'no-names'
  /** It gives an invented address to every name. */
  | 'one-address'
  /** It could not be found out whether it is sane. */
  | 'undecided'
  /** It is sane, but the domain has only the address that it invents for names that do not exist. */
  | 'invented';

export interface DnsVerdict {
  readonly verdict: Verdict;
  readonly errorKind: ErrorKind;
  /** True if no DNS server answered, or none that can be believed: such an attempt does not count (spec §4.3, §4.4). */
  readonly nothingReached: boolean;
}

/**
 * @param hop on a LAN every failure is temporary: the host is known to that LAN only, and the laptop may be elsewhere
 * @param dnsWorks true if other names were resolved a moment ago: then a time-out is the domain's own trouble, and counts
 */
export function classifyDns(failure: DnsFailure, hop: 'direct' | 'lan', dnsWorks = false): DnsVerdict {
  if (hop === 'lan') {
    return { verdict: deferred(failure === 'loops-back' ? '4.4.6' : '4.4.4'), errorKind: 'lan', nothingReached: false };
  }
  switch (failure) {
    case 'no-such-domain':
    case 'no-data':
      return refused('5.1.2');
    case 'null-mx':
      return refused('5.1.10');
    case 'bad-name':
      return refused('5.1.3');
    case 'no-address':
      return waits('4.4.4', false);
    case 'loops-back':
      // Often a lying network rather than the domain (standards §3 "DNS lying: kept").
      return waits('4.4.6', false);
    case 'servfail':
    case 'refused':
    case 'invented':
      return waits('4.4.3', false);
    case 'timeout':
      return waits('4.4.3', !dnsWorks);
    case 'no-server':
    case 'undecided':
      return waits('4.4.3', true);
    case 'no-names':
    case 'one-address':
      return waits('4.4.3', true, failure);
    default:
      return assertNever(failure);
  }
}

function refused(status: EnhancedStatus): DnsVerdict {
  return { verdict: { kind: 'rejected', scope: 'recipient', status }, errorKind: 'dns', nothingReached: false };
}

function waits(status: EnhancedStatus, nothingReached: boolean, why: NamesReason = 'dns'): DnsVerdict {
  return { verdict: deferred(status, why), errorKind: 'dns', nothingReached };
}

function deferred(status: EnhancedStatus, why: NamesReason = 'dns'): Verdict {
  return { kind: 'deferred', scope: 'host', status, why };
}

type NamesReason = Extract<DeferReason, 'dns' | 'no-names' | 'one-address'>;

/** True for a deferral because of names: if nothing was reached either, the network is at fault. */
export function isNamesReason(why: DeferReason): why is NamesReason {
  return why === 'dns' || why === 'no-names' || why === 'one-address';
}

/** The kind of a failure of a direct or LAN step for the mode `onError` (spec §3.6); null for trouble of our own. */
export function errorKindOf(hop: 'direct' | 'lan', verdict: Verdict, dnsFailed: boolean): ErrorKind | null {
  if (verdict.kind === 'delivered' || (verdict.kind === 'deferred' && verdict.scope === 'local')) return null;
  if (hop === 'lan') return 'lan';
  return dnsFailed ? 'dns' : 'smtp';
}
