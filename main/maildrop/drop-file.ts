/**
 * The drop folder between `postcast sendmail` and the program: `maildrop/tmp` is written to, `maildrop/new` is read from.
 * A file is one line of JSON (the envelope), then the message with CRLF line ends. Plain Node and small: the command line
 * carries it.
 */

/** Envelope of a dropped message. */
export interface DropEnvelope {
  readonly version: 1;
  /** Reverse-path, null = the null reverse-path. */
  readonly mailFrom: string | null;
  readonly recipients: readonly string[];
  /** Who dropped it: user id, -1 if unknown. */
  readonly uid: number;
}

/** The longest envelope line in octets: as many recipients as the queue can hold, unless most of them are very long. */
export const MAX_ENVELOPE_BYTES = 16 * 1024 * 1024;

/** The envelope line, with its LF. */
export function encodeEnvelope(envelope: DropEnvelope): string {
  return `${JSON.stringify(envelope)}\n`;
}

// eslint-disable-next-line no-control-regex -- control characters are what is refused
const UNSAFE = /[\u0000-\u001f\u007f<>]/;

/** True for an address that is safe in MAIL FROM or RCPT TO; whether it is a good one is the next hop's decision. */
export function isDroppable(address: string): boolean {
  const at = address.lastIndexOf('@');
  return at > 0 && at < address.length - 1 && address.length <= 254 && !UNSAFE.test(address);
}

/** Reads an envelope line; null if it is none. */
export function decodeEnvelope(line: string): DropEnvelope | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { version, mailFrom, recipients, uid } = value as Record<string, unknown>;
  if (version !== 1 || !Array.isArray(recipients) || recipients.length === 0) return null;
  if (mailFrom !== null && (typeof mailFrom !== 'string' || !isDroppable(mailFrom))) return null;
  if (!recipients.every((one): one is string => typeof one === 'string' && isDroppable(one))) return null;
  return { version: 1, mailFrom, recipients, uid: typeof uid === 'number' ? uid : -1 };
}
