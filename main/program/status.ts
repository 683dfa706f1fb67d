/** AppStatus out of what the parts say of themselves. Pure. */
import { phrase } from '../../shared/phrases.ts';
import type { FolderCounts, HoldReason, Phrase } from '../../shared/mail.ts';
import type { GatewayMode } from '../../shared/settings.ts';
import type {
  AppStatus,
  DialUpState,
  ListenerState,
  NamesTrouble,
  NetworkState,
  Problem,
  ProgramState,
  SecretsState,
} from '../../shared/status.ts';

import type { NoWayOut } from '../policy/way-out.ts';

export interface StatusInput {
  readonly version: string;
  readonly pid: number;
  readonly profile: string;
  readonly paused: boolean;
  readonly hold: HoldReason | null;
  /** Why nothing can leave on this network, if that is known. */
  readonly noWayOut: NoWayOut | null;
  readonly listener: ListenerState;
  readonly network: NetworkState;
  readonly dialUp: DialUpState;
  readonly counts: FolderCounts;
  readonly sending: number;
  readonly mode: GatewayMode;
  /** Why mail that goes directly waits for names on this network; null or absent: none does. */
  readonly names?: NamesTrouble | null;
  readonly secrets: SecretsState;
  readonly problems: readonly Problem[];
}

/** The tray's state: what wants the user first (spec §9). */
export function programState(input: StatusInput): ProgramState {
  if (input.listener.kind === 'failed') return 'attention';
  // The user's own doing comes before what is wrong with a gateway: nothing is asked of it now, and the banner tells of it.
  if (input.paused) return 'paused';
  if (input.problems.some((p) => p.severity === 'error')) return 'attention';
  if (input.hold === 'settings') return 'attention';
  if (input.hold === 'dial-up') return 'waiting-dial-up';
  if (input.hold !== null) return 'waiting-network';
  if (input.counts.unseenBad + input.counts.unseenBounced > 0) return 'attention';
  if (input.noWayOut !== null) return 'no-way-out';
  if (input.sending > 0) return 'sending';
  if (waitsForNames(input) !== null) return 'waiting-network';
  return input.counts.outbox > 0 ? 'waiting' : 'idle';
}

function waitsForNames({ names = null, hold, counts }: StatusInput): NamesTrouble | null {
  return hold === null && counts.outbox > 0 ? names : null;
}

function statusPhrases(input: StatusInput): readonly Phrase[] {
  const { listener } = input;
  const phrases: Phrase[] = [];
  if (listener.kind === 'failed') {
    phrases.push(phrase(`problem.listener.${listener.reason}`, { port: listener.port, detail: listener.message }));
  }
  // What the user has to decide comes first: it names the values for which everything else waits.
  const errors = input.problems
    .filter((p) => p.severity === 'error')
    .sort((a, b) => Number(b.action !== undefined) - Number(a.action !== undefined))
    .map((p) => p.phrase);
  const hold = input.hold === null ? [] : [phrase(`hold.${input.hold}`)];
  const closed = input.hold === null && input.noWayOut !== null;
  phrases.push(...(input.paused ? [...hold, ...errors] : [...errors, ...hold]));
  if (closed) phrases.push(phrase(`no-way-out.${input.noWayOut}`));
  const names = waitsForNames(input);
  if (names !== null) phrases.push(phrase(`names.${names.reason}`));
  if (input.sending > 0) phrases.push(phrase('status.sending', { count: input.sending }));
  if (input.counts.unseenBad > 0) phrases.push(phrase('status.bad', { count: input.counts.unseenBad }));
  if (input.counts.unseenBounced > 0) phrases.push(phrase('status.bounced', { count: input.counts.unseenBounced }));
  if (input.hold === null && input.sending === 0) {
    if (input.counts.outbox > 0) phrases.push(phrase('status.waiting', { count: input.counts.outbox }));
    // A program that accepts nothing, or that no mail can leave, is not ready.
    else if (listener.kind !== 'failed' && !closed) phrases.push(phrase('status.idle'));
  }
  return phrases;
}

/** What status bar, tray and `postcast status` show. */
export function appStatus(input: StatusInput): AppStatus {
  const { version, pid, profile, paused, hold, listener, network, dialUp, counts, sending } = input;
  const { mode, secrets, problems } = input;
  const phrases = statusPhrases(input);
  const state = programState(input);
  return {
    version,
    pid,
    profile,
    state,
    phrases,
    paused,
    hold,
    listener,
    network,
    dialUp,
    counts,
    sending,
    mode,
    secrets,
    problems,
  };
}
