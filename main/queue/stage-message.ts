/** A place for the octets of a message that comes in, and what makes it the queue's (QueueStore.stage). */
import type { QueueId } from '../../shared/mail.ts';
import type { ClaimableMessage, NewMessage } from './queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { StoreError } from './queue-store.ts';
import { joinOctets } from './join-octets.ts';
import { newlyClaimed } from './sqlite/queue-rows.ts';
import { CHUNK_BYTES, INLINE_BYTES } from './migrations/schema.ts';
import type { StoreCall } from './store-client.ts';

/** Chunks of one message on their way to the disk before its writer has to wait. */
const CHUNKS_AHEAD = 2;

/** Makes the stage of one run. `claimed` is told of each recipient that is claimed as it is accepted. */
export function createStage(options: {
  readonly call: StoreCall;
  readonly clock: Clock;
  readonly runId: string;
  readonly claimed: (recipient: number) => void;
}): (id: QueueId) => ClaimableMessage {
  const { call, clock, runId } = options;
  let stageNumber = 0;

  return (_id) => {
    stageNumber += 1;
    const token = `${runId}-${stageNumber}`;
    let pieces: Uint8Array[] = [];
    let held = 0; // octets in `pieces`
    let sent = 0; // chunks handed to the store
    let size = 0;
    let trouble: StoreError | null = null;
    let ended = false;
    const onTheWay = new Set<Promise<unknown>>();

    function sendChunk(): void {
      const bytes = joinOctets(pieces, held);
      pieces = [];
      held = 0;
      const one: Promise<unknown> = call('chunk', { token, n: sent, bytes })
        .catch((error: unknown) => {
          trouble ??= error as StoreError;
        })
        .finally(() => onTheWay.delete(one));
      onTheWay.add(one);
      sent += 1;
    }

    function check(): void {
      if (trouble !== null) throw trouble;
      if (ended) throw new StoreError('other', 'the message was committed or given up already');
    }

    /** `first`: key of the first recipient if it was claimed; `bytes`: the octets then, if they are few. */
    async function commit(
      message: NewMessage,
      claim: boolean,
    ): Promise<{ readonly first: number | null; readonly bytes: Uint8Array | null }> {
      check();
      ended = true;
      const now = clock.now();
      try {
        if (sent === 0) {
          const bytes = joinOctets(pieces, held);
          pieces = [];
          // What is posted is gone here; a copy of a small message spares reading it again.
          const kept = claim && held <= INLINE_BYTES ? bytes.slice() : null;
          const first = await call('accept', { message, octets: { kind: 'inline', bytes }, now, claim });
          return { first, bytes: kept };
        }
        if (held > 0) sendChunk();
        await Promise.all(onTheWay);
        if (trouble !== null) throw trouble;
        const first = await call('accept', { message, octets: { kind: 'staged', token, size }, now, claim });
        return { first, bytes: null };
      } catch (error) {
        if (sent > 0) call('discard', { token }).catch(() => undefined);
        throw error;
      }
    }

    return {
      async write(chunk) {
        check();
        // The caller may use its buffer again: octets are copied, once.
        for (let from = 0; from < chunk.byteLength;) {
          // A full chunk goes out only when more follows: what fits into one travels with its envelope.
          if (held === CHUNK_BYTES) sendChunk();
          const take = Math.min(chunk.byteLength - from, CHUNK_BYTES - held);
          const piece = new Uint8Array(new ArrayBuffer(take));
          piece.set(chunk.subarray(from, from + take));
          pieces.push(piece);
          held += take;
          from += take;
          while (onTheWay.size >= CHUNKS_AHEAD) await Promise.race(onTheWay);
          check();
        }
        size += chunk.byteLength;
      },
      async commit(message) {
        await commit(message, false);
      },
      async commitAndClaim(message) {
        const { first, bytes } = await commit(message, true);
        if (first === null) return null;
        const claimed = newlyClaimed(message, first, size);
        for (const { id } of claimed.recipients) options.claimed(id);
        return bytes === null ? claimed : { ...claimed, bytes };
      },
      async abort() {
        if (ended) return;
        ended = true;
        pieces = [];
        if (sent === 0) return;
        await Promise.all(onTheWay);
        await call('discard', { token }).catch(() => undefined);
      },
    };
  };
}
