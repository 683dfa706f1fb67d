/** fetch for small documents of others: bounded in time and size, nothing followed, no cookies, through the user's proxy. */
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { bypassesProxy, type Proxy } from '../../smtp/proxy.ts';
import { secureTunnel } from '../../smtp/proxy-tunnel.ts';
import type { Clock } from '../../runtime/clock.ts';

const MAX_OCTETS = 256 * 1024;

/** Options that oauth4webapi and we give. */
export interface BoundedInit {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | URLSearchParams | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where documents come from. */
export interface FetchWay {
  /** `connection.proxy`, asked at every request; null = none. */
  readonly proxy?: () => Proxy | null;
  /** More authorities to trust (PEM). */
  readonly ca?: readonly string[];
}

/** Names that only mean something nearby are not the proxy's business, as near addresses are not (spec §4.2). */
function isNear(host: string): boolean {
  if (net.isIP(host) !== 0) return bypassesProxy(host);
  return !host.includes('.') || /\.(localhost|local|lan|home\.arpa|internal)$/i.test(host);
}

/**
 * A fetch whose whole answer is there when it resolves. Rejects on network trouble, after `mostMs`, past 256 KiB and when
 * `signal` aborts. Redirects come back as the 3xx that they are. Not the global fetch: that one knows no SOCKS.
 */
export function boundedFetch(
  clock: Clock,
  mostMs: number,
  way: FetchWay = {},
): (url: string, init: BoundedInit) => Promise<Response> {
  return async (text, init) => {
    const limit = new AbortController();
    const cancel = clock.after(mostMs, () => {
      limit.abort(new Error('no answer in time'));
    });
    const signal = init.signal ? AbortSignal.any([init.signal, limit.signal]) : limit.signal;
    try {
      const url = new URL(text);
      const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
      const secure = url.protocol === 'https:';
      const proxy = secure && !isNear(host) ? (way.proxy?.() ?? null) : null;
      const target = { host, name: host, port: Number(url.port || 443), ...(way.ca ? { ca: way.ca } : {}) };
      const tunnel = proxy ? await secureTunnel(proxy, target, signal) : null;
      return await ask(secure ? https : http, url, init, signal, {
        ...(tunnel ? { createConnection: () => tunnel, defaultPort: 443 } : { agent: false }),
        ...(way.ca ? { ca: [...way.ca] } : {}),
      });
    } finally {
      cancel();
    }
  };
}

function ask(
  protocol: typeof http | typeof https,
  url: URL,
  init: BoundedInit,
  signal: AbortSignal,
  how: https.RequestOptions,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const body = init.body === null || init.body === undefined ? null : Buffer.from(init.body.toString());
    const request = protocol.request(url, {
      ...how,
      method: init.method ?? 'GET',
      headers: {
        accept: '*/*',
        ...init.headers,
        ...(body ? { 'content-length': body.length } : {}),
      },
      signal,
    });
    const failed = (error: Error): void => {
      reject(error);
      request.destroy();
    };
    request.on('error', failed);
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('error', failed);
      response.on('data', (part: Buffer) => {
        size += part.length;
        parts.push(part);
        if (size > MAX_OCTETS) failed(new Error('the answer is too long'));
      });
      response.on('close', () => {
        if (!response.complete) return failed(new Error('the answer was cut'));
        const status = response.statusCode ?? 0;
        if (status < 200 || status > 599) return failed(new Error('no answer that makes sense'));
        const headers = new Headers();
        for (const [name, values] of Object.entries(response.headersDistinct))
          for (const value of values ?? []) headers.append(name, value);
        const empty = [204, 205, 304].includes(status);
        resolve(new Response(empty ? null : Buffer.concat(parts), { status, headers }));
      });
    });
    request.end(body ?? undefined);
  });
}
