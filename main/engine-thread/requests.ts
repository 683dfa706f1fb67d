/** Pairs requests with their answers, on either side of the port. */
import type { Answer } from './protocol.ts';

/** Requests that went out and wait for their answers. */
export interface Requests<R extends { readonly kind: string }, A extends Readonly<Record<R['kind'], unknown>>> {
  /** Rejects with what the other side says, or as `abandon` does. */
  ask<K extends R['kind']>(request: Extract<R, { readonly kind: K }>): Promise<A[K]>;
  /** An answer came. One that nobody waits for is dropped. */
  take(n: number, answer: Answer): void;
  /** The other side is gone: everything that waits is rejected. */
  abandon(error: Error): void;
}

/** `send` puts a request on the port. */
export function createRequests<R extends { readonly kind: string }, A extends Readonly<Record<R['kind'], unknown>>>(
  send: (n: number, request: R) => void,
): Requests<R, A> {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let last = 0;
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        last += 1;
        waiting.set(last, { resolve, reject });
        send(last, request);
      }),
    take(n, answer) {
      const asked = waiting.get(n);
      waiting.delete(n);
      if (answer.ok) asked?.resolve(answer.value as never);
      else asked?.reject(new Error(answer.message));
    },
    abandon(error) {
      const left = [...waiting.values()];
      waiting.clear();
      for (const { reject } of left) reject(error);
    },
  };
}

/** What `work` comes to, in a form that crosses the port. Never rejects. */
export async function answerOf(work: () => Promise<unknown>): Promise<Answer> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}
