/** Puts on disk what was decided, tells whoever waits for it, and logs it. */
import type { HopAttempt } from '../../shared/mail.ts';
import { assertNever } from '../../shared/result.ts';
import type { Log } from '../log/log-port.ts';
import { failedFolder } from '../policy/bounce-decision.ts';
import type { ClaimedMessage } from '../queue/queue-store.ts';
import { clockOffset, setStage, type Attempt, type RoutedRecipient } from './attempt-state.ts';
import { rescheduled, type ConcludedRecipient } from './conclude.ts';
import { invalidAddresses, recipientUpdate } from './recipient-update.ts';
import { retryStoreOperation } from './store-retry.ts';

/**
 * Records concluded recipients and tries in one transaction. Resolves once both are on disk, however long the store is in
 * trouble: if it were forgotten who was accepted, the message would be sent again. Rejects once the store is closed.
 */
export async function record(
  attempt: Attempt,
  concluded: readonly ConcludedRecipient[],
  tries: readonly HopAttempt[],
): Promise<void> {
  if (concluded.length === 0 && tries.length === 0) return;
  const { deps, message, state } = attempt;
  const recorded = await retryStoreOperation(deps, 'record', () => recordOnce(attempt, concluded, tries));
  for (const each of concluded) {
    setStage(state, each.recipient.id, { kind: 'concluded', concluded: each, recorded: true });
  }
  for (const each of recorded) logConcluded(deps.log, message, each);
}

/** Times and reports are worked out for each try of the store: while the disk was full, what waits may have been woken. */
async function recordOnce(
  { deps, message, state }: Attempt,
  concluded: readonly ConcludedRecipient[],
  tries: readonly HopAttempt[],
): Promise<readonly ConcludedRecipient[]> {
  const now = deps.clock.now();
  const moment = { now, clockOffset: clockOffset(deps.clock), woken: deps.wakes() !== state.wakes };
  const present = concluded.map((each) => rescheduled(each, moment));
  const updates = present.map((each) =>
    recipientUpdate(each, message.mailFrom, deps.reporter.dueFor(message, each), now),
  );
  for (const { waitsFor } of updates) if (waitsFor !== null) deps.waitsFor(waitsFor);
  await deps.store.record({ messageId: message.id, tries, updates, invalidAddresses: invalidAddresses(present) });
  if (updates.some(({ report }) => report)) deps.reportDue();
  state.willBeDue ||= updates.some(({ nextAt }) => nextAt !== null);
  return present;
}

/** Gives recipients of a message that was deleted meanwhile back as they were: they go on if it is restored. */
export async function releaseDeleted({ deps, state }: Attempt, recipients: readonly RoutedRecipient[]): Promise<void> {
  if (recipients.length === 0) return;
  const ids = recipients.map(({ recipient }) => recipient.id);
  // The message may be restored by then.
  state.willBeDue = true;
  await retryStoreOperation(deps, 'release', () => deps.store.release(ids, { nextAt: deps.clock.now(), held: false }));
  for (const id of ids) setStage(state, id, { kind: 'released' });
}

function logConcluded(log: Log, message: ClaimedMessage, concluded: ConcludedRecipient): void {
  const { verdict, decision, hopAttempt } = concluded;
  const { rcptTo } = concluded.recipient;
  const reply = verdict.reply ? `${verdict.reply.code} ${verdict.reply.text}` : '';
  switch (decision.kind) {
    case 'delivered':
      log.sent(message.id, rcptTo, hopAttempt?.hop.gatewayName ?? hopAttempt?.hop.host ?? '', reply);
      break;
    case 'retry':
      log.deferred(message.id, rcptTo, verdict.kind === 'deferred' ? `${verdict.why} ${reply}` : reply, decision.at);
      break;
    case 'fail': {
      const folder = failedFolder(decision.folder, message.mailFrom);
      log.bounced(message.id, rcptTo, folder, reply === '' ? decision.status : reply);
      break;
    }
    default:
      assertNever(decision);
  }
}
