/** Text for a terminal. Pure. Whatever came from outside is made harmless first: a subject must not steer the terminal. */
import type { MessageDetails, MessageRow, Phrase, RecipientView, TryOutcome } from '../../shared/mail.ts';
import type { AppStatus, ListenerState } from '../../shared/status.ts';

/** Puts words to a phrase. */
export type Say = (phrase: Phrase) => string;

/** Control characters, direction marks and lone surrogates become visible escapes; line ends too. */
export function printable(text: string): string {
  return text.replaceAll(
    // eslint-disable-next-line no-control-regex -- control characters are what is made visible
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]|[\ud800-\udfff](?![\udc00-\udfff])(?<![\ud800-\udbff][\udc00-\udfff])/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** Columns that a character takes: East Asian wide ones and emoji two, marks none. */
function columns(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (/\p{Mark}|\u200d|\ufe0f/u.test(character)) return 0;
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
  return wide ? 2 : 1;
}

function width(text: string): number {
  let sum = 0;
  for (const character of text) sum += columns(character);
  return sum;
}

/** Cuts or pads to exactly `size` columns. */
function fit(text: string, size: number): string {
  const total = width(text);
  if (total <= size) return text + ' '.repeat(size - total);
  let out = '';
  let used = 0;
  for (const character of text) {
    const next = columns(character);
    if (used + next > size - 1) break;
    out += character;
    used += next;
  }
  return `${out}…${' '.repeat(Math.max(0, size - 1 - used))}`;
}

/** A table no wider than `terminal` columns; the columns named in `shrink` give way, widest first. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  terminal: number,
  shrink: readonly number[],
): string {
  const clean = [head, ...rows].map((row) => row.map(printable));
  const sizes = head.map((_, i) => clean.reduce((most, row) => Math.max(most, width(row[i] ?? '')), 0));
  const gaps = 2 * (head.length - 1);
  let excess = sizes.reduce((sum, size) => sum + size, gaps) - terminal;
  while (excess > 0) {
    const widest = [...shrink].sort((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0))[0];
    if (widest === undefined || (sizes[widest] ?? 0) <= 8) break;
    sizes[widest] = (sizes[widest] ?? 0) - 1;
    excess--;
  }
  return clean
    .map((row) =>
      row
        .map((cell, i) => fit(cell, sizes[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** "3.4 MB". */
export function size(octets: number): string {
  if (octets < 1000) return `${octets} B`;
  const units = ['kB', 'MB', 'GB'];
  let value = octets / 1000;
  let unit = 0;
  for (; value >= 1000 && unit < 2; unit++) value /= 1000;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit] ?? ''}`;
}

/** "2026-11-23 10:32", local time. */
export function time(ms: number): string {
  const date = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** "in 5 min", "5 min ago", "now". */
export function away(ms: number, now: number): string {
  const minutes = Math.round(Math.abs(ms - now) / 60_000);
  if (minutes === 0) return 'now';
  const span =
    minutes < 120
      ? `${minutes} min`
      : minutes < 2880
        ? `${Math.round(minutes / 60)} h`
        : `${Math.round(minutes / 1440)} d`;
  return ms > now ? `in ${span}` : `${span} ago`;
}

function listener(state: ListenerState): string {
  switch (state.kind) {
    case 'listening':
      return `${state.hosts.map((host) => (host.includes(':') ? `[${host}]` : host)).join(', ')} port ${state.port}`;
    case 'failed':
      return `not accepting mail: ${state.message}${state.suggestedPort === null ? '' : ` (port ${state.suggestedPort} is free: postcast settings set server.port ${state.suggestedPort})`}`;
    case 'starting':
    case 'stopped':
      return state.kind;
  }
}

const STATES: Readonly<Record<AppStatus['state'], string>> = {
  idle: 'ready',
  waiting: 'waiting for the next attempt',
  sending: 'sending',
  paused: 'paused',
  'no-way-out': 'nothing can leave on this network',
  'waiting-network': 'waiting for a network',
  'waiting-dial-up': 'waiting for a dial-up connection',
  attention: 'needs your attention',
};

const PROTECTION = {
  protected: 'protected by the key store',
  obfuscated: 'only obfuscated: there is no key store',
  none: 'cannot be kept',
} as const;

/** `postcast status`. */
export function formatStatus(status: AppStatus, say: Say): string {
  const { counts, network, dialUp, secrets } = status;
  const net = network.online
    ? `${network.name ?? network.kind ?? 'connected'}${network.portal ? ' (asks for a log-in first)' : ''}`
    : 'none';
  const lines: (readonly [string, string])[] = [
    ['State', STATES[status.state]],
    ...status.phrases.map((phrase): readonly [string, string] => ['', say(phrase)]),
    ['Accepts mail at', listener(status.listener)],
    ['Network', net],
    ...(dialUp.required || dialUp.active.length > 0
      ? [['Dial-up', dialUp.active.length > 0 ? dialUp.active.join(', ') : 'required, not connected'] as const]
      : []),
    ['Gateways', status.mode],
    ['Passwords', `${PROTECTION[secrets.protection]} (${secrets.backend})`],
    ['Outbox', `${counts.outbox}${status.sending > 0 ? `, ${status.sending} being sent` : ''}`],
    ['Sent', String(counts.sent)],
    ['Bad', `${counts.bad}${counts.unseenBad > 0 ? `, ${counts.unseenBad} new` : ''}`],
    ['Bounced', `${counts.bounced}${counts.unseenBounced > 0 ? `, ${counts.unseenBounced} new` : ''}`],
    ['Deleted', String(counts.deleted)],
    ...status.problems.map((problem): readonly [string, string] => ['Problem', say(problem.phrase)]),
    ['Profile', status.profile],
    ['Version', `${status.version}, process ${status.pid}`],
  ];
  return lines.map(([name, value]) => `${name.padEnd(17)}${printable(value)}`.trimEnd()).join('\n');
}

function stateOf({ state, mayHaveArrived }: Pick<RecipientView, 'state' | 'mayHaveArrived'>): string {
  return mayHaveArrived ? `${state}, may have arrived` : state;
}

/** `postcast list`. */
export function formatList(rows: readonly MessageRow[], total: number, terminal: number, now: number): string {
  if (total === 0) return 'No messages.';
  const cells = rows.map((row) => [
    row.id,
    stateOf(row),
    row.mailFrom ?? '<>',
    `${row.to[0] ?? ''}${row.recipientCount > 1 ? ` +${row.recipientCount - 1}` : ''}`,
    row.subject,
    size(row.size),
    time(row.acceptedAt),
    row.nextAt === null ? '' : away(row.nextAt, now),
    row.lastWords ?? '',
  ]);
  const head = ['ID', 'State', 'From', 'To', 'Subject', 'Size', 'Accepted', 'Next', 'Last words'];
  const text = table(head, cells, terminal, [2, 3, 4, 8]);
  return rows.length < total ? `${text}\n… and ${total - rows.length} more` : text;
}

function outcome(one: TryOutcome, names: ReadonlyMap<number, string>): string {
  const who = names.get(one.recipient) ?? `recipient ${one.recipient}`;
  const { verdict } = one;
  const words = verdict.reply === undefined ? '' : ` ${verdict.reply.code} ${printable(verdict.reply.text)}`;
  const kind = verdict.kind === 'deferred' ? `deferred (${verdict.why})` : verdict.kind;
  return `    ${printable(who)}: ${kind}${words}`;
}

/** `postcast show`. */
export function formatDetails(message: MessageDetails, say: Say, now: number): string {
  const field = (name: string, value: string): string => `${name.padEnd(12)}${printable(value)}`;
  const names = new Map(message.recipients.map((recipient) => [recipient.id, recipient.rcptTo]));
  const lines = [
    field('Message', message.id),
    field('Folder', message.folder),
    field('From', message.mailFrom ?? '<> (a report)'),
    field('Subject', message.subject),
    field('Size', size(message.size)),
    field('Accepted', time(message.acceptedAt)),
    ...(message.messageId === null ? [] : [field('Message-ID', message.messageId)]),
    '',
  ];
  for (const recipient of message.recipients) {
    const next = recipient.nextAt === null ? '' : `, next attempt ${away(recipient.nextAt, now)}`;
    lines.push(`${printable(recipient.rcptTo)}: ${stateOf(recipient)}${next}`);
    if (recipient.reply !== null) lines.push(`    ${recipient.reply.code} ${printable(recipient.reply.text)}`);
    for (const phrase of recipient.why) lines.push(`    ${printable(say(phrase))}`);
  }
  if (message.timeline.length > 0) lines.push('', 'What was tried');
  for (const one of message.timeline) {
    const { hop } = one;
    const where = `${hop.gatewayName ?? hop.host}:${hop.port}`;
    const seconds = ((one.endedAt - one.startedAt) / 1000).toFixed(1);
    const how = one.skipped === true ? 'passed over' : `${one.phase}, ${seconds} s`;
    const tls = one.tls === null ? '' : `, ${one.tls.protocol}${one.tls.verified ? '' : ' (certificate not verified)'}`;
    const error = one.error === undefined ? '' : `: ${printable(one.error)}`;
    lines.push(`  ${time(one.startedAt)}  #${one.attempt} ${printable(where)} (${how}${tls})${error}`);
    for (const result of one.outcomes) lines.push(outcome(result, names));
  }
  return lines.join('\n');
}
