/** The store's thread, which a test can have die at once: no farewell, nothing closed, answers lost. */
import '../../main/queue/store-worker.ts';
import { BroadcastChannel, workerData } from 'node:worker_threads';

const channel = new BroadcastChannel('store-worker-dies');
channel.unref();
channel.onmessage = (event: unknown): void => {
  const { path } = workerData as { readonly path: string };
  if ((event as { readonly data: unknown }).data === path) process.exit(9);
};
