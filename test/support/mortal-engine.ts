/** The engine's thread, which a test can have end at once, or stand still for ever. */
import '../../main/engine-thread/entry.ts';
import { BroadcastChannel } from 'node:worker_threads';

const channel = new BroadcastChannel('engine-thread');
channel.unref();
channel.onmessage = (event: unknown): void => {
  const { data } = event as { readonly data: unknown };
  if (data === 'end') process.exit(9);
  if (data === 'hang') for (;;);
};
