/** What delivery reports in the middle of a step, and what is recorded of it before the others go on. */
import type { HopAttempt } from '../../shared/mail.ts';
import type { AttemptProgress, HopAttemptDraft, AcceptedSoFar, StepResult } from '../delivery/delivery-port.ts';
import { momentOf, setStage, unrecorded, type Attempt, type StepGroup } from './attempt-state.ts';
import { concludeStep } from './conclude.ts';
import { record } from './record.ts';

export interface StepProgress extends AttemptProgress {
  /**
   * Records which of the group's recipients were accepted or have to wait, and the tries that were not recorded before.
   * Failures are recorded at the end of the attempt.
   */
  record(tries: readonly HopAttemptDraft[]): Promise<void>;
  /** Gives the place of the in-flight limit back, if one is held. */
  end(): void;
}

/** The progress of one step. Its place of the in-flight limit is held from `begin` until what was accepted is on disk. */
export function createStepProgress(attempt: Attempt, group: StepGroup): StepProgress {
  const { deps, message, state } = attempt;
  const ids = new Set(group.recipients.map(({ recipient }) => recipient.id));
  const rows = new Map<HopAttemptDraft, HopAttempt>();
  const recordedRows = new Set<HopAttempt>();
  let release: (() => void) | null = null;

  const end = (): void => {
    release?.();
    release = null;
  };

  const recordStep = async (tries: readonly HopAttemptDraft[]): Promise<void> => {
    for (const draft of tries) {
      if (rows.has(draft)) continue;
      const row = { ...draft, attempt: message.attempt, network: deps.environment().networkName };
      deps.log.attempt(message.id, row);
      rows.set(draft, row);
    }
    const newRows = [...rows.values()].filter((row) => !recordedRows.has(row));
    const decided = unrecorded(state).filter((each) => ids.has(each.recipient.id) && each.decision.kind !== 'fail');
    await record(attempt, decided, newRows);
    for (const row of newRows) recordedRows.add(row);
  };

  return {
    record: recordStep,
    end,
    nobodyAccepted: end,
    async begin(signal) {
      release ??= await deps.inFlightLimit.acquire(signal);
      if (!deps.isDeleted(message.id)) return true;
      end();
      return false;
    },
    async accepted(soFar) {
      concludeAccepted(attempt, group, soFar);
      try {
        await recordStep(soFar.tries);
      } catch (error) {
        // Recorded again with the whole step: trouble of the store must not cut a transaction off.
        deps.log.problem('record', error);
      }
      end();
    },
  };
}

function concludeAccepted(attempt: Attempt, { step, recipients }: StepGroup, soFar: AcceptedSoFar): void {
  const result: StepResult = { ...soFar, errorKinds: new Map(), waitsFor: new Map(), nothingReached: false };
  for (const routed of recipients) {
    const { id } = routed.recipient;
    if (attempt.state.stages.get(id)?.kind !== 'in-flight' || soFar.verdicts.get(id)?.kind !== 'delivered') continue;
    const outcome = concludeStep(routed, { step, result, interrupted: false }, momentOf(attempt));
    if (outcome.kind === 'onward') continue;
    setStage(attempt.state, id, { kind: 'concluded', concluded: outcome.concluded, recorded: false });
  }
}
