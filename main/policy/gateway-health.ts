/** What a conversation with a gateway says of the gateway itself, apart from the mail that it was about (spec §3.2, §3.3). */
import type { Verdict } from '../../shared/mail.ts';
import { classifyReport, sessionEstablished } from './classify.ts';
import type { SessionReport } from './model.ts';

export type GatewayObservation =
  /** It took mail, and nothing that it said of other recipients is its own fault. */
  | { readonly kind: 'works' }
  /** It cannot be reached, does not let us in, or will not relay. `reached`: it let us in all the same. */
  | { readonly kind: 'fault'; readonly verdict: Extract<Verdict, { kind: 'deferred' }>; readonly reached: boolean }
  /** What it said is about the message or a recipient: what was known of the gateway stays. */
  | { readonly kind: 'nothing' };

/** @param report of one transaction at a gateway, or of the failure to get that far; without recipients if it was a probe */
export function observeGateway(report: SessionReport): GatewayObservation {
  const recipients = report.recipients.length > 0 ? report.recipients : [{ recipient: 0, rcptReply: null }];
  const verdicts = [...classifyReport({ ...report, recipients }).values()];
  const reached = sessionEstablished(report);
  for (const verdict of verdicts) {
    // One recipient may hear what is the gateway's fault while it takes the mail of the others.
    if (verdict.kind === 'deferred' && isOwnFault(verdict, report, reached)) return { kind: 'fault', verdict, reached };
  }
  return verdicts.some((v) => v.kind === 'delivered') ? { kind: 'works' } : { kind: 'nothing' };
}

function isOwnFault(verdict: Extract<Verdict, { kind: 'deferred' }>, report: SessionReport, reached: boolean): boolean {
  if (verdict.scope === 'host') return !reached;
  if (verdict.scope !== 'gateway') return false;
  // A policy reply after the text was seen speaks of the text (5.7.1 "rejected as spam").
  return verdict.why !== 'policy' || report.phase !== 'final';
}
