/** Why a recipient went, waits or failed the way it did, in one to three sentences (issue: "why this way"; spec §9). */
import type {
  EnhancedStatus,
  ErrorKind,
  Folder,
  HoldReason,
  HopRef,
  Phrase,
  RecipientState,
  SmtpReply,
  Verdict,
} from '../../shared/mail.ts';
import { phrase, type PhraseId } from '../../shared/phrases.ts';
import { assertNever } from '../../shared/result.ts';
import { domainOf } from './domain-match.ts';
import type { LeftOutReason } from './gateway-order.ts';
import type { NextStep, PlanStep, Route, RouteReason } from './model.ts';
import { isOutOfHops, mayHaveArrived } from './unknown-outcome.ts';

/** What one step of the attempt did. */
export interface StepFact {
  readonly step: PlanStep;
  readonly verdict: Verdict;
  readonly errorKind: ErrorKind | null;
  /** The hop whose verdict it is, null if none was tried. */
  readonly hop: HopRef | null;
  /** `StepOutcome.nothingReached`, for the decision after the next step. */
  readonly nothingReached?: boolean;
  /** Names of gateways that were skipped: they failed on this network a moment ago (spec §3.3). */
  readonly skipped?: readonly string[];
}

/** One step, as it is kept. */
export interface FactStep {
  readonly kind: PlanStep['kind'];
  readonly via: string | null;
  readonly outcome: Verdict['kind'];
  readonly why: string | null;
  readonly status: EnhancedStatus | null;
  /** "550 5.1.1 no such user", at most 300 characters. */
  readonly reply: string | null;
  readonly errorKind: ErrorKind | null;
}

/** The facts of a recipient's last attempt: what the store keeps as JSON and `explain` reads. */
export interface RecipientFacts {
  readonly version: 1;
  readonly domain: string;
  readonly because: RouteReason | null;
  readonly steps: readonly FactStep[];
  readonly skipped: readonly string[];
  readonly leftOut: readonly { readonly name: string; readonly reason: LeftOutReason }[];
  readonly end:
    | { readonly kind: 'delivered'; readonly relayed: boolean }
    | { readonly kind: 'retry'; readonly counted: boolean; readonly passes: number }
    | { readonly kind: 'fail'; readonly folder: 'bounced' | 'bad'; readonly expired: boolean };
}

const LONGEST_REPLY = 300;

export interface AttemptFacts {
  readonly route: Route;
  /** Steps in order; empty if none could be taken. */
  readonly stepsTaken: readonly StepFact[];
  /** The verdict that the decision was made on. */
  readonly verdict: Verdict;
  readonly decision: NextStep;
  readonly rcptTo: string;
}

/** The facts to keep of an attempt. */
export function factsOf({ route, stepsTaken, verdict, decision, rcptTo }: AttemptFacts): RecipientFacts {
  const steps = stepsTaken.map((t) => factStep(t.step.kind, t.verdict, t.hop, t.errorKind));
  return {
    version: 1,
    domain: domainOf(rcptTo),
    because: route.kind === 'hold' ? null : route.because,
    steps: steps.length > 0 ? steps : [factStep('gateways', verdict, null, null)],
    skipped: [...new Set(stepsTaken.flatMap((t) => t.skipped ?? []))],
    leftOut: route.kind === 'hold' ? [] : route.leftOut.map(({ name, reason }) => ({ name, reason })),
    end: endOf(decision),
  };
}

function factStep(kind: PlanStep['kind'], verdict: Verdict, hop: HopRef | null, errorKind: ErrorKind | null): FactStep {
  return {
    kind,
    via: hop === null ? null : (hop.gatewayName ?? hop.host),
    outcome: verdict.kind,
    why: verdict.kind === 'deferred' ? verdict.why : null,
    status: verdict.kind === 'delivered' ? null : verdict.status,
    reply: verdict.reply === undefined ? null : replyText(verdict.reply),
    errorKind,
  };
}

function replyText({ code, enhanced, text }: SmtpReply): string {
  const words = enhanced === undefined || text.startsWith(enhanced) ? text : `${enhanced} ${text}`;
  return `${code} ${words}`.replace(/\s+/g, ' ').trim().slice(0, LONGEST_REPLY);
}

function endOf(decision: NextStep): RecipientFacts['end'] {
  switch (decision.kind) {
    case 'delivered':
      return { kind: 'delivered', relayed: decision.relayed };
    case 'retry':
      return { kind: 'retry', counted: decision.counted, passes: decision.undeliverable ? decision.gatewayPasses : 0 };
    case 'fail':
      return { kind: 'fail', folder: decision.folder, expired: decision.expired };
    case 'step':
      // Not the end; kept only if the attempt is cut off here.
      return { kind: 'retry', counted: false, passes: 0 };
    default:
      return assertNever(decision);
  }
}

/** How the recipient stands now; the facts are of its last attempt. */
export interface RecipientCondition {
  readonly state: RecipientState;
  /** What holds the queue now, null = nothing. */
  readonly hold: HoldReason | null;
  readonly nextAt: number | null;
  /** Some try ended without an answer after all was sent, and no later one delivered it. */
  readonly mayHaveArrived: boolean;
  /** Where its message lies. Absent: where the state alone puts it. */
  readonly folder?: Folder;
  /** It was with a server as its message was deleted. */
  readonly deletedWhileSent?: boolean;
}

/** The sentences. Facts of an unknown shape (an older or newer version wrote them) are left out, never an error. */
export function explain(facts: unknown, now: RecipientCondition): readonly Phrase[] {
  const known = readFacts(facts);
  const said = (now.folder === 'deleted' ? inDeleted(known, now) : null) ?? whyInState(facts, known, now);
  const isMentioned = said.some(({ id }) => MENTION_ARRIVAL.includes(id));
  return now.mayHaveArrived && !isMentioned ? [...said, phrase('why.mayHaveArrived')] : said;
}

/** For a message that may have arrived: the sentence that says so, unless the verdict's own sentence does. */
export function mayHaveArrivedPhrase(verdict: Verdict): readonly Phrase[] {
  const isMentioned = mayHaveArrived(verdict) || isOutOfHops(verdict);
  return isMentioned ? [] : [phrase('why.mayHaveArrived')];
}

/** Phrases that mention already that the message may have arrived. */
const MENTION_ARRIVAL: readonly string[] = [
  'defer.lost-after-dot',
  'defer.crashed',
  'defer.unknown-outcomes',
  'defer.unknown-outcomes.gateways',
] satisfies readonly PhraseId[];

/** In Deleted nothing is tried, so that sentences about the next attempt would be wrong. Null: the usual ones hold. */
function inDeleted(known: RecipientFacts | null, now: RecipientCondition): readonly Phrase[] | null {
  const whileSent = now.deletedWhileSent === true ? [phrase('why.deleted.whileSent')] : [];
  switch (now.state) {
    case 'attempting':
      return [phrase('why.deleted.attempting')];
    case 'queued':
    case 'held':
      return [...whileSent, phrase('why.deleted.waits')];
    case 'deferred':
      return [...(known === null ? [] : whyDeferred(known).slice(0, 1)), ...whileSent, phrase('why.deleted.waits')];
    case 'delivered':
    case 'relayed':
      return known === null || whileSent.length === 0 ? null : [...whyAccepted(known).slice(0, 1), ...whileSent];
    case 'bounced':
    case 'bad':
      return [...(known === null ? [phrase('why.failed')] : whyFailed(known)), ...whileSent];
    case 'replaced':
      return null;
    default:
      return assertNever(now.state);
  }
}

function whyInState(facts: unknown, known: RecipientFacts | null, now: RecipientCondition): readonly Phrase[] {
  switch (now.state) {
    case 'attempting':
      return [phrase('why.attempting')];
    case 'queued':
    case 'held':
      return now.hold === null ? [phrase('why.queued')] : [phrase(`hold.${now.hold}`)];
    case 'deferred': {
      const why = known === null ? [] : whyDeferred(known);
      return now.hold === null ? why : [phrase(`hold.${now.hold}`), ...why.slice(0, 1)];
    }
    case 'delivered':
    case 'relayed':
      return known === null ? [] : whyAccepted(known);
    case 'bounced':
    case 'bad': {
      const where = phrase(now.folder === 'outbox' ? 'why.folder.outbox' : `why.folder.${now.state}`);
      return [...(known === null ? [] : whyFailed(known)), where];
    }
    case 'replaced':
      return [whyReplaced(facts)];
    default:
      return assertNever(now.state);
  }
}

function whyAccepted(facts: RecipientFacts): readonly Phrase[] {
  const last = facts.steps.at(-1);
  const params = paramsOf(facts, last);
  if (last?.kind !== 'gateways') {
    return [phrase(last?.kind === 'lan' ? 'why.delivered.lan' : directId(facts.because), params)];
  }
  return [phrase(relayedId(facts), params), ...gatewayRemarks(facts).slice(0, 1), phrase('why.notProof')];
}

function directId(because: RouteReason | null): PhraseId {
  if (because === 'mode-never') return 'why.delivered.never';
  return because === 'domain-unlisted' ? 'why.delivered.unlisted' : 'why.delivered.direct';
}

function relayedId(facts: RecipientFacts): PhraseId {
  switch (facts.because) {
    case 'domain-listed':
      return 'why.relayed.listed';
    case 'user-chose-gateway':
      return 'why.relayed.chosen';
    case 'mode-undelivered':
    case 'undelivered-pass':
      return 'why.relayed.undelivered';
    case 'mode-on-error': {
      const kind = facts.steps.findLast((s) => s.kind !== 'gateways')?.errorKind ?? 'smtp';
      return `why.relayed.error.${kind}`;
    }
    default:
      return 'why.relayed.always';
  }
}

function whyDeferred(facts: RecipientFacts): readonly Phrase[] {
  const last = facts.steps.findLast((s) => s.outcome !== 'delivered');
  const said = last === undefined ? [] : [lastWords(facts, last)];
  const end = facts.end.kind === 'retry' ? facts.end : { counted: true, passes: 0 };
  const passes = end.passes;
  const route: readonly Phrase[] =
    passes > 0
      ? [phrase('why.waits.undelivered', { count: passes })]
      : facts.because === 'domain-listed'
        ? [phrase('why.waits.listed', { domain: facts.domain })]
        : facts.because === 'mode-always'
          ? [phrase('why.waits.always')]
          : [];
  const remarks = gatewayRemarks(facts);
  if (last?.why === 'unknown-outcomes') return [...said, ...remarks.slice(0, 1), phrase('why.waits.otherHop')];
  const forNames = last?.why === 'no-names' || last?.why === 'one-address';
  const again = phrase(end.counted ? 'why.waits.again' : forNames ? 'why.waits.names' : 'why.waits.notCounted');
  return [...said, ...(remarks.length > 0 ? remarks : route).slice(0, 1), again];
}

function whyReplaced(facts: unknown): Phrase {
  const { names = [], count } =
    (facts as { replacedBy?: { names?: unknown; count?: unknown } } | null)?.replacedBy ?? {};
  const known = Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  if (known.length === 0 || typeof count !== 'number') return phrase('why.replaced.unknown');
  const more = count - known.length;
  const to = known.join(', ');
  return more > 0 ? phrase('why.replaced.more', { names: to, count: more }) : phrase('why.replaced', { names: to });
}

/** Why it was given up. */
function whyFailed(facts: RecipientFacts): readonly Phrase[] {
  const last = facts.steps.at(-1);
  const said = last === undefined ? [] : [lastWords(facts, last)];
  const expired = facts.end.kind === 'fail' && facts.end.expired;
  const passes = facts.because === 'undelivered-pass' || facts.because === 'mode-undelivered';
  const given = expired ? [phrase(passes ? 'why.expired.passes' : 'why.expired')] : [];
  return [...given, ...said];
}

/** A failure that was reported, as one sentence. */
export function failurePhrase(verdict: Verdict, hop: HopRef | null, domain: string): Phrase {
  return stepPhrase(factStep(hop?.kind === 'gateway' ? 'gateways' : 'direct', verdict, hop, null), domain);
}

function lastWords(facts: RecipientFacts, step: FactStep): Phrase {
  return stepPhrase(step, facts.domain);
}

function stepPhrase(step: FactStep, domain: string): Phrase {
  const params = paramsOf({ domain }, step);
  if (step.outcome === 'deferred') return phrase(deferId(step), params);
  if (step.kind === 'gateways' && step.reply !== null) return phrase('why.refused.allGateways', params);
  if (step.reply !== null) return phrase('why.refused.reply', params);
  return phrase(REFUSED_BY_STATUS[step.status ?? ''] ?? 'why.refused.other', params);
}

function deferId(step: FactStep): PhraseId {
  const id = `defer.${step.why ?? 'reply'}`;
  if (!(DEFER_IDS as readonly string[]).includes(id)) return 'defer.local';
  // No single server can be named.
  if (id === 'defer.unknown-outcomes' && step.via === null) return 'defer.unknown-outcomes.gateways';
  // Without the server's words there is nothing to quote.
  return step.reply === null && (id === 'defer.reply' || id === 'defer.policy') ? 'defer.greeting' : (id as PhraseId);
}

const DEFER_IDS = [
  'defer.reply', 'defer.unsupported-reply', 'defer.too-many-recipients', 'defer.greeting', 'defer.connection-refused',
  'defer.timeout', 'defer.unreachable', 'defer.connection-lost', 'defer.lost-after-dot', 'defer.unknown-outcomes', 'defer.dns', 'defer.no-names', 'defer.one-address', 'defer.tls',
  'defer.tls-required', 'defer.auth', 'defer.no-secret', 'defer.relaying-denied', 'defer.policy', 'defer.direct-blocked', 'defer.intercepted',
  'defer.no-gateway', 'defer.gateways-unreachable', 'defer.local', 'defer.crashed',
] as const satisfies readonly PhraseId[]; // prettier-ignore

/** Refusals that no server put into words: ours, or the DNS's. */
const REFUSED_BY_STATUS: Readonly<Record<string, PhraseId>> = {
  '5.1.2': 'why.refused.no-such-domain',
  '5.1.3': 'why.refused.bad-name',
  '5.1.10': 'why.refused.null-mx',
  '5.3.4': 'why.refused.too-large',
  '5.6.3': 'why.refused.needs-8bitmime',
  '5.6.7': 'why.refused.needs-smtputf8',
};

/** Gateways that were not asked, most telling first. Disabled ones are the user's own doing: named only if nothing was usable. */
function gatewayRemarks(facts: RecipientFacts): readonly Phrase[] {
  const remarks: Phrase[] = [];
  if (facts.skipped.length > 0) remarks.push(names('why.skipped', facts.skipped));
  const usesGateways = facts.steps.some((s) => s.kind === 'gateways');
  const nothingUsable = facts.steps.some((s) => s.why === 'no-gateway');
  if (!usesGateways) return remarks;
  for (const reason of ['unknown-outcomes', 'other-network', 'other-sender', 'disabled'] as const) {
    const those = facts.leftOut.filter((g) => g.reason === reason).map((g) => g.name);
    if (those.length > 0 && (reason !== 'disabled' || nothingUsable))
      remarks.push(names(`why.leftOut.${reason}`, those));
  }
  return remarks;
}

function names(id: PhraseId, those: readonly string[]): Phrase {
  const [first = ''] = those;
  return phrase(id, {
    count: those.length,
    names: those.length === 1 ? first : those.map((name) => `“${name}”`).join(', '),
  });
}

function paramsOf(facts: Pick<RecipientFacts, 'domain'>, step: FactStep | undefined): Readonly<Record<string, string>> {
  const domain = facts.domain === '' ? '?' : facts.domain;
  return { domain, via: step?.via ?? domain, reply: step?.reply ?? '' };
}

/** Facts as they were stored, or null if their shape is unknown. Older versions wrote `passedOver` for `skipped`. */
function readFacts(value: unknown): RecipientFacts | null {
  if (typeof value !== 'object' || value === null) return null;
  const { passedOver, ...stored } = value as Partial<RecipientFacts> & {
    readonly passedOver?: RecipientFacts['skipped'];
  };
  const facts: Partial<RecipientFacts> = passedOver === undefined ? stored : { skipped: passedOver, ...stored };
  const isKnown =
    facts.version === 1 &&
    typeof facts.domain === 'string' &&
    Array.isArray(facts.steps) &&
    Array.isArray(facts.skipped) &&
    Array.isArray(facts.leftOut) &&
    typeof facts.end === 'object';
  return isKnown ? (facts as RecipientFacts) : null;
}
