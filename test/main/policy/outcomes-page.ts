/** Prints the decision table as docs/outcomes.md. */
import { EVENTS, RULES, UNKNOWN, WAYS, type Rule, type Says, type Way } from './decision-table.ts';

const WORDS: Readonly<Record<Says, string>> = {
  accepted: 'accepted',
  temporary: 'temporary',
  refused: 'refused for good',
  silent: 'does not count',
  perhaps: 'perhaps accepted',
  soon: 'the rest soon',
  own: 'trouble of our own',
};

const INTRO = `# What becomes of a message

Generated from the decision table that the tests run (\`node scripts/decision-table.mjs\`); do not edit.

To look an outcome up: find the **way** by mode and recipient, find in the last table what the **event** comes down to,
then read the row for that way, place and result. Everything holds per recipient. *Limit* is *undeliverable after N days,
hours or attempts*; a message past it is given up only after an attempt that counts. *Returned* means a report to the
sender, if *return undeliverable message to the sender* is on, the reverse-path is not null and NOTIFY does not forbid it;
a report that cannot be delivered itself goes to Bad. *Outbox* means: tried again on the retry schedule.
`;

/** The whole page. */
export function outcomesPage(): string {
  return [INTRO, waysTable(), ...sections(), unknownTable(), eventsTable()].join('\n') + '\n';
}

function waysTable(): string {
  const kinds = ['listed', 'unlisted', 'LAN', 'literal'] as const;
  return [
    '## Which way',
    '',
    table(
      ['mode', 'domain on the gateway list', 'any other domain', 'LAN address', 'address literal'],
      Object.entries(WAYS).map(([mode, ways]) => [`\`${mode}\``, ...kinds.map((kind) => ways[kind])]),
    ),
    '',
    'A LAN address that is on the gateway list counts as listed. *onError* is *ticked* if the kind of the error (LAN, DNS,',
    'SMTP) is ticked and a gateway can be used. A gateway chosen with *send through* is used alone for one attempt: refused',
    'by it, the recipient ends as its way says (Bad for *gateways only*, else Bounced); any other failure stays in the Outbox.',
    'A private address literal goes to the LAN host at once.',
    '',
    'No gateway usable: none enabled counts as a temporary failure (*gateways only*: Bad at the limit; *undelivered*: Bounced',
    'after three such passes); enabled, but all kept for other networks or senders, does not count.',
    '',
  ].join('\n');
}

function sections(): readonly string[] {
  const ways: readonly Way[] = ['default', 'undelivered', 'onError, ticked', 'onError, not ticked', 'gateways only'];
  return ways.map((way) =>
    [
      `## ${way === 'default' ? 'Default logic: direct only' : way}`,
      '',
      table(
        ['place', 'result', 'when', 'then', ''],
        RULES.flatMap((rule) => ruleRows(rule, way)),
      ),
      '',
    ].join('\n'),
  );
}

function ruleRows(rule: Rule, way: Way): readonly (readonly string[])[] {
  if (!rule.ways.includes(way)) return [];
  const places = rule.at.filter((at) => reachable(way, at));
  if (places.length === 0) return [];
  return [
    [
      places.join('; '),
      rule.says.map((says) => WORDS[says]).join('; '),
      when(rule),
      `**${rule.then}**`,
      rule.note ?? '',
    ],
  ];
}

function reachable(way: Way, at: Rule['at'][number]): boolean {
  if (way === 'gateways only') return at === 'gateways';
  return at !== 'gateways' || way === 'undelivered' || way === 'onError, ticked';
}

function when({ limit, before, passes }: Rule): string {
  const parts: string[] = [];
  if (before === 'refused') parts.push('all before refused for good');
  if (before === 'not refused') parts.push('not all before refused for good');
  if (before === 'silent') parts.push('nothing before counted');
  if (passes !== undefined) parts.push(`${passes} pass`);
  if (limit !== undefined) parts.push(limit ? 'limit reached' : 'limit not reached');
  return parts.join(', ');
}

function unknownTable(): string {
  const hops = (those: readonly string[]): string => (those.length === 0 ? 'none: it waits' : those.join(', then '));
  return [
    '## Unknown outcomes',
    '',
    'No reply to the final dot (*perhaps accepted*): the message may have arrived, and is shown so until a later try delivers',
    'it. Nothing else is tried in the same attempt. In the next one, on the retry schedule, hops without doubt come first in',
    'their usual order, then those in doubt, fewest unknown outcomes first; each is used only if every one before it failed to',
    'take the message, however slowly. After three unknown outcomes a hop is left out for that recipient on that network. If',
    'no hop is left it waits for another hop (a gateway added, enabled or moved, another mail server), for another network, or',
    'for a retry of this message by the user, after which each hop may be used three times more; *send now* is no such retry.',
    'The limit runs meanwhile, and the report says that it may have arrived. A refusal by another hop does not settle it.',
    '',
    table(
      ['way', 'unknown on this network', 'the next attempt', 'at the limit'],
      UNKNOWN.flatMap((row) =>
        row.ways.map((way) => [
          way === 'default' ? 'default logic' : way,
          `${row.when} (${Object.entries(row.unknown)
            .map(([hop, count]) => `${hop}: ${count}`)
            .join(', ')})`,
          hops(row.next),
          `**${row.atLimit}**`,
        ]),
      ),
    ),
    '',
    'In the mode *undelivered* a message whose outcome is unknown when the limit is reached goes to the gateways with the next',
    'attempt; if it waits, within that attempt. Once the passes have begun, those in which no gateway is left count as well.',
    'What was in flight when the program ended unexpectedly may have arrived, too.',
    '',
  ].join('\n');
}

function eventsTable(): string {
  const groups = [...new Set(EVENTS.map((e) => e.group))];
  const cell = (entry: (typeof EVENTS)[number]['server']): string =>
    entry === null ? '–' : `${WORDS[entry[0]]} (${entry[1].replace(/^\w+ ?/, '')})`.replace(' ()', '');
  return [
    '## What an event comes down to',
    '',
    'In brackets: whose fault it is, and the status (RFC 3463) that is recorded. *Host* and *gateway* faults send the recipient',
    'to the next host or gateway of the same step. Several gateways make one result: *accepted* by the first that takes it;',
    '*refused for good* only if every one refused; *does not count* if none could be reached or signed in to; else *temporary*.',
    '',
    ...groups.flatMap((group) => [
      `### ${group}`,
      '',
      table(
        ['event', 'mail server (MX or LAN host)', 'gateway'],
        EVENTS.filter((e) => e.group === group).map((e) => [e.event, cell(e.server), cell(e.gateway)]),
      ),
      '',
      ...(group === 'Looking up the domain'
        ? [
            'On the LAN every failed look-up is temporary: the host is known to that LAN only. A time-out counts if other names were resolved a moment ago.',
            '',
            'Before anything that a look-up says about a domain counts, control look-ups are made: of a name that resolved here lately, of the sender’s',
            'domain, of the root; and of a name that cannot exist. If none of the first is known, *the name server knows no names*; if the last has an',
            'address, and no other name has one of its own, it *has one address for all names*. A null MX and a name that is none need no such look-up.',
            '',
          ]
        : []),
    ]),
  ]
    .join('\n')
    .trimEnd();
}

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}
