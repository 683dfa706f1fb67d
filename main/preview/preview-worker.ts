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

async function run(task: PreviewTask): Promise<void> {
  const answer =
    task.attachment === null
      ? await parsePreview(task.message, task.truncated)
      : await parseAttachment(task.message, task.attachment);
  parentPort?.postMessage(answer);
}

// A rejection ends the thread with an error, which its owner is told.
void run(workerData as PreviewTask);
