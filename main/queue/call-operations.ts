/** The asynchronous client, made of the table of operations: one function for each. */
import { OPERATIONS, type Calls, type OperationName } from './operations.ts';

/** Changes to many messages are made in slices of this many, so that new mail gets its turn in between. */
const SLICE = 500;

/** Has one operation carried out with these arguments. Rejects with StoreError. */
export type SendRequest = (operation: OperationName, args: readonly unknown[]) => Promise<unknown>;

/** The functions that callers use, for all operations. */
export function callOperations(send: SendRequest): Calls<typeof OPERATIONS> {
  const names = Object.keys(OPERATIONS) as OperationName[];
  return Object.fromEntries(names.map((name) => [name, callOf(name, send)])) as unknown as Calls<typeof OPERATIONS>;
}

function callOf(name: OperationName, send: SendRequest): (...args: readonly unknown[]) => Promise<unknown> {
  const { slices } = OPERATIONS[name];
  switch (slices) {
    case 'none':
      return async (...args) => send(name, args);
    case 'selection':
      return async (selection, ...args) => {
        const seqs = (await send('select', [selection])) as readonly number[];
        let sum = await send(name, [seqs.slice(0, SLICE), ...args]);
        for (let start = SLICE; start < seqs.length; start += SLICE)
          sum = add(sum, await send(name, [seqs.slice(start, start + SLICE), ...args]));
        return sum;
      };
    case 'limit':
      return async (...args) => {
        for (let count = 0; ;) {
          const done = (await send(name, [SLICE, ...args])) as number;
          count += done;
          if (done < SLICE) return count;
        }
      };
  }
}

/** Adds up the answers of two slices: numbers, lists, and records of these. */
function add(a: unknown, b: unknown): unknown {
  if (typeof a === 'number') return a + (b as number);
  if (Array.isArray(a)) return [...(a as readonly unknown[]), ...(b as readonly unknown[])];
  const other = b as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(a as object).map(([key, value]) => [key, add(value, other[key])]));
}
