import { describe, expect, test } from 'vitest';
import { resendChoice, withTicked, withText } from '../../renderer/details/resend-choice.ts';
import type { RecipientState, RecipientView } from '../../shared/mail.ts';

const recipient = (id: number, name: string, state: RecipientState): RecipientView => ({
  id,
  rcptTo: `${name}@a.test`,
  state,
  attempts: 1,
  nextAt: null,
  doneAt: null,
  mayHaveArrived: false,
  reply: null,
  status: null,
  hop: null,
  why: [],
});
const MIXED = [
  recipient(1, 'bad', 'bad'),
  recipient(2, 'waits', 'deferred'),
  recipient(3, 'flies', 'attempting'),
  recipient(4, 'has', 'relayed'),
  recipient(5, 'was', 'replaced'),
];

describe('send again', () => {
  test('begins with those that failed; who has it or was replaced cannot be chosen', () => {
    const choice = resendChoice(MIXED, null);
    expect(choice.candidates.map((one) => [one.recipient.id, one.ticked])).toEqual([
      [1, true],
      [2, false],
      [3, false],
    ]);
    expect(choice).toMatchObject({ text: 'bad@a.test', replaces: [1], inFlight: [], twice: [], left: 2 });
    expect(choice.emptied).toBe(false);
  });

  test('a mended address keeps whom it replaces', () => {
    const choice = resendChoice(MIXED, withText(resendChoice(MIXED, null), 'good@a.test'));
    expect(choice).toMatchObject({ good: ['good@a.test'], replaces: [1] });
  });

  test('a tick brings the address into the box, taking it away takes it out again', () => {
    const ticked = resendChoice(MIXED, withTicked(resendChoice(MIXED, null), MIXED[1]!, true));
    expect(ticked).toMatchObject({ text: 'bad@a.test\nwaits@a.test', replaces: [1, 2], left: 1 });
    const without = resendChoice(MIXED, withTicked(ticked, MIXED[0]!, false));
    expect(without).toMatchObject({ text: 'waits@a.test', replaces: [2] });
  });

  test('who is still to get it is replaced by withText the address, in whatever case; who has it gets it twice, and that is said', () => {
    const choice = resendChoice(MIXED, withText(resendChoice(MIXED, null), 'Waits@A.test; has@a.test'));
    expect(choice).toMatchObject({ replaces: [1, 2], twice: ['has@a.test'], inFlight: [] });
  });

  test('one with a server that is named has to be waited for; its answer ends the waiting', () => {
    const before = resendChoice(MIXED, withText(resendChoice(MIXED, null), 'flies@a.test'));
    expect(before).toMatchObject({ replaces: [1, 3], inFlight: ['flies@a.test'] });
    const touched = withText(before, 'other@a.test');
    const later = MIXED.map((r) => (r.id === 3 ? recipient(3, 'flies', 'deferred') : r));
    expect(resendChoice(later, touched)).toMatchObject({ replaces: [1, 3], inFlight: [], left: 1 });
    const taken = MIXED.map((r) => (r.id === 3 ? recipient(3, 'flies', 'relayed') : r));
    expect(resendChoice(taken, touched)).toMatchObject({ replaces: [1], inFlight: [] });
  });

  test('while the user does nothing the list follows the message; once he did, it does not', () => {
    const flying = [recipient(3, 'flies', 'attempting')];
    const failed = [recipient(3, 'flies', 'bounced')];
    expect(resendChoice(flying, null)).toMatchObject({ text: '', replaces: [] });
    expect(resendChoice(failed, null)).toMatchObject({ text: 'flies@a.test', replaces: [3], emptied: true });
    expect(resendChoice(failed, withText(resendChoice(flying, null), 'x@a.test'))).toMatchObject({ replaces: [] });
  });

  test('the old message is empty if everybody in it is replaced', () => {
    const old = [recipient(1, 'bad', 'bad'), recipient(5, 'was', 'replaced')];
    expect(resendChoice(old, null).emptied).toBe(true);
    expect(resendChoice([...old, recipient(4, 'has', 'delivered')], null).emptied).toBe(false);
    expect(resendChoice([], null).emptied).toBe(false);
  });
});
