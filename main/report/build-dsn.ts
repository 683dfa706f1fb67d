/**
 * Delivery status notifications: multipart/report with a human part first, a machine part (RFC 3464, or RFC 6533 where
 * addresses are not ASCII) and the original or its header (RFC 3461 §4.3). Pure: octets in, octets out.
 */
import type { MessageDsn, RecipientDsn, SmtpReply } from '../../shared/mail.ts';
import { formatMailDate } from '../message/mail-date.ts';

/** What became of one recipient, for the report. */
export interface ReportedRecipient {
  readonly rcptTo: string;
  readonly dsn: RecipientDsn;
  /** RFC 3464 §2.3.3. `relayed`: passed to a hop that cannot report success (RFC 3461 §5.2.2). */
  readonly action: 'failed' | 'delayed' | 'delivered' | 'relayed';
  /** RFC 3463 status. */
  readonly status: string;
  /** Last reply of a server, if one spoke. */
  readonly reply: SmtpReply | null;
  /** Host that spoke, if one did. */
  readonly remoteMta: string | null;
  readonly lastAttemptAt: number | null;
  /** For `delayed`: until when we go on trying; null if the limit is a number of attempts. */
  readonly willRetryUntil: number | null;
  /** A plain sentence for the human part: why. */
  readonly sentence: string;
}

export interface ReportInput {
  /** Our name, as in EHLO. */
  readonly reportingMta: string;
  /** Reverse-path of the original: who gets the report. Never null (RFC 5321 §4.5.5). */
  readonly sender: string;
  readonly originalDsn: MessageDsn;
  readonly originalSubject: string;
  readonly arrivedAt: number;
  readonly now: number;
  /** Distinguishes Message-ID and MIME boundary; hex. */
  readonly unique: string;
  readonly recipients: readonly ReportedRecipient[];
  /** The whole original, or its header only. Always with CRLF line ends. */
  readonly original: { readonly kind: 'full' | 'header'; readonly bytes: Uint8Array };
}

/** The finished report; `smtputf8` tells that its envelope or its machine part needs RFC 6531. */
export interface BuiltReport {
  readonly bytes: Uint8Array;
  readonly subject: string;
  readonly messageId: string;
  readonly body8bit: boolean;
  readonly smtputf8: boolean;
}

// eslint-disable-next-line no-control-regex -- all of ASCII is what is asked for
const BEYOND_ASCII = /[^\u0000-\u007f]/;
// eslint-disable-next-line no-control-regex -- everything that could end a field or a line
const CONTROL = /[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g;

/** Text safe inside a header or report field: one line, no control characters, bounded. */
function oneLine(text: string, limit = 900): string {
  return text.replace(CONTROL, ' ').trim().slice(0, limit);
}

/** Folds "Field: value" at blanks so that no line passes 998 octets (RFC 5322 §2.1.1). */
function field(name: string, value: string): string {
  const words = oneLine(value, 4000).split(' ');
  let line = `${name}:`;
  const lines: string[] = [];
  for (const word of words) {
    if (line.length + word.length + 1 > 200 && line.trim() !== '' && line !== `${name}:`) {
      lines.push(line);
      line = ' ' + word;
    } else line += ` ${word}`;
  }
  lines.push(line);
  return lines.join('\r\n');
}

function machineAddress(address: string, utf8: boolean): string {
  return utf8 && BEYOND_ASCII.test(address) ? `utf-8; ${oneLine(address)}` : `rfc822; ${oneLine(address)}`;
}

const SUBJECTS: Readonly<Record<ReportedRecipient['action'], string>> = {
  failed: 'Your message could not be delivered',
  delayed: 'Your message is delayed',
  delivered: 'Your message was delivered',
  relayed: 'Your message was passed on',
};

const OPENINGS: Readonly<Record<ReportedRecipient['action'], string>> = {
  failed: 'Your message could not be delivered to:',
  delayed:
    'Your message could not be delivered yet to the following; it will be tried again. You need not send it again:',
  delivered: 'Your message was delivered to:',
  relayed: 'Your message was passed on to a mail server that does not report deliveries, for:',
};

const ACTIONS = ['failed', 'delayed', 'delivered', 'relayed'] as const;
/** More than these nobody reads one by one; the machine part names all. */
const MAX_NAMED = 500;

function humanPart(input: ReportInput): string {
  const lines: string[] = [
    `This is PostCast Server on ${oneLine(input.reportingMta)}.`,
    '',
    `Your message${input.originalSubject === '' ? '' : ` "${oneLine(input.originalSubject, 200)}"`} of ${formatMailDate(input.arrivedAt)}:`,
  ];
  for (const action of ACTIONS) {
    const those = input.recipients.filter((r) => r.action === action);
    if (those.length === 0) continue;
    lines.push('', OPENINGS[action], '');
    for (const r of those.slice(0, MAX_NAMED)) {
      lines.push(`  ${oneLine(r.rcptTo)}`);
      lines.push(`    ${oneLine(r.sentence)}`);
      if (r.reply) {
        const who = r.remoteMta === null ? 'The mail server' : oneLine(r.remoteMta);
        lines.push(`    ${who} said: ${r.reply.code} ${oneLine(r.reply.text)}`);
      }
    }
    if (those.length > MAX_NAMED)
      lines.push(`  and ${those.length - MAX_NAMED} more: the attached delivery report names them all.`);
  }
  lines.push(
    '',
    input.original.kind === 'full' ? 'Your message is attached.' : 'The header of your message is attached.',
    '',
  );
  return lines.join('\r\n');
}

function machinePart(input: ReportInput, utf8: boolean): string {
  const blocks: string[][] = [];
  const message = [`Reporting-MTA: dns; ${oneLine(input.reportingMta)}`];
  if (input.originalDsn.envid !== undefined) message.unshift(field('Original-Envelope-Id', input.originalDsn.envid));
  message.push(`Arrival-Date: ${formatMailDate(input.arrivedAt)}`);
  blocks.push(message);
  for (const r of input.recipients) {
    const block: string[] = [];
    if (r.dsn.orcpt !== undefined) {
      const [type = 'rfc822', ...rest] = r.dsn.orcpt.split(';');
      block.push(field('Original-Recipient', `${type}; ${rest.join(';')}`));
    }
    block.push(field('Final-Recipient', machineAddress(r.rcptTo, utf8)));
    block.push(`Action: ${r.action}`, `Status: ${r.status}`);
    if (r.remoteMta !== null) block.push(field('Remote-MTA', `dns; ${r.remoteMta}`));
    if (r.reply) {
      // One code a line would be more than Diagnostic-Code needs: the code stands in front of the words once.
      block.push(
        field(
          'Diagnostic-Code',
          `smtp; ${r.reply.code} ${r.reply.enhanced === undefined || r.reply.text.startsWith(r.reply.enhanced) ? '' : `${r.reply.enhanced} `}${r.reply.text}`,
        ),
      );
    }
    if (r.lastAttemptAt !== null) block.push(`Last-Attempt-Date: ${formatMailDate(r.lastAttemptAt)}`);
    if (r.action === 'delayed' && r.willRetryUntil !== null)
      block.push(`Will-Retry-Until: ${formatMailDate(r.willRetryUntil)}`);
    blocks.push(block);
  }
  return blocks.map((block) => block.join('\r\n') + '\r\n').join('\r\n');
}

function isAscii(bytes: Uint8Array): boolean {
  for (const octet of bytes) if (octet > 0x7f) return false;
  return true;
}

/** The header of a message: up to and including the line end before the first empty line. */
export function headerOf(bytes: Uint8Array): Uint8Array {
  for (let i = 0; i + 3 < bytes.length; i += 1) {
    if (bytes[i] === 13 && bytes[i + 1] === 10 && bytes[i + 2] === 13 && bytes[i + 3] === 10)
      return bytes.subarray(0, i + 2);
  }
  return bytes;
}

/** Text that may hold any character, as an encoded-word header value if need be (RFC 2047, UTF-8, base64). */
function encodedHeader(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text;
  const parts: string[] = [];
  let chunk = '';
  const encoder = new TextEncoder();
  for (const character of text) {
    if (encoder.encode(chunk + character).length > 42) {
      parts.push(chunk);
      chunk = '';
    }
    chunk += character;
  }
  parts.push(chunk);
  return parts.map((p) => `=?UTF-8?B?${base64(encoder.encode(p))}?=`).join('\r\n ');
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
function base64(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const n = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    out += BASE64.charAt(n >> 18) + BASE64.charAt((n >> 12) & 63);
    out += i + 1 < bytes.length ? BASE64.charAt((n >> 6) & 63) : '=';
    out += i + 2 < bytes.length ? BASE64.charAt(n & 63) : '=';
  }
  return out;
}

/**
 * Builds a report. All recipients of the input are in it; the caller has decided who is reported (bounce-decision).
 * The reverse-path of the report is the null path: that is the caller's, too.
 */
export function buildReport(input: ReportInput): BuiltReport {
  const action = ACTIONS.find((a) => input.recipients.some((r) => r.action === a)) ?? 'failed';
  const subject = `${SUBJECTS[action]}${input.originalSubject === '' ? '' : `: ${oneLine(input.originalSubject, 150)}`}`;
  const messageId = `<${input.unique}@${oneLine(input.reportingMta)}>`;
  const boundary = `=_report_${input.unique}`;
  const utf8 =
    BEYOND_ASCII.test(input.sender) ||
    input.recipients.some(
      (r) => BEYOND_ASCII.test(r.rcptTo) || (r.dsn.orcpt !== undefined && BEYOND_ASCII.test(r.dsn.orcpt)),
    );
  const human = humanPart(input);
  const machine = machinePart(input, utf8);
  const originalAscii = isAscii(input.original.bytes);
  // RFC 6533 §4, §5: the global types where a header or an address is not ASCII.
  const headerAscii = isAscii(headerOf(input.original.bytes));
  const originalType =
    input.original.kind === 'full'
      ? headerAscii
        ? 'message/rfc822'
        : 'message/global'
      : headerAscii
        ? 'text/rfc822-headers'
        : 'message/global-headers';
  const body8bit = !originalAscii || BEYOND_ASCII.test(human) || BEYOND_ASCII.test(machine);
  const encoding = (eightBit: boolean): string => `Content-Transfer-Encoding: ${eightBit ? '8bit' : '7bit'}`;
  const machineAscii = !BEYOND_ASCII.test(machine);
  const top = [
    `Date: ${formatMailDate(input.now)}`,
    `From: Mail Delivery System <MAILER-DAEMON@${oneLine(input.reportingMta)}>`,
    field('To', `<${oneLine(input.sender)}>`),
    `Subject: ${encodedHeader(subject)}`,
    `Message-ID: ${messageId}`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"`,
    encoding(body8bit),
    '',
    'This is a report in MIME format.',
    '',
    `--${boundary}`,
    'Content-Description: Notification',
    'Content-Type: text/plain; charset=utf-8',
    encoding(BEYOND_ASCII.test(human)),
    '',
    human,
    `--${boundary}`,
    'Content-Description: Delivery report',
    `Content-Type: ${utf8 ? 'message/global-delivery-status' : 'message/delivery-status'}`,
    encoding(!machineAscii),
    '',
    machine,
    `--${boundary}`,
    `Content-Description: ${input.original.kind === 'full' ? 'Undelivered message' : 'Header of the undelivered message'}`,
    `Content-Type: ${originalType}`,
    encoding(!originalAscii),
    '',
    '',
  ].join('\r\n');
  const encoder = new TextEncoder();
  const before = encoder.encode(top);
  const after = encoder.encode(`\r\n--${boundary}--\r\n`);
  const bytes = new Uint8Array(before.length + input.original.bytes.length + after.length);
  bytes.set(before, 0);
  bytes.set(input.original.bytes, before.length);
  bytes.set(after, before.length + input.original.bytes.length);
  return { bytes, subject, messageId, body8bit, smtputf8: utf8 };
}
