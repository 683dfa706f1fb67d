/** Entry of the worker thread that parses one message and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { parseAttachment, parsePreview } from './parse-preview.ts';

/** What the thread is given. */
export interface PreviewTask {
  readonly message: Uint8Array;
  readonly truncated: boolean;
  /** Attachment wanted; null: the preview. */
  readonly attachment: number | null;
}

const task = workerData as PreviewTask;
const answer =
  task.attachment === null
    ? await parsePreview(task.message, task.truncated)
    : await parseAttachment(task.message, task.attachment);
parentPort?.postMessage(answer);
