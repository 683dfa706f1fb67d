/** `server.refuseSendersWithoutMx`: could a report be returned to this sender? */
import { domainToASCII } from 'node:url';
import type { Dns } from '../ports.ts';
import { splitAddress } from './address-parser.ts';

const PATIENCE_MS = 10_000;

/** False only if the DNS says so for certain: no such domain, neither MX nor address, or a null MX (RFC 7505). */
export async function senderCanReceive(dns: Dns, mailFrom: string): Promise<boolean> {
  const domain = splitAddress(mailFrom)?.domain ?? '';
  if (domain.startsWith('[')) return true;
  const name = domainToASCII(domain) || domain;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const mx = await dns.mx(name, signal);
  if (mx.kind === 'found') return mx.records.some((record) => record.exchange !== '' && record.exchange !== '.');
  if (mx.kind === 'no-such-domain' || mx.kind === 'bad-name') return false;
  if (mx.kind === 'try-later') return true;
  const addresses = await dns.addresses(name, signal);
  return addresses.kind === 'found' || addresses.kind === 'try-later';
}
