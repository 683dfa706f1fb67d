/** *Add gateway* from an e-mail address (SPEC §3.4): built-in list, autoconfig documents, SRV records, side by side. */
import type { DiscoveredGateway } from '../../shared/ipc-contract.ts';
import type { Dns } from '../ports.ts';
import {
  autoconfigUrls,
  fromAutoconfig,
  fromProviderList,
  fromSrv,
  guess,
  mailboxOf,
  type SrvRecord,
} from './interpret.ts';

/** Fetches a small text; null if there is none. Rejects never. */
export type FetchText = (url: string, signal: AbortSignal) => Promise<string | null>;

const MOST_OCTETS = 256 * 1024;
const MOST_MS = 6_000;

/** The real one: https only, bounded in size and time, no cookies. */
export const fetchText: FetchText = async (url, signal) => {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(MOST_MS)]),
      redirect: 'follow',
      credentials: 'omit',
      headers: { accept: 'text/xml, application/xml' },
    });
    if (!response.ok || !response.url.startsWith('https:') || response.body === null) return null;
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      size += part.length;
      if (size > MOST_OCTETS) return null;
      parts.push(part);
    }
    return new TextDecoder().decode(Buffer.concat(parts));
  } catch {
    return null;
  }
};

/**
 * Everything that could be found, best first; a guess only if nothing else was. Sources are asked at once; a source that
 * fails is no error. `address` must be a checked e-mail address.
 */
export async function discoverGateways(
  deps: { readonly dns: Pick<Dns, 'srv'>; readonly fetchText: FetchText },
  address: string,
  signal: AbortSignal,
): Promise<readonly DiscoveredGateway[]> {
  const mailbox = mailboxOf(address);
  const listed = fromProviderList(mailbox);
  if (listed) return [listed];
  const srv = async (service: string): Promise<readonly SrvRecord[]> => {
    const answer = await deps.dns.srv(`${service}._tcp.${mailbox.domain}`, signal);
    return answer.kind === 'found' ? answer.records : [];
  };
  const [documents, submissions, submission] = await Promise.all([
    Promise.all(autoconfigUrls(mailbox).map((url) => deps.fetchText(url, signal))),
    srv('_submissions'),
    srv('_submission'),
  ]);
  const found = [
    ...documents.map((xml) => (xml === null ? null : fromAutoconfig(xml, mailbox))),
    fromSrv(submissions, submission, mailbox),
  ].filter((g) => g !== null);
  const distinct = found.filter(
    (g, i) => found.findIndex((o) => o.gateway.host === g.gateway.host && o.gateway.port === g.gateway.port) === i,
  );
  const last = guess(mailbox);
  return distinct.length > 0 || last === null ? distinct : [last];
}
