/**
 * What a message looks like, for the preview: text, HTML and the list of attachments. Runs in a worker thread of its own
 * (preview-worker.ts): a message built to hurt a MIME parser costs that thread, not the listener.
 */
import PostalMime from 'postal-mime';
import { safeFileName } from '../../shared/file-name.ts';
import type { MessagePreview } from '../../shared/ipc-contract.ts';

const MAX_TEXT = 256 * 1024;

/** One attachment with its octets. */
export interface Attachment {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

async function parse(message: Uint8Array): Promise<Awaited<ReturnType<typeof PostalMime.parse>>> {
  return PostalMime.parse(message, {
    maxNestingDepth: 100,
    maxHeadersSize: 2 * 1024 * 1024,
  });
}

function octets(content: ArrayBuffer | Uint8Array | string): Uint8Array {
  if (typeof content === 'string') return new TextEncoder().encode(content);
  return content instanceof Uint8Array ? content : new Uint8Array(content);
}

/** The last part of the path that an attachment names, made safe as a file name. */
function fileName(given: string | null | undefined, index: number): string {
  return safeFileName((given ?? '').split(/[\\/]/).at(-1) ?? '', `attachment-${index + 1}`);
}

/** @param message All octets, or as many as are worth reading; then `truncated` is true. */
export async function parsePreview(message: Uint8Array, truncated: boolean): Promise<MessagePreview> {
  const mail = await parse(message);
  return {
    text: mail.text === undefined ? null : mail.text.slice(0, MAX_TEXT),
    html: mail.html === undefined ? null : mail.html.slice(0, MAX_TEXT * 4),
    attachments: mail.attachments.map((a, index) => ({
      index,
      name: fileName(a.filename, index),
      type: a.mimeType,
      size: octets(a.content).length,
    })),
    truncated: truncated || (mail.text?.length ?? 0) > MAX_TEXT,
  };
}

/** One attachment, by its place in the list of parsePreview; null if there is none such. */
export async function parseAttachment(message: Uint8Array, index: number): Promise<Attachment | null> {
  const found = (await parse(message)).attachments[index];
  if (!found) return null;
  return {
    name: fileName(found.filename, index),
    type: found.mimeType,
    bytes: octets(found.content),
  };
}
