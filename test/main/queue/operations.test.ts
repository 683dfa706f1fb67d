/** An operation of the store is written in two places: its line in the table, and the function that carries it out. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { callOperations } from '../../../main/queue/call-operations.ts';
import { OPERATIONS, type OperationName } from '../../../main/queue/operations.ts';

const root = path.resolve(import.meta.dirname, '../../../main/queue');
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

/** The client completes these: it knows what is in flight, when mail was deleted, and what of the space is free. */
const COMPLETED: readonly OperationName[] = [
  ...(['accept', 'chunk', 'discard', 'bytes'] as const),
  ...(['claimDue', 'record', 'release', 'reclaim'] as const),
  ...(['move', 'resend', 'purge', 'expireKept', 'select', 'tidy'] as const),
];

/** Files that say how an operation is called or carried out. */
function placesOf(name: OperationName): readonly string[] {
  // Its line in the table, or a function of this name: `name:`, `name(…) {`, `calls.name(…)`.
  const place = new RegExp(`^ {2,4}(async )?${name}(:|\\()|calls\\.${name}\\(`, 'm');
  return files
    .filter((file) => place.test(readFileSync(path.join(root, file), 'utf8')))
    .map((f) => f.replaceAll('\\', '/'));
}

const ordinary = (Object.keys(OPERATIONS) as OperationName[]).filter((name) => !COMPLETED.includes(name));

test.each(ordinary)('%s is written in the table and in one file of SQL', (name) => {
  const places = placesOf(name);
  expect(places).toContain('operations.ts');
  expect(places).toHaveLength(2);
  expect(places.filter((file) => file.startsWith('sqlite/'))).toHaveLength(1);
});

test('changes to a selection are made in slices, and their answers added up', async () => {
  const sent: (readonly unknown[])[] = [];
  const calls = callOperations(async (operation, args) => {
    if (operation === 'select') return Array.from({ length: 1200 }, (_, n) => n);
    const [seqs, ...more] = args as [readonly number[], ...unknown[]];
    sent.push([operation, seqs.length, ...more]);
    return Promise.resolve({ count: seqs.length, sending: [`m${seqs[0]}`] });
  });
  expect(await calls.move({ ids: [] }, 'deleted', 7)).toEqual({ count: 1200, sending: ['m0', 'm500', 'm1000'] });
  expect(sent).toEqual([500, 500, 200].map((count) => ['move', count, 'deleted', 7]));
});

test('changes up to a limit are asked for until fewer are left', async () => {
  const answers = [500, 500, 3];
  const calls = callOperations(async () => Promise.resolve(answers.shift()));
  expect(await calls.clampNextAt(1)).toBe(1003);
});
