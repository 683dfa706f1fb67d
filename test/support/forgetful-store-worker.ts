/** The store's thread, which on a word from the test does what it is asked next, and dies with the answer on its lips. */
import '../../main/queue/store-worker.ts';
import { BroadcastChannel, parentPort, workerData } from 'node:worker_threads';

const { path } = workerData as { readonly path: string };
const channel = new BroadcastChannel('store-worker-forgets');
channel.unref();
let forgets = false;
channel.onmessage = (event: unknown): void => {
  if ((event as { readonly data: unknown }).data !== path) return;
  forgets = true;
  channel.postMessage(`${path} will`);
};
if (parentPort !== null) {
  const post = parentPort.postMessage.bind(parentPort);
  parentPort.postMessage = (message: unknown, transfer?: Parameters<typeof post>[1]): void => {
    if (forgets) process.exit(9);
    post(message, transfer);
  };
}
