/**
 * One attempt for one claimed message: asks policy for each recipient's route, takes the steps over delivery, asks
 * policy what comes next, and records. Gathers facts and carries out decisions; makes none itself.
 */
import type { HopAttempt, Verdict } from '../../shared/mail.ts';
import { assertNever } from '../../shared/result.ts';
import { retryStoreOperation } from './store-retry.ts';
import type { Delivery, Journal, OutgoingMessage, StepResult, TravellingMessage } from '../delivery/delivery-port.ts';
import type { InFlightLimit } from './in-flight-limit.ts';
import { failedFolder } from '../policy/bounce-decision.ts';
import { clockSetBy } from '../policy/clock-set.ts';
import { factsOf, type StepFact } from '../policy/explain.ts';
import { nextStep, verdictWithoutStep } from '../policy/next-step.ts';
import { planRoute } from '../policy/plan-route.ts';
import { spread } from '../policy/retry-schedule.ts';
import type { NextStep, PlanStep, Route, Environment } from '../policy/model.ts';
import { hopKey, isOutOfHops, mayHaveArrived, noteUnknown, type UnknownOutcome } from '../policy/unknown-outcome.ts';
import type { Log } from '../log/log-port.ts';
import type {
  AttemptRecord,
  ClaimedMessage,
  ClaimedRecipient,
  QueueStore,
  RecipientUpdate,
} from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { FailedMessage, ConcludedRecipient, Reporter } from '../report/reporter.ts';

export interface AttemptDeps {
  readonly clock: Clock;
  readonly store: QueueStore;
  readonly delivery: Delivery;
  readonly log: Log;
  readonly reporter: Pick<Reporter, 'dueFor'>;
  /** Told once something that the sender is to be told is on disk. */
  readonly reportDue: () => void;
  /** The present moment; asked again before every decision. */
  readonly world: () => Environment;
  /** Changes whenever the network does: trouble on a network that is gone says nothing about the mail. */
  readonly networkEpoch: () => number;
  /** Changes whenever everything that waits is woken: what an attempt that began before then comes to is old news. */
  readonly wakes: () => number;
  /** The message as it goes out (with a DKIM signature in front, if one is configured). */
  readonly outgoing: (message: ClaimedMessage) => Promise<OutgoingMessage>;
  /** Few messages at a time may be with a server while their record is not on disk. */
  readonly places: InFlightLimit;
  /** The user put it into Deleted while it was being sent: what is with a server comes to its end, nothing more is tried. */
  readonly isDeleted: (id: string) => boolean;
  /** Told which hop key a deferred recipient waits for. */
  readonly waitsFor: (hopKey: string) => void;
  /** Told once the message stands in Bad or Bounced. */
  readonly failed: (message: FailedMessage) => void;
}

/** One recipient on its way through the steps of its route. */
interface Traveller {
  readonly recipient: ClaimedRecipient;
  readonly route: Route;
  readonly stepIndex: number;
  readonly undeliverable: boolean;
  readonly trail: readonly StepFact[];
}

/**
 * Runs the attempt to its end: every claimed recipient is recorded or given back. Rejects only if the store refuses both.
 * @param signal Aborts what is in flight (network gone, shutdown); such recipients are tried again and nobody is blamed.
 * @returns True if something came of it that will be due: a retry, a recipient given back.
 */
export async function runAttempt(deps: AttemptDeps, message: ClaimedMessage, signal: AbortSignal): Promise<boolean> {
  let somethingWaits = false;
  const epoch = deps.networkEpoch();
  const wakes = deps.wakes();
  const outgoing = await deps.outgoing(message);
  /** Failures wait for the end of the attempt: the user is told once, not for each recipient. */
  const failed: ConcludedRecipient[] = [];

  const start = deps.world();
  const travellers: Traveller[] = [];
  const giveBack: number[] = [];
  const stuck: ConcludedRecipient[] = [];
  for (const recipient of message.recipients) {
    const route = planRoute(recipient, message.mailFrom, start);
    switch (route.kind) {
      case 'hold':
        giveBack.push(recipient.id);
        break;
      case 'no-gateway':
      case 'steps':
        travellers.push({ recipient, route, stepIndex: 0, undeliverable: recipient.undeliverable, trail: [] });
        break;
      default:
        assertNever(route);
    }
  }
  if (giveBack.length > 0) somethingWaits = true;
  if (giveBack.length > 0) await deps.store.release(giveBack, { nextAt: start.now, held: true });

  const settle = (
    traveller: Traveller,
    verdict: Verdict,
    decision: ConcludedRecipient['decision'],
    result: Taken,
  ): ConcludedRecipient => {
    const stale =
      verdict.kind === 'deferred' &&
      !mayHaveArrived(verdict) &&
      verdict.scope !== 'recipient' &&
      verdict.scope !== 'message' &&
      deps.networkEpoch() !== epoch;
    const row = rowOf(result, traveller.recipient.id, verdict);
    return {
      recipient: traveller.recipient,
      route: traveller.route,
      trail: traveller.trail,
      verdict,
      unknownOutcomes: unknownAfter(traveller.recipient, verdict, row, start.networkId),
      decision: stale || result.interrupted ? { ...afresh(traveller.recipient), at: deps.clock.now() } : decision,
      row,
      // The hop works for others: that is no reason to risk another copy before the schedule says so.
      waitsFor:
        stale || mayHaveArrived(verdict) || isOutOfHops(verdict)
          ? null
          : (result.waitsFor.get(traveller.recipient.id) ?? null),
      dsnPassedOn: result.dsnPassedOn.has(traveller.recipient.id),
      clockOffset: offsetOf(deps.clock),
    };
  };

  /**
   * Settings were changed or the user said *send now* meanwhile: it goes again at once, as if it had waited then. A clock
   * that was set back meanwhile does not put it off.
   */
  const asOfNow = (f: ConcludedRecipient): ConcludedRecipient => {
    if (f.decision.kind !== 'retry') return f;
    const woken = deps.wakes() !== wakes && !mayHaveArrived(f.verdict);
    const at = f.decision.at + Math.min(0, clockSetBy(f.clockOffset, offsetOf(deps.clock)));
    return { ...f, decision: { ...f.decision, at: woken ? Math.min(at, deps.clock.now()) : at } };
  };

  const record = async (finished: readonly ConcludedRecipient[], tries: readonly HopAttempt[]): Promise<void> => {
    if (finished.length === 0 && tries.length === 0) return;
    // Made anew for each try: while the disk was full, what waits may have been woken.
    // A store that is being reopened must not lose the word of who was accepted.
    const written = await retryStoreOperation(deps, 'record', async () => {
      const now = finished.map(asOfNow);
      const updates = now.map((f) => toUpdate(deps, message, f));
      for (const { waitsFor } of updates) if (waitsFor !== null) deps.waitsFor(waitsFor);
      await deps.store.record({
        messageId: message.id,
        tries,
        updates,
        invalidAddresses: finished.flatMap((f) => invalidAddress(f)),
      });
      if (updates.some((update) => update.report)) deps.reportDue();
      somethingWaits ||= updates.some((update) => update.nextAt !== null);
      return now;
    });
    for (const f of written) logFinished(deps.log, message, f);
  };

  /** What the step's result means for one recipient: done with it, or on to another step. */
  const conclude = (traveller: Traveller, step: PlanStep, result: Taken): ConcludedRecipient | Traveller => {
    const { recipient, route } = traveller;
    const world = deps.world();
    const verdict = result.verdicts.get(recipient.id);
    if (verdict === undefined) throw new Error('a recipient came back from a step without a verdict');
    const errorKind = result.errorKinds.get(recipient.id) ?? null;
    const moved: Traveller = {
      ...traveller,
      trail: [
        ...traveller.trail,
        {
          step,
          verdict,
          errorKind,
          hop: rowOf(result, recipient.id, verdict)?.hop ?? null,
          nothingReached: result.nothingReached,
          skipped: skippedGateways(result, recipient.id),
        },
      ],
    };
    const decision = nextStep(
      { ...recipient, undeliverable: traveller.undeliverable },
      route,
      { step, stepIndex: traveller.stepIndex, verdict, errorKind, nothingReached: result.nothingReached },
      world,
      spread(message.id),
      traveller.trail,
    );
    return decision.kind === 'step'
      ? { ...moved, stepIndex: decision.index, undeliverable: decision.undeliverable }
      : settle(moved, verdict, decision, result);
  };

  /** Of a message that was deleted meanwhile: they stay as they were, and go when it is restored. */
  const rest = async (those: readonly Traveller[]): Promise<void> => {
    const ids = those.map(({ recipient }) => recipient.id);
    // It may be back by then.
    somethingWaits = true;
    await retryStoreOperation(deps, 'release', () =>
      deps.store.release(ids, { nextAt: deps.clock.now(), held: false }),
    );
  };

  const takeStep = async (group: readonly Traveller[], step: PlanStep): Promise<void> => {
    let leave = (): void => undefined;
    let hasPlace = false;
    const giveBackPlace = (): void => {
      leave();
      hasPlace = false;
    };
    /** By the row as delivery made it; those that stand on disk. */
    const rows = new Map<StepResult['tries'][number], HopAttempt>();
    const written = new Set<HopAttempt>();
    /** Done with in the middle of the step. */
    const done = new Set<Traveller>();
    const unwritten: ConcludedRecipient[] = [];
    const write = async (finished: readonly ConcludedRecipient[], result: Pick<StepResult, 'tries'>): Promise<void> => {
      for (const one of result.tries) {
        if (rows.has(one)) continue;
        const hopTry = { ...one, attempt: message.attempt, network: deps.world().networkName };
        deps.log.attempt(message.id, hopTry);
        rows.set(one, hopTry);
      }
      const tries = [...rows.values()].filter((hopTry) => !written.has(hopTry));
      unwritten.push(...finished);
      await record([...unwritten], tries);
      unwritten.length = 0;
      for (const hopTry of tries) written.add(hopTry);
    };
    const journal: Journal = {
      async begin(stop) {
        if (!hasPlace) {
          leave = await deps.places.acquire(stop);
          hasPlace = true;
        }
        if (!deps.isDeleted(message.id)) return true;
        giveBackPlace();
        return false;
      },
      tookNobody: giveBackPlace,
      async taken(soFar) {
        const result = {
          ...soFar,
          errorKinds: new Map(),
          waitsFor: new Map(),
          nothingReached: false,
          interrupted: false,
        };
        for (const traveller of group) {
          if (done.has(traveller) || soFar.verdicts.get(traveller.recipient.id)?.kind !== 'delivered') continue;
          const conclusion = conclude(traveller, step, result);
          if (!('decision' in conclusion)) continue;
          done.add(traveller);
          unwritten.push(conclusion);
        }
        try {
          await write([], soFar);
        } catch (error) {
          // It is tried again with the step's own record; a hop must not be kept from its end by our trouble.
          deps.log.problem('record', error);
        }
        giveBackPlace();
      },
    };
    try {
      const result = await runStep(deps, step, { ...outgoing, journal }, group, signal);
      const finished: ConcludedRecipient[] = [];
      const onward: Traveller[] = [];
      const resting: Traveller[] = [];
      for (const traveller of group) {
        if (done.has(traveller)) continue;
        // Not sent because it is deleted: no word of anybody about it.
        if (deps.isDeleted(message.id) && isOwn(result.verdicts.get(traveller.recipient.id))) {
          resting.push(traveller);
          continue;
        }
        const conclusion = conclude(traveller, step, result);
        if (!('decision' in conclusion)) onward.push(conclusion);
        else if (conclusion.decision.kind === 'fail') failed.push(conclusion);
        else finished.push(conclusion);
      }
      // Who was accepted is written down before anything else happens (qmail's rule).
      await write(finished, result);
      giveBackPlace();
      if (deps.isDeleted(message.id)) onward.splice(0).forEach((traveller) => resting.push(traveller));
      if (resting.length > 0) await rest(resting);
      if (onward.length > 0) await travel(onward);
    } finally {
      leave();
    }
  };

  const travel = async (those: readonly Traveller[]): Promise<void> => {
    const groups = new Map<string, { readonly step: PlanStep; readonly travellers: Traveller[] }>();
    for (const traveller of those) {
      const step = traveller.route.kind === 'steps' ? traveller.route.steps[traveller.stepIndex] : undefined;
      if (step === undefined) {
        stuck.push(withoutStep(deps, message, traveller));
        continue;
      }
      const key = JSON.stringify(step);
      const group = groups.get(key) ?? { step, travellers: [] };
      group.travellers.push(traveller);
      groups.set(key, group);
    }
    // Every group comes to its end whatever befalls another: a recipient must not be given back while it is in flight.
    const ends = await Promise.allSettled([...groups.values()].map((group) => takeStep(group.travellers, group.step)));
    const broken = ends.find((end) => end.status === 'rejected');
    if (broken) throw broken.reason;
  };

  await travel(travellers);
  failed.push(...stuck.filter((f) => f.decision.kind === 'fail'));
  await record(
    stuck.filter((f) => f.decision.kind !== 'fail'),
    [],
  );
  await record(failed, []);
  const first = failed[0];
  const now = first === undefined ? null : await deps.store.details(message.id);
  // Deleted meanwhile: it stands in neither folder, and the user is done with it.
  if (first?.decision.kind === 'fail' && now !== null && now.deletedAt === null) {
    deps.failed({
      id: message.id,
      folder: failedFolder(first.decision.folder, message.mailFrom),
      subject: now.subject,
      to: first.recipient.rcptTo,
      mayHaveArrived: failed.some((f) => f.unknownOutcomes.length > 0),
      words: first.verdict.reply
        ? `${first.verdict.reply.code} ${first.verdict.reply.text.replaceAll('\n', ' ')}`
        : null,
    });
  }
  return somethingWaits;
}

/** Changes by as much as the clock is set. */
function offsetOf(clock: Pick<Clock, 'now' | 'monotonic'>): number {
  return clock.now() - clock.monotonic();
}

/** What is not known of the recipient's outcomes after this verdict. Delivered settles it; a refusal by another hop does not. */
function unknownAfter(
  recipient: ClaimedRecipient,
  verdict: Verdict,
  row: ConcludedRecipient['row'],
  networkId: string | null,
): readonly UnknownOutcome[] {
  if (verdict.kind === 'delivered') return [];
  if (!mayHaveArrived(verdict)) return recipient.unknownOutcomes;
  return noteUnknown(recipient.unknownOutcomes, row === null ? null : hopKey(row.hop), networkId);
}

function isOwn(verdict: Verdict | undefined): boolean {
  return verdict?.kind === 'deferred' && verdict.scope === 'local';
}

/** A step's result, or what stands for it if the step was cut off before anything was sent. */
type Taken = StepResult & { readonly interrupted: boolean };

/**
 * Takes the step. One that was cut off (network gone, shutdown) or that a bug ended says nothing about the mail: such
 * recipients stay as they were and go again.
 */
async function runStep(
  deps: AttemptDeps,
  step: PlanStep,
  outgoing: TravellingMessage,
  group: readonly Traveller[],
  signal: AbortSignal,
): Promise<Taken> {
  const recipients = group.map(({ recipient }) => ({ id: recipient.id, rcptTo: recipient.rcptTo, dsn: recipient.dsn }));
  try {
    return { ...(await deps.delivery.run(step, outgoing, recipients, signal)), interrupted: false };
  } catch (error) {
    if (!signal.aborted) deps.log.problem('delivery', error);
    const verdict: Verdict = { kind: 'deferred', scope: 'local', status: '4.3.0', why: 'local' };
    return {
      tries: [],
      verdicts: new Map(recipients.map((r) => [r.id, verdict])),
      errorKinds: new Map(),
      waitsFor: new Map(),
      nothingReached: true,
      dsnPassedOn: new Set(),
      interrupted: signal.aborted,
    };
  }
}

/** A recipient that has no step to take: no gateway is usable. Temporary, and said so (spec §3.5). */
function withoutStep(deps: AttemptDeps, message: ClaimedMessage, traveller: Traveller): ConcludedRecipient {
  const verdict = verdictWithoutStep(traveller.route);
  const decision = nextStep(
    { ...traveller.recipient, undeliverable: traveller.undeliverable },
    traveller.route,
    { step: null, stepIndex: traveller.stepIndex, verdict, errorKind: null, nothingReached: true },
    deps.world(),
    spread(message.id),
    traveller.trail,
  );
  if (decision.kind === 'step') throw new Error('policy sent a recipient without a step to another step');
  return {
    recipient: traveller.recipient,
    route: traveller.route,
    trail: traveller.trail,
    verdict,
    unknownOutcomes: traveller.recipient.unknownOutcomes,
    decision,
    row: null,
    waitsFor: null,
    dsnPassedOn: false,
    clockOffset: offsetOf(deps.clock),
  };
}

/** The row that this verdict comes from: of several gateways the one that is told of, not the one that was asked last. */
function rowOf(result: StepResult, recipient: number, verdict: Verdict): StepResult['tries'][number] | null {
  const mine = result.tries.filter((t) => t.outcomes.some((o) => o.recipient === recipient));
  const telling = mine.findLast((t) => t.outcomes.some((o) => o.recipient === recipient && o.verdict === verdict));
  return telling ?? mine.at(-1) ?? null;
}

/** Gateways better placed than the one that spoke, and left alone because they failed here a moment ago (spec §3.3). */
function skippedGateways(result: StepResult, recipient: number): readonly string[] {
  const asked = new Set(
    result.tries
      .filter((t) => t.skipped !== true && t.outcomes.some((o) => o.recipient === recipient))
      .map((t) => t.hop.gatewayId),
  );
  return result.tries
    .filter((t) => t.skipped === true && t.hop.gatewayId !== undefined && !asked.has(t.hop.gatewayId))
    .map((t) => t.hop.gatewayName ?? t.hop.host);
}

/** As it stood before this attempt: what happened says nothing about the mail. */
function afresh(recipient: ClaimedRecipient): Extract<NextStep, { kind: 'retry' }> {
  return {
    kind: 'retry',
    at: 0,
    counted: false,
    retryIndex: recipient.retryIndex,
    gatewayPasses: recipient.gatewayPasses,
    undeliverable: recipient.undeliverable,
    waitsFor: null,
  };
}

function toUpdate(deps: AttemptDeps, message: ClaimedMessage, f: ConcludedRecipient): RecipientUpdate {
  const { recipient, decision, verdict } = f;
  const now = deps.clock.now();
  const counted = decision.kind !== 'retry' || decision.counted;
  const told = deps.reporter.dueFor(message, f);
  const common = {
    recipient: recipient.id,
    attempts: recipient.attempts + (counted ? 1 : 0),
    lastCountedAt: counted ? now : recipient.lastCountedAt,
    reply: verdict.kind === 'delivered' ? verdict.reply : (verdict.reply ?? null),
    unknownOutcomes: f.unknownOutcomes,
    facts: factsOf({ route: f.route, trail: f.trail, verdict, decision, rcptTo: recipient.rcptTo }),
    via: f.row === null ? null : (f.row.hop.gatewayName ?? f.row.hop.host),
    hop: f.row === null || f.row.skipped === true ? null : f.row.hop,
    error: f.row?.error ?? null,
    ...(told?.action === 'delayed' ? { delaySent: true } : {}),
    report: told?.due ?? null,
  };
  switch (decision.kind) {
    case 'delivered':
      return {
        ...common,
        state: decision.relayed ? 'relayed' : 'delivered',
        nextAt: null,
        retryIndex: 0,
        gatewayPasses: recipient.gatewayPasses,
        undeliverable: recipient.undeliverable,
        waitsFor: null,
        status: '2.0.0',
      };
    case 'retry':
      return {
        ...common,
        state: 'deferred',
        nextAt: decision.at,
        retryIndex: decision.retryIndex,
        gatewayPasses: decision.gatewayPasses,
        undeliverable: decision.undeliverable,
        waitsFor: f.waitsFor,
        status: verdict.kind === 'delivered' ? null : verdict.status,
      };
    case 'fail':
      return {
        ...common,
        state: failedFolder(decision.folder, message.mailFrom),
        nextAt: null,
        retryIndex: recipient.retryIndex,
        gatewayPasses: recipient.gatewayPasses,
        undeliverable: true,
        waitsFor: null,
        status: decision.status,
      };
    default:
      return assertNever(decision);
  }
}

/** Recipients refused for good with 5.1.x are listed (spec §6). */
function invalidAddress(f: ConcludedRecipient): AttemptRecord['invalidAddresses'] {
  const { verdict, decision } = f;
  if (verdict.kind !== 'rejected' || decision.kind !== 'fail' || !verdict.status.startsWith('5.1.')) return [];
  const words = verdict.reply ? `${verdict.reply.code} ${verdict.reply.text}` : verdict.status;
  return [{ address: f.recipient.rcptTo, reply: words }];
}

function logFinished(log: Log, message: ClaimedMessage, f: ConcludedRecipient): void {
  const words = f.verdict.reply ? `${f.verdict.reply.code} ${f.verdict.reply.text}` : '';
  switch (f.decision.kind) {
    case 'delivered':
      log.sent(message.id, f.recipient.rcptTo, f.row?.hop.gatewayName ?? f.row?.hop.host ?? '', words);
      break;
    case 'retry':
      log.deferred(
        message.id,
        f.recipient.rcptTo,
        f.verdict.kind === 'deferred' ? `${f.verdict.why} ${words}` : words,
        f.decision.at,
      );
      break;
    case 'fail':
      log.bounced(
        message.id,
        f.recipient.rcptTo,
        failedFolder(f.decision.folder, message.mailFrom),
        words === '' ? f.decision.status : words,
      );
      break;
    default:
      assertNever(f.decision);
  }
}
