/** Who a message is for, read from its header, as `sendmail -t` does (RFC 5322 §3.4, §3.6.3, §3.6.6). Pure. */

/** One header field: its name in lower case, its body unfolded, its lines untouched. */
export interface HeaderField {
  readonly name: string;
  readonly body: string;
  readonly raw: string;
}

/** Cuts a header (text with LF or CRLF line ends, no blank line) into fields; lines that are none keep the name ''. */
export function splitHeader(header: string): readonly HeaderField[] {
  const fields: HeaderField[] = [];
  // A line end that is not followed by a blank begins a new field.
  for (const raw of header.split(/(?<=\n)(?![ \t])/)) {
    if (raw === '') continue;
    const match = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:([\s\S]*)$/.exec(raw);
    fields.push({
      name: match?.[1]?.toLowerCase() ?? '',
      body: (match?.[2] ?? '').replaceAll(/\r?\n(?=[ \t])/g, '').trim(),
      raw,
    });
  }
  return fields;
}

/**
 * Addresses of an address list: groups opened, comments and display names left out. Bad pieces are returned as they are
 * (the caller refuses them by name) rather than dropped: a recipient must not vanish silently.
 */
export function parseAddressList(text: string): readonly string[] {
  const found: string[] = [];
  let plain = '';
  let angle: string | null = null;
  let inAngle = false;
  let quoted = false;
  let literal = false;
  let comment = 0;
  const put = (character: string): void => {
    if (inAngle) angle = (angle ?? '') + character;
    else plain += character;
  };
  const finish = (): void => {
    const address = bare(angle ?? plain);
    if (address !== '') found.push(address);
    plain = '';
    angle = null;
    inAngle = false;
  };
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? '';
    if (character === '\\' && (quoted || comment > 0)) {
      if (quoted && comment === 0) put(character + (text[i + 1] ?? ''));
      i++;
    } else if (quoted) {
      put(character);
      if (character === '"') quoted = false;
    } else if (comment > 0) {
      if (character === '(') comment++;
      else if (character === ')') comment--;
    } else if (character === '"') {
      quoted = true;
      put(character);
    } else if (character === '(') comment++;
    else if (literal) {
      put(character);
      if (character === ']') literal = false;
    } else if (character === '[') {
      literal = true;
      put(character);
    } else if (character === '<' && !inAngle) {
      inAngle = true;
      angle = '';
    } else if (character === '>' && inAngle) inAngle = false;
    else if (character === ':' && !inAngle)
      plain = ''; // what came before was a group's name
    else if ((character === ',' && !inAngle) || (character === ';' && !inAngle)) finish();
    else put(character);
  }
  finish();
  return found;
}

/** Without blanks around dots and `@` (obsolete syntax) and without a source route. */
function bare(address: string): string {
  const route = /^\s*@[^:]*:(.*)$/.exec(address);
  const text = (route?.[1] ?? address).trim();
  return text.startsWith('"') ? text.replaceAll(/\s*@\s*(?=[^"]*$)/g, '@') : text.replaceAll(/\s*([.@])\s*/g, '$1');
}

/** What `-t` makes of a header. */
export interface HeaderRecipients {
  readonly recipients: readonly string[];
  /** Address of the From (or Resent-From) field, null if there is none or more than one is needed to tell. */
  readonly from: string | null;
  /** The header as it goes out: Bcc and Resent-Bcc are gone. */
  readonly header: string;
}

/** Takes the header text. With Resent-To, -Cc or -Bcc only those count. */
export function recipientsOf(header: string): HeaderRecipients {
  const fields = splitHeader(header);
  const of = (names: readonly string[]): readonly string[] =>
    fields.filter((field) => names.includes(field.name)).flatMap((field) => parseAddressList(field.body));
  const resent = fields.some((field) => /^resent-(to|cc|bcc)$/.test(field.name));
  const recipients = of(resent ? ['resent-to', 'resent-cc', 'resent-bcc'] : ['to', 'cc', 'bcc']);
  const from = of([resent ? 'resent-from' : 'from'])[0] ?? of(['sender', 'from'])[0] ?? null;
  const kept = fields.filter((field) => field.name !== 'bcc' && field.name !== 'resent-bcc');
  return { recipients: [...new Set(recipients)], from, header: kept.map((field) => field.raw).join('') };
}
