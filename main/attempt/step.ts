/** Takes the steps of the routes: delivery sends, `conclude` decides for each recipient, `record` puts it on disk. */
import type { Verdict } from '../../shared/mail.ts';
import { assertNever } from '../../shared/result.ts';
import type { StepResult } from '../delivery/delivery-port.ts';
import { momentOf, setStage, type Attempt, type RoutedRecipient, type StepGroup } from './attempt-state.ts';
import { concludeStep, concludeWithoutStep, type RecipientOutcome, type TakenStep } from './conclude.ts';
import { groupByStep } from './plan.ts';
import { releaseDeleted } from './record.ts';
import { createStepProgress, type StepProgress } from './step-progress.ts';

/**
 * Takes each recipient's next step, and those that follow from it, until all are concluded or given back. Recipients with
 * the same step take it together, the groups side by side.
 */
export async function takeSteps(attempt: Attempt, recipients: readonly RoutedRecipient[]): Promise<void> {
  const { groups, withoutStep } = groupByStep(recipients);
  for (const routed of withoutStep) enter(attempt, routed, concludeWithoutStep(routed, momentOf(attempt)));
  // Every group is waited for, also if another one threw: a recipient must not be given back while it is in flight.
  const ends = await Promise.allSettled(groups.map((group) => takeStep(attempt, group)));
  const thrown = ends.find((end) => end.status === 'rejected');
  if (thrown) throw thrown.reason;
}

async function takeStep(attempt: Attempt, group: StepGroup): Promise<void> {
  const progress = createStepProgress(attempt, group);
  try {
    const taken = await deliver(attempt, group, progress);
    const left = concludeGroup(attempt, group, taken);
    // Who was accepted is on disk before anything else happens (qmail's rule).
    await progress.record(taken.result.tries);
    progress.end();
    if (attempt.deps.isDeleted(attempt.message.id)) await releaseDeleted(attempt, [...left.onward, ...left.unsent]);
    else await takeSteps(attempt, left.onward);
  } finally {
    progress.end();
  }
}

/**
 * Has the step taken by delivery. A step that was cut off (network gone, program ends), or that an error of ours ended,
 * says nothing about the mail: its recipients are deferred for a local reason.
 */
async function deliver(attempt: Attempt, group: StepGroup, progress: StepProgress): Promise<TakenStep> {
  const { deps, outgoing, signal, state } = attempt;
  const { step } = group;
  for (const routed of group.recipients) setStage(state, routed.recipient.id, { kind: 'in-flight', routed });
  const recipients = group.recipients.map(({ recipient: { id, rcptTo, dsn } }) => ({ id, rcptTo, dsn }));
  try {
    const result = await deps.delivery.run(step, { ...outgoing, progress }, recipients, signal);
    return { step, result, interrupted: false };
  } catch (error) {
    if (!signal.aborted) deps.log.problem('delivery', error);
    const ids = recipients.map(({ id }) => id);
    return { step, result: nothingSent(ids), interrupted: signal.aborted };
  }
}

/** Concludes those of the group that are still in flight. Comes back with those that are not concluded. */
function concludeGroup(
  attempt: Attempt,
  group: StepGroup,
  taken: TakenStep,
): { readonly onward: readonly RoutedRecipient[]; readonly unsent: readonly RoutedRecipient[] } {
  const onward: RoutedRecipient[] = [];
  const unsent: RoutedRecipient[] = [];
  for (const routed of group.recipients) {
    const { id } = routed.recipient;
    if (attempt.state.stages.get(id)?.kind !== 'in-flight') continue;
    // Delivery began no transaction because the message is deleted: there is nothing to conclude from that.
    if (attempt.deps.isDeleted(attempt.message.id) && isLocal(taken.result.verdicts.get(id))) {
      unsent.push(routed);
      continue;
    }
    const outcome = concludeStep(routed, taken, momentOf(attempt));
    enter(attempt, routed, outcome);
    if (outcome.kind === 'onward') onward.push(outcome.routed);
  }
  return { onward, unsent };
}

/** Enters what came of a recipient's step into the state of the attempt. */
function enter({ state }: Attempt, { recipient }: RoutedRecipient, outcome: RecipientOutcome): void {
  switch (outcome.kind) {
    case 'onward':
      setStage(state, recipient.id, { kind: 'waiting', routed: outcome.routed });
      break;
    case 'done':
    case 'failed':
      setStage(state, recipient.id, { kind: 'concluded', concluded: outcome.concluded, recorded: false });
      break;
    default:
      assertNever(outcome);
  }
}

function isLocal(verdict: Verdict | undefined): boolean {
  return verdict?.kind === 'deferred' && verdict.scope === 'local';
}

function nothingSent(recipients: readonly number[]): StepResult {
  const verdict: Verdict = { kind: 'deferred', scope: 'local', status: '4.3.0', why: 'local' };
  return {
    tries: [],
    verdicts: new Map(recipients.map((id) => [id, verdict])),
    errorKinds: new Map(),
    waitsFor: new Map(),
    nothingReached: true,
    dsnPassedOn: new Set(),
  };
}
