import { expect, test } from 'vitest';
import {
  addPage,
  EMPTY_CACHE,
  missingPages,
  PAGE,
  refreshWindow,
  replaceWindow,
  rowAt,
  shiftOf,
} from '../../renderer/queue/row-cache.ts';
import type { MessageRow } from '../../shared/mail.ts';

const rows = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: `m${from + i}` }) as MessageRow);

test('before the first answer the pages of the view are missing', () => {
  expect(missingPages(EMPTY_CACHE, 0, 40)).toEqual([0]);
  expect(missingPages(EMPTY_CACHE, 190, 210)).toEqual([1, 2]);
});
test('no page past the end is asked for', () => {
  const cache = addPage(EMPTY_CACHE, 0, rows(0, PAGE), 120);
  expect(missingPages(cache, 0, 5000)).toEqual([1]);
  expect(missingPages(addPage(cache, 1, rows(100, 20), 120), 0, 5000)).toEqual([]);
});
test('a known row is found, an unknown one is undefined', () => {
  const cache = addPage(EMPTY_CACHE, 2, rows(200, PAGE), 1000);
  expect(rowAt(cache, 250)?.id).toBe('m250');
  expect(rowAt(cache, 350)).toBeUndefined();
});
test('the cache stays bounded, and the pages near the view stay in it', () => {
  let cache = EMPTY_CACHE;
  for (let page = 0; page < 300; page++) cache = addPage(cache, page, rows(page * PAGE, PAGE), 100_000);
  expect(cache.pages.size).toBeLessThanOrEqual(40);
  expect(rowAt(cache, 299 * PAGE)?.id).toBe('m29900');
});
test('a change reads whole pages around the view, within what one call may ask', () => {
  expect(refreshWindow(0, 30)).toEqual({ offset: 0, limit: 200 });
  expect(refreshWindow(950, 1010)).toEqual({ offset: 800, limit: 400 });
  expect(refreshWindow(0, 100_000).limit).toBe(1000);
});
test('a window that was read again replaces everything that may have changed', () => {
  const cache = replaceWindow(100, rows(100, 250), 350);
  expect(rowAt(cache, 349)?.id).toBe('m349');
  expect(rowAt(cache, 0)).toBeUndefined();
  expect(cache.total).toBe(350);
});
test('three new rows above: the list moved by three', () => {
  expect(shiftOf([{ id: 'm5', index: 5 }], 0, [...rows(-3, 3), ...rows(0, 50)])).toBe(3);
});
test('the row under the pointer decides; if it is gone, the next landmark does', () => {
  const after = rows(1, 50);
  expect(
    shiftOf(
      [
        { id: 'm0', index: 0 },
        { id: 'm4', index: 4 },
      ],
      0,
      after,
    ),
  ).toBe(-1);
  expect(shiftOf([{ id: 'gone', index: 2 }], 0, after)).toBe(0);
});
