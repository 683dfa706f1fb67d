/**
 * What a message looks like, for the preview: text, HTML and the list of attachments. Runs in a worker thread of its own
 * (preview-worker.ts): a message built to hurt a MIME parser costs that thread, not the listener.
 */
import PostalMime from 'postal-mime';
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

/** A file name that is safe on every platform: no folders, no control characters, no reserved names, never empty. */
export function safeFileName(name: string | null | undefined, fallback: string): string {
  const last = (name ?? '').split(/[\\/]/).at(-1) ?? '';
  const clean = last
    // eslint-disable-next-line no-control-regex -- control and direction-changing characters are what is taken out
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069<>:"|?*]/g, '_')
    .replace(/^[.\s]+|[.\s]+$/g, '')
    .slice(-150);
  if (clean === '' || /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(clean)) return fallback;
  return clean;
}

/** @param message All octets, or as many as are worth reading; then `truncated` is true. */
export async function parsePreview(message: Uint8Array, truncated: boolean): Promise<MessagePreview> {
  const mail = await parse(message);
  return {
    text: mail.text === undefined ? null : mail.text.slice(0, MAX_TEXT),
    html: mail.html === undefined ? null : mail.html.slice(0, MAX_TEXT * 4),
    attachments: mail.attachments.map((a, index) => ({
      index,
      name: safeFileName(a.filename, `attachment-${index + 1}`),
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
    name: safeFileName(found.filename, `attachment-${index + 1}`),
    type: found.mimeType,
    bytes: octets(found.content),
  };
}
