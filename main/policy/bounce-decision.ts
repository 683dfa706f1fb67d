/** Whether the sender gets a report about a recipient, and which (spec §6, RFC 3461 §5, RFC 3464). */
import type { RecipientDsn } from '../../shared/mail.ts';
import { assertNever } from '../../shared/result.ts';
import type { Decision } from './model.ts';

/** Mail that is this old and still waits is reported as delayed, once, to those who asked (NOTIFY=DELAY). */
export const DELAY_REPORT_AFTER_MS = 4 * 3_600_000;

export interface ReportFacts {
  /** Reverse-path, null = the null reverse-path: never answered (RFC 5321 §6.1, standards 49). */
  readonly mailFrom: string | null;
  readonly dsn: RecipientDsn;
  readonly decision: Decision;
  /** The hop took the DSN parameters over: it reports, we do not (RFC 3461 §5.2.1). */
  readonly dsnPassedOn: boolean;
  readonly delaySent: boolean;
  readonly acceptedAt: number;
  readonly now: number;
  readonly returnUndeliverable: boolean;
}

/** RFC 3464 §2.3.3 action; null = no report. `relayed`: a hop that cannot report took it (RFC 3461 §5.2.2). */
export type ReportAction = 'failed' | 'delayed' | 'relayed' | null;

/** Whether and what to report to the sender. */
export function reportAction(facts: ReportFacts): ReportAction {
  const { mailFrom, decision, dsn } = facts;
  if (mailFrom === null) return null;
  const asks = (what: 'success' | 'failure' | 'delay', byDefault: boolean): boolean =>
    dsn.notify?.includes(what) ?? byDefault;
  switch (decision.kind) {
    case 'fail':
      return decision.folder === 'bounced' && facts.returnUndeliverable && asks('failure', true) ? 'failed' : null;
    case 'retry':
      return !facts.delaySent && facts.now - facts.acceptedAt >= DELAY_REPORT_AFTER_MS && asks('delay', false)
        ? 'delayed'
        : null;
    case 'delivered':
      return !facts.dsnPassedOn && asks('success', false) ? 'relayed' : null;
    default:
      return assertNever(decision);
  }
}

/** The folder of a failed recipient: a report that cannot be delivered ends in Bad, since it cannot be returned (spec §6). */
export function failedFolder(folder: 'bounced' | 'bad', mailFrom: string | null): 'bounced' | 'bad' {
  return mailFrom === null ? 'bad' : folder;
}
