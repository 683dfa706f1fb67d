/** A message that comes in: its octets are gathered, written ahead in chunks if they are many, and committed. */
import type { QueueId } from '../../shared/mail.ts';
import { joinOctets } from './join-octets.ts';
import { CHUNK_BYTES, INLINE_BYTES } from './migrations/schema.ts';
import type { Calls, intake } from './operations.ts';
import { StoreError, type ClaimableMessage, type NewMessage } from './queue-store.ts';
import { newlyClaimed } from './sqlite/queue-rows.ts';

/** Chunks of one message on their way to the disk before its writer has to wait. */
const CHUNKS_AHEAD = 2;

/** Makes the stage of one run. `claimed` is told of each recipient that is claimed as it is accepted. */
export function createStage(options: {
  readonly calls: Calls<typeof intake>;
  readonly runId: string;
  readonly claimed: (recipient: number) => void;
}): (id: QueueId) => ClaimableMessage {
  const { calls, runId } = options;
  let stageNumber = 0;

  return (_id) => {
    stageNumber += 1;
    const token = `${runId}-${stageNumber}`;
    const octets = createChunks(async (n, bytes) => calls.chunk(token, n, bytes));
    let ended = false;

    function checkOpen(): void {
      octets.check();
      if (ended) throw new StoreError('other', 'the message was committed or given up already');
    }

    /** `first`: key of the first recipient if it was claimed; `bytes`: the octets then, if they are few. */
    async function commit(message: NewMessage, claim: boolean) {
      checkOpen();
      ended = true;
      try {
        if (octets.sent() === 0) {
          const bytes = octets.takeRest();
          // What is handed over cannot be used here any more; a copy of a small message spares reading it again.
          const kept = claim && bytes.byteLength <= INLINE_BYTES ? bytes.slice() : null;
          return { first: await calls.accept(message, bytes, claim), bytes: kept };
        }
        await octets.sendRest();
        return { first: await calls.accept(message, { token, size: octets.size() }, claim), bytes: null };
      } catch (error) {
        if (octets.sent() > 0) calls.discard(token).catch(() => undefined);
        throw error;
      }
    }

    return {
      async write(chunk) {
        checkOpen();
        await octets.write(chunk, checkOpen);
      },
      async commit(message) {
        await commit(message, false);
      },
      async commitAndClaim(message) {
        const { first, bytes } = await commit(message, true);
        if (first === null) return null;
        const claimed = newlyClaimed(message, first, octets.size());
        for (const { id } of claimed.recipients) options.claimed(id);
        return bytes === null ? claimed : { ...claimed, bytes };
      },
      async abort() {
        if (ended) return;
        ended = true;
        if (octets.sent() === 0) return;
        await octets.settled();
        await calls.discard(token).catch(() => undefined);
      },
    };
  };
}

/** Gathers octets into chunks and sends full ones, a few at a time. A chunk that could not be sent fails what comes next. */
function createChunks(send: (n: number, bytes: Uint8Array<ArrayBuffer>) => Promise<void>) {
  let pieces: Uint8Array[] = [];
  let gathered = 0; // octets in `pieces`
  let sent = 0; // chunks
  let size = 0;
  let failure: StoreError | null = null;
  const inTransit = new Set<Promise<unknown>>();

  function takeRest(): Uint8Array<ArrayBuffer> {
    const bytes = joinOctets(pieces, gathered);
    pieces = [];
    gathered = 0;
    return bytes;
  }

  function sendChunk(): void {
    const one: Promise<unknown> = send(sent, takeRest())
      .catch((error: unknown) => {
        failure ??= error as StoreError;
      })
      .finally(() => inTransit.delete(one));
    inTransit.add(one);
    sent += 1;
  }

  function check(): void {
    if (failure !== null) throw failure;
  }

  return {
    check,
    sent: () => sent,
    /** Octets that were written. */
    size: () => size,
    takeRest,
    /** Waits while too many chunks are in transit; `mayGoOn` throws to stop. */
    async write(octets: Uint8Array, mayGoOn: () => void): Promise<void> {
      // The caller may use its buffer again: octets are copied, once.
      for (let from = 0; from < octets.byteLength;) {
        // A full chunk is sent only when more follows: what fits into one travels with its envelope.
        if (gathered === CHUNK_BYTES) sendChunk();
        const take = Math.min(octets.byteLength - from, CHUNK_BYTES - gathered);
        const piece = new Uint8Array(new ArrayBuffer(take));
        piece.set(octets.subarray(from, from + take));
        pieces.push(piece);
        gathered += take;
        from += take;
        while (inTransit.size >= CHUNKS_AHEAD) await Promise.race(inTransit);
        mayGoOn();
      }
      size += octets.byteLength;
    },
    /** Sends what is left; resolves once all chunks are stored. */
    async sendRest(): Promise<void> {
      if (gathered > 0) sendChunk();
      await Promise.all(inTransit);
      check();
    },
    settled: async () => Promise.all(inTransit),
  };
}
