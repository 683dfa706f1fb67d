/** Domains and addresses against what the user listed (spec §3.1, §3.5). Case, trailing dot and IDN spelling do not matter. */
// eslint-disable-next-line @typescript-eslint/triple-slash-reference -- so that every folder that imports this file finds the types
/// <reference path="./punycode.d.ts" />
import { toASCII } from 'punycode.js';
import { EVERYTHING } from '../../shared/setting-rules.ts';
import { isAscii } from '../../shared/syntax.ts';

/**
 * The one spelling that domains are compared in: A-labels (RFC 5890), lower case, no trailing dot. What cannot be
 * converted comes back in lower case. Address literals pass unchanged but for case.
 */
export function canonicalDomain(domain: string): string {
  const plain = domain.trim().replace(/\.$/, '');
  if (isAscii(plain)) return plain.toLowerCase();
  const folded = plain.normalize('NFKC').toLowerCase();
  try {
    return toASCII(folded).replace(/\.$/, '');
  } catch {
    return folded;
  }
}

/** The domain of an address as it was written, '' if it has none (`Postmaster`, RFC 5321 §4.1.1.3). Quoted local parts may hold an `@`. */
export function domainOf(address: string): string {
  return address.slice(localPartLength(address) + 1);
}

/** True if the domain is the listed one, or a sub-domain of a listed `*.example.com`; `*` fits every domain. */
export function matchesDomain(domain: string, pattern: string): boolean {
  return matchesAnyDomain(domain, [pattern]);
}

/** As `matchesDomain`, for a list: quick for long lists, since only entries beyond ASCII have to be converted. */
export function matchesAnyDomain(domain: string, patterns: readonly string[]): boolean {
  const name = canonicalDomain(domain);
  if (patterns.length === 0) return false;
  if (name === '') return patterns.includes(EVERYTHING);
  const spellings = new Set([name, EVERYTHING]);
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) spellings.add(`*${name.slice(dot)}`);
  return patterns.some((pattern) => {
    if (spellings.has(pattern)) return true;
    const wildcard = pattern.startsWith('*.');
    const canonical = canonicalDomain(wildcard ? pattern.slice(2) : pattern);
    return spellings.has(wildcard ? `*.${canonical}` : canonical);
  });
}

/**
 * True if a host belongs to a domain by its name: the domain itself, or below it. Where registries end and owners begin is
 * not asked: a domain of one label has nothing below it, and neighbours under one suffix are strangers.
 */
export function isWithinDomain(host: string, domain: string): boolean {
  const name = canonicalDomain(host);
  const owner = canonicalDomain(domain);
  if (name === '' || owner === '') return false;
  return name === owner || (owner.includes('.') && name.endsWith(`.${owner}`));
}

/**
 * True if an address fits a pattern: a whole address, a domain, `@domain` or `*.domain`. Case is ignored in the local
 * part too: this is the user's list, not a mailbox. The null reverse-path fits nothing.
 */
export function matchesAddress(address: string | null, pattern: string): boolean {
  if (address === null) return false;
  const at = pattern.lastIndexOf('@');
  if (at < 0) return matchesDomain(domainOf(address), pattern);
  if (canonicalDomain(domainOf(address)) !== canonicalDomain(pattern.slice(at + 1))) return false;
  return at === 0 || address.slice(0, localPartLength(address)).toLowerCase() === pattern.slice(0, at).toLowerCase();
}

function localPartLength(address: string): number {
  const at = address.lastIndexOf('@');
  return at < 0 ? address.length : at;
}
