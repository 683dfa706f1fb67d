/** A mail transaction (RFC 5321 §3.3): opened by MAIL, given its recipients by RCPT. No I/O. */
import type { MessageDsn } from '../../shared/mail.ts';
import { isAscii } from '../../shared/syntax.ts';
import type { NewRecipient } from '../queue/queue-store.ts';
import { decideRcpt, type ClientFacts, type CompiledPolicy } from './accept-policy.ts';
import { decodeLine, mailboxKey, parsePath } from '../message/address-parser.ts';
import { parseMailParameters, parseRcptParameters, type Parsed } from './parameters.ts';
import type { RefusalName } from './replies.ts';

export interface Transaction {
  readonly mailFrom: string | null;
  readonly smtputf8: boolean;
  readonly dsn: MessageDsn;
  readonly recipients: NewRecipient[];
  /** Mailboxes of `recipients`: each is taken once. */
  readonly keys: Set<string>;
}

/**
 * Reads a MAIL command. `argument`: what follows the verb in `line`; `maxBytes`: the SIZE that was announced. `size`:
 * octets that the client declared, null if it did not.
 */
export function openTransaction(
  line: Buffer,
  argument: string,
  maxBytes: number,
): Parsed<{ readonly transaction: Transaction; readonly size: number | null }> {
  const path = parseCommandPath(line, argument, /^FROM[ \t]*:/i);
  if (!path || (path.address !== null && !path.address.includes('@'))) return { ok: false, refusal: 'senderSyntax' };
  const parsed = parseMailParameters(path.parameters, maxBytes);
  if (!parsed.ok) return parsed;
  const { size, smtputf8, dsn } = parsed.value;
  if (!smtputf8 && path.address !== null && !isAscii(path.address)) return { ok: false, refusal: 'senderUtf8' };
  const transaction: Transaction = { mailFrom: path.address, smtputf8, dsn, recipients: [], keys: new Set() };
  return { ok: true, value: { transaction, size } };
}

/** Reads a RCPT command and adds its recipient; null, or why it is refused. `ownName`: the listener's host name. */
export function addRecipient(
  transaction: Transaction,
  line: Buffer,
  argument: string,
  asked: { readonly policy: CompiledPolicy; readonly client: ClientFacts; readonly ownName: string },
): RefusalName | null {
  const path = parseCommandPath(line, argument, /^TO[ \t]*:/i);
  if (typeof path?.address !== 'string') return 'recipientSyntax';
  const parsed = parseRcptParameters(path.parameters, transaction.smtputf8);
  if (!parsed.ok) return parsed.refusal;
  if (!transaction.smtputf8 && !isAscii(path.address)) return 'senderUtf8';
  // <Postmaster> is the postmaster of the server that is asked: ours (RFC 5321 §4.5.1).
  const rcptTo = path.address.includes('@') ? path.address : `${path.address}@${asked.ownName}`;
  const key = mailboxKey(rcptTo);
  const repeated = transaction.keys.has(key);
  const refused = decideRcpt(asked.policy, asked.client, rcptTo, repeated ? 0 : transaction.recipients.length);
  if (refused) return refused;
  if (!repeated) {
    transaction.keys.add(key);
    transaction.recipients.push({ rcptTo, dsn: parsed.value });
  }
  return null;
}

/** The path and parameters of a MAIL or RCPT line; null if the line cannot be read. */
function parseCommandPath(
  line: Buffer,
  argument: string,
  keyword: RegExp,
): { readonly address: string | null; readonly parameters: readonly string[] } | null {
  const match = keyword.exec(argument);
  if (!match) return null;
  let end = line.length;
  while (end > 0 && (line[end - 1] === 0x20 || line[end - 1] === 0x09)) end--; // trailing blanks mean nothing
  const text = decodeLine(line.subarray(0, end));
  if (text === null) return null;
  const path = parsePath(text.slice(text.indexOf(':') + 1));
  return path.ok ? path : null;
}
