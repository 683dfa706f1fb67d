import type { SmtpReply } from '../../shared/mail.ts';

/** A reply as it came over the wire: code, enhanced code where it is not in the text anyway, text. */
export function replyText(reply: SmtpReply): string {
  const enhanced = reply.enhanced !== undefined && !reply.text.startsWith(reply.enhanced) ? ` ${reply.enhanced}` : '';
  return `${reply.code}${enhanced} ${reply.text}`.trimEnd();
}
