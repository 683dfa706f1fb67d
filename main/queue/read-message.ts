/** The octets of a stored message, a chunk at a time (QueueStore.read). */
import type { QueueId } from '../../shared/mail.ts';
import { StoreError } from './queue-store.ts';
import { CHUNK_BYTES } from './migrations/schema.ts';
import type { StoreClient } from './store-client.ts';
import type { OpOutput } from './store-protocol.ts';

/** Makes the reader over one line. */
export function createMessageReader(
  line: Pick<StoreClient, 'call' | 'lost' | 'reopened'>,
): (id: QueueId, offset?: number) => AsyncGenerator<Uint8Array, void> {
  /** A store that is lost in the middle of a message's octets is no fault of the message: they come from the next one. */
  async function bytesOf(id: QueueId, n: number): Promise<OpOutput<'bytes'>> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await line.call('bytes', { id, n });
      } catch (error) {
        if (!line.lost() || tries > 2) throw error;
        await line.reopened();
      }
    }
  }

  async function* read(id: QueueId, offset = 0): AsyncGenerator<Uint8Array, void> {
    const firstChunk = Math.floor(offset / CHUNK_BYTES);
    let position = firstChunk * CHUNK_BYTES;
    let next: Promise<OpOutput<'bytes'>> | null = null;
    try {
      for (let n = firstChunk; ; n += 1) {
        const found = await (next ?? bytesOf(id, n));
        next = null;
        if (found === null) throw new StoreError('other', 'the message is not in the queue any more');
        if (position >= found.size) return;
        const { bytes, size } = found;
        const whole = Math.min(CHUNK_BYTES, size - position);
        if (bytes.byteLength !== whole) throw new StoreError('corrupt', `octets of message ${id} are missing`);
        position += bytes.byteLength;
        // One chunk ahead: it is fetched while this one goes out.
        if (position < size) next = bytesOf(id, n + 1);
        next?.catch(() => undefined);
        const skip = Math.max(0, offset - (position - bytes.byteLength));
        if (skip < bytes.byteLength) yield skip === 0 ? bytes : bytes.subarray(skip);
        if (position >= size) return;
      }
    } finally {
      next?.catch(() => undefined);
    }
  }

  return read;
}
