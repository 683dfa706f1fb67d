/** The changes that can be made to the queue, put together. Each runs inside a transaction that its caller opens and ends. */
import { createAcceptWrites } from './accept-writes.ts';
import { createAttemptWrites } from './attempt-writes.ts';
import { createFolderWrites } from './folder-writes.ts';
import { createMemoryWrites } from './memory-writes.ts';
import { createMessageTables } from './message-tables.ts';
import type { Prepare, QueueReads } from './queue-reads.ts';
import { createResendWrites } from './resend-writes.ts';
import { createScheduleWrites } from './schedule-writes.ts';
import { createTransactionEffects } from './transaction-effects.ts';

/** All changes, over one connection. */
export function createQueueWrites(options: {
  readonly prepare: Prepare;
  readonly reads: QueueReads;
  readonly runId: string;
  /** New messages get sequence numbers above this one and above all in the database. */
  readonly seqAbove: number;
  /** Called with each new message before anything is written; throws StoreError 'full' when space is short. */
  readonly checkSpace: () => void;
}) {
  const { prepare, reads, runId, seqAbove, checkSpace } = options;
  const books = createTransactionEffects(prepare);
  const messages = createMessageTables({ prepare, books, runId, seqAbove });
  const { noteInvalidAddress, trimInvalidAddresses, ...memoryWrites } = createMemoryWrites(prepare);
  return {
    /** Ends a transaction's books: to be called before COMMIT, and one of the other two after its end. */
    applyEffects: () => books.apply(),
    committed: () => books.committed(),
    rolledBack: () => books.rolledBack(),
    ...createAcceptWrites({ prepare, books, messages, checkSpace }),
    ...createAttemptWrites({ prepare, reads, books, messages, runId, noteInvalidAddress }),
    ...createResendWrites({ prepare, reads, books, messages }),
    ...createScheduleWrites({ prepare, reads, books }),
    ...createFolderWrites({ prepare, reads, books, messages, trimInvalidAddresses }),
    ...memoryWrites,
  };
}
