/** Entry of the store's thread: holds the database; everything else happens in the thread that started it. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { toStoreError } from './sqlite/database.ts';
import type { StoreCore } from './sqlite/sqlite-queue-store.ts';
import { openSqliteQueueStore } from './sqlite/sqlite-queue-store.ts';
import type { FromWorker, OpenInput, Request, Response, ToWorker } from './store-protocol.ts';

function run(port: NonNullable<typeof parentPort>): void {
  let store: StoreCore;
  try {
    store = openSqliteQueueStore(workerData as OpenInput);
  } catch (error) {
    const { reason, message } = toStoreError(error);
    port.postMessage({ kind: 'refused', error: { reason, message } } satisfies FromWorker);
    port.close();
    return;
  }
  port.postMessage({ kind: 'opened', recovery: store.recovery, engine: store.engine } satisfies FromWorker);

  port.on('message', (first: ToWorker) => {
    // While the disk was synced more has come: all of it goes into the next transaction.
    const requests: Request[] = [];
    let closing = false;
    for (let message: ToWorker | undefined = first; message !== undefined; message = next()) {
      if (message.kind === 'close') closing = true;
      else requests.push(...message.requests);
    }
    if (requests.length > 0) {
      const responses = store.execute(requests);
      port.postMessage({ kind: 'responses', responses } satisfies FromWorker, buffersOf(responses));
    }
    if (store.damaged() || closing) {
      store.close();
      if (closing) port.postMessage({ kind: 'closed' } satisfies FromWorker);
      // Without `closed` the other side starts a new thread, which sets the damage aside.
      port.close();
    }
  });

  function next(): ToWorker | undefined {
    return (receiveMessageOnPort(port) as { message: ToWorker } | undefined)?.message;
  }
}

/** Octets that were read are handed over, not copied. */
function buffersOf(responses: readonly Response[]): ArrayBuffer[] {
  const buffers: ArrayBuffer[] = [];
  for (const response of responses) {
    if (!response.ok || response.value === null || typeof response.value !== 'object') continue;
    const { bytes } = response.value as { bytes?: unknown };
    if (!(bytes instanceof Uint8Array) || !(bytes.buffer instanceof ArrayBuffer)) continue;
    if (bytes.byteLength > 0 && bytes.byteLength === bytes.buffer.byteLength) buffers.push(bytes.buffer);
  }
  return buffers;
}

if (parentPort !== null) run(parentPort);
