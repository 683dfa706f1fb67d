/**
 * Whether this network wants a log-in first (spec §4.4), where the system does not say: asks for a page that is known to be
 * empty. Sends no identifiers: no cookies, no version, no name of ours; the answer is looked at and thrown away.
 */
import http from 'node:http';

/** A page that answers 204 with nothing, run for this purpose. */
export const PORTAL_PAGE = 'http://connectivitycheck.gstatic.com/generate_204';
/** Long enough for a slow mobile link. */
const PROBE_MS = 8_000;

/** 'free': the page itself answered. 'portal': something else answered in its place. 'unknown': nothing useful came. */
export type PortalAnswer = 'free' | 'portal' | 'unknown';

/** What came back; null = no answer at all. */
export interface PortalReply {
  readonly status: number;
  /** Octets of the body, as far as read. */
  readonly bodyLength: number;
}

/**
 * Reads the answer. Pure. A redirect or a page in place of the empty 204 is a portal; 511 says so itself (RFC 6585 §6).
 * Other errors (a proxy's 403, 5yz) prove nothing, and no answer neither: mail may well get through.
 */
export function interpretPortalReply(reply: PortalReply | null): PortalAnswer {
  if (reply === null) return 'unknown';
  if (reply.status === 204) return 'free';
  if (reply.status === 511) return 'portal';
  if (reply.status >= 300 && reply.status < 400) return 'portal';
  // Some transparent proxies turn 204 into an empty 200.
  if (reply.status === 200) return reply.bodyLength === 0 ? 'free' : 'portal';
  return 'unknown';
}

/** Makes the probe. `url` is http:, since a portal cannot stand in for https. The probe never rejects. */
export function createPortalProbe(url: string = PORTAL_PAGE): (signal: AbortSignal) => Promise<PortalAnswer> {
  return async (signal) =>
    interpretPortalReply(await ask(url, AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)])));
}

function ask(url: string, signal: AbortSignal): Promise<PortalReply | null> {
  return new Promise((resolve) => {
    const request = http.get(
      url,
      { agent: false, signal, headers: { accept: '*/*', 'cache-control': 'no-cache' } },
      (response) => {
        let bodyLength = 0;
        const done = (): void => {
          resolve({ status: response.statusCode ?? 0, bodyLength });
        };
        response.on('data', (chunk: Buffer) => {
          bodyLength += chunk.length;
          // One octet is enough to know that it is not the empty page.
          done();
          response.destroy();
        });
        response.on('end', done);
        response.on('error', done);
      },
    );
    request.on('error', () => {
      resolve(null);
    });
  });
}
