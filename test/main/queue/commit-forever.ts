/** A program that takes mail until it is killed, and prints the id of each message that the store acknowledged. */
import { writeSync } from 'node:fs';
import { openQueueStore } from '../../../main/queue/open-queue-store.ts';
import { newMessageFor } from './new-message.ts';

const [, , file = '', runId = '', workerUrl = ''] = process.argv;
const store = await openQueueStore({
  path: file,
  runId,
  clock: { now: () => Date.now(), monotonic: () => performance.now(), after: () => () => undefined },
  workerUrl: new URL(workerUrl),
  reserveBytes: 0,
});

async function commitForever(lane: number): Promise<void> {
  for (let n = 0; ; n += 1) {
    const id = `${runId}-${lane}-${n}`;
    const staged = store.stage(id);
    await staged.write(Buffer.from(`octets of ${id}`));
    await staged.commit(newMessageFor(id));
    writeSync(1, `${id}\n`);
    // In flight when killed, some of them.
    if (n % 7 === 0) await store.claimDue({ now: Date.now(), limit: 3, skipDomains: [] });
  }
}
await Promise.all(Array.from({ length: 8 }, async (_, lane) => commitForever(lane)));
