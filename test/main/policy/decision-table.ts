/**
 * The decision table: what every event means (EVENTS) and what follows from it in every mode (RULES). Written by hand;
 * outcomes.test.ts runs each cell through the policies, and docs/outcomes.md is printed from here.
 */
import type { DnsFailure } from '../../../main/policy/classify-dns.ts';
import type { SessionReport } from '../../../main/policy/model.ts';
import { reply, report } from './support.ts';

/** What an event comes down to. `silent`: does not count (spec §4.3). `perhaps`: may have been accepted. */
export type Says = 'accepted' | 'temporary' | 'refused' | 'silent' | 'perhaps' | 'soon' | 'own';

/** An event on one hop, with its verdict on a mail server (MX or LAN host) and on a gateway. */
export interface EventRow {
  readonly group: string;
  readonly event: string;
  readonly facts: SessionReport | { readonly dns: DnsFailure };
  /** Verdict in short form, and what it comes down to. Null: cannot happen there. */
  readonly server: readonly [Says, string] | null;
  readonly gateway: readonly [Says, string] | null;
}

const ok = { rcptReply: reply('250 2.1.5 ok') };
const accepted = [{ recipient: 1, ...ok }];
const rcpt = (line: string): SessionReport =>
  report('rcpt', { recipients: [{ recipient: 1, rcptReply: reply(line) }] });
const data = (line: string): SessionReport => report('data', { reply: reply(line), recipients: accepted });
const final = (line: string): SessionReport => report('final', { reply: reply(line), recipients: accepted });
const tls = (problem: 'certificate' | 'handshake' | 'not-offered'): SessionReport =>
  report('tls', { trouble: { kind: 'tls', problem, detail: '' } });

export const EVENTS: readonly EventRow[] = [
  // prettier-ignore
  ...rows('Looking up the domain', [
    ['no such domain', { dns: 'no-such-domain' }, ['refused', 'rejected recipient 5.1.2'], null],
    ['neither MX nor address', { dns: 'no-data' }, ['refused', 'rejected recipient 5.1.2'], null],
    ['null MX', { dns: 'null-mx' }, ['refused', 'rejected recipient 5.1.10'], null],
    ['not a domain', { dns: 'bad-name' }, ['refused', 'rejected recipient 5.1.3'], null],
    ['MX without any address', { dns: 'no-address' }, ['temporary', 'deferred host 4.4.4 dns'], null],
    ['MX is this computer or loopback', { dns: 'loops-back' }, ['temporary', 'deferred host 4.4.6 dns'], null],
    ['SERVFAIL', { dns: 'servfail' }, ['temporary', 'deferred host 4.4.3 dns'], null],
    ['REFUSED', { dns: 'refused' }, ['temporary', 'deferred host 4.4.3 dns'], null],
    ['DNS time-out', { dns: 'timeout' }, ['silent', 'deferred host 4.4.3 dns'], null],
    ['no DNS server', { dns: 'no-server' }, ['silent', 'deferred host 4.4.3 dns'], null],
    ['the name server knows no names', { dns: 'no-names' }, ['silent', 'deferred host 4.4.3 no-names'], null],
    ['the name server has one address for all names', { dns: 'one-address' }, ['silent', 'deferred host 4.4.3 one-address'], null],
    ['it cannot be found out whether the name server is sane', { dns: 'undecided' }, ['silent', 'deferred host 4.4.3 dns'], null],
    ['only an address that is invented for any name', { dns: 'invented' }, ['temporary', 'deferred host 4.4.3 dns'], null],
  ]),
  ...rows('Connecting', [
    [
      'connection refused',
      report('connect', { trouble: { kind: 'refused' } }),
      ['temporary', 'deferred host 4.4.1 connection-refused'],
      ['silent', 'deferred host 4.4.1 connection-refused'],
    ],
    [
      'time-out',
      report('connect', { trouble: { kind: 'timeout' } }),
      ['temporary', 'deferred host 4.4.1 timeout'],
      ['silent', 'deferred host 4.4.1 timeout'],
    ],
    [
      'unreachable',
      report('connect', { trouble: { kind: 'unreachable' } }),
      ['temporary', 'deferred host 4.4.1 unreachable'],
      ['silent', 'deferred host 4.4.1 unreachable'],
    ],
    [
      'greeting 421',
      report('greeting', { reply: reply('421 4.3.2 busy') }),
      ['temporary', 'deferred host 4.3.2 greeting'],
      ['silent', 'deferred host 4.3.2 greeting'],
    ],
    [
      'greeting 554',
      report('greeting', { reply: reply('554 no') }),
      ['temporary', 'deferred host 4.4.1 greeting'],
      ['silent', 'deferred host 4.4.1 greeting'],
    ],
    [
      'EHLO 4yz',
      report('ehlo', { reply: reply('450 later') }),
      ['temporary', 'deferred host 4.4.1 greeting'],
      ['silent', 'deferred host 4.4.1 greeting'],
    ],
    [
      'EHLO 5yz',
      report('ehlo', { reply: reply('550 no') }),
      ['temporary', 'deferred host 4.4.1 greeting'],
      ['silent', 'deferred host 4.4.1 greeting'],
    ],
    [
      'no SMTP (HTTP, endless banner)',
      report('greeting', { trouble: { kind: 'not-smtp', line: 'HTTP/1.1 400' } }),
      ['temporary', 'deferred host 4.5.0 greeting'],
      ['silent', 'deferred host 4.5.0 greeting'],
    ],
    [
      'TLS handshake fails',
      tls('handshake'),
      ['temporary', 'deferred host 4.7.5 tls'],
      ['silent', 'deferred gateway 4.7.5 tls'],
    ],
    [
      'certificate not acceptable',
      tls('certificate'),
      ['temporary', 'deferred host 4.7.5 tls'],
      ['silent', 'deferred gateway 4.7.5 tls'],
    ],
    [
      'TLS required, not offered',
      tls('not-offered'),
      ['temporary', 'deferred host 4.7.5 tls-required'],
      ['silent', 'deferred gateway 4.7.5 tls-required'],
    ],
    [
      'sign-in 535',
      report('auth', { reply: reply('535 5.7.8 bad credentials') }),
      null,
      ['silent', 'deferred gateway 4.7.8 auth'],
    ],
    [
      'sign-in 454',
      report('auth', { reply: reply('454 4.7.0 try later') }),
      null,
      ['silent', 'deferred gateway 4.7.8 auth'],
    ],
    [
      'sign-in not possible',
      report('auth', { trouble: { kind: 'auth-not-possible', detail: '' } }),
      null,
      ['silent', 'deferred gateway 4.7.0 auth'],
    ],
    [
      'password missing',
      report('auth', { trouble: { kind: 'no-secret' } }),
      null,
      ['silent', 'deferred gateway 4.7.0 no-secret'],
    ],
    [
      'intercepted',
      report('tls', { trouble: { kind: 'intercepted', detail: '' } }),
      null,
      ['silent', 'deferred gateway 4.7.0 intercepted'],
    ],
  ]),
  ...rows('MAIL', [
    ['MAIL 421', report('mail', { reply: reply('421 4.3.2 bye') }), ['temporary', 'deferred host 4.3.2 reply'], 'same'],
    [
      'MAIL 4yz',
      report('mail', { reply: reply('451 4.3.0 later') }),
      ['temporary', 'deferred message 4.3.0 reply'],
      'same',
    ],
    [
      'MAIL 550',
      report('mail', { reply: reply('550 no') }),
      ['refused', 'rejected message 5.0.0'],
      ['temporary', 'deferred gateway 4.7.1 policy'],
    ],
    [
      'MAIL 550 5.1.8',
      report('mail', { reply: reply('550 5.1.8 bad sender') }),
      ['refused', 'rejected message 5.1.8'],
      'same',
    ],
    [
      'MAIL 552, too large',
      report('mail', { reply: reply('552 too big') }),
      ['refused', 'rejected message 5.3.4'],
      'same',
    ],
    [
      'MAIL 550 5.7.1',
      report('mail', { reply: reply('550 5.7.1 not you') }),
      ['refused', 'rejected message 5.7.1'],
      ['temporary', 'deferred gateway 4.7.1 policy'],
    ],
    [
      'MAIL 530',
      report('mail', { reply: reply('530 5.7.0 first STARTTLS') }),
      ['temporary', 'deferred host 4.7.10 tls-required'],
      ['silent', 'deferred gateway 4.7.0 auth'],
    ],
    [
      'MAIL 500, 501, 502, 503, 504, 555',
      report('mail', { reply: reply('501 5.5.4 what') }),
      ['temporary', 'deferred host 4.5.0 unsupported-reply'],
      'same',
    ],
    [
      'larger than the announced SIZE',
      report('mail', { trouble: { kind: 'too-large', limit: 1 } }),
      ['refused', 'rejected message 5.3.4'],
      'same',
    ],
    [
      '8-bit text, not offered',
      report('mail', { trouble: { kind: 'needs-8bitmime' } }),
      ['refused', 'rejected message 5.6.3'],
      'same',
    ],
    [
      'UTF-8 address, not offered',
      report('mail', { trouble: { kind: 'needs-smtputf8' } }),
      ['refused', 'rejected message 5.6.7'],
      'same',
    ],
  ]),
  ...rows('RCPT', [
    ['RCPT 421', rcpt('421 4.3.2 bye'), ['temporary', 'deferred host 4.3.2 reply'], 'same'],
    ['RCPT 450 (greylisting)', rcpt('450 4.2.0 greylisted'), ['temporary', 'deferred recipient 4.2.0 reply'], 'same'],
    ['RCPT 452, none accepted', rcpt('452 4.5.3 too many'), ['temporary', 'deferred recipient 4.5.3 reply'], 'same'],
    ['RCPT 550', rcpt('550 no such user'), ['refused', 'rejected recipient 5.1.1'], 'same'],
    ['RCPT 550 5.1.1', rcpt('550 5.1.1 no such user'), ['refused', 'rejected recipient 5.1.1'], 'same'],
    ['RCPT 552 5.2.2 (full)', rcpt('552 5.2.2 full'), ['refused', 'rejected recipient 5.2.2'], 'same'],
    ['RCPT 553', rcpt('553 not allowed'), ['refused', 'rejected recipient 5.1.3'], 'same'],
    [
      'RCPT 554 5.7.1',
      rcpt('554 5.7.1 policy'),
      ['refused', 'rejected recipient 5.7.1'],
      ['temporary', 'deferred gateway 4.7.1 policy'],
    ],
    [
      'RCPT 554, relay access denied',
      rcpt('554 relay access denied'),
      ['refused', 'rejected recipient 5.0.0'],
      ['temporary', 'deferred gateway 4.7.1 relaying-denied'],
    ],
    [
      'RCPT 550, relaying denied',
      rcpt('550 relaying denied'),
      ['refused', 'rejected recipient 5.1.1'],
      ['temporary', 'deferred gateway 4.7.1 relaying-denied'],
    ],
    [
      'RCPT 530',
      rcpt('530 authentication required'),
      ['temporary', 'deferred host 4.7.10 tls-required'],
      ['silent', 'deferred gateway 4.7.1 auth'],
    ],
    [
      'RCPT 550 5.4.1',
      rcpt('550 5.4.1 no route'),
      ['refused', 'rejected recipient 5.4.1'],
      ['temporary', 'deferred host 4.4.1 reply'],
    ],
    [
      'RCPT 500, 502, 503, 504, 555',
      rcpt('503 5.5.1 order'),
      ['temporary', 'deferred host 4.5.0 unsupported-reply'],
      'same',
    ],
  ]),
  ...rows('DATA and the message', [
    ['DATA 421', data('421 bye'), ['temporary', 'deferred host 4.4.2 reply'], 'same'],
    ['DATA 4yz', data('451 later'), ['temporary', 'deferred message 4.0.0 reply'], 'same'],
    ['DATA 554', data('554 no'), ['refused', 'rejected message 5.0.0'], 'same'],
    [
      'DATA 554 5.7.1',
      data('554 5.7.1 no'),
      ['refused', 'rejected message 5.7.1'],
      ['temporary', 'deferred gateway 4.7.1 policy'],
    ],
    [
      'connection lost in the message',
      report('body', { trouble: { kind: 'connection-lost' }, recipients: accepted }),
      ['temporary', 'deferred host 4.4.2 connection-lost'],
      'same',
    ],
    [
      'time-out in the message',
      report('body', { trouble: { kind: 'timeout' }, recipients: accepted }),
      ['temporary', 'deferred host 4.4.2 timeout'],
      'same',
    ],
    ['final dot 250', final('250 2.0.0 queued'), ['accepted', 'delivered'], 'same'],
    ['final dot 421', final('421 4.3.2 bye'), ['temporary', 'deferred host 4.3.2 reply'], 'same'],
    ['final dot 4yz', final('452 4.3.1 no room'), ['temporary', 'deferred message 4.3.1 reply'], 'same'],
    ['final dot 550 5.6.0', final('550 5.6.0 bad message'), ['refused', 'rejected message 5.6.0'], 'same'],
    ['final dot 554', final('554 no'), ['refused', 'rejected message 5.0.0'], 'same'],
    ['final dot 552', final('552 too big'), ['refused', 'rejected message 5.3.4'], 'same'],
    [
      'final dot 550 5.7.1',
      final('550 5.7.1 spam'),
      ['refused', 'rejected message 5.7.1'],
      ['temporary', 'deferred gateway 4.7.1 policy'],
    ],
    [
      'no reply to the final dot',
      report('final', { trouble: { kind: 'connection-lost' }, recipients: accepted }),
      ['perhaps', 'deferred host 4.4.2 lost-after-dot'],
      'same',
    ],
  ]),
  ...rows('At any point', [
    [
      'malformed reply',
      report('mail', { trouble: { kind: 'malformed', line: '??' } }),
      ['temporary', 'deferred host 4.5.0 unsupported-reply'],
      'same',
    ],
    [
      '452 after others were accepted',
      report('final', {
        reply: reply('250 ok'),
        recipients: [
          { recipient: 1, rcptReply: reply('452 4.5.3 too many') },
          { recipient: 2, ...ok },
        ],
      }),
      ['soon', 'deferred recipient 4.5.3 too-many-recipients'],
      'same',
    ],
    [
      'trouble of our own (disk)',
      report('body', { trouble: { kind: 'local', detail: '' }, recipients: accepted }),
      ['own', 'deferred local 4.3.0 local'],
      'same',
    ],
  ]),
];

type Cell = readonly [Says, string];
type Row = readonly [string, EventRow['facts'], Cell | null, Cell | null | 'same'];

function rows(group: string, list: readonly Row[]): readonly EventRow[] {
  return list.map(([event, facts, server, gateway]) => ({
    group,
    event,
    facts,
    server,
    gateway: gateway === 'same' ? server : gateway,
  }));
}

/** Where in its way a recipient is. */
export type Way =
  /** Default logic: mode `never`, and unlisted domains in `domains`. */
  | 'default'
  | 'undelivered'
  /** Mode `onError`, the kind of the error is ticked. */
  | 'onError, ticked'
  | 'onError, not ticked'
  /** Mode `always`, and listed domains in `domains`. */
  | 'gateways only';

export type Place = 'direct' | 'direct, LAN address' | 'LAN host' | 'gateways';

/** What happens then. A place means: on to it, within the same attempt. */
export type Then = 'LAN host' | 'gateways' | 'Sent' | 'Outbox' | 'Bounced, returned' | 'Bad';

/** One rule. Absent `limit`: whether the limit is reached or not. `before`: what the steps before it came down to. */
export interface Rule {
  readonly ways: readonly Way[];
  readonly at: readonly Place[];
  readonly says: readonly Says[];
  readonly before?: 'refused' | 'not refused' | 'silent';
  readonly limit?: boolean;
  /** Gateway passes that counted before this one (mode `undelivered`). */
  readonly passes?: 'first or second' | 'third';
  readonly then: Then;
  readonly note?: string;
}

const ALL_WAYS: readonly Way[] = ['default', 'undelivered', 'onError, ticked', 'onError, not ticked', 'gateways only'];
const DIRECT_WAYS: readonly Way[] = ['default', 'undelivered', 'onError, ticked', 'onError, not ticked'];
/** Failure of the last direct place leads to the default logic at once. */
const PLAIN: readonly Way[] = ['default', 'onError, not ticked'];
const LAST_DIRECT: readonly Place[] = ['direct', 'LAN host'];

export const RULES: readonly Rule[] = [
  { ways: ALL_WAYS, at: ['direct', 'direct, LAN address', 'LAN host', 'gateways'], says: ['accepted'], then: 'Sent', note: 'through a gateway it is shown as *relayed*: not yet proof of delivery' },
  { ways: ALL_WAYS, at: ['direct', 'direct, LAN address', 'LAN host', 'gateways'], says: ['own'], then: 'Outbox', note: 'our own trouble never counts, and no message is given up for it' },
  { ways: ALL_WAYS, at: ['direct', 'direct, LAN address', 'LAN host', 'gateways'], says: ['soon'], then: 'Outbox', note: 'in a moment; does not count' },
  { ways: DIRECT_WAYS, at: ['direct, LAN address'], says: ['temporary', 'refused', 'silent'], then: 'LAN host', note: 'whatever went wrong on the Internet' },
  { ways: [...PLAIN, 'onError, ticked'], at: ['direct', 'direct, LAN address', 'LAN host'], says: ['perhaps'], limit: false, then: 'Outbox', note: 'never on to another hop: it may have been accepted, or the trouble is ours' },
  { ways: [...PLAIN, 'onError, ticked'], at: ['direct', 'direct, LAN address', 'LAN host'], says: ['perhaps'], limit: true, then: 'Bounced, returned' },
  { ways: ['undelivered'], at: ['direct', 'direct, LAN address', 'LAN host'], says: ['perhaps'], then: 'Outbox', note: 'past the limit the next attempt is a gateway pass' },

  { ways: PLAIN, at: ['direct'], says: ['temporary'], limit: false, then: 'Outbox' },
  { ways: PLAIN, at: ['direct'], says: ['temporary'], limit: true, then: 'Bounced, returned' },
  { ways: PLAIN, at: ['direct'], says: ['refused'], then: 'Bounced, returned' },
  { ways: PLAIN, at: ['LAN host'], says: ['temporary'], limit: false, then: 'Outbox' },
  { ways: PLAIN, at: ['LAN host'], says: ['temporary'], limit: true, then: 'Bounced, returned' },
  { ways: PLAIN, at: ['LAN host'], says: ['refused'], before: 'refused', then: 'Bounced, returned' },
  { ways: PLAIN, at: ['LAN host'], says: ['refused'], before: 'not refused', limit: false, then: 'Outbox', note: 'the Internet may still take it' },
  { ways: PLAIN, at: ['LAN host'], says: ['refused'], before: 'not refused', limit: true, then: 'Bounced, returned' },
  { ways: [...PLAIN, 'undelivered'], at: ['direct'], says: ['silent'], then: 'Outbox', note: 'does not count, and goes once there are names: no name server that can be believed' },

  { ways: ['undelivered'], at: LAST_DIRECT, says: ['temporary'], limit: false, then: 'Outbox' },
  { ways: ['undelivered'], at: LAST_DIRECT, says: ['temporary'], limit: true, then: 'gateways' },
  { ways: ['undelivered'], at: ['direct'], says: ['refused'], then: 'gateways' },
  { ways: ['undelivered'], at: ['LAN host'], says: ['refused'], before: 'refused', then: 'gateways' },
  { ways: ['undelivered'], at: ['LAN host'], says: ['refused'], before: 'not refused', limit: false, then: 'Outbox' },
  { ways: ['undelivered'], at: ['LAN host'], says: ['refused'], before: 'not refused', limit: true, then: 'gateways' },
  { ways: ['undelivered'], at: ['gateways'], says: ['refused'], then: 'Bounced, returned', note: 'by every gateway that could be used' },
  { ways: ['undelivered'], at: ['gateways'], says: ['temporary', 'perhaps'], passes: 'first or second', then: 'Outbox', note: 'the pass is repeated on the schedule' },
  { ways: ['undelivered'], at: ['gateways'], says: ['temporary', 'perhaps'], passes: 'third', then: 'Bounced, returned' },
  { ways: ['undelivered'], at: ['gateways'], says: ['silent'], then: 'Outbox', note: 'not a pass: no gateway could be reached or signed in to' },

  { ways: ['onError, ticked'], at: LAST_DIRECT, says: ['temporary', 'refused', 'silent'], then: 'gateways', note: 'within the same attempt' },
  { ways: ['onError, ticked'], at: ['gateways'], says: ['refused'], before: 'refused', then: 'Bounced, returned' },
  { ways: ['onError, ticked'], at: ['gateways'], says: ['refused'], before: 'not refused', limit: false, then: 'Outbox', note: 'the direct way may still take it' },
  { ways: ['onError, ticked'], at: ['gateways'], says: ['refused'], before: 'not refused', limit: true, then: 'Bounced, returned' },
  { ways: ['onError, ticked'], at: ['gateways'], says: ['refused'], before: 'silent', limit: false, then: 'Outbox' },
  { ways: ['onError, ticked'], at: ['gateways'], says: ['refused'], before: 'silent', limit: true, then: 'Bounced, returned' },
  { ways: ['onError, ticked'], at: ['gateways'], says: ['temporary', 'perhaps'], limit: false, then: 'Outbox' },
  { ways: ['onError, ticked'], at: ['gateways'], says: ['temporary', 'perhaps'], limit: true, then: 'Bounced, returned' },
  { ways: ['onError, ticked'], at: ['gateways'], says: ['silent'], before: 'silent', then: 'Outbox', note: 'does not count: nothing could be reached' },
  { ways: ['onError, ticked'], at: ['gateways'], says: ['silent'], before: 'refused', limit: false, then: 'Outbox', note: 'the gateways were not heard' },
  { ways: ['onError, ticked'], at: ['gateways'], says: ['silent'], before: 'refused', limit: true, then: 'Bounced, returned', note: 'the direct try counted' },
  { ways: ['onError, ticked'], at: ['gateways'], says: ['silent'], before: 'not refused', limit: false, then: 'Outbox' },
  { ways: ['onError, ticked'], at: ['gateways'], says: ['silent'], before: 'not refused', limit: true, then: 'Bounced, returned', note: 'the direct try counted' },

  { ways: ['gateways only'], at: ['gateways'], says: ['refused'], then: 'Bad', note: 'by every gateway that could be used' },
  { ways: ['gateways only'], at: ['gateways'], says: ['temporary', 'perhaps'], limit: false, then: 'Outbox' },
  { ways: ['gateways only'], at: ['gateways'], says: ['temporary', 'perhaps'], limit: true, then: 'Bad' },
  { ways: ['gateways only'], at: ['gateways'], says: ['silent'], then: 'Outbox', note: 'does not count: no gateway could be reached or signed in to' },
]; // prettier-ignore

/** Which way a recipient goes: mode by kind of recipient domain (spec §3.5). A literal is an address literal in public space. */
export const WAYS: Readonly<Record<string, Readonly<Record<'listed' | 'unlisted' | 'LAN' | 'literal', string>>>> = {
  never: { listed: 'default', unlisted: 'default', LAN: 'default', literal: 'default' },
  undelivered: { listed: 'undelivered', unlisted: 'undelivered', LAN: 'undelivered', literal: 'undelivered' },
  onError: { listed: 'onError', unlisted: 'onError', LAN: 'onError', literal: 'onError' },
  domains: { listed: 'gateways only', unlisted: 'default', LAN: 'default', literal: 'default' },
  always: { listed: 'gateways only', unlisted: 'gateways only', LAN: 'gateways only', literal: 'gateways only' },
};

/**
 * Unknown outcomes (spec §3.2): what was sent to its end without an answer, and where the next attempt goes. Hops are named
 * as in `hosts` and `gateways`, both in their usual order.
 */
export interface UnknownRow {
  readonly ways: readonly (Way | 'undelivered, passes')[];
  readonly hosts: readonly string[];
  readonly gateways: readonly string[];
  /** Unknown outcomes on this network so far. */
  readonly unknown: Readonly<Record<string, number>>;
  readonly when: string;
  /** Hops of the next attempt in their order; each is used only if all before it failed. Empty: it waits. */
  readonly next: readonly string[];
  /** The outcome is unknown at the first of these hops, or there is none, and the limit is reached. */
  readonly atLimit: Then;
}

const MAIL_SERVERS: readonly Way[] = ['default', 'onError, not ticked'];

export const UNKNOWN: readonly UnknownRow[] = [
  { ways: MAIL_SERVERS, hosts: ['MX 1', 'MX 2'], gateways: ['gateway 1'], unknown: { 'MX 1': 1 }, when: 'once or twice, another mail server', next: ['MX 2', 'MX 1'], atLimit: 'Bounced, returned' },
  { ways: MAIL_SERVERS, hosts: ['MX 1', 'MX 2'], gateways: ['gateway 1'], unknown: { 'MX 1': 2, 'MX 2': 1 }, when: 'at both, once or twice', next: ['MX 2', 'MX 1'], atLimit: 'Bounced, returned' },
  { ways: MAIL_SERVERS, hosts: ['MX 1', 'MX 2'], gateways: ['gateway 1'], unknown: { 'MX 1': 3 }, when: 'three times, another mail server', next: ['MX 2'], atLimit: 'Bounced, returned' },
  { ways: MAIL_SERVERS, hosts: ['MX 1'], gateways: ['gateway 1'], unknown: { 'MX 1': 2 }, when: 'once or twice, no other', next: ['MX 1'], atLimit: 'Bounced, returned' },
  { ways: MAIL_SERVERS, hosts: ['MX 1', 'MX 2'], gateways: ['gateway 1'], unknown: { 'MX 1': 3, 'MX 2': 3 }, when: 'three times at each', next: [], atLimit: 'Bounced, returned' },

  { ways: ['onError, ticked'], hosts: ['MX 1', 'MX 2'], gateways: ['gateway 1'], unknown: { 'MX 1': 1 }, when: 'once or twice, another mail server', next: ['MX 2', 'gateway 1', 'MX 1'], atLimit: 'Bounced, returned' },
  { ways: ['onError, ticked'], hosts: ['MX 1'], gateways: ['gateway 1'], unknown: { 'MX 1': 1 }, when: 'once or twice, no other mail server', next: ['gateway 1', 'MX 1'], atLimit: 'Bounced, returned' },
  { ways: ['onError, ticked'], hosts: ['MX 1'], gateways: ['gateway 1'], unknown: { 'MX 1': 3 }, when: 'three times', next: ['gateway 1'], atLimit: 'Bounced, returned' },
  { ways: ['onError, ticked'], hosts: ['MX 1'], gateways: ['gateway 1'], unknown: { 'MX 1': 3, 'gateway 1': 1 }, when: 'three times, at the gateway once or twice', next: ['gateway 1'], atLimit: 'Bounced, returned' },
  { ways: ['onError, ticked'], hosts: ['MX 1'], gateways: ['gateway 1'], unknown: { 'MX 1': 3, 'gateway 1': 3 }, when: 'three times at each', next: [], atLimit: 'Bounced, returned' },
  { ways: ['onError, ticked'], hosts: ['MX 1'], gateways: [], unknown: { 'MX 1': 3 }, when: 'three times, no gateway', next: [], atLimit: 'Bounced, returned' },

  { ways: ['undelivered'], hosts: ['MX 1', 'MX 2'], gateways: ['gateway 1'], unknown: { 'MX 1': 1 }, when: 'once or twice, another mail server', next: ['MX 2', 'MX 1'], atLimit: 'Outbox' },
  { ways: ['undelivered'], hosts: ['MX 1'], gateways: ['gateway 1'], unknown: { 'MX 1': 1 }, when: 'once or twice, no other', next: ['MX 1'], atLimit: 'Outbox' },
  { ways: ['undelivered'], hosts: ['MX 1'], gateways: ['gateway 1'], unknown: { 'MX 1': 3 }, when: 'three times at each', next: [], atLimit: 'gateways' },
  { ways: ['undelivered, passes'], hosts: ['MX 1'], gateways: ['gateway 1', 'gateway 2'], unknown: { 'gateway 1': 1 }, when: 'once or twice, another gateway', next: ['gateway 2', 'gateway 1'], atLimit: 'Bounced, returned' },
  { ways: ['undelivered, passes'], hosts: ['MX 1'], gateways: ['gateway 1'], unknown: { 'gateway 1': 3 }, when: 'three times at each', next: [], atLimit: 'Bounced, returned' },

  { ways: ['gateways only'], hosts: ['MX 1'], gateways: ['gateway 1', 'gateway 2'], unknown: { 'gateway 1': 1 }, when: 'once or twice, another gateway', next: ['gateway 2', 'gateway 1'], atLimit: 'Bad' },
  { ways: ['gateways only'], hosts: ['MX 1'], gateways: ['gateway 1', 'gateway 2'], unknown: { 'gateway 1': 3 }, when: 'three times, another gateway', next: ['gateway 2'], atLimit: 'Bad' },
  { ways: ['gateways only'], hosts: ['MX 1'], gateways: ['gateway 1'], unknown: { 'gateway 1': 2 }, when: 'once or twice, no other', next: ['gateway 1'], atLimit: 'Bad' },
  { ways: ['gateways only'], hosts: ['MX 1'], gateways: ['gateway 1', 'gateway 2'], unknown: { 'gateway 1': 3, 'gateway 2': 3 }, when: 'three times at each', next: [], atLimit: 'Bad' },
]; // prettier-ignore
