/**
 * The facts that policy decides on and the decisions that it returns, as policy, delivery and attempts exchange them. Pure
 * data.
 */
import type {
  DeferReason,
  ErrorKind,
  HoldReason,
  HopRef,
  RecipientState,
  SmtpPhase,
  SmtpReply,
  TlsInfo,
  Verdict,
} from '../../shared/mail.ts';
import type { SecretMisfit, SecretUse } from '../../shared/secret-binding.ts';
import type { GatewaySettings, Settings } from '../../shared/settings.ts';
import type { LeftOutGateway } from './gateway-order.ts';
import type { Doubts, UnknownOutcome } from './unknown-outcome.ts';

/** Why an SMTP session or transaction ended without a usable reply. */
export type SessionTrouble =
  | { readonly kind: 'refused' | 'unreachable' | 'timeout' | 'connection-lost' }
  | { readonly kind: 'malformed'; readonly line: string }
  | {
      readonly kind: 'tls';
      readonly problem: 'handshake' | 'certificate' | 'name' | 'not-offered' | 'protocol';
      readonly detail: string;
    }
  | { readonly kind: 'auth-not-possible'; readonly detail: string } // no common mechanism, or not encrypted
  /** `why`: one is kept, but was given for something else. */
  | { readonly kind: 'no-secret'; readonly why?: SecretMisfit; readonly use?: SecretUse }
  /** OAuth 2: the access token could not be renewed now; the sign-in itself stands. */
  | { readonly kind: 'token-later'; readonly detail: string }
  /** The proxy refused the connection, or cannot be reached. */
  | { readonly kind: 'proxy'; readonly detail: string }
  | { readonly kind: 'not-smtp'; readonly line: string } // speaks HTTP, endless banner, …
  | { readonly kind: 'intercepted'; readonly detail: string }
  | { readonly kind: 'too-large'; readonly limit: number } // over the SIZE that the server announced (standards 46)
  | { readonly kind: 'needs-8bitmime' | 'needs-smtputf8' } // standards 45
  | { readonly kind: 'local'; readonly detail: string }; // our own side: disk, bug

/** What happened with one recipient in one transaction. */
export interface RecipientFact {
  readonly recipient: number;
  /** Reply to RCPT TO; null if none came. */
  readonly rcptReply: SmtpReply | null;
}

/**
 * Facts of one transaction on one hop, or of the failure to get that far. No judgement: `classify` makes verdicts of it.
 */
export interface SessionReport {
  readonly hop: HopRef;
  /** How far it got. */
  readonly phase: SmtpPhase;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly tls: TlsInfo | null;
  /** Reply that ended it or the final reply after the dot; null if there was none. */
  readonly reply: SmtpReply | null;
  readonly trouble: SessionTrouble | null;
  /** True once the final dot was handed to the socket (then no reply = outcome unknown). */
  readonly dotSent: boolean;
  /** Every recipient of the transaction, in order. */
  readonly recipients: readonly RecipientFact[];
}

/**
 * What is doubted about the hosts of a direct or LAN step. Recipients of one message that differ in it take different
 * steps, those that do not share one.
 */
export interface HostDoubts {
  /** Hosts that may have taken the message before; they come last. Absent: none. */
  readonly doubts?: Doubts;
  /** Only hosts without doubt, or only the doubtful ones: the gateways come in between. Absent: all. */
  readonly only?: 'sure' | 'doubtful';
}

/** One step of a route. `direct` and `lan` are expanded to hosts at attempt time. */
export type PlanStep =
  | ({ readonly kind: 'direct'; readonly domain: string } & HostDoubts)
  | ({ readonly kind: 'lan'; readonly domain: string; readonly host: string; readonly port: number } & HostDoubts)
  /**
   * A gateway pass down this list; ids in order of use. Those at its end that are `doubtful` may have taken the message
   * before: they are used only if every other one failed to take it. Absent: none.
   */
  | { readonly kind: 'gateways'; readonly ids: readonly string[]; readonly doubtful?: readonly string[] };

/** What one attempt of one recipient will do, as far as can be said beforehand. */
export type Route =
  | {
      readonly kind: 'steps';
      readonly steps: readonly PlanStep[];
      readonly because: RouteReason;
      /** Gateways that are not in the plan, for `explain`. */
      readonly leftOut: readonly LeftOutGateway[];
    }
  | { readonly kind: 'hold'; readonly reason: HoldReason }
  /** Only gateways may be used and none is usable: a temporary failure, in plain words (spec §3.5). */
  | { readonly kind: 'no-gateway'; readonly because: RouteReason; readonly leftOut: readonly LeftOutGateway[] };

/** Why this route, for `explain`. */
export type RouteReason =
  | 'mode-never'
  | 'mode-undelivered'
  | 'undelivered-pass'
  | 'mode-on-error'
  | 'domain-listed'
  | 'domain-unlisted'
  | 'mode-always'
  | 'user-chose-gateway';

/** History of one recipient that routes and decisions depend on. */
export interface RecipientHistory {
  readonly id: number;
  readonly rcptTo: string;
  readonly state: RecipientState;
  readonly acceptedAt: number;
  /** Start of the count for the limit: acceptance, or the user's last retry. */
  readonly countedFrom: number;
  /** Attempts that count (spec §4.3). */
  readonly attempts: number;
  /** Place in the retry schedule. */
  readonly retryIndex: number;
  /** Gateway passes made in mode `undelivered` since it became undeliverable. */
  readonly gatewayPasses: number;
  /** True once direct delivery was given up in mode `undelivered`. */
  readonly undeliverable: boolean;
  /** Gateway that the user chose for the next attempt ("send through"). */
  readonly forcedGateway: string | null;
  /** Last attempt that was made on a working connection, null = never (spec §4.3). */
  readonly lastCountedAt: number | null;
  /** Hops that may have taken the message already; empty once it is delivered (spec §3.2). */
  readonly unknownOutcomes: readonly UnknownOutcome[];
}

/** The present moment, as far as routes depend on it. */
export interface Environment {
  readonly settings: Settings;
  readonly now: number;
  readonly networkId: string | null;
  readonly networkName: string | null;
  /** Every other name that gateways may be limited to: SSID and connection names of the links, VPNs among them. */
  readonly linkNames?: readonly string[];
  /** Everything that makes the queue hold; null = nothing does. */
  readonly hold: HoldReason | null;
  readonly ownNames: readonly string[];
}

/** What to do with a recipient after a step (or when a route could not be taken). */
export type NextStep =
  | { readonly kind: 'step'; readonly index: number; readonly undeliverable: boolean }
  | { readonly kind: 'delivered'; readonly relayed: boolean }
  | {
      readonly kind: 'retry';
      readonly at: number;
      /** Does this attempt count against the limit? (spec §4.3) */
      readonly counted: boolean;
      readonly retryIndex: number;
      readonly gatewayPasses: number;
      readonly undeliverable: boolean;
      /** Hop key it waits for: released when that hop works again. Null: waits for its time alone. */
      readonly waitsFor: string | null;
    }
  /** spec §3.5: Bounced = returned to the sender if §6 says so; Bad = the user decides. */
  | { readonly kind: 'fail'; readonly folder: 'bounced' | 'bad'; readonly expired: boolean; readonly status: string };

/** What ends an attempt for a recipient. */
export type Decision = Exclude<NextStep, { readonly kind: 'step' }>;

/** Facts about a recipient's attempt so far, given to `nextStep`. */
export interface StepOutcome {
  readonly step: PlanStep | null;
  readonly stepIndex: number;
  readonly verdict: Verdict;
  /** Kind of error per spec §3.6 if the verdict is a failure of a direct or LAN step. */
  readonly errorKind: ErrorKind | null;
  /**
   * spec §4.3. Gateways: true if none could be reached or signed in to. Direct and LAN: true only if no DNS server
   * answered (`classifyDns` says so); a mail server that is down is the recipient's trouble and counts.
   */
  readonly nothingReached: boolean;
}

export type { DeferReason, ErrorKind, GatewaySettings, HoldReason, HopRef, SmtpReply, Verdict };
