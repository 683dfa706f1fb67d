/** Reading what servers say: replies (RFC 5321 §4.2) and EHLO lines (§4.1.1.1). Pure. */
import type { SmtpReply } from '../../shared/mail.ts';

/** Longest text of a reply that is kept; what is longer is cut. Real ones are a few lines. */
const MAX_TEXT = 4000;
// eslint-disable-next-line no-control-regex -- they are what is meant
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g;

/**
 * Parses one whole reply: its lines joined by "\n", as they came. Every line must carry the same code, 200 to 599.
 * Returns null if it is no SMTP reply (standards 39: the caller treats that as temporary, never as a refusal).
 */
export function parseReply(raw: string): SmtpReply | null {
  let code: string | null = null;
  let enhanced: string | null = null;
  const texts: string[] = [];
  for (const line of raw.split('\n')) {
    const match = /^([2-5]\d\d)(?:[ -](.*))?$/s.exec(line);
    if (!match || (code !== null && code !== match[1])) return null;
    code = match[1] ?? null;
    let text = match[2] ?? '';
    const status = /^([245]\.\d{1,3}\.\d{1,3})(?=[ \t]|$)[ \t]*/.exec(text);
    if (status) {
      enhanced ??= status[1] ?? null;
      text = text.slice(status[0].length);
    }
    texts.push(text);
  }
  if (code === null) return null;
  // Control characters go: a reply ends up in logs, windows and reports.
  const said = texts.join('\n').replace(CONTROLS, '').trim();
  const text = said.slice(0, MAX_TEXT);
  return enhanced === null ? { code: Number(code), text } : { code: Number(code), enhanced, text };
}

/** What a server offers. */
export interface Extensions {
  /** Its name for itself: first word of the first line. */
  readonly name: string;
  /** Keywords in capitals (never of the first line, which is the host's name: nodemailer takes them from there too). */
  readonly keywords: ReadonlySet<string>;
  /** Largest message it takes; 0 = it does not say. */
  readonly maxSize: number;
  /** SASL mechanisms in capitals. */
  readonly auth: readonly string[];
}

/** A server that knows nothing but HELO. */
export const NO_EXTENSIONS: Extensions = { name: '', keywords: new Set(), maxSize: 0, auth: [] };

/** Takes the extensions out of a positive EHLO reply. The old "AUTH=LOGIN" spelling is understood. */
export function parseEhlo(reply: SmtpReply): Extensions {
  const [first = '', ...lines] = reply.text.split('\n');
  const keywords = new Set<string>();
  const auth = new Set<string>();
  let maxSize = 0;
  for (const line of lines) {
    const [keyword = '', ...params] = line.toUpperCase().split(/[\s=]+/);
    if (keyword === '') continue;
    keywords.add(keyword);
    if (keyword === 'SIZE' && /^\d{1,15}$/.test(params[0] ?? '')) maxSize = Number(params[0]);
    if (keyword === 'AUTH') for (const mechanism of params) if (mechanism !== '') auth.add(mechanism);
  }
  return { name: first.split(/\s/)[0] ?? '', keywords, maxSize, auth: [...auth] };
}
