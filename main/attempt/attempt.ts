/**
 * One attempt for one claimed message. Policy decides everything; this room collects the facts, has the decisions carried
 * out, and records what came of them.
 *
 * From outside, import `runAttempt` and the types of this file, `createInFlightLimit` and `retryStoreOperation`.
 */
import type { ClaimedMessage } from '../queue/queue-store.ts';
import { initialState, unrecorded, type Attempt, type AttemptDeps } from './attempt-state.ts';
import type { ConcludedRecipient } from './conclude.ts';
import { failedMessage } from './failed-message.ts';
import { planRoutes } from './plan.ts';
import { record } from './record.ts';
import { takeSteps } from './step.ts';

export type { AttemptDeps } from './attempt-state.ts';
export type { ConcludedRecipient } from './conclude.ts';
export type { FailedMessage } from './failed-message.ts';

/**
 * Runs an attempt to its end: every claimed recipient is recorded or given back. Rejects only if the store refuses both.
 * @param signal Aborts what is in flight (network gone, shutdown); such recipients are tried again, and it does not count.
 * @returns True if something will be due again: a retry, or a recipient that was given back.
 */
export async function runAttempt(deps: AttemptDeps, message: ClaimedMessage, signal: AbortSignal): Promise<boolean> {
  const attempt = await beginAttempt(deps, message, signal);
  await takeSteps(attempt, await planRoutes(attempt));
  // Failures were kept for the end, so that the user is told once for all of them.
  const concluded = unrecorded(attempt.state);
  await record(attempt, concluded, []);
  await notifyOfFailure(attempt, concluded);
  return attempt.state.willBeDue;
}

async function beginAttempt(deps: AttemptDeps, message: ClaimedMessage, signal: AbortSignal): Promise<Attempt> {
  const state = initialState(deps);
  return { deps, message, signal, state, outgoing: await deps.outgoing(message) };
}

async function notifyOfFailure({ deps, message }: Attempt, concluded: readonly ConcludedRecipient[]): Promise<void> {
  if (!concluded.some(({ decision }) => decision.kind === 'fail')) return;
  const stored = await deps.store.details(message.id);
  // Deleted meanwhile: it is in neither Bad nor Bounced.
  if (stored?.deletedAt !== null) return;
  const failed = failedMessage({ ...message, subject: stored.subject }, concluded);
  if (failed !== null) deps.failed(failed);
}
