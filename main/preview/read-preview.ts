/** Reads a message out of the queue and has it parsed in a thread of its own, bounded in memory and time. */
import { Worker } from 'node:worker_threads';
import type { MessagePreview } from '../../shared/ipc-contract.ts';
import type { QueueId } from '../../shared/mail.ts';
import type { MessageReader, ViewStore } from '../queue/queue-store.ts';
import type { Attachment } from './parse-preview.ts';
import type { PreviewTask } from './preview-worker.ts';

/** More than this is not read for a preview; attachments are read whole. */
const PREVIEW_OCTETS = 8 * 1024 * 1024;
const MAX_MS = 20_000;

export interface PreviewReader {
  /** Null if there is no such message. Rejects with a plain Error if it could not be parsed. */
  preview(id: QueueId): Promise<MessagePreview | null>;
  attachment(id: QueueId, index: number): Promise<Attachment | null>;
}

/** @param workerUrl The built preview-worker.js. */
export function createPreviewReader(store: MessageReader & Pick<ViewStore, 'details'>, workerUrl: URL): PreviewReader {
  const run = async (task: PreviewTask): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(workerUrl, {
        workerData: task,
        transferList: [task.message.buffer as ArrayBuffer],
        resourceLimits: { maxOldGenerationSizeMb: 512, stackSizeMb: 4 },
      });
      const timer = setTimeout(() => {
        void worker.terminate();
        reject(new Error('The message took too long to read.'));
      }, MAX_MS);
      const end = (): void => {
        clearTimeout(timer);
        void worker.terminate();
      };
      worker.once('message', (answer) => {
        end();
        resolve(answer);
      });
      worker.once('error', (error) => {
        end();
        reject(error instanceof Error ? error : new Error('The message could not be read.'));
      });
    });

  const gather = async (
    id: QueueId,
    limit: number,
  ): Promise<{ readonly bytes: Uint8Array; readonly truncated: boolean } | null> => {
    const details = await store.details(id);
    if (!details) return null;
    const bytes = new Uint8Array(Math.min(limit, details.size));
    let filled = 0;
    for await (const chunk of store.read(id)) {
      const piece = chunk.subarray(0, bytes.length - filled);
      bytes.set(piece, filled);
      filled += piece.length;
      if (filled >= bytes.length) break;
    }
    return { bytes: filled === bytes.length ? bytes : bytes.slice(0, filled), truncated: details.size > filled };
  };

  return {
    async preview(id) {
      const message = await gather(id, PREVIEW_OCTETS);
      if (!message) return null;
      return (await run({ message: message.bytes, truncated: message.truncated, attachment: null })) as MessagePreview;
    },
    async attachment(id, index) {
      const message = await gather(id, Number.MAX_SAFE_INTEGER);
      if (!message) return null;
      return (await run({ message: message.bytes, truncated: false, attachment: index })) as Attachment | null;
    },
  };
}
