import { expect, it } from 'vitest';
import { createInFlightLimit } from '../../../main/attempt/in-flight-limit.ts';

const never = new AbortController().signal;

/** Takes places and notes in what order they were had. */
function taker(most: () => number): {
  readonly had: string[];
  take(name: string, signal?: AbortSignal): Promise<() => void>;
} {
  const places = createInFlightLimit(most);
  const had: string[] = [];
  return {
    had,
    take: async (name, signal = never) => {
      const leave = await places.acquire(signal);
      had.push(name);
      return leave;
    },
  };
}
const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('gives out as many places as there are, and one for each that comes back, in the order of asking', async () => {
  const { had, take } = taker(() => 2);
  const first = await take('a');
  const second = await take('b');
  for (const name of ['c', 'd', 'e']) void take(name);
  await turn();
  expect(had).toEqual(['a', 'b']);
  first();
  first();
  await turn();
  expect(had).toEqual(['a', 'b', 'c']);
  second();
  await turn();
  expect(had).toEqual(['a', 'b', 'c', 'd']);
});

it('follows a changed number: fewer as they come back, more with the next that does', async () => {
  let most = 2;
  const { had, take } = taker(() => most);
  const leave = [await take('a'), await take('b')];
  for (const name of ['c', 'd', 'e']) void take(name);
  most = 1;
  leave[0]?.();
  await turn();
  expect(had).toEqual(['a', 'b']);
  most = 3;
  leave[1]?.();
  await turn();
  expect(had).toEqual(['a', 'b', 'c', 'd', 'e']);
});

it('lets go who gives up waiting, without a place and without taking one from another', async () => {
  const { had, take } = taker(() => 1);
  const leave = await take('a');
  const abort = new AbortController();
  const gaveUp = take('b', abort.signal);
  void take('c');
  abort.abort();
  (await gaveUp)();
  await turn();
  expect(had).toEqual(['a', 'b']);
  leave();
  await turn();
  expect(had).toEqual(['a', 'b', 'c']);
  (await take('late', AbortSignal.abort()))();
  expect(had).toEqual(['a', 'b', 'c', 'late']);
});
