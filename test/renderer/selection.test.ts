import { describe, expect, test } from 'vitest';
import { targetRow } from '../../renderer/queue/keys.ts';
import {
  followRows,
  isSelected,
  NOTHING_SELECTED,
  rangeOf,
  selectAll,
  selectedCount,
  selectOne,
  selectRange,
  singleSelected,
  toggleOne,
  toSelection,
} from '../../renderer/queue/selection.ts';

describe('selection', () => {
  test('a click selects one message and forgets the others', () => {
    const state = selectOne(4, 'b');
    expect(toSelection(state, 'outbox', '')).toEqual({ ids: ['b'] });
    expect(singleSelected(state)).toBe('b');
  });
  test('Ctrl+click adds and takes away', () => {
    const two = toggleOne(selectOne(1, 'a'), 3, 'c');
    expect([...two.ids]).toEqual(['a', 'c']);
    expect(singleSelected(two)).toBeNull();
    expect([...toggleOne(two, 1, 'a').ids]).toEqual(['c']);
  });
  test('Shift selects from the anchor, in both directions, and the anchor stays', () => {
    const anchored = selectOne(5, 'f');
    expect(rangeOf(anchored, 2)).toEqual({ from: 2, to: 5 });
    const up = selectRange(anchored, 2, 'c', ['c', 'd', 'e', 'f'], false);
    expect(rangeOf(up, 7)).toEqual({ from: 5, to: 7 });
    expect([...selectRange(up, 7, 'h', ['f', 'g', 'h'], false).ids]).toEqual(['f', 'g', 'h']);
  });
  test('Ctrl+A selects the folder by name, with exceptions, and counts it', () => {
    const all = toggleOne(selectAll(NOTHING_SELECTED), 0, 'a');
    expect(toSelection(all, 'sent', 'invoice')).toEqual({ folder: 'sent', search: 'invoice', except: ['a'] });
    expect(selectedCount(all, 100_000)).toBe(99_999);
    expect(isSelected(all, 'a')).toBe(false);
    expect(isSelected(all, 'zzz')).toBe(true);
  });
  test('nothing selected is no selection', () => expect(toSelection(NOTHING_SELECTED, 'bad', '')).toBeNull());
  test('after new rows above, focus and anchor keep their message', () => {
    const moved = followRows(selectOne(4, 'b'), 3, 100);
    expect(moved.focus).toEqual({ index: 7, id: 'b' });
    expect(moved.anchor).toBe(7);
    expect([...moved.ids]).toEqual(['b']);
  });
  test('when the list gets shorter than the focus, the focus goes to its end', () => {
    expect(followRows(selectOne(9, 'j'), 0, 4).focus?.index).toBe(3);
    expect(followRows(selectOne(9, 'j'), 0, 0).focus).toBeNull();
  });
});

describe('keys', () => {
  test.each([
    ['ArrowDown', -1, 0],
    ['ArrowDown', 4, 5],
    ['ArrowDown', 9, 9],
    ['ArrowUp', 0, 0],
    ['PageDown', 2, 6],
    ['PageUp', 2, 0],
    ['Home', 7, 0],
    ['End', 0, 9],
    ['x', 3, null],
  ])('%s from %i goes to %s of ten rows', (key, here, there) => expect(targetRow(key, here, 10, 4)).toBe(there));
  test('after the row was deleted, down goes to the one that moved up to its place', () => {
    expect(targetRow('ArrowDown', 3, 10, 4, true)).toBe(3);
    expect(targetRow('ArrowUp', 3, 10, 4, true)).toBe(2);
  });
  test('nothing moves in an empty list', () => expect(targetRow('End', -1, 0, 4)).toBeNull());
});
