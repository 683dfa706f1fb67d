/** Fetching MTA-STS policies over https (RFC 8461 §3.3). */
import https from 'node:https';
import { addressScope } from '../policy/ip-address.ts';
import type { Dns } from '../dns/dns-port.ts';
import type { Clock } from '../runtime/clock.ts';
import { bypassesProxy, type Proxy } from '../smtp/proxy.ts';
import { secureTunnel } from '../smtp/proxy-tunnel.ts';
import type { FetchPolicy } from './mta-sts-policies.ts';

const MAX_OCTETS = 64 * 1024;
const FETCH_MS = 15_000;

/**
 * Fetches policies: https with a verified certificate, our own resolver, no redirects, bounded in time and size, through the
 * user's proxy. Addresses of this computer and of the local network are not connected to: no domain of the Internet has its
 * policy there.
 */
export function policyFetcher(deps: {
  readonly clock: Clock;
  readonly dns: Pick<Dns, 'addresses'>;
  /** For test laboratories: loopback is as good as any address. */
  readonly trustLoopback: () => boolean;
  /** `connection.proxy`, asked at every fetch; null = none. */
  readonly proxy?: () => Proxy | null;
  readonly port?: number;
  readonly ca?: readonly string[];
}): FetchPolicy {
  return async (domain, signal) => {
    const host = `mta-sts.${domain}`;
    const answer = await deps.dns.addresses(host, signal).catch(() => null);
    if (answer?.kind !== 'found') return null;
    const usable = answer.records.find(
      ({ address }) =>
        addressScope(address) === 'public' || (deps.trustLoopback() && addressScope(address) === 'loopback'),
    );
    if (!usable) return null;
    const proxy = bypassesProxy(usable.address) ? null : (deps.proxy?.() ?? null);
    const port = deps.port ?? 443;
    const limit = new AbortController();
    const cancel = deps.clock.after(FETCH_MS, () => {
      limit.abort(new Error('no answer in time'));
    });
    const wanted = AbortSignal.any([signal, limit.signal]);
    try {
      const target = { host: usable.address, port, name: host, ...(deps.ca ? { ca: deps.ca } : {}) };
      const tunnel = proxy ? await secureTunnel(proxy, target, wanted) : null;
      return await policyText(host, wanted, {
        // The address that we looked up; the certificate is checked against the name.
        host: usable.address,
        servername: host,
        port,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
        ...(tunnel ? { createConnection: () => tunnel } : { agent: false }),
        ...(deps.ca ? { ca: [...deps.ca] } : {}),
      });
    } catch {
      return null;
    } finally {
      cancel();
    }
  };
}

/** The document, null if there is none. Never rejects. */
function policyText(host: string, signal: AbortSignal, how: https.RequestOptions): Promise<string | null> {
  return new Promise((resolve) => {
    const request = https.request({
      ...how,
      path: '/.well-known/mta-sts.txt',
      headers: { host, accept: 'text/plain' },
      signal,
    });
    const end = (text: string | null): void => {
      resolve(text);
      request.destroy();
    };
    request.on('error', () => {
      end(null);
    });
    request.on('response', (response) => {
      if (response.statusCode !== 200) return end(null);
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (part: Buffer) => {
        size += part.length;
        parts.push(part);
        if (size > MAX_OCTETS) end(null);
      });
      response.on('error', () => {
        end(null);
      });
      response.on('close', () => {
        end(response.complete ? Buffer.concat(parts).toString('utf8') : null);
      });
    });
    request.end();
  });
}
