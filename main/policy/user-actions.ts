/**
 * What becomes of each recipient of a message when a user (or the keeping time) does something to it (spec §2): only the
 * recipients that the action names or is about are touched, and never one that is with a server at that moment.
 */
import { isPending, type RecipientState } from '../../shared/mail.ts';

/**
 * `retry`: try again, also "send through" a gateway. `purge`: out of Deleted for good. `expire`: its keeping time is over.
 * `resend`: sent again to other addresses; here of a recipient that the user named.
 */
export type UserAction = 'retry' | 'delete' | 'restore' | 'purge' | 'expire' | 'resend';

/** What becomes of one recipient. */
export type Effect =
  | 'untouched'
  /** Due at once. */
  | 'due'
  /** Due at once, as if it were new. */
  | 'as-new'
  /** Not due while its message is in Deleted; its time is kept. */
  | 'suspend'
  /** Due again at the time that it had. */
  | 'resume'
  /** Replaced by what the user sent in its place. */
  | 'close'
  | 'remove'
  /** It is with a server: the action waits for the answer. */
  | 'wait'
  /** Nothing is left to be done in its place: it has the message, or was replaced before. */
  | 'refuse';

const waiting = (effect: Effect) => ({ queued: effect, deferred: effect, held: effect });
const failed = (effect: Effect) => ({ bounced: effect, bad: effect });
const accepted = (effect: Effect) => ({ delivered: effect, relayed: effect });

/** The effect of each action on each state. `decideAction` adds what depends on the message as a whole. */
export const EFFECTS: Readonly<Record<UserAction, Readonly<Record<RecipientState, Effect>>>> = {
  retry: { ...waiting('due'), attempting: 'untouched', ...failed('as-new'), ...accepted('untouched'), replaced: 'untouched' },
  // One in flight is left to its attempt: what comes of that is recorded, and a retry is not due while it lies in Deleted.
  delete: { ...waiting('suspend'), attempting: 'untouched', ...failed('untouched'), ...accepted('untouched'), replaced: 'untouched' },
  restore: { ...waiting('resume'), attempting: 'untouched', ...failed('untouched'), ...accepted('untouched'), replaced: 'untouched' },
  // The octets are being read, and the answer belongs into the record and perhaps into a report.
  purge: { ...waiting('remove'), attempting: 'wait', ...failed('remove'), ...accepted('remove'), replaced: 'remove' },
  expire: { ...waiting('remove'), attempting: 'wait', ...failed('remove'), ...accepted('remove'), replaced: 'remove' },
  resend: { ...waiting('close'), attempting: 'wait', ...failed('close'), ...accepted('refuse'), replaced: 'refuse' },
}; // prettier-ignore

/** What is to be done: nothing; nothing before the answer of a server is there; or this to each recipient, in order. */
export type ActionDecision =
  { readonly kind: 'nothing' | 'waits' } | { readonly kind: 'done'; readonly effects: readonly Effect[] };

/** Where one message stands. */
export interface MessageCondition {
  /** It lies in Deleted. */
  readonly deleted: boolean;
  /** Of its recipients, in order. */
  readonly states: readonly RecipientState[];
}

/** What an action on a whole message does to its recipients. */
export function decideAction(
  action: Exclude<UserAction, 'resend'>,
  { deleted, states }: MessageCondition,
): ActionDecision {
  const isThere: Readonly<Record<typeof action, boolean>> = {
    retry: !deleted,
    delete: !deleted,
    restore: deleted,
    purge: deleted,
    expire: true,
  };
  if (!isThere[action]) return { kind: 'nothing' };
  const inOutbox = states.some(isPending);
  const effects = states.map((state): Effect => {
    const effect = EFFECTS[action][state];
    // In the Outbox only waiting recipients are tried again, failed ones once the message is in Bad or Bounced.
    return effect === 'as-new' && inOutbox ? 'untouched' : effect;
  });
  if (effects.includes('wait')) return { kind: 'waits' };
  if (action === 'retry' && effects.every((effect) => effect === 'untouched'))
    return { kind: states.includes('attempting') ? 'waits' : 'nothing' };
  return { kind: 'done', effects };
}

/** What the user asks for: a copy to these addresses, in place of these recipients of the old message. */
export interface ResendRequest {
  readonly recipients: readonly {
    readonly id: number;
    readonly rcptTo: string;
    /** The address in the one spelling that mailboxes are compared in. */
    readonly mailbox: string;
    readonly state: RecipientState;
  }[];
  /** Ids of recipients; those that are still to get it and whose mailbox is among `mailboxes` are named by that. */
  readonly replaces: readonly number[];
  /** Where the copy goes. */
  readonly mailboxes: readonly string[];
}

/** Why nothing was done. `in-flight` and `settled` name the recipient's address. */
export type ResendRefusal =
  | { readonly kind: 'refused'; readonly why: 'no-recipient' }
  | { readonly kind: 'refused'; readonly why: 'in-flight' | 'settled'; readonly address: string };

export type ResendDecision =
  | ResendRefusal
  | {
      readonly kind: 'done';
      /** Ids of the recipients that are closed. */
      readonly close: readonly number[];
      /** Nobody is left that was not replaced: the old message moves to Deleted. */
      readonly emptied: boolean;
    };

/** Which recipients of the old message are closed when it is sent again: all of those asked for, or none. */
export function decideResend({ recipients, replaces, mailboxes }: ResendRequest): ResendDecision {
  const ids = new Set(replaces);
  const known = new Set(recipients.map(({ id }) => id));
  if (![...ids].every((id) => known.has(id))) return { kind: 'refused', why: 'no-recipient' };
  const typed = new Set(mailboxes);
  // A waiting recipient that was not closed would get the old message as well.
  const named = recipients.filter(
    ({ id, mailbox, state }) => ids.has(id) || (EFFECTS.resend[state] !== 'refuse' && typed.has(mailbox)),
  );
  const firstWith = (effect: Effect) => named.find(({ state }) => EFFECTS.resend[state] === effect);
  const inFlight = firstWith('wait');
  if (inFlight !== undefined) return { kind: 'refused', why: 'in-flight', address: inFlight.rcptTo };
  const settled = firstWith('refuse');
  if (settled !== undefined) return { kind: 'refused', why: 'settled', address: settled.rcptTo };
  const close = named.map(({ id }) => id);
  const closed = new Set(close);
  const emptied = recipients.every(({ id, state }) => state === 'replaced' || closed.has(id));
  return { kind: 'done', close, emptied };
}

/** At most so many addresses are named in a sentence. */
const MAX_NAMED = 3;

/** The facts of a recipient that the user replaced by these addresses: those of its last attempt, and the addresses, for `explain`. */
export function replacedFacts(facts: unknown, to: readonly string[]): unknown {
  const kept = typeof facts === 'object' && facts !== null ? facts : {};
  return { ...kept, replacedBy: { names: to.slice(0, MAX_NAMED), count: to.length } };
}

/** True if an attempt was under way when the message was deleted: some try of this recipient ended after that moment. */
export function deletedDuringAttempt(
  deletedAt: number | null,
  tries: readonly { readonly endedAt: number; readonly outcomes: readonly { readonly recipient: number }[] }[],
  recipient: number,
): boolean {
  return (
    deletedAt !== null &&
    tries.some(({ endedAt, outcomes }) => endedAt >= deletedAt && outcomes.some((o) => o.recipient === recipient))
  );
}
