/** *Add gateway* from an e-mail address (spec §3.4): built-in list, autoconfig documents, SRV records, side by side. */
import type { DiscoveredGateway } from '../../shared/ipc-contract.ts';
import { boundedFetch, type FetchWay } from '../secrets/oauth/bounded-fetch.ts';
import type { Dns } from '../dns/dns-port.ts';
import type { Clock } from '../runtime/clock.ts';
import {
  autoconfigUrls,
  fromAutoconfig,
  fromProviderList,
  fromSrv,
  guess,
  mailboxOf,
  type SrvRecord,
} from './candidates.ts';

/** Fetches a small text; null if there is none. Rejects never. */
export type FetchText = (url: string, signal: AbortSignal) => Promise<string | null>;

/** The whole of a document's way, redirects included. */
const MAX_MS = 6_000;
/** A provider's web server may send us to its mail server's, and from a bare domain to "www"; more is no answer. */
const MAX_REDIRECTS = 4;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/**
 * The real one: https only, at every step of a redirect, bounded in size and time, no cookies, through the user's proxy.
 * The proxy looks the web servers' names up; the SRV records are asked for as all of DNS is, without it: it carries
 * connections, not questions to a name server.
 */
export function webText(clock: Clock, way: FetchWay = {}): FetchText {
  const fetchIt = boundedFetch(clock, MAX_MS, way);
  return async (first, signal) => {
    const limit = new AbortController();
    const cancel = clock.after(MAX_MS, () => {
      limit.abort(new Error('no answer in time'));
    });
    const wanted = AbortSignal.any([signal, limit.signal]);
    try {
      let url = first;
      for (let redirects = 0; redirects <= MAX_REDIRECTS && url.startsWith('https:'); redirects += 1) {
        const answer = await fetchIt(url, {
          signal: wanted,
          headers: { accept: 'text/xml, application/xml', 'accept-encoding': 'identity' },
        });
        const location = answer.headers.get('location');
        if (answer.ok) return await answer.text();
        if (!REDIRECTS.includes(answer.status) || location === null) return null;
        url = new URL(location, url).href;
      }
      return null;
    } catch {
      return null;
    } finally {
      cancel();
    }
  };
}

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
    Promise.all(
      autoconfigUrls(mailbox).map(async ({ url, source }) => ({ source, xml: await deps.fetchText(url, signal) })),
    ),
    srv('_submissions'),
    srv('_submission'),
  ]);
  const found = [
    ...documents.map(({ xml, source }) => (xml === null ? null : fromAutoconfig(xml, mailbox, source))),
    fromSrv(submissions, submission, mailbox),
  ].filter((g) => g !== null);
  const distinct = found.filter(
    (g, i) => found.findIndex((o) => o.gateway.host === g.gateway.host && o.gateway.port === g.gateway.port) === i,
  );
  const last = guess(mailbox);
  if (distinct.length === 0) return last === null ? [] : [last];
  // What the user has to be asked about comes behind what he has not.
  return [...distinct].sort((a, b) => Number(a.outside) - Number(b.outside));
}
