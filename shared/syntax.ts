/** Syntax checks used by the settings schema, the listener's policy and the windows. Pure; no node:, no DOM. */

const LABEL = /^[A-Za-z0-9_\u0080-\u{10ffff}](?:[A-Za-z0-9_\u0080-\u{10ffff}-]{0,61}[A-Za-z0-9_\u0080-\u{10ffff}])?$/u;

/** True if every character is ASCII. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** A DNS name: 1–253 octets, labels of 1–63 (A- or U-labels), no trailing dot. One label is allowed. */
export function isHostName(value: string): boolean {
  return (
    value.length > 0 && value.length <= 253 && value.split('.').every((label) => LABEL.test(label)) && !isIpv4(value)
  );
}

/** Dotted quad, each part 0–255 without leading zeros. */
export function isIpv4(value: string): boolean {
  const parts = value.split('.');
  return parts.length === 4 && parts.every((p) => /^(0|[1-9]\d{0,2})$/.test(p) && Number(p) <= 255);
}

/** IPv6 text form (RFC 4291 §2.2), zone id allowed, no brackets. */
export function isIpv6(value: string): boolean {
  const [address = '', zone] = value.split('%');
  if (zone === '' || !address.includes(':') || (address.match(/::/g)?.length ?? 0) > 1 || address.includes(':::'))
    return false;
  const sides = address.split('::');
  const groups = sides.flatMap((side) => (side === '' ? [] : side.split(':')));
  const last = groups.at(-1);
  const v4 = last?.includes('.') === true;
  if (v4 && !isIpv4(last)) return false;
  const hex = v4 ? groups.slice(0, -1) : groups;
  if (!hex.every((g) => /^[0-9A-Fa-f]{1,4}$/.test(g))) return false;
  const count = hex.length + (v4 ? 2 : 0);
  return sides.length === 2 ? count <= 7 : count === 8;
}

/** IPv4 or IPv6 address. */
export function isIp(value: string): boolean {
  return isIpv4(value) || isIpv6(value);
}

/**
 * Host name or IP address (an IPv6 address may stand in brackets). A name does not end in a number: `999.1.1.1` is an
 * address gone wrong (RFC 3696 §2).
 */
export function isHost(value: string): boolean {
  const bare = value.startsWith('[') && value.endsWith(']') ? value.slice(1, -1) : value;
  return isIp(bare) || (isHostName(value) && !/(^|\.)\d+$/.test(value));
}

/** "socks5://host:port" or "http://host:port": a proxy without sign-in. */
export function isProxy(value: string): boolean {
  const found = /^(?:socks5?|http):\/\/(\[[^\]]+\]|[^\s/@:]+):(\d{1,5})$/.exec(value);
  const port = Number(found?.[2]);
  return found !== null && isHost(found[1] ?? '') && port >= 1 && port <= 65535;
}

/** "ip", "ip:port" or "[ipv6]:port". */
export function isIpPort(value: string): boolean {
  if (isIp(value)) return true;
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(value);
  if (!match) return false;
  const port = Number(match[3]);
  return isIp(match[1] ?? match[2] ?? '') && port >= 1 && port <= 65535;
}

/** An address, or an address with a prefix length. */
export function isCidr(value: string): boolean {
  const [address = '', prefix, more] = value.split('/');
  if (more !== undefined || !isIp(address) || address.includes('%')) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (isIpv4(address) ? 32 : 128);
}

/** "example.com" or "*.example.com" (spec §3.5). */
export function isDomainPattern(value: string): boolean {
  return isHostName(value.startsWith('*.') ? value.slice(2) : value);
}

// eslint-disable-next-line no-control-regex -- control characters are what is refused
const UNSAFE_IN_ADDRESS = /[\u0000-\u001f\u007f<>]/;
/** Quoted (RFC 5321 §4.1.2 Quoted-string), or without what only quotes may hold. */
const LOCAL_PART = /^("(?:[^"\\]|\\.)*"|[^@\s",;]+)$/;

/** A full address "local@domain", good enough for a form; the listener's parser is stricter. */
export function isEmailAddress(value: string): boolean {
  const at = value.lastIndexOf('@');
  if (at <= 0 || at > 64 || value.length > 254 || UNSAFE_IN_ADDRESS.test(value)) return false;
  return LOCAL_PART.test(value.slice(0, at)) && isHost(value.slice(at + 1));
}

/** An address, a domain, or "*.domain": what block lists and sender lists are made of. */
export function isAddressPattern(value: string): boolean {
  return isEmailAddress(value) || isDomainPattern(value) || (value.startsWith('@') && isHostName(value.slice(1)));
}
