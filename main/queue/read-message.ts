/** The octets of a stored message, a chunk at a time. */
import type { QueueId } from '../../shared/mail.ts';
import { joinOctets } from './join-octets.ts';
import { CHUNK_BYTES } from './migrations/schema.ts';
import type { Calls, views } from './operations.ts';
import { StoreError, type MessageReader } from './queue-store.ts';
import type { StoreClient } from './store-client.ts';

type Chunk = Awaited<ReturnType<Calls<typeof views>['bytes']>>;

/** Makes the reader over one client. */
export function createMessageReader(client: Pick<StoreClient, 'calls' | 'isLost' | 'reopened'>): MessageReader {
  /** If the store is lost in the middle of a message, the rest is read from the one that is opened next. */
  async function bytesOf(id: QueueId, n: number): Promise<Chunk> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await client.calls.bytes(id, n);
      } catch (error) {
        if (!client.isLost() || tries > 2) throw error;
        await client.reopened();
      }
    }
  }

  async function* read(id: QueueId, offset = 0): AsyncGenerator<Uint8Array, void> {
    const firstChunk = Math.floor(offset / CHUNK_BYTES);
    let position = firstChunk * CHUNK_BYTES;
    let next: Promise<Chunk> | null = null;
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

  return {
    read,
    async head(id, limit) {
      const pieces: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of read(id)) {
        const piece = chunk.subarray(0, limit - size);
        pieces.push(piece);
        size += piece.byteLength;
        if (size >= limit) break;
      }
      return joinOctets(pieces, size);
    },
  };
}
