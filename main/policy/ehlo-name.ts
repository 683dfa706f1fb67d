import { isAscii, isHostName } from '../../shared/syntax.ts';
import { canonicalDomain } from './domain-match.ts';

/**
 * The name in greeting, EHLO and Received: what the user set, else this computer's name if it is fully qualified, else
 * an address literal of the link in use. Never `localhost` nor a loopback literal (RFC 5321 §4.1.1.1, §2.3.5).
 * @param setting `server.hostname`; empty = find out.
 * @param systemName The operating system's host name.
 * @param addresses Addresses of this computer on the network, the one in use first; loopback ones are ignored.
 */
export function ehloName(setting: string, systemName: string, addresses: readonly string[]): string {
  if (setting !== '') return wireName(setting);
  const name = wireName(systemName.trim().replace(/\.$/, '').toLowerCase());
  if (isQualified(name)) return name;
  const address = addresses.find((a) => !isLoopback(a));
  if (address !== undefined) return address.includes(':') ? `[IPv6:${withoutZone(address)}]` : `[${address}]`;
  // No network: nothing is going out either; the greeting still needs a name.
  return isHostName(name) && name !== 'localhost' ? `${name}.invalid` : 'postcast.invalid';
}

/**
 * The listener's name in its greeting and in Received: what the user set, else this computer's name, `localhost` if that
 * is no host name.
 * @param setting `server.hostname`; empty = find out.
 * @param systemName The operating system's host name.
 */
export function listenerName(setting: string, systemName: string): string {
  if (setting !== '') return wireName(setting);
  return isHostName(systemName) && isAscii(systemName) ? systemName.toLowerCase() : 'localhost';
}

/** A host name as it may stand in SMTP and in fields: A-labels where it is not ASCII (RFC 5890; RFC 6531 changes nothing for EHLO). */
export function wireName(name: string): string {
  return /^[!-~]*$/.test(name) ? name : canonicalDomain(name);
}

function isQualified(name: string): boolean {
  return (
    isHostName(name) && name.includes('.') && !/(^|\.)(localhost|localdomain|local|lan|internal|invalid)$/.test(name)
  );
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.toLowerCase().startsWith('fe80:');
}

function withoutZone(address: string): string {
  return address.split('%')[0] ?? address;
}
