/** How mail comes into the queue: its octets written ahead in pieces, if it is large, then the message itself. */
import { StoreError } from '../queue-store.ts';
import type { MessageTables } from './message-tables.ts';
import type { Prepare } from './queue-reads.ts';
import { CHUNK_FACTOR } from '../migrations/schema.ts';
import type { OpInput, OpOutput } from '../store-protocol.ts';
import type { TransactionEffects } from './transaction-effects.ts';

/** Changes by which a message becomes the queue's, or is given up before it does. */
export function createAcceptWrites(options: {
  readonly prepare: Prepare;
  readonly books: TransactionEffects;
  readonly messages: MessageTables;
  /** Called with each new message before anything is written; throws StoreError 'full' when space is short. */
  readonly checkSpace: () => void;
}) {
  const { prepare, books, messages, checkSpace } = options;
  /** Tokens of messages that are being staged -> key of their octets. */
  const staged = new Map<string, number>();

  function inUse(seq: number): boolean {
    return prepare('SELECT 1 AS one FROM message WHERE seq = ?').get(seq) !== undefined;
  }

  return {
    accept({ message, octets, now, claim }: OpInput<'accept'>): OpOutput<'accept'> {
      checkSpace();
      if (message.takenMemo !== undefined)
        prepare('INSERT OR REPLACE INTO memo (key, value) VALUES (?, ?)').run(message.takenMemo, message.id);
      if (octets.kind === 'inline') {
        return messages.insert(message, octets, now, claim);
      }
      const body = staged.get(octets.token);
      if (body === undefined) throw new StoreError('other', 'what was written of the message is gone');
      const found = prepare('SELECT sum(length(data)) AS size FROM chunk WHERE id >= ? AND id < ?').get(
        body * CHUNK_FACTOR,
        (body + 1) * CHUNK_FACTOR,
      ) as { size: number | null };
      if ((found.size ?? 0) !== octets.size) throw new StoreError('other', 'some of the message is missing');
      const first = messages.insert(message, { kind: 'staged', body, size: octets.size }, now, claim);
      prepare('DELETE FROM staging WHERE body = ?').run(body);
      books.onCommit(() => staged.delete(octets.token));
      return first;
    },

    chunk({ token, n, bytes }: OpInput<'chunk'>): null {
      checkSpace();
      const known = staged.get(token);
      if (known === undefined && n > 0) throw new StoreError('other', 'what was written of the message is gone');
      const body = known ?? messages.takeSeq();
      staged.set(token, body);
      prepare('INSERT OR IGNORE INTO staging (body) VALUES (?)').run(body);
      prepare('INSERT INTO chunk (id, data) VALUES (?, ?)').run(body * CHUNK_FACTOR + n, bytes);
      return null;
    },

    discard({ token }: OpInput<'discard'>): null {
      const body = staged.get(token);
      if (body === undefined) return null;
      messages.removeChunks(body);
      prepare('DELETE FROM staging WHERE body = ?').run(body);
      books.onCommit(() => staged.delete(token));
      return null;
    },

    /** Octets that no message came to own. */
    removeOrphans(): void {
      const rows = prepare('SELECT body FROM staging').all() as { body: number }[];
      for (const { body } of rows) if (!inUse(body)) messages.removeChunks(body);
      prepare('DELETE FROM staging').run();
    },
  };
}
