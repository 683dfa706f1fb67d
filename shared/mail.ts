/**
 * The words of the queue, shared by engine, windows and command line. Times are milliseconds since the epoch
 * unless a name says otherwise; sizes are octets.
 */

/** Our own id of a message in the queue; not the Message-ID header. */
export type QueueId = string;

/** spec §2. The folder follows from the recipients' states, except `deleted`, which the user decides. */
export type Folder = 'outbox' | 'sent' | 'bad' | 'bounced' | 'deleted';
export const FOLDERS: readonly Folder[] = ['outbox', 'sent', 'bad', 'bounced', 'deleted'];

/** What a list of messages can be sorted by: the columns of the table. */
export const SORT_KEYS = ['state', 'from', 'to', 'subject', 'size', 'age', 'next', 'via'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/**
 * Where one recipient stands. Pending: queued (never tried), attempting (in flight), deferred (tried, will be tried
 * again), held (not tried, by decision). Final: delivered (accepted by the recipient's own mail server), relayed
 * (accepted by a gateway: not yet proof of delivery), bounced, bad, replaced (closed by the user, who sent the message
 * again to other addresses in its place).
 */
export const RECIPIENT_STATES = [
  'queued',
  'attempting',
  'deferred',
  'held',
  'delivered',
  'relayed',
  'bounced',
  'bad',
  'replaced',
] as const;
export type RecipientState = (typeof RECIPIENT_STATES)[number];

/** True while the recipient keeps its message in the Outbox (spec §2). */
export function isPending(state: RecipientState): boolean {
  return state === 'queued' || state === 'attempting' || state === 'deferred' || state === 'held';
}

/** A server has taken it. */
export function isAccepted(state: RecipientState): boolean {
  return state === 'delivered' || state === 'relayed';
}

/** Given up. */
export function isFailed(state: RecipientState): boolean {
  return state === 'bounced' || state === 'bad';
}

/** A server's reply (RFC 5321 §4.2). `text` holds the lines joined by "\n", without codes; control characters removed. */
export interface SmtpReply {
  readonly code: number;
  /** Enhanced status code as the server gave it (RFC 3463), e.g. "5.1.1". */
  readonly enhanced?: string;
  readonly text: string;
}

/** RFC 3463 status, "class.subject.detail". */
export type EnhancedStatus = `${2 | 4 | 5}.${number}.${number}`;

/** Why something was deferred; one plain sentence exists for each in the catalogue. */
export type DeferReason =
  | 'reply' // a 4yz to the recipient or the message
  | 'unsupported-reply' // malformed or missing reply (standards 39)
  | 'too-many-recipients' // 452 after N recipients (standards 40): go on soon
  | 'greeting' // 4yz/5yz greeting, EHLO refused
  | 'connection-refused'
  | 'timeout'
  | 'unreachable'
  | 'connection-lost'
  | 'lost-after-dot' // outcome unknown: possibly delivered twice (RFC 1047)
  | 'unknown-outcomes' // not tried: every hop left the outcome open too often here (spec §3.2)
  | 'dns' // SERVFAIL, time-out, no DNS server
  | 'no-names' // the name server of this network knows no names at all (spec §4.4)
  | 'one-address' // it gives an invented address to every name (spec §4.4): nothing was connected to
  | 'tls'
  | 'tls-required' // MTA-STS or "starttls = required" could not be met
  | 'auth' // sign-in refused or not possible
  | 'no-secret' // the password is missing or could not be read
  | 'relaying-denied'
  | 'policy' // 5.7.x of a gateway
  | 'direct-blocked' // this network blocks direct delivery (spec §4.4): not tried
  | 'intercepted' // banner or certificate is not the asked host's (spec §4.4)
  | 'no-gateway' // none enabled, none fits
  | 'gateways-unreachable' // all that fit are passed over or unreachable here
  | 'local' // our own disk, memory, a bug
  | 'crashed'; // outcome unknown: the program ended in mid-attempt

/** Why nothing is tried at all (spec §3.5, §4.3, §7). `settings`: a setting that restricts where mail may go cannot be read. */
export type HoldReason = 'paused' | 'settings' | 'no-network' | 'dial-up' | 'captive-portal' | 'no-dns';

/**
 * What one attempt step said about one recipient. `rejected` cannot carry scope gateway or local: mail can never bounce
 * because our own set-up is wrong.
 */
export type Verdict =
  | { readonly kind: 'delivered'; readonly reply: SmtpReply }
  | {
      readonly kind: 'rejected';
      readonly scope: 'recipient' | 'message';
      readonly status: EnhancedStatus;
      readonly reply?: SmtpReply;
    }
  | {
      readonly kind: 'deferred';
      readonly scope: 'recipient' | 'message' | 'host' | 'gateway' | 'local';
      readonly status: EnhancedStatus;
      readonly why: DeferReason;
      readonly reply?: SmtpReply;
    };

/** Kinds of error that the mode `onError` can be ticked for (spec §3.6). */
export type ErrorKind = 'lan' | 'dns' | 'smtp';

/** Where an SMTP conversation had got to. */
export type SmtpPhase =
  'dns' | 'connect' | 'greeting' | 'ehlo' | 'starttls' | 'tls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'body' | 'final';

/** One concrete place that was or will be tried. */
export interface HopRef {
  readonly kind: 'mx' | 'lan' | 'gateway';
  /** Host name (A-labels) or address literal without brackets. */
  readonly host: string;
  readonly port: number;
  /** The address that was connected to, once known. */
  readonly address?: string;
  readonly gatewayId?: string;
  /** Gateway's name as the user gave it, kept so that the timeline stays readable after the gateway was deleted. */
  readonly gatewayName?: string;
}

/** What TLS was in use on a connection. */
export interface TlsInfo {
  readonly protocol: string;
  readonly cipher?: string;
  /** True if the certificate chain and the host name were verified. */
  readonly verified: boolean;
}

/** What one recipient was told by one hop, for the timeline. */
export interface TryOutcome {
  readonly recipient: number;
  readonly verdict: Verdict;
}

/**
 * One row of the timeline: one hop that was connected to (or could not be) for one message. An attempt is one or more
 * of these with the same `attempt` number.
 */
export interface HopAttempt {
  readonly attempt: number;
  readonly hop: HopRef;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Name of the network of that moment, null if unknown. */
  readonly network: string | null;
  readonly phase: SmtpPhase;
  readonly tls: TlsInfo | null;
  /** True if the hop was skipped without a connection, because it failed on this network a moment ago (spec §3.3). */
  readonly skipped?: boolean;
  /** In words, when there is no server reply to show: "connection refused". Never a secret. */
  readonly error?: string;
  readonly outcomes: readonly TryOutcome[];
}

/** DSN requests of one recipient (RFC 3461 §4.1, §4.2), decoded. */
export interface RecipientDsn {
  /** Absent: the default (FAILURE, and DELAY as configured). */
  readonly notify?: readonly ('never' | 'success' | 'failure' | 'delay')[];
  /** "type;address", decoded xtext. */
  readonly orcpt?: string;
}

/** DSN requests of the message (RFC 3461 §4.3, §4.4), decoded. */
export interface MessageDsn {
  readonly ret?: 'full' | 'hdrs';
  readonly envid?: string;
}

/** Counts of messages per folder; `unseen` counts those in Bad and Bounced that the user has not looked at. */
export interface FolderCounts {
  readonly outbox: number;
  readonly sent: number;
  readonly bad: number;
  readonly bounced: number;
  readonly deleted: number;
  readonly unseenBad: number;
  readonly unseenBounced: number;
}

/** One row of the message table. */
export interface MessageRow {
  readonly id: QueueId;
  readonly folder: Folder;
  /** Short state for the row: the most urgent of the recipients' states. */
  readonly state: RecipientState;
  readonly mailFrom: string | null;
  /** First recipients (at most 3) and how many there are in all. */
  readonly to: readonly string[];
  readonly recipientCount: number;
  readonly subject: string;
  readonly size: number;
  readonly acceptedAt: number;
  /** Some recipient that is neither delivered nor replaced may have arrived all the same (spec §2). */
  readonly mayHaveArrived: boolean;
  /** Earliest next attempt of a pending recipient. */
  readonly nextAt: number | null;
  /** Name of the gateway or host that took it last, or that was tried last. */
  readonly via: string | null;
  /** Last words of a server or of the program about it, one line. */
  readonly lastWords: string | null;
  readonly seen: boolean;
}

/** One recipient in the message pane. */
export interface RecipientView {
  readonly id: number;
  readonly rcptTo: string;
  readonly state: RecipientState;
  /** Not delivered as far as is known, but a try ended without an answer after all was sent (spec §2). */
  readonly mayHaveArrived: boolean;
  readonly attempts: number;
  readonly nextAt: number | null;
  readonly doneAt: number | null;
  readonly reply: SmtpReply | null;
  readonly status: string | null;
  readonly hop: HopRef | null;
  /** Why it went (or waits) this way, in plain sentences, ready to show (spec §9). */
  readonly why: readonly Phrase[];
}

/** Everything the message pane shows, but the bytes. */
export interface MessageDetails extends MessageRow {
  readonly messageId: string | null;
  readonly headerFrom: string | null;
  readonly origin: MessageOrigin;
  readonly recipients: readonly RecipientView[];
  /** In time order, oldest first; at most the newest 500. */
  readonly timeline: readonly HopAttempt[];
}

/** How a message came to us. */
export type MessageOrigin =
  | { readonly kind: 'smtp'; readonly client: string; readonly user?: string }
  | { readonly kind: 'sendmail' }
  | { readonly kind: 'report'; readonly about: QueueId } // a DSN that we made
  | { readonly kind: 'resent'; readonly from: QueueId }
  | { readonly kind: 'test' }; // asked for in the window, to see whether mail goes through

/**
 * A sentence to be said in the user's language: an id of the catalogue (shared/catalogue) and what to put into it.
 * Facts travel as phrases, words are put to them where they are shown.
 */
export interface Phrase {
  readonly id: string;
  readonly params?: Readonly<Record<string, string | number>>;
}
