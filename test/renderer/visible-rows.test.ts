import { describe, expect, test } from 'vitest';
import { rowsAround } from '../../renderer/queue/use-visible-rows.ts';
import { DEFAULT_LAYOUT, parseLayout, parsePaneHeight } from '../../renderer/queue/layout.ts';

describe('the rows that are drawn', () => {
  const ROW = 34;
  test.each([
    // top, height, first, last
    [0, 340, 0, 23],
    [7 * ROW, 340, 0, 31],
    [8 * ROW, 340, 0, 31],
    [16 * ROW, 340, 8, 39],
    [-20, 340, 0, 23], // pulled beyond the top
    [3_400_000 - 340, 340, 99_976, 100_007], // the list cuts off what lies behind its end
  ])('at %i px, %i px high: %i to %i', (top, height, first, last) => {
    expect(rowsAround(top, height, ROW)).toEqual({ first, last });
  });
  test('hold every row that can be seen and at least eight more on both sides, at any place', () => {
    for (let top = 0; top < 3000; top += 17) {
      const { first, last } = rowsAround(top, 500, ROW);
      expect(first).toBeLessThanOrEqual(Math.max(0, Math.floor(top / ROW) - 8));
      expect(last).toBeGreaterThanOrEqual(Math.floor((top + 500) / ROW) + 8);
      expect(last - first).toBeLessThan(500 / ROW + 40);
    }
  });
});

describe('a layout that was kept', () => {
  const kept = { sizes: { from: 200 }, hidden: ['via'], sort: 'size', descending: false };
  test('comes back as it was', () => expect(parseLayout(JSON.parse(JSON.stringify(kept)))).toEqual(kept));
  test('the first one is a layout', () => expect(parseLayout(DEFAULT_LAYOUT)).toEqual(DEFAULT_LAYOUT));
  test.each([
    ['nothing', null],
    ['a list', []],
    ['a width that is too small', { ...kept, sizes: { from: 3 } }],
    ['a width that is no number', { ...kept, sizes: { from: 'wide' } }],
    ['a column that is not there', { ...kept, hidden: ['colour'] }],
    ['an order that is not there', { ...kept, sort: 'colour' }],
    ['no direction', { ...kept, descending: undefined }],
  ])('counts as none if it is %s', (_what, value) => expect(parseLayout(value)).toBeNull());
  test.each([
    [300, 300],
    [139, null],
    ['300', null],
    [Number.NaN, null],
  ])('height %s is %s', (value, height) => expect(parsePaneHeight(value)).toBe(height));
});
