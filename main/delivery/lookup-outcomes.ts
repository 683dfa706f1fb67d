/** Steps that ended before any host was tried, as their results. Pure. */
import type { ErrorKind, Verdict } from '../../shared/mail.ts';
import { classifyDns, type DnsFailure } from '../policy/classify-dns.ts';
import type { OutgoingRecipient, StepResult } from './delivery-port.ts';

/** What was looked up for which kind of step; `port`: of direct delivery, for the timeline. */
export interface Lookup {
  readonly hop: 'direct' | 'lan';
  readonly name: string;
  readonly port: number;
}

/** Milliseconds since the epoch. */
interface Times {
  readonly startedAt: number;
  readonly endedAt: number;
}

type Recipients = readonly Pick<OutgoingRecipient, 'id'>[];

/** The look-up led to no host. */
export function lookupFailed(failure: DnsFailure, lookup: Lookup, recipients: Recipients, times: Times): StepResult {
  // A resolver without any server that answers says "no server" itself: a time-out is the domain's.
  const { verdict, errorKind, nothingReached } = classifyDns(failure, lookup.hop, true);
  return resultOf(lookup, FAILURE_WORDS[failure], verdict, errorKind, nothingReached, recipients, times);
}

/** An `enforce` policy that names none of the domain's mail servers: policy or DNS is forged, or wrong (RFC 8461 §5). */
export function noHostAllowed(lookup: Lookup, recipients: Recipients, times: Times): StepResult {
  const verdict: Verdict = { kind: 'deferred', scope: 'host', status: '4.7.5', why: 'tls-required' };
  const error = 'the DNS names other mail servers than the policy of the domain (MTA-STS) allows';
  return resultOf(lookup, error, verdict, 'smtp', false, recipients, times);
}

function resultOf(
  { hop, name, port }: Lookup,
  error: string,
  verdict: Verdict,
  errorKind: ErrorKind,
  nothingReached: boolean,
  recipients: Recipients,
  times: Times,
): StepResult {
  return {
    tries: [
      {
        hop: { kind: hop === 'lan' ? 'lan' : 'mx', host: name, port },
        ...times,
        phase: 'dns',
        tls: null,
        error,
        outcomes: recipients.map((r) => ({ recipient: r.id, verdict })),
      },
    ],
    verdicts: new Map(recipients.map((r) => [r.id, verdict])),
    errorKinds: new Map(recipients.map((r) => [r.id, errorKind])),
    waitsFor: new Map(),
    nothingReached,
    dsnPassedOn: new Set(),
  };
}

const FAILURE_WORDS: Readonly<Record<DnsFailure, string>> = {
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
