/** The texts of a soak: messages that can be told apart and seen to be whole, and reports as a reader understands them. */

/** A report of the program (RFC 3464) as somebody read it. */
export interface Report {
  readonly messageId: string;
  readonly tag: string;
  readonly recipients: readonly { readonly address: string; readonly action: string }[];
}

/** The text that a message of the soak has: known by its tag, and seen to be whole at its end. */
export function letterText(tag: string, sender: string | null, filler: number): string {
  const line = `${'.'.repeat(3)}${'lorem ipsum '.repeat(5)}\r\n`;
  return [
    `From: <${sender ?? 'nobody@sender.test'}>`,
    `Subject: ${tag}`,
    `X-Soak: ${tag}`,
    `Message-ID: <${tag}@soak.test>`,
    'Date: Mon, 05 Jan 2026 09:00:00 +0000',
    '',
    `begin ${tag} ${filler}`,
    `${line.repeat(filler)}end ${tag}`,
    '',
  ].join('\r\n');
}

/** Whether a text that arrived is all of that message. */
export function isWhole(text: string, tag: string): boolean {
  const filler = Number(new RegExp(`^begin ${tag} (\\d+)\\r?$`, 'm').exec(text)?.[1] ?? NaN);
  const wanted = letterText(tag, null, filler);
  return text.trimEnd().endsWith(wanted.slice(wanted.indexOf('\r\n\r\n')).trimEnd());
}

/** What a report says, null if this is none. */
export function readReport(text: string): Report | null {
  const top = text.slice(0, text.indexOf('\r\n\r\n'));
  if (!/multipart\/report/i.test(top)) return null;
  const recipients = text.split(/\r\n\r\n/).flatMap((block) => {
    const address = /^Final-Recipient: *[\w-]+; *(\S+)/im.exec(block)?.[1];
    const action = /^Action: *(\w+)/im.exec(block)?.[1];
    return address === undefined || action === undefined ? [] : [{ address, action: action.toLowerCase() }];
  });
  return {
    messageId: /^Message-ID: *(\S+)/im.exec(top)?.[1] ?? top,
    tag: /^X-Soak: (\S+)/im.exec(text)?.[1] ?? '?',
    recipients,
  };
}
