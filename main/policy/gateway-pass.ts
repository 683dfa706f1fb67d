/**
 * A gateway pass (spec §3.2) as a reducer: after each gateway, which recipients the next one is tried for; at the end, one verdict each.
 * A recipient that was accepted, or may have been, is never handed to another gateway.
 */
import type { Verdict } from '../../shared/mail.ts';
import { mayBeDelivered } from './unknown-outcome.ts';

/** What one gateway said to one recipient. */
interface PassEntry {
  readonly gatewayId: string;
  readonly verdict: Verdict;
  readonly reached: boolean;
}

export interface GatewayPass {
  /** Gateways that could be used, in order. */
  readonly ids: readonly string[];
  /** Recipients in order, each with what the gateways said so far. */
  readonly recipients: ReadonlyMap<number, readonly PassEntry[]>;
}

export interface PassResult {
  readonly verdict: Verdict;
  /** The gateway whose verdict it is; null if none was tried. */
  readonly gatewayId: string | null;
  /** True if no gateway could be reached or signed in to for this recipient (spec §4.3). */
  readonly nothingReached: boolean;
}

/** Begins a pass. */
export function startPass(ids: readonly string[], recipients: readonly number[]): GatewayPass {
  return { ids, recipients: new Map(recipients.map((recipient) => [recipient, []])) };
}

/** Recipients that another gateway may be tried for now, in order. */
export function remainingRecipients(pass: GatewayPass): readonly number[] {
  return [...pass.recipients]
    .filter(([, entries]) => !entries.some((e) => isOver(e.verdict)))
    .map(([recipient]) => recipient);
}

/**
 * Adds what one gateway said. Verdicts are ignored for recipients that are done, are not part of the pass, or have a verdict
 * of this gateway already.
 * @param reached whether a session was established (`sessionEstablished`)
 */
export function afterGateway(
  pass: GatewayPass,
  gatewayId: string,
  verdicts: ReadonlyMap<number, Verdict>,
  reached: boolean,
): GatewayPass {
  const open = new Set(remainingRecipients(pass));
  const recipients = new Map(pass.recipients);
  for (const [recipient, verdict] of verdicts) {
    const entries = recipients.get(recipient);
    if (entries === undefined || !open.has(recipient) || entries.some((e) => e.gatewayId === gatewayId)) continue;
    recipients.set(recipient, [...entries, { gatewayId, verdict, reached: reached || verdict.kind !== 'deferred' }]);
  }
  return { ids: pass.ids, recipients };
}

/** One verdict for every recipient of the pass. */
export function finishPass(pass: GatewayPass): ReadonlyMap<number, PassResult> {
  return new Map([...pass.recipients].map(([recipient, entries]) => [recipient, resultOf(pass.ids, entries)]));
}

/** True if the pass is over for a recipient: accepted, perhaps accepted, or to be continued at this very gateway. */
function isOver(verdict: Verdict): boolean {
  return mayBeDelivered(verdict) || (verdict.kind === 'deferred' && verdict.why === 'too-many-recipients');
}

function resultOf(ids: readonly string[], entries: readonly PassEntry[]): PassResult {
  const nothingReached = !entries.some((e) => e.reached);
  const over = entries.find((e) => isOver(e.verdict));
  if (over !== undefined) return { verdict: over.verdict, gatewayId: over.gatewayId, nothingReached: false };
  const refusals = entries.filter((e) => e.verdict.kind === 'rejected');
  const last = refusals.at(-1);
  // Refused only if every usable gateway refused; one that could not be asked may still accept it.
  if (last !== undefined && ids.every((id) => refusals.some((e) => e.gatewayId === id))) {
    return { verdict: last.verdict, gatewayId: last.gatewayId, nothingReached: false };
  }
  const mostInformative = entries
    .filter((e) => e.verdict.kind === 'deferred')
    .sort((a, b) => informativeness(b.verdict) - informativeness(a.verdict))[0];
  if (mostInformative !== undefined)
    return { verdict: mostInformative.verdict, gatewayId: mostInformative.gatewayId, nothingReached };
  return {
    verdict: { kind: 'deferred', scope: 'gateway', status: '4.4.1', why: 'gateways-unreachable' },
    gatewayId: null,
    nothingReached,
  };
}

/** Which of several failures says most to the user: a reply about the mail, the gateway's own fault, silence. */
function informativeness(verdict: Verdict): number {
  if (verdict.kind !== 'deferred') return 0;
  switch (verdict.scope) {
    case 'recipient':
    case 'message':
      return 4;
    case 'gateway':
      return 3;
    case 'local':
      return 2;
    case 'host':
      return 1;
  }
}
