/**
 * The port between attempts and delivery: an attempt says which step to take for which recipients, delivery takes it over
 * its hops and says what each recipient was told. Delivery decides nothing about retrying, folders or bounces.
 */
import type { ErrorKind, HopAttempt, MessageDsn, QueueId, RecipientDsn, Verdict } from '../../shared/mail.ts';
import type { TestStep } from '../../shared/ipc-contract.ts';
import type { GatewaySettings } from '../../shared/settings.ts';
import type { GatewayState } from '../../shared/status.ts';
import type { PlanStep } from '../policy/model.ts';
import type { ResolverWatch } from '../dns/resolver-watch.ts';

/** A message as delivery needs it. */
export interface OutgoingMessage {
  readonly id: QueueId;
  readonly mailFrom: string | null;
  /** Octets that `read` yields in all. */
  readonly size: number;
  readonly dsn: MessageDsn;
  readonly body8bit: boolean;
  readonly smtputf8: boolean;
  /** The octets, CRLF line ends, not dot-stuffed. May be called several times (once per transaction). */
  read(): AsyncIterable<Uint8Array>;
}

/** A row of the timeline without what only the attempt knows: its number and the network's name. */
export type HopAttemptDraft = Omit<HopAttempt, 'attempt' | 'network'>;

/** What delivery reports while it takes a step, so that the attempt can limit and record what is in flight. */
export interface AttemptProgress {
  /**
   * Awaited before each transaction, once there is a session: takes a place of the in-flight limit, since only few
   * messages may be with a server while their record is not on disk. False: the message was deleted meanwhile, no place is
   * held, and nothing (more) of it is to be sent. Never rejects.
   */
  begin(signal: AbortSignal): Promise<boolean>;
  /** The transaction that was begun delivered to nobody, as far as is known: there is no record to wait for. */
  nobodyAccepted(): void;
  /**
   * Some recipients were accepted and others are not done. Resolves once it is on disk who was accepted; the others go on
   * only then (qmail's rule), so that a crash meanwhile sends nothing twice. Never rejects.
   */
  accepted(soFar: AcceptedSoFar): Promise<void>;
}

/** Everything that the step said until now. */
export type AcceptedSoFar = Pick<StepResult, 'tries' | 'verdicts' | 'dsnPassedOn'>;

/** A message for one step, and where the progress of that step is reported. */
export interface MessageInDelivery extends OutgoingMessage {
  readonly progress: AttemptProgress;
}

export interface OutgoingRecipient {
  readonly id: number;
  readonly rcptTo: string;
  readonly dsn: RecipientDsn;
}

/** What a step did. Every recipient that went in has exactly one verdict (asserted by delivery). */
export interface StepResult {
  /** In the order of their start. */
  readonly tries: readonly HopAttemptDraft[];
  readonly verdicts: ReadonlyMap<number, Verdict>;
  /** For recipients that failed in a direct or LAN step. */
  readonly errorKinds: ReadonlyMap<number, ErrorKind>;
  /** Hop key that a deferred recipient waits for ("gateway:<id>", "mx:<domain>"), when the hop and not the mail was at fault. */
  readonly waitsFor: ReadonlyMap<number, string>;
  /** True if no hop was reached or signed in to at all (spec §4.3: does not count). */
  readonly nothingReached: boolean;
  /** Recipients whose next hop took DSN parameters over (RFC 3461 §5.2.2): no "relayed" report is due from us. */
  readonly dsnPassedOn: ReadonlySet<number>;
}

export interface Delivery {
  /**
   * Takes one step for recipients that share it. Never rejects, except when `signal` aborts before anything was sent;
   * trouble of our own comes back as verdicts with scope `local`.
   */
  run(
    step: PlanStep,
    message: MessageInDelivery,
    recipients: readonly OutgoingRecipient[],
    signal: AbortSignal,
  ): Promise<StepResult>;
  /** Domains to which no further transaction can start now (per-hop limits): no mail is claimed for them. */
  busyDomains(): readonly string[];
  /**
   * The network changed or is gone, and these addresses are left: drop connections, forget what is known of the past. A
   * message that has been sent to its end over an address that is left has 2 s to hear the reply.
   */
  networkChanged(addresses: readonly string[]): void;
  /** Addresses of this computer are gone, the network is the same: drops what is bound to none of those that are left. */
  dropConnections(addresses: readonly string[]): void;
  /** Forgets which hops failed a moment ago, so that none is skipped: the user asked to send now (spec §3.3). */
  forgetFailures(): void;
  /** Connects to every enabled gateway, or to those of `only`, side by side: greeting, EHLO, TLS; no sign-in, no mail (spec §3.3). */
  probeGateways(signal: AbortSignal, only?: readonly string[]): Promise<void>;
  /** A new password or sign-in: forgets the old one's refusal and tries it at once, without mail. Never rejects. */
  credentialsChanged(gatewayId: string, signal: AbortSignal): Promise<void>;
  gatewayStates(): readonly GatewayState[];
  /** Settings ▸ Test (spec §3.4): each step in words. `secret` null: use the stored one. */
  testGateway(gateway: GatewaySettings, secret: string | null, signal: AbortSignal): Promise<readonly TestStep[]>;
  /** Called when a hop works again: what waits for it is woken. Returns its unsubscribe. */
  onHopWorks(listener: (hopKey: string) => void): () => void;
  /** Called when what is known of the gateways changed. Returns its unsubscribe. */
  onGatewaysChanged(listener: () => void): () => void;
  /** Whether mail waits for names on this network (spec §4.4), and when they are back. */
  readonly names: Pick<ResolverWatch, 'trouble' | 'onChange' | 'onBack'>;
  /** Ends connections politely within `ms`, then hard. */
  close(ms: number): Promise<void>;
}
