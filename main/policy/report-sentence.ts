/** The plain sentence about one recipient in the human part of a report (spec §6). Reports are in English (RFC 3464 has no choice of language). */
import type { HopRef, Verdict } from '../../shared/mail.ts';
import { assertNever } from '../../shared/result.ts';
import { phrase, sayAll } from '../../shared/phrases.ts';
import { domainOf } from './domain-match.ts';
import { mayHaveArrivedPhrase, failurePhrase } from './explain.ts';
import type { Decision } from './model.ts';

/**
 * @param hop the hop that spoke last, null if none did; then the sentence is about the recipient's domain
 * @param doubtful some try ended without an answer after all was sent: it may have arrived, whatever was said since
 */
export function reportSentence(
  verdict: Verdict,
  decision: Decision,
  hop: HopRef | null,
  rcptTo: string,
  doubtful: boolean,
): string {
  const via = hop?.host ?? 'The next server';
  const why =
    verdict.kind === 'delivered'
      ? []
      : [failurePhrase(verdict, hop, domainOf(rcptTo)), ...(doubtful ? mayHaveArrivedPhrase(verdict) : [])];
  switch (decision.kind) {
    case 'delivered':
      return sayAll([phrase('report.relayed', { via })]);
    case 'retry':
      return sayAll([phrase('report.delayed'), ...why]);
    case 'fail':
      return sayAll(decision.expired ? [phrase('report.failed.expired'), ...why] : why);
    default:
      return assertNever(decision);
  }
}
