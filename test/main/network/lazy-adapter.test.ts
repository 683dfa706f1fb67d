import { expect, it } from 'vitest';
import { createLazyAdapter } from '../../../main/network/lazy-adapter.ts';
import type { NetworkAdapter, NetworkFacts } from '../../../main/network/facts.ts';

const facts: NetworkFacts = { links: [], routes: [], neighbours: [] } as unknown as NetworkFacts;

function real(): { readonly adapter: NetworkAdapter; readonly seen: string[]; tell(): void } {
  const seen: string[] = [];
  let tell = (): void => undefined;
  return {
    seen,
    tell: () => tell(),
    adapter: {
      read: async () => Promise.resolve(facts),
      watch: (changed) => {
        seen.push('watch');
        tell = changed;
        return () => seen.push('stop');
      },
      provoke: ({ gateway }) => void seen.push(`provoke ${gateway}`),
      close: async () => Promise.resolve(void seen.push('close')),
    },
  };
}

it('is not loaded before the event loop runs, then reads, watches and provokes', async () => {
  const { adapter, seen, tell } = real();
  let loaded = false;
  let told = 0;
  const late = createLazyAdapter(async () => {
    loaded = true;
    return Promise.resolve(adapter);
  });
  const stop = late.watch(() => (told += 1));
  late.provoke({ gateway: '192.0.2.1' } as never);
  await Promise.resolve();
  expect(loaded).toBe(false);
  expect(await late.read()).toBe(facts);
  expect(seen).toEqual(['watch', 'provoke 192.0.2.1']);
  tell();
  expect(told).toBe(1);
  stop();
  await late.close();
  expect(seen.slice(2)).toEqual(['stop', 'close']);
});

it('closed before it was loaded, it closes what was loaded and watches nothing', async () => {
  const { adapter, seen } = real();
  const late = createLazyAdapter(async () => Promise.resolve(adapter));
  late.watch(() => undefined);
  await late.close();
  expect(seen).toEqual(['close']);
});

it('what cannot be loaded is told by every reading, and closes all the same', async () => {
  const late = createLazyAdapter(async () => Promise.reject(new Error('no such library')));
  await expect(late.read()).rejects.toThrow('no such library');
  await expect(late.read()).rejects.toThrow('no such library');
  await late.close();
});
