/** What the store records of a concluded recipient. Pure. */
import { assertNever } from '../../shared/result.ts';
import { failedFolder } from '../policy/bounce-decision.ts';
import { factsOf } from '../policy/explain.ts';
import type { AttemptRecord, RecipientUpdate } from '../queue/queue-store.ts';
import type { Reporter } from '../report/reporter.ts';
import type { ConcludedRecipient } from './conclude.ts';

/**
 * @param mailFrom reverse-path of the message, null = the null reverse-path
 * @param report what the sender is to be told of it, null = nothing
 * @param now milliseconds since the epoch
 */
export function recipientUpdate(
  concluded: ConcludedRecipient,
  mailFrom: string | null,
  report: ReturnType<Reporter['dueFor']>,
  now: number,
): RecipientUpdate {
  const { recipient, route, stepsTaken, verdict, decision, hopAttempt } = concluded;
  const counted = decision.kind !== 'retry' || decision.counted;
  return {
    recipient: recipient.id,
    attempts: recipient.attempts + (counted ? 1 : 0),
    lastCountedAt: counted ? now : recipient.lastCountedAt,
    reply: verdict.reply ?? null,
    unknownOutcomes: concluded.unknownOutcomes,
    facts: factsOf({ route, stepsTaken, verdict, decision, rcptTo: recipient.rcptTo }),
    via: hopAttempt === null ? null : (hopAttempt.hop.gatewayName ?? hopAttempt.hop.host),
    hop: hopAttempt === null || hopAttempt.skipped === true ? null : hopAttempt.hop,
    error: hopAttempt?.error ?? null,
    ...(report?.action === 'delayed' ? { delaySent: true } : {}),
    report: report?.due ?? null,
    ...stateAfter(concluded, mailFrom),
  };
}

type StateFields = 'state' | 'nextAt' | 'retryIndex' | 'gatewayPasses' | 'undeliverable' | 'waitsFor' | 'status';

function stateAfter(
  { recipient, verdict, decision, waitsFor }: ConcludedRecipient,
  mailFrom: string | null,
): Pick<RecipientUpdate, StateFields> {
  switch (decision.kind) {
    case 'delivered':
      return {
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
        state: 'deferred',
        nextAt: decision.at,
        retryIndex: decision.retryIndex,
        gatewayPasses: decision.gatewayPasses,
        undeliverable: decision.undeliverable,
        waitsFor,
        status: verdict.kind === 'delivered' ? null : verdict.status,
      };
    case 'fail':
      return {
        state: failedFolder(decision.folder, mailFrom),
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

/** Recipients that were refused for good with 5.1.x are listed as invalid addresses (spec §6). */
export function invalidAddresses(concluded: readonly ConcludedRecipient[]): AttemptRecord['invalidAddresses'] {
  return concluded.flatMap(({ recipient, verdict, decision }) => {
    if (verdict.kind !== 'rejected' || decision.kind !== 'fail' || !verdict.status.startsWith('5.1.')) return [];
    const reply = verdict.reply ? `${verdict.reply.code} ${verdict.reply.text}` : verdict.status;
    return [{ address: recipient.rcptTo, reply }];
  });
}
