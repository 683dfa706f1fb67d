/**
 * Between engine and delivery: the engine says which step to take for which recipients, delivery takes it over its
 * hops and says what each recipient was told. Delivery decides nothing about retrying, folders or bounces.
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

/** What the caller writes down while delivery is at it. */
export interface Journal {
  /**
   * Awaited once a session is had, before each transaction: few messages may be with a server while their record is not
   * on disk. False: the message was deleted meanwhile, and nothing (more) is to be sent of it; there is no place to give
   * back then. Never rejects.
   */
  begin(signal: AbortSignal): Promise<boolean>;
  /** What was begun took nobody (as far as is known): no record has to be waited for. */
  tookNobody(): void;
  /**
   * Some recipients were taken and others are not done: resolves when it is on disk who was taken. Only then the others go
   * on (qmail's rule), so that a crash meanwhile sends nothing again. Never rejects.
   */
  taken(soFar: Pick<StepResult, 'tries' | 'verdicts' | 'dsnPassedOn'>): Promise<void>;
}

/** A message on its way through one step. */
export interface TravellingMessage extends OutgoingMessage {
  readonly journal: Journal;
}

export interface OutgoingRecipient {
  readonly id: number;
  readonly rcptTo: string;
  readonly dsn: RecipientDsn;
}

/** What a step did. Every recipient that went in has exactly one verdict (asserted by delivery). */
export interface StepResult {
  /** Timeline rows in the order of their start; the engine adds attempt number and network name. */
  readonly tries: readonly Omit<HopAttempt, 'attempt' | 'network'>[];
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
    message: TravellingMessage,
    recipients: readonly OutgoingRecipient[],
    signal: AbortSignal,
  ): Promise<StepResult>;
  /** True if a transaction to this hop key could start now (per-hop limits): the engine claims no mail for busy ones. */
  busyDomains(): readonly string[];
  /**
   * The network changed or is gone, and these addresses are left: drop connections, forget what is known of the past. A
   * message that has been sent to its end over an address that is left has 2 s to hear the reply.
   */
  networkChanged(addresses: readonly string[]): void;
  /** Addresses of this computer are gone, the network is the same: drops what is bound to none of those that are left. */
  dropConnections(addresses: readonly string[]): void;
  /** Forgets "passed over" memory: the user asked to send now (spec §3.3). */
  forgetFailures(): void;
  /** Connects to every enabled gateway, or to those of `only`, side by side: greeting, EHLO, TLS; no sign-in, no mail (spec §3.3). */
  probeGateways(signal: AbortSignal, only?: readonly string[]): Promise<void>;
  /** A new password or sign-in: forgets the old one's refusal and tries it at once, without mail. Never rejects. */
  credentialsChanged(gatewayId: string, signal: AbortSignal): Promise<void>;
  gatewayStates(): readonly GatewayState[];
  /** Settings ▸ Test (spec §3.4): each step in words. `secret` null: use the stored one. */
  testGateway(gateway: GatewaySettings, secret: string | null, signal: AbortSignal): Promise<readonly TestStep[]>;
  /** Tells when a hop works again: the engine releases what waits for it. Returns its unsubscribe. */
  onHopWorks(listener: (hopKey: string) => void): () => void;
  /** Tells when what is known of the gateways changed. Returns its unsubscribe. */
  onGatewaysChanged(listener: () => void): () => void;
  /** Whether mail waits for names on this network (spec §4.4), and when they are back. */
  readonly names: Pick<ResolverWatch, 'trouble' | 'onChange' | 'onBack'>;
  /** Ends connections politely within `ms`, then hard. */
  close(ms: number): Promise<void>;
}
