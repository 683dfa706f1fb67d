import { act, cleanup, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { App } from '../../renderer/app.tsx';
import { prefetchWindow } from '../../renderer/prefetch-window.ts';
import { DEFAULT_LAYOUT } from '../../renderer/queue/layout.ts';
import { PAGE_SIZE, type LoadedRows } from '../../renderer/queue/loaded-rows.ts';
import { createServerCache } from '../../renderer/server-cache.ts';
import type { Bridge } from '../../shared/ipc-contract.ts';
import { createMockBridge } from './mock-bridge.ts';

const VIEW = { folder: 'outbox', search: '', sort: 'age', descending: true } as const;

/** A window's cache as it is when the first drawing begins. */
async function prefetched(bridge: Bridge, hash = '') {
  const cache = createServerCache(bridge);
  await prefetchWindow(cache, bridge, hash);
  return {
    cache,
    rows: (view: object) => cache.getQueryData<LoadedRows>(['queue.list', view, 'live']) ?? null,
    status: () => cache.getQueryData(['status.get', {}, 'live']),
  };
}

beforeEach(() => {
  localStorage.clear();
  window.location.hash = '';
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('the first drawing has settings, status, folders and rows, and nothing is asked twice', async () => {
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  const bridge = createMockBridge({ counts: { outbox: 300 } });
  const { cache } = await prefetched(bridge);
  const asked = bridge.calls.map((call) => call.name);
  render(<App bridge={bridge} cache={cache} />);
  // No waiting in between: this is what the first frame shows.
  expect(screen.getByRole('grid').getAttribute('aria-rowcount')).toBe('301');
  expect(document.querySelector('#row-0')?.textContent).toContain('@');
  expect(screen.getByRole('button', { name: 'Outbox 300' })).toBeTruthy();
  await act(async () => {
    await Promise.resolve();
  });
  expect(bridge.calls.map((call) => call.name)).toEqual(asked);
});

test('what was announced after the asking is asked for again', async () => {
  const bridge = createMockBridge({ counts: { outbox: 300 } });
  const { cache } = await prefetched(bridge);
  bridge.arrive('outbox', 1);
  render(<App bridge={bridge} cache={cache} />);
  expect(await screen.findByRole('button', { name: 'Outbox 301' })).toBeTruthy();
});

test('the order that was chosen last is the one that is asked for', async () => {
  localStorage.setItem('queue.layout', JSON.stringify({ ...DEFAULT_LAYOUT, sort: 'size', descending: false }));
  const { rows } = await prefetched(createMockBridge());
  expect(rows(VIEW)).toBeNull();
  expect(rows({ ...VIEW, sort: 'size', descending: false })?.pages[0]).toHaveLength(PAGE_SIZE);
});

test('a settings window does not ask for the queue', async () => {
  const bridge = createMockBridge();
  await prefetched(bridge, '#/settings/gateways');
  expect(bridge.calls.map((call) => call.name).sort()).toEqual(['settings.get', 'status.get']);
});

test('a queue that cannot be read does not keep the window empty', async () => {
  vi.useFakeTimers();
  const bridge = createMockBridge();
  const stuck: Bridge = {
    ...bridge,
    call: (name, input) => (name === 'queue.list' ? new Promise<never>(() => undefined) : bridge.call(name, input)),
  };
  const asking = prefetched(stuck);
  await vi.advanceTimersByTimeAsync(300);
  const { rows, status } = await asking;
  expect(rows(VIEW)).toBeNull();
  expect(status()).toBeDefined();
});
