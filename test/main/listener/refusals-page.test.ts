import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LIMITS } from '../../../main/listener/accept-policy.ts';
import { REFUSALS, type ReplyRow } from '../../../main/listener/replies.ts';
import { refusalsPage } from './refusals-page.ts';

const rows = Object.entries<ReplyRow>(REFUSALS);

test('docs/refusals.md is what the table says', () => {
  expect(readFileSync(join(import.meta.dirname, '../../../docs/refusals.md'), 'utf8').replace(/\r\n/g, '\n')).toBe(
    refusalsPage(),
  );
});

test.each(rows)('%s: class of code and enhanced code agree, words are plain ASCII of one short line', (_name, row) => {
  expect(row.code).toBeGreaterThanOrEqual(400);
  if (row.enhanced !== null) expect(row.enhanced[0]).toBe(String(row.code)[0]);
  expect(row.text).toMatch(/^[ -~]{1,200}$/);
  if (row.code === 421) expect(row.closes).toBe(true);
});

test('the numbers in the words are the limits', () => {
  const when = (name: keyof typeof REFUSALS) => REFUSALS[name].when.replaceAll(',', '');
  expect(when('tooManyRecipients')).toContain(String(LIMITS.recipients));
  expect(when('lineTooLong')).toContain(String(LIMITS.commandLine));
  expect(when('textLineTooLong')).toContain(String(LIMITS.textLine));
  expect(when('headerTooBig')).toContain(String(LIMITS.header));
  expect(when('loop')).toContain(String(LIMITS.hops));
  expect(when('tooSlow')).toContain(String(LIMITS.dataOctetsPerSecond));
});
