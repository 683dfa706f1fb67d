import { expect, test } from 'vitest';
import {
  addPage,
  anchorShift,
  missingPages,
  PAGE_SIZE,
  refreshWindow,
  replaceWindow,
  rowAt,
} from '../../renderer/queue/loaded-rows.ts';
import type { MessageRow } from '../../shared/mail.ts';

const rows = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: `m${from + i}` }) as MessageRow);

const NONE = replaceWindow(undefined, 0, [], 100_000);

test('before the first page the pages of the view are missing', () => {
  expect(missingPages(NONE, { first: 0, last: 40 })).toEqual([0]);
  expect(missingPages(NONE, { first: 190, last: 210 })).toEqual([1, 2]);
});
test('no page past the end is asked for', () => {
  const loaded = addPage(NONE, 0, rows(0, PAGE_SIZE), 120);
  expect(missingPages(loaded, { first: 0, last: 5000 })).toEqual([1]);
  expect(missingPages(addPage(loaded, 1, rows(100, 20), 120), { first: 0, last: 5000 })).toEqual([]);
});
test('a known row is found, an unknown one is undefined', () => {
  const loaded = addPage(NONE, 2, rows(200, PAGE_SIZE), 1000);
  expect(rowAt(loaded, 250)?.id).toBe('m250');
  expect(rowAt(loaded, 350)).toBeUndefined();
});
test('the loaded stays bounded, and the pages near the view stay in it', () => {
  let loaded = NONE;
  for (let page = 0; page < 300; page++) loaded = addPage(loaded, page, rows(page * PAGE_SIZE, PAGE_SIZE), 100_000);
  expect(Object.keys(loaded.pages).length).toBeLessThanOrEqual(40);
  expect(rowAt(loaded, 299 * PAGE_SIZE)?.id).toBe('m29900');
});
test('a change reads whole pages around the view, within what one call may ask', () => {
  expect(refreshWindow({ first: 0, last: 30 })).toEqual({ offset: 0, limit: 200 });
  expect(refreshWindow({ first: 950, last: 1010 })).toEqual({ offset: 800, limit: 400 });
  expect(refreshWindow({ first: 0, last: 100_000 }).limit).toBe(1000);
});
test('a window that was read again replaces everything that may have changed', () => {
  const loaded = replaceWindow(NONE, 100, rows(100, 250), 350);
  expect(rowAt(loaded, 349)?.id).toBe('m349');
  expect(rowAt(loaded, 0)).toBeUndefined();
  expect(loaded.total).toBe(350);
  expect(loaded.generation).toBe(NONE.generation + 1);
});
test('three new rows above: the list moved by three', () => {
  expect(anchorShift([{ id: 'm5', index: 5 }], replaceWindow(NONE, 0, [...rows(-3, 3), ...rows(0, 50)], 53))).toBe(3);
});
test('the row under the pointer decides; if it is gone, the next anchor does', () => {
  const after = replaceWindow(NONE, 0, rows(1, 50), 50);
  expect(
    anchorShift(
      [
        { id: 'm0', index: 0 },
        { id: 'm4', index: 4 },
      ],
      after,
    ),
  ).toBe(-1);
  expect(anchorShift([{ id: 'gone', index: 2 }], after)).toBe(0);
});
