/**
 * Where the browser comes back to after a sign-in (RFC 8252 §7.3): a port on loopback, open for one answer and for a bounded
 * time. Whoever does not know the state of this sign-in is turned away and changes nothing.
 */
import http from 'node:http';
import type net from 'node:net';
import type { Clock } from '../../runtime/clock.ts';

/** More strange requests than that are an attack on this port: it is closed. */
const MAX_FOREIGN_REQUESTS = 50;

export type RedirectAnswer =
  { readonly kind: 'answer'; readonly params: URLSearchParams } | { readonly kind: 'timeout' | 'aborted' | 'flooded' };

export interface RedirectServer {
  /** `http://127.0.0.1:port`, to be sent as redirect_uri. */
  readonly uri: string;
  /** Never rejects. */
  readonly answer: Promise<RedirectAnswer>;
}

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  connection: 'close',
} as const;

function page(text: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>PostCast Server</title><body style="font:16px system-ui,sans-serif;margin:4em auto;max-width:30em;text-align:center"><p>${text}</p></body></html>`;
}

/**
 * The query of a request to `/`; null for any other target. Cut apart by hand: a target is whatever somebody sent, and
 * the URL parser throws at some ("//") and takes others for addresses of other hosts.
 */
function paramsOf(target: string): URLSearchParams | null {
  const [path = '', ...query] = target.split('?');
  return path === '/' ? new URLSearchParams(query.join('?')) : null;
}

/**
 * Opens the port. Rejects if there is none to be had. The answer comes once, when a request carries `state`; after that, after
 * `waitMs`, or when `signal` aborts the port is closed.
 */
export async function openRedirectServer(options: {
  readonly state: string;
  readonly waitMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<RedirectServer> {
  const { state, clock, signal } = options;
  let settle: (answer: RedirectAnswer) => void = () => undefined;
  const answer = new Promise<RedirectAnswer>((resolve) => {
    settle = resolve;
  });
  let strange = 0;
  let host = '';

  const server = http.createServer(
    { maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 10_000, keepAlive: false },
    (request, response) => {
      const turnAway = (code: number): void => {
        response.writeHead(code, PAGE_HEADERS).end(page('This is not the sign-in that PostCast Server waits for.'));
        strange++;
        if (strange > MAX_FOREIGN_REQUESTS) settle({ kind: 'flooded' });
      };
      // A foreign name that leads to loopback (DNS rebinding) is not the redirect.
      if (request.headers.host !== host || request.method !== 'GET') return turnAway(400);
      const params = paramsOf(request.url ?? '');
      if (params === null) return turnAway(404);
      const states = params.getAll('state');
      if (states.length !== 1 || states[0] !== state) return turnAway(400);
      const given = params.has('code');
      response
        .writeHead(200, PAGE_HEADERS)
        .end(
          page(
            given
              ? 'You can close this page and go back to PostCast Server.'
              : 'The sign-in was not given. You can close this page.',
          ),
          () => {
            settle({ kind: 'answer', params });
          },
        );
    },
  );
  server.maxConnections = 20;
  // A broken request is a strange one; its sender gets nothing.
  server.on('clientError', (_error, socket) => {
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      server.off('error', reject);
      server.on('error', () => undefined);
      resolve();
    });
  });
  host = `127.0.0.1:${(server.address() as net.AddressInfo).port}`;

  const cancel = clock.after(options.waitMs, () => {
    settle({ kind: 'timeout' });
  });
  const onAbort = (): void => {
    settle({ kind: 'aborted' });
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const closed = answer.then((result) => {
    cancel();
    signal.removeEventListener('abort', onAbort);
    server.close();
    server.closeAllConnections();
    return result;
  });
  return { uri: `http://${host}`, answer: closed };
}
