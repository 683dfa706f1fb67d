/**
 * The arguments of MAIL FROM and RCPT TO (RFC 5321 §4.1.2, RFC 6531 §3.3). Own code because npm smtp-server splits at
 * blanks and "@": it refuses quoted local parts and rewrites domains (standards S3, S4). Pure.
 */
import { domainToASCII } from 'node:url';
import { isAscii, isHostName, isIpv4, isIpv6 } from '../../shared/syntax.ts';

export type ParsedPath =
  | {
      readonly ok: true;
      /** Without brackets and source route, spelled as the client spelled it; null for `<>`. */
      readonly address: string | null;
      /** Parameters, as they were written. */
      readonly parameters: readonly string[];
    }
  | { readonly ok: false };

const BAD: ParsedPath = { ok: false };

/** Longest address (RFC 5321 §4.5.3.1.3: a path is 256 octets with its brackets). */
export const MAX_ADDRESS_OCTETS = 254;

// eslint-disable-next-line no-control-regex -- control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
// Dots may be anywhere: addresses such as "name.@docomo.example" exist, and the next hop knows better than we do.
const ATOM = /^[A-Za-z0-9.!#$%&'*+\-/=?^_`{|}~\u00a0-\u{10ffff}]+$/u;
const SOURCE_ROUTE = /^@[^\s<>,:@"]+(?:,@[^\s<>,:@"]+)*:/;

/** The text of a command line if it is sound UTF-8 without control characters, else null. */
export function decodeLine(line: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line);
    return CONTROL.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** Parses what follows `MAIL FROM:` or `RCPT TO:`: a path in angle brackets and its parameters. */
export function parsePath(argument: string): ParsedPath {
  const text = argument.trimStart();
  if (!text.startsWith('<')) return BAD;
  const end = closingBracket(text);
  if (end < 0) return BAD;
  const rest = text.slice(end + 1);
  if (rest !== '' && !/^[ \t]/.test(rest)) return BAD;
  const parameters = rest.split(/[ \t]+/).filter((part) => part !== '');
  const path = text.slice(1, end);
  if (path === '') return { ok: true, address: null, parameters };
  // RFC 5321 §4.1.1.3, appendix C: a source route is accepted and ignored.
  const address = path.replace(SOURCE_ROUTE, '');
  if (/^postmaster$/i.test(address)) return { ok: true, address, parameters };
  return isMailbox(address) ? { ok: true, address, parameters } : BAD;
}

/** Splits at the last "@" outside the quotes; both sides as written. Null if there is none. */
export function splitAddress(address: string): { readonly local: string; readonly domain: string } | null {
  const at = address.lastIndexOf('@');
  return at < 1 ? null : { local: address.slice(0, at), domain: address.slice(at + 1) };
}

/** One spelling per mailbox: exact local part, domain in lower-case A-labels. `Bob@` and `bob@` differ (RFC 5321 §2.4). */
export function mailboxKey(address: string): string {
  const parts = splitAddress(address);
  return parts ? `${parts.local}@${domainKey(parts.domain)}` : address.toLowerCase();
}

/** Lower case, A-labels; literals and what cannot be converted only in lower case. */
export function domainKey(domain: string): string {
  if (isAscii(domain)) return domain.toLowerCase();
  return domainToASCII(domain) || domain.toLowerCase();
}

/** Index of the ">" that ends the path: quotes and backslashes are honoured. */
function closingBracket(text: string): number {
  let quoted = false;
  for (let i = 1; i < text.length; i++) {
    const c = text[i];
    if (quoted && c === '\\') i++;
    else if (c === '"') quoted = !quoted;
    else if (!quoted && c === '>') return i;
    else if (!quoted && c === '<') return -1;
  }
  return -1;
}

function isMailbox(address: string): boolean {
  if (Buffer.byteLength(address) > MAX_ADDRESS_OCTETS) return false;
  const parts = splitAddress(address);
  if (!parts) return false;
  return (isQuoted(parts.local) || ATOM.test(parts.local)) && isMailDomain(parts.domain);
}

function isQuoted(local: string): boolean {
  if (local.length < 2 || !local.startsWith('"') || !local.endsWith('"')) return false;
  // The last quote must not be an escaped one, and inside there may be escaped ones only.
  for (let i = 1; i < local.length - 1; i++) {
    if (local[i] === '\\') {
      i++;
      if (i >= local.length - 1) return false;
    } else if (local[i] === '"') return false;
  }
  return true;
}

function isMailDomain(domain: string): boolean {
  if (domain.startsWith('[') && domain.endsWith(']')) {
    const literal = domain.slice(1, -1);
    return /^ipv6:/i.test(literal) ? isIpv6(literal.slice(5)) && !literal.includes('%') : isIpv4(literal);
  }
  if (!isHostName(domain)) return false;
  if (isAscii(domain)) return true;
  const ascii = domainToASCII(domain);
  return ascii !== '' && isHostName(ascii);
}
