/** xtext (RFC 3461 §4), in which ENVID and ORCPT travel: printable ASCII; "+", "=" and all other octets as +HH. Pure. */

/** Text as xtext: its UTF-8 octets, all but printable ones written +HH. */
export function encodeXtext(text: string): string {
  let out = '';
  for (const octet of Buffer.from(text, 'utf8')) {
    out +=
      octet > 0x20 && octet < 0x7f && octet !== 0x2b && octet !== 0x3d
        ? String.fromCharCode(octet)
        : `+${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

/**
 * The text that xtext encodes; null if it is no xtext, or encodes control characters.
 * @param utf8 characters beyond ASCII may be unencoded (RFC 6533 §3)
 */
export function decodeXtext(text: string, utf8 = false): string | null {
  const shape = utf8 ? /^(?:[!-*,-<>-~]|[\u00a0-\u{10ffff}]|\+[0-9A-F]{2})*$/u : /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/;
  if (!shape.test(text)) return null;
  if (!text.includes('+')) return text;
  const decoded = text.replace(/\+([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return /^[\u0020-\u007e\u00a0-\u{10ffff}]*$/u.test(decoded) ? decoded : null;
}
