/** From a recipient's domain to the hosts to try: asks the DNS, policy decides (main/policy/order-mx.ts). */
import type { Settings } from '../../shared/settings.ts';
import type { DnsFailure } from '../policy/classify-dns.ts';
import { canonicalDomain } from '../policy/domain-match.ts';
import { literalAddress } from '../policy/ip-address.ts';
import { mxCandidates, orderMx } from '../policy/order-mx.ts';
import type { Answer, MxHost } from '../policy/order-mx.ts';
import type { Dns } from './dns-port.ts';
import type { Random } from '../runtime/clock.ts';

/** More MX hosts than that are not looked up: a domain with hundreds is no mail domain but an attack. */
const MAX_HOSTS = 20;

export type MxResolution =
  | { readonly kind: 'hosts'; readonly hosts: readonly MxHost[] }
  | { readonly kind: 'failed'; readonly failure: DnsFailure };

export interface MxDeps {
  readonly dns: Dns;
  readonly random: Random;
  readonly settings: () => Settings;
  readonly ownNames: () => readonly string[];
  readonly ownAddresses: () => readonly string[];
}

/** Hosts for a domain or address literal, in order of use, each with its addresses. Rejects only when `signal` aborts. */
export async function resolveMx(deps: MxDeps, domain: string, signal: AbortSignal): Promise<MxResolution> {
  const name = domain.startsWith('[') ? domain : canonicalDomain(domain);
  const answer =
    literalAddress(name) === null && !name.startsWith('[')
      ? await deps.dns.mx(name, signal)
      : ({ kind: 'no-data' } as const);
  const found = mxCandidates(name, answer);
  if (found.kind === 'failed') return found;
  const hosts = [...found.hosts].sort((a, b) => a.preference - b.preference).slice(0, MAX_HOSTS);
  const addresses = new Map<string, Answer<string>>();
  await Promise.all(
    hosts
      .filter((h) => !h.literal)
      .map(async ({ exchange }) => {
        const looked = await deps.dns.addresses(exchange, signal);
        addresses.set(
          exchange,
          looked.kind === 'found' ? { kind: 'found', records: looked.records.map((r) => r.address) } : looked,
        );
      }),
  );
  const settings = deps.settings();
  return orderMx({
    found: { ...found, hosts },
    addresses,
    ownNames: deps.ownNames(),
    ownAddresses: deps.ownAddresses(),
    trustLoopbackMx: settings.connection.trustLoopbackMx,
    random: () => deps.random.next(),
  });
}
