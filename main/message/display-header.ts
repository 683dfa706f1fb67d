/**
 * Header text for display: RFC 2047 encoded words and raw UTF-8 become characters. Own decoder of a page, because a
 * MIME library costs more start-up time than the listener itself; what the runtime's TextDecoder does not know is shown
 * as it came. Never used for anything but showing.
 */
import { isAscii } from '../../shared/syntax.ts';
import { CONTROL_CHARACTERS } from './control-characters.ts';

const WORD = /=\?([A-Za-z0-9_.:-]+)(?:\*[A-Za-z0-9-]*)?\?([BbQq])\?([^?]*)\?=/g;
const MAX_SHOWN = 1000;

/** `value`: an unfolded field body, its octets read as latin1. At most 1000 characters without control characters. */
export function displayHeader(value: string): string {
  const encoded = value.includes('=?');
  const raw = !isAscii(value) ? decodeBytes(Buffer.from(value, 'latin1'), 'utf-8') : value;
  const text = encoded ? decodeWords(raw) : raw;
  return text.replace(CONTROL_CHARACTERS, ' ').slice(0, MAX_SHOWN).trim();
}

function decodeWords(text: string): string {
  // Blanks between two encoded words are not shown (RFC 2047 §6.2).
  const joined = text.replace(/(\?=)[ \t]+(?==\?[A-Za-z0-9_.:*-]+\?[BbQq]\?)/g, '$1');
  let result = '';
  let last = 0;
  // Octets of neighbouring words of one charset are decoded together: a character may be split between them.
  const pending: { charset: string; bytes: Buffer[] } = { charset: '', bytes: [] };
  const flush = (): void => {
    if (pending.bytes.length > 0) result += decodeBytes(Buffer.concat(pending.bytes), pending.charset);
    pending.bytes = [];
  };
  for (const match of joined.matchAll(WORD)) {
    const [whole, charset = '', kind = '', payload = ''] = match;
    if (match.index > last) {
      flush();
      result += joined.slice(last, match.index);
    }
    last = match.index + whole.length;
    const bytes = kind === 'B' || kind === 'b' ? Buffer.from(payload, 'base64') : fromQ(payload);
    const key = charset.toLowerCase();
    if (pending.charset !== key) flush();
    pending.charset = key;
    pending.bytes.push(bytes);
  }
  flush();
  return result + joined.slice(last);
}

function fromQ(payload: string): Buffer {
  const plain = payload
    .replace(/_/g, ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(plain, 'latin1');
}

function decodeBytes(bytes: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder('utf-8').decode(bytes);
  }
}
