/** How mail comes into the queue: its octets written ahead in pieces, if it is large, then the message itself. */
import { CHUNK_FACTOR } from '../migrations/schema.ts';
import type { Handlers, intake } from '../operations.ts';
import { StoreError } from '../queue-store.ts';
import type { StoreContext } from './store-context.ts';

/** Carries out the operations by which a message comes in, or is given up before it does. */
export function intakeHandlers({ prepare, messages, effects, checkSpace }: StoreContext): Handlers<typeof intake> {
  /** Tokens of messages that are being staged -> key of their octets. */
  const staged = new Map<string, number>();

  return {
    accept(message, octets, claim) {
      checkSpace();
      if (message.takenMemo !== undefined)
        prepare('INSERT OR REPLACE INTO memo (key, value) VALUES (?, ?)').run(message.takenMemo, message.id);
      if (octets instanceof Uint8Array) return messages.insert(message, { kind: 'inline', bytes: octets }, claim);
      const body = staged.get(octets.token);
      if (body === undefined) throw new StoreError('other', 'what was written of the message is not there any more');
      const found = prepare('SELECT sum(length(data)) AS size FROM chunk WHERE id >= ? AND id < ?').get(
        body * CHUNK_FACTOR,
        (body + 1) * CHUNK_FACTOR,
      ) as { size: number | null };
      if ((found.size ?? 0) !== octets.size) throw new StoreError('other', 'some of the message is missing');
      const first = messages.insert(message, { kind: 'staged', body, size: octets.size }, claim);
      prepare('DELETE FROM staging WHERE body = ?').run(body);
      effects.onCommit(() => staged.delete(octets.token));
      return first;
    },

    chunk(token, n, octets) {
      checkSpace();
      const known = staged.get(token);
      if (known === undefined && n > 0)
        throw new StoreError('other', 'what was written of the message is not there any more');
      const body = known ?? messages.takeSeq();
      staged.set(token, body);
      prepare('INSERT OR IGNORE INTO staging (body) VALUES (?)').run(body);
      prepare('INSERT INTO chunk (id, data) VALUES (?, ?)').run(body * CHUNK_FACTOR + n, octets);
    },

    discard(token) {
      const body = staged.get(token);
      if (body === undefined) return;
      messages.removeChunks(body);
      prepare('DELETE FROM staging WHERE body = ?').run(body);
      effects.onCommit(() => staged.delete(token));
    },
  };
}

/** Removes octets that no message came to own. At start. */
export function removeUnownedOctets({ prepare, rows, messages }: StoreContext): void {
  const staged = prepare('SELECT body FROM staging').all() as { body: number }[];
  for (const { body } of staged) if (rows.messageBySeq(body) === undefined) messages.removeChunks(body);
  prepare('DELETE FROM staging').run();
}
