/** What a transaction needs of a message, and the commands that are made of it. */
import { isAscii } from '../../shared/syntax.ts';
import type { MessageDsn, RecipientDsn } from '../../shared/mail.ts';
import type { SessionTrouble } from '../policy/model.ts';
import { mailCommand, rcptCommand, withAsciiDomain } from './parameters.ts';
import type { Extensions } from './reply.ts';

/** A recipient as one transaction needs it. */
export interface TransactionRecipient {
  readonly id: number;
  readonly rcptTo: string;
  readonly dsn: RecipientDsn;
}

/** A message as one transaction needs it; `OutgoingMessage` fits. */
export interface TransactionMessage {
  readonly mailFrom: string | null;
  readonly size: number;
  readonly dsn: MessageDsn;
  readonly body8bit: boolean;
  readonly smtputf8: boolean;
  read(): AsyncIterable<Uint8Array>;
}

export type TransactionPlan =
  | { readonly kind: 'send'; readonly mail: string; readonly rcpts: readonly string[] }
  | { readonly kind: 'cannot'; readonly trouble: SessionTrouble };

/** The commands of a transaction, or why none is begun: the message is too large, or needs what is not offered (standards 45, 46). */
export async function planTransaction(
  message: TransactionMessage,
  recipients: readonly TransactionRecipient[],
  offered: Extensions,
): Promise<TransactionPlan> {
  const cannot = (trouble: SessionTrouble): TransactionPlan => ({ kind: 'cannot', trouble });
  if (offered.maxSize > 0 && message.size > offered.maxSize)
    return cannot({ kind: 'too-large', limit: offered.maxSize });
  if (message.body8bit && !offered.keywords.has('8BITMIME')) return cannot({ kind: 'needs-8bitmime' });
  const addresses = [message.mailFrom ?? '', ...recipients.map((r) => r.rcptTo)];
  // Addresses come from the listener's parser; this is the last guard against a second command in one (N17).
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (addresses.some((a) => /[\u0000-\u001f\u007f]/.test(a)))
    return cannot({ kind: 'local', detail: 'an address with control characters' });
  let smtputf8 = message.smtputf8 || !addresses.every(isAscii);
  if (smtputf8 && !offered.keywords.has('SMTPUTF8')) {
    // Only the domain is not ASCII: its A-label form goes everywhere (standards 35, N8).
    if (!addresses.every((a) => isAscii(withAsciiDomain(a))) || !(await headerIsAscii(message)))
      return cannot({ kind: 'needs-smtputf8' });
    smtputf8 = false;
  }
  const envelope = {
    mailFrom: message.mailFrom,
    size: message.size,
    dsn: message.dsn,
    eightBit: message.body8bit || smtputf8,
    smtputf8,
  };
  return {
    kind: 'send',
    mail: mailCommand(envelope, offered),
    rcpts: recipients.map((r) => rcptCommand(r.rcptTo, r.dsn, smtputf8, offered)),
  };
}

/** Reads the header only: SMTPUTF8 is not about 8-bit octets in the body. A message that cannot be read counts as ASCII: sending it fails with the reason. */
async function headerIsAscii(message: TransactionMessage): Promise<boolean> {
  let tail = '';
  try {
    for await (const chunk of message.read()) {
      const text = tail + Buffer.from(chunk).toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (/[\u0080-\u00ff]/.test(end < 0 ? text : text.slice(0, end))) return false;
      if (end >= 0) return true;
      tail = text.slice(-3);
    }
  } catch {
    return true;
  }
  return true;
}
