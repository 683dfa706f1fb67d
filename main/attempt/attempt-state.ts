/** What an attempt works with, and where each of its recipients stands. */
import type { OutgoingMessage, Delivery } from '../delivery/delivery-port.ts';
import type { Log } from '../log/log-port.ts';
import type { Environment, PlanStep, Route } from '../policy/model.ts';
import type { StepFact } from '../policy/explain.ts';
import type { ClaimedMessage, ClaimedRecipient, QueueStore } from '../queue/queue-store.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ConcludedRecipient, Moment } from './conclude.ts';
import type { FailedMessage } from './failed-message.ts';
import type { InFlightLimit } from './in-flight-limit.ts';

export interface AttemptDeps {
  readonly clock: Clock;
  readonly store: QueueStore;
  readonly delivery: Delivery;
  readonly log: Log;
  readonly reporter: Pick<Reporter, 'dueFor'>;
  /** Called once something that the sender has to be told is on disk. */
  readonly reportDue: () => void;
  /** The present moment; asked again before every decision. */
  readonly environment: () => Environment;
  /** Changes with the network: a failure on a network that is gone says nothing about the mail. */
  readonly networkEpoch: () => number;
  /** Changes whenever all waiting recipients are woken: a retry time decided before that no longer holds. */
  readonly wakes: () => number;
  /** The message as it goes out (with a DKIM signature in front, if one is configured). */
  readonly outgoing: (message: ClaimedMessage) => Promise<OutgoingMessage>;
  readonly inFlightLimit: InFlightLimit;
  /** The user deleted the message while it was being sent: transactions under way are finished, none is begun. */
  readonly isDeleted: (id: string) => boolean;
  /** Called with the hop key that a deferred recipient waits for. */
  readonly waitsFor: (hopKey: string) => void;
  /** Called once the message is in Bad or Bounced. */
  readonly failed: (message: FailedMessage) => void;
}

/** One attempt for one claimed message. */
export interface Attempt {
  readonly deps: AttemptDeps;
  readonly message: ClaimedMessage;
  readonly outgoing: OutgoingMessage;
  /** Aborts what is in flight: the network is gone, or the program ends. */
  readonly signal: AbortSignal;
  readonly state: AttemptState;
}

/** Everything that changes during an attempt. Plain data, fit for printing. */
export interface AttemptState {
  /** `AttemptDeps.networkEpoch` when the attempt began. */
  readonly networkEpoch: number;
  /** `AttemptDeps.wakes` when the attempt began. */
  readonly wakes: number;
  /** The network that the routes were planned for. */
  networkId: string | null;
  /** Where each claimed recipient stands, by its id. The one that changed last comes last. */
  readonly stages: Map<number, RecipientStage>;
  /** Something will be due again: a recipient waits for its retry, or was given back to the queue. */
  willBeDue: boolean;
}

/** Where one recipient stands in the attempt. */
export type RecipientStage =
  /** Given back untouched, because the queue holds. */
  | { readonly kind: 'held' }
  /** About to take the step that `routed` points at. */
  | { readonly kind: 'waiting'; readonly routed: RoutedRecipient }
  /** Delivery is taking that step. */
  | { readonly kind: 'in-flight'; readonly routed: RoutedRecipient }
  /** Decided. `recorded` once the decision is on disk. */
  | { readonly kind: 'concluded'; readonly concluded: ConcludedRecipient; readonly recorded: boolean }
  /** Given back without a decision, because the message was deleted meanwhile. */
  | { readonly kind: 'released' };

/** A recipient with its route and how far it has come on it. */
export interface RoutedRecipient {
  readonly recipient: ClaimedRecipient;
  readonly route: Exclude<Route, { readonly kind: 'hold' }>;
  /** Index of the next step of the route. */
  readonly stepIndex: number;
  /** `RecipientHistory.undeliverable`, as the last decision of this attempt left it. */
  readonly undeliverable: boolean;
  /** Steps that failed before, oldest first. */
  readonly stepsTaken: readonly StepFact[];
}

/** Recipients that take the same step together. */
export interface StepGroup {
  readonly step: PlanStep;
  readonly recipients: readonly RoutedRecipient[];
}

/** The state of an attempt that has done nothing yet. */
export function initialState(deps: Pick<AttemptDeps, 'networkEpoch' | 'wakes'>): AttemptState {
  return {
    networkEpoch: deps.networkEpoch(),
    wakes: deps.wakes(),
    networkId: null,
    stages: new Map(),
    willBeDue: false,
  };
}

/** Moves a recipient to another stage, and to the end of the list. */
export function setStage(state: AttemptState, recipientId: number, stage: RecipientStage): void {
  state.stages.delete(recipientId);
  state.stages.set(recipientId, stage);
}

/** The decisions that are not on disk yet, in the order in which they were made. */
export function unrecorded(state: AttemptState): readonly ConcludedRecipient[] {
  return [...state.stages.values()].flatMap((stage) =>
    stage.kind === 'concluded' && !stage.recorded ? [stage.concluded] : [],
  );
}

/** Wall clock less monotonic clock, in milliseconds: changes by as much as the clock is set. */
export function clockOffset(clock: Pick<Clock, 'now' | 'monotonic'>): number {
  return clock.now() - clock.monotonic();
}

/** The present moment, for a conclusion. */
export function momentOf({ deps, message, state }: Attempt): Moment {
  return {
    messageId: message.id,
    environment: deps.environment(),
    plannedFor: state.networkId,
    networkChanged: deps.networkEpoch() !== state.networkEpoch,
    clockOffset: clockOffset(deps.clock),
  };
}
