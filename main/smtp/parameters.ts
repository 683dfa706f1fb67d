/** Commands of one mail transaction, made from the envelope and what the server offers. Pure. */
import { domainToASCII } from 'node:url';
import type { MessageDsn, RecipientDsn } from '../../shared/mail.ts';
import { isAscii } from '../../shared/syntax.ts';
import { encodeXtext } from '../message/xtext.ts';
import type { Extensions } from './reply.ts';

/**
 * The address with its domain as A-labels (standards 35, N8), local part untouched. A domain that has no A-label form,
 * and an address literal, stay as they are.
 */
export function withAsciiDomain(address: string): string {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  if (at < 0 || isAscii(domain)) return address;
  const ascii = domainToASCII(domain);
  return ascii === '' ? address : `${address.slice(0, at)}@${ascii}`;
}

/** ORCPT value out of "type;address" (RFC 3461 §4.2); a non-ASCII address in the form of RFC 6533 §3. */
export function encodeOrcpt(orcpt: string): string {
  const semicolon = orcpt.indexOf(';');
  const type = semicolon < 0 ? 'rfc822' : orcpt.slice(0, semicolon);
  const address = semicolon < 0 ? orcpt : orcpt.slice(semicolon + 1);
  if (isAscii(address)) return `${type};${encodeXtext(address)}`;
  let out = 'utf-8;';
  for (const character of address) {
    const point = character.codePointAt(0) ?? 0;
    const plain = point > 0x20 && point < 0x7f && character !== '\\' && character !== '+' && character !== '=';
    out += plain ? character : `\\x{${point.toString(16).toUpperCase()}}`;
  }
  return out;
}

/** What decides about the parameters of MAIL and RCPT. */
export interface EnvelopeFacts {
  readonly mailFrom: string | null;
  readonly size: number;
  readonly dsn: MessageDsn;
  /** The octets need an 8-bit clean way. */
  readonly eightBit: boolean;
  /** Use SMTPUTF8: the server offers it and the message asks for it. */
  readonly smtputf8: boolean;
}

/** MAIL FROM with the parameters that the server offers: SIZE, BODY, SMTPUTF8, RET, ENVID. */
export function mailCommand(envelope: EnvelopeFacts, offered: Extensions): string {
  const has = offered.keywords;
  const from = envelope.mailFrom ?? '';
  let line = `MAIL FROM:<${envelope.smtputf8 ? from : withAsciiDomain(from)}>`;
  if (has.has('SIZE')) line += ` SIZE=${envelope.size}`;
  if (envelope.eightBit && has.has('8BITMIME')) line += ' BODY=8BITMIME';
  if (envelope.smtputf8) line += ' SMTPUTF8';
  if (has.has('DSN')) {
    if (envelope.dsn.ret !== undefined) line += ` RET=${envelope.dsn.ret.toUpperCase()}`;
    if (envelope.dsn.envid !== undefined) line += ` ENVID=${encodeXtext(envelope.dsn.envid)}`;
  }
  return line;
}

/** RCPT TO with this recipient's own NOTIFY and ORCPT (nodemailer gives those of one to all, N1). */
export function rcptCommand(rcptTo: string, dsn: RecipientDsn, smtputf8: boolean, offered: Extensions): string {
  let line = `RCPT TO:<${smtputf8 ? rcptTo : withAsciiDomain(rcptTo)}>`;
  if (offered.keywords.has('DSN')) {
    if (dsn.notify !== undefined && dsn.notify.length > 0) line += ` NOTIFY=${dsn.notify.join(',').toUpperCase()}`;
    if (dsn.orcpt !== undefined) line += ` ORCPT=${encodeOrcpt(dsn.orcpt)}`;
  }
  return line;
}
