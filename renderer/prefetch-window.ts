/**
 * Asks for what a window begins with, so that its first drawing is the whole picture: asked one after the other by the
 * components that show them, the answers would each bring a drawing of their own.
 */
import type { QueryClient } from '@tanstack/react-query';
import type { Bridge } from '../shared/ipc-contract.ts';
import { readStored } from './components/use-local-storage.ts';
import { DEFAULT_LAYOUT, parseLayout } from './queue/layout.ts';
import { listQuery } from './queue/use-message-list.ts';
import { answerQuery, prefetch } from './server-cache.ts';

/** A queue that cannot be read at once (a busy disk) must not keep the window empty any longer. */
const MAX_WAIT_MS = 250;

/**
 * @param hash the window's address behind #
 * @returns when all is answered; what the queue answers is not waited for longer than a moment
 */
export async function prefetchWindow(cache: QueryClient, bridge: Bridge, hash: string): Promise<void> {
  const needed = [
    prefetch(cache, answerQuery(bridge, 'settings.get', {})),
    prefetch(cache, answerQuery(bridge, 'status.get', {})),
  ];
  if (!/^#\/(settings|welcome)\b/.test(hash)) {
    const { sort, descending } = readStored('queue.layout', parseLayout, DEFAULT_LAYOUT);
    const queue = Promise.all([
      prefetch(cache, listQuery(cache, bridge, { folder: 'outbox', search: '', sort, descending })),
      prefetch(cache, answerQuery(bridge, 'queue.folders', {})),
      prefetch(cache, answerQuery(bridge, 'queue.activity', { span: 'hour' }, 'interval')),
    ]);
    needed.push(Promise.race([queue.then(() => undefined), pause(MAX_WAIT_MS)]));
  }
  await Promise.all(needed);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
