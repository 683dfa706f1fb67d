/** The fields that the listener puts in front of a message (RFC 5321 §4.4, RFC 6409 §8). Pure. */
import { isAscii } from '../../shared/syntax.ts';
import { formatMailDate } from './mail-date.ts';

export interface ReceivedFacts {
  /** What the client called itself; not trusted. */
  readonly helo: string;
  readonly esmtp: boolean;
  readonly address: string;
  readonly by: string;
  readonly secure: boolean;
  readonly signedIn: boolean;
  readonly smtputf8: boolean;
  readonly id: string;
  readonly recipients: readonly string[];
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Minutes east of UTC. */
  readonly zone: number;
}

/** The Received field, folded, with its CRLF. `for` only where there is a single recipient: the others stay private. */
export function receivedField(facts: ReceivedFacts): string {
  const only = facts.recipients.length === 1 ? facts.recipients[0] : undefined;
  const named = only !== undefined && (facts.smtputf8 || isAscii(only)) ? `\r\n\tfor <${only}>` : '';
  return (
    `Received: from ${heloWord(facts.helo)} (${addressLiteral(facts.address)})\r\n` +
    `\tby ${facts.by} (PostCast Server) with ${protocol(facts)}\r\n` +
    `\tid ${facts.id}${named};\r\n` +
    `\t${formatMailDate(facts.at, facts.zone)}\r\n`
  );
}

/** RFC 3848 and RFC 6531 §4.3 names. */
export function protocol(facts: Pick<ReceivedFacts, 'esmtp' | 'secure' | 'signedIn' | 'smtputf8'>): string {
  if (!facts.esmtp) return 'SMTP';
  return `${facts.smtputf8 ? 'UTF8SMTP' : 'ESMTP'}${facts.secure ? 'S' : ''}${facts.signedIn ? 'A' : ''}`;
}

/** `[127.0.0.1]`, `[IPv6:::1]` (RFC 5321 §4.1.3). */
export function addressLiteral(address: string): string {
  return address.includes(':') ? `[IPv6:${address}]` : `[${address}]`;
}

/** A name or literal as it was said; anything that could pose as another part of the field becomes "?". */
function heloWord(helo: string): string {
  return helo.replace(/[^A-Za-z0-9.:_[\]-]/g, '?').slice(0, 255) || 'unknown';
}
