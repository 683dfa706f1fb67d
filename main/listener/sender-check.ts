/** `server.refuseSendersWithoutMx`: could a report be returned to this sender? */
import { domainToASCII } from 'node:url';
import type { ResolverWatch } from '../dns/resolver-watch.ts';
import { splitAddress } from '../message/address-parser.ts';

const PATIENCE_MS = 10_000;

/** Looks names up, and knows whether the name server of this network can be believed. */
export type SenderNames = Pick<ResolverWatch, 'dns' | 'isSane'>;

/**
 * False only if the DNS says so for certain: no such domain, neither MX nor address, or a null MX (RFC 7505). A name server
 * that knows no domain at all refuses nobody (spec §4.4).
 */
export async function senderCanReceive({ dns, isSane }: SenderNames, mailFrom: string): Promise<boolean> {
  const domain = splitAddress(mailFrom)?.domain ?? '';
  if (domain.startsWith('[')) return true;
  const name = domainToASCII(domain) || domain;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const mx = await dns.mx(name, signal);
  if (mx.kind === 'found') return mx.records.some((record) => record.exchange !== '' && record.exchange !== '.');
  if (mx.kind === 'bad-name') return false;
  if (mx.kind === 'try-later') return true;
  const addresses = mx.kind === 'no-such-domain' ? mx : await dns.addresses(name, signal);
  if (addresses.kind === 'found' || addresses.kind === 'try-later') return true;
  // What cannot be found out in time is not certain.
  return !(await isSane(name, signal).catch(() => false));
}
