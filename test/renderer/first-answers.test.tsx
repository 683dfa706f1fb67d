import { act, cleanup, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { App } from '../../renderer/app.tsx';
import { askFirst } from '../../renderer/first-answers.ts';
import { FIRST_LAYOUT } from '../../renderer/queue/layout.ts';
import { PAGE } from '../../renderer/queue/row-cache.ts';
import type { Bridge } from '../../shared/ipc-contract.ts';
import { createMockBridge } from './mock-bridge.ts';

const LIST = { folder: 'outbox', search: '', sort: 'age', descending: true, offset: 0, limit: PAGE } as const;

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
  const first = await askFirst(bridge, '');
  const asked = bridge.calls.map((call) => call.name);
  render(<App bridge={bridge} first={first} />);
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
  const first = await askFirst(bridge, '');
  expect(first.fresh()).toBe(true);
  bridge.arrive('outbox', 1);
  expect(first.fresh()).toBe(false);
  render(<App bridge={bridge} first={first} />);
  expect(await screen.findByRole('button', { name: 'Outbox 301' })).toBeTruthy();
});

test('the order that was chosen last is the one that is asked for', async () => {
  localStorage.setItem('queue.layout', JSON.stringify({ ...FIRST_LAYOUT, sort: 'size', descending: false }));
  const first = await askFirst(createMockBridge(), '');
  expect(first.get('queue.list', LIST)).toBeNull();
  expect(first.get('queue.list', { ...LIST, sort: 'size', descending: false })?.rows).toHaveLength(PAGE);
});

test('a settings window does not ask for the queue', async () => {
  const bridge = createMockBridge();
  await askFirst(bridge, '#/settings/gateways');
  expect(bridge.calls.map((call) => call.name).sort()).toEqual(['settings.get', 'status.get']);
});

test('a queue that cannot be read does not keep the window empty', async () => {
  vi.useFakeTimers();
  const bridge = createMockBridge();
  const stuck: Bridge = {
    ...bridge,
    call: (name, input) => (name === 'queue.list' ? new Promise<never>(() => undefined) : bridge.call(name, input)),
  };
  const asking = askFirst(stuck, '');
  await vi.advanceTimersByTimeAsync(300);
  const first = await asking;
  expect(first.get('queue.list', LIST)).toBeNull();
  expect(first.get('status.get', {})).not.toBeNull();
});
