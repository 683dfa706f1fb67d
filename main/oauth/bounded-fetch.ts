/** fetch for small documents of others: bounded in time and size, nothing followed, no cookies. */
import type { Clock } from '../ports.ts';

const MOST_OCTETS = 256 * 1024;

/** Options that oauth4webapi and we give. */
export interface BoundedInit {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | URLSearchParams | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A fetch whose whole answer is there when it resolves. Rejects on network trouble, after `mostMs`, past 256 KiB and when
 * `signal` aborts. Redirects come back as the 3xx that they are.
 */
export function boundedFetch(clock: Clock, mostMs: number): (url: string, init: BoundedInit) => Promise<Response> {
  return async (url, init) => {
    const limit = new AbortController();
    const cancel = clock.after(mostMs, () => {
      limit.abort(new Error('no answer in time'));
    });
    try {
      const response = await fetch(url, {
        method: init.method ?? 'GET',
        headers: init.headers ?? {},
        body: init.body ?? null,
        signal: init.signal ? AbortSignal.any([init.signal, limit.signal]) : limit.signal,
        redirect: 'manual',
        credentials: 'omit',
      });
      const parts: Uint8Array[] = [];
      let size = 0;
      if (response.body) {
        for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
          size += part.length;
          if (size > MOST_OCTETS) throw new Error('the answer is too long');
          parts.push(part);
        }
      }
      const empty = [101, 204, 205, 304].includes(response.status);
      return new Response(empty ? null : Buffer.concat(parts), {
        status: response.status,
        headers: response.headers,
      });
    } finally {
      cancel();
    }
  };
}
