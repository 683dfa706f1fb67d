import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RECIPIENT_STATES, isFailed, isPending, type RecipientState } from '../../../shared/mail.ts';
import {
  decideAction,
  decideResend,
  deletedDuringAttempt,
  EFFECTS,
  type Effect,
  type UserAction,
} from '../../../main/policy/user-actions.ts';

/** The table once more, written by hand: a cell a line. */
const CELLS: readonly (readonly [UserAction, RecipientState, Effect])[] = [
  ['retry', 'queued', 'due'],
  ['retry', 'deferred', 'due'],
  ['retry', 'held', 'due'],
  ['retry', 'attempting', 'untouched'],
  ['retry', 'delivered', 'untouched'],
  ['retry', 'relayed', 'untouched'],
  ['retry', 'bounced', 'as-new'],
  ['retry', 'bad', 'as-new'],
  ['retry', 'replaced', 'untouched'],
  ['delete', 'queued', 'suspend'],
  ['delete', 'deferred', 'suspend'],
  ['delete', 'held', 'suspend'],
  ['delete', 'attempting', 'untouched'],
  ['delete', 'delivered', 'untouched'],
  ['delete', 'relayed', 'untouched'],
  ['delete', 'bounced', 'untouched'],
  ['delete', 'bad', 'untouched'],
  ['delete', 'replaced', 'untouched'],
  ['restore', 'queued', 'resume'],
  ['restore', 'deferred', 'resume'],
  ['restore', 'held', 'resume'],
  ['restore', 'attempting', 'untouched'],
  ['restore', 'delivered', 'untouched'],
  ['restore', 'relayed', 'untouched'],
  ['restore', 'bounced', 'untouched'],
  ['restore', 'bad', 'untouched'],
  ['restore', 'replaced', 'untouched'],
  ['purge', 'queued', 'remove'],
  ['purge', 'deferred', 'remove'],
  ['purge', 'held', 'remove'],
  ['purge', 'attempting', 'wait'],
  ['purge', 'delivered', 'remove'],
  ['purge', 'relayed', 'remove'],
  ['purge', 'bounced', 'remove'],
  ['purge', 'bad', 'remove'],
  ['purge', 'replaced', 'remove'],
  ['expire', 'queued', 'remove'],
  ['expire', 'deferred', 'remove'],
  ['expire', 'held', 'remove'],
  ['expire', 'attempting', 'wait'],
  ['expire', 'delivered', 'remove'],
  ['expire', 'relayed', 'remove'],
  ['expire', 'bounced', 'remove'],
  ['expire', 'bad', 'remove'],
  ['expire', 'replaced', 'remove'],
  ['resend', 'queued', 'close'],
  ['resend', 'deferred', 'close'],
  ['resend', 'held', 'close'],
  ['resend', 'attempting', 'wait'],
  ['resend', 'delivered', 'refuse'],
  ['resend', 'relayed', 'refuse'],
  ['resend', 'bounced', 'close'],
  ['resend', 'bad', 'close'],
  ['resend', 'replaced', 'refuse'],
];

describe('the table of what users do and where recipients stand', () => {
  it.each(CELLS)('%s, %s: %s', (action, state, effect) => {
    expect(EFFECTS[action][state]).toBe(effect);
  });

  it('has a cell for each pair', () => {
    expect(CELLS).toHaveLength(Object.keys(EFFECTS).length * RECIPIENT_STATES.length);
    expect(new Set(CELLS.map(([action, state]) => `${action} ${state}`)).size).toBe(CELLS.length);
  });
});

const here = (...states: readonly RecipientState[]) => ({ deleted: false, states });
const gone = (...states: readonly RecipientState[]) => ({ deleted: true, states });
type Action = Exclude<UserAction, 'resend'>;

describe('an action on a message', () => {
  it.each<[string, Action, ReturnType<typeof here>, readonly Effect[] | 'nothing' | 'waits']>([
    ['retry in the Outbox: those that wait', 'retry', here('deferred', 'bounced', 'delivered', 'held'), ['due', 'untouched', 'untouched', 'due']],
    ['retry in Bounced: those that failed', 'retry', here('bounced', 'bad', 'relayed', 'replaced'), ['as-new', 'as-new', 'untouched', 'untouched']],
    ['retry with one in flight: the others', 'retry', here('attempting', 'queued'), ['untouched', 'due']],
    ['retry with nobody else than one in flight', 'retry', here('attempting', 'bounced'), 'waits'],
    ['retry of what everybody has', 'retry', here('delivered', 'replaced'), 'nothing'],
    ['retry in Deleted', 'retry', gone('deferred', 'bounced'), 'nothing'],
    ['delete with one in flight', 'delete', here('attempting', 'deferred', 'bad'), ['untouched', 'suspend', 'untouched']],
    ['delete what everybody has', 'delete', here('delivered'), ['untouched']],
    ['delete twice', 'delete', gone('deferred'), 'nothing'],
    ['restore', 'restore', gone('attempting', 'deferred', 'bounced'), ['untouched', 'resume', 'untouched']],
    ['restore what is not in Deleted', 'restore', here('deferred'), 'nothing'],
    ['purge', 'purge', gone('deferred', 'delivered'), ['remove', 'remove']],
    ['purge with one in flight', 'purge', gone('deferred', 'attempting'), 'waits'],
    ['purge what is not in Deleted', 'purge', here('delivered'), 'nothing'],
    ['expire in Sent', 'expire', here('relayed', 'replaced'), ['remove', 'remove']],
    ['expire in Deleted with one in flight', 'expire', gone('attempting'), 'waits'],
  ])('%s', (_what, action, standing, expected) => {
    const decision = decideAction(action, standing);
    expect(decision.kind === 'done' ? decision.effects : decision.kind).toEqual(expected);
  }); // prettier-ignore

  const states = fc.array(fc.constantFrom(...RECIPIENT_STATES), { minLength: 1, maxLength: 6 });
  const actions = fc.constantFrom<Action>('retry', 'delete', 'restore', 'purge', 'expire');

  it('never touches one that is with a server, and never makes due who failed while others are pending', () => {
    fc.assert(
      fc.property(actions, states, fc.boolean(), (action, those, deleted) => {
        const decision = decideAction(action, { deleted, states: those });
        if (decision.kind !== 'done') return;
        those.forEach((state, i) => {
          const effect = decision.effects[i];
          if (state === 'attempting') expect(effect).toBe('untouched');
          if (isFailed(state) && those.some(isPending)) expect(effect).not.toBe('as-new');
          if (effect === 'due' || effect === 'resume') expect(isPending(state)).toBe(true);
          if (effect === 'as-new') expect(isFailed(state)).toBe(true);
        });
      }),
    );
  });
});

describe('send again', () => {
  const recipient = (id: number, state: RecipientState, name = `r${id}`) => ({
    id,
    rcptTo: `${name}@a.test`,
    mailbox: `${name}@a.test`,
    state,
  });
  const wish = (
    recipients: readonly ReturnType<typeof recipient>[],
    replaces: readonly number[],
    ...to: readonly string[]
  ) => decideResend({ recipients, replaces, mailboxes: to.map((name) => `${name}@a.test`) });

  it('closes those that were named, and leaves those that wait or have it', () => {
    const old = [recipient(1, 'bounced'), recipient(2, 'deferred'), recipient(3, 'delivered')];
    expect(wish(old, [1], 'new')).toEqual({ kind: 'done', close: [1], emptied: false });
    expect(wish(old, [1, 2], 'new')).toEqual({ kind: 'done', close: [1, 2], emptied: false });
    expect(wish(old, [], 'new')).toEqual({ kind: 'done', close: [], emptied: false });
  });

  it('empties the old message only if everybody in it was replaced', () => {
    expect(wish([recipient(1, 'bad')], [1], 'new')).toMatchObject({ emptied: true });
    expect(wish([recipient(1, 'bad'), recipient(2, 'replaced')], [1], 'new')).toMatchObject({ emptied: true });
    expect(wish([recipient(1, 'bad'), recipient(2, 'bad')], [1], 'new')).toMatchObject({ emptied: false });
  });

  it('takes the address of one that is still to get it as its name', () => {
    const old = [recipient(1, 'bad'), recipient(2, 'held'), recipient(3, 'relayed'), recipient(4, 'attempting')];
    expect(wish(old, [], 'r1', 'r2', 'r3')).toEqual({ kind: 'done', close: [1, 2], emptied: false });
    expect(wish(old, [1], 'r4')).toEqual({ kind: 'refused', why: 'in-flight', address: 'r4@a.test' });
  });

  it.each<[string, RecipientState, object]>([
    ['is with a server', 'attempting', { kind: 'refused', why: 'in-flight', address: 'r2@a.test' }],
    ['has it', 'delivered', { kind: 'refused', why: 'settled', address: 'r2@a.test' }],
    ['is with a gateway', 'relayed', { kind: 'refused', why: 'settled', address: 'r2@a.test' }],
    ['was replaced before', 'replaced', { kind: 'refused', why: 'settled', address: 'r2@a.test' }],
  ])('does nothing if one that was named %s', (_what, state, answer) => {
    expect(wish([recipient(1, 'bad'), recipient(2, state)], [1, 2], 'new')).toEqual(answer);
  });

  it('does nothing for a recipient of another message', () => {
    expect(wish([recipient(1, 'bad')], [1, 7], 'new')).toEqual({ kind: 'refused', why: 'no-recipient' });
  });
});

describe('deleted while it was being sent', () => {
  const tries = [{ endedAt: 50, outcomes: [{ recipient: 1 }] }];
  it.each([
    [null, 1, false],
    [40, 1, true],
    [50, 1, true],
    [60, 1, false],
    [40, 2, false],
  ])('deleted at %s, recipient %i: %s', (deletedAt, recipient, expected) => {
    expect(deletedDuringAttempt(deletedAt, tries, recipient)).toBe(expected);
  });
});
