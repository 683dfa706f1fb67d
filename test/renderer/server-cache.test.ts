import { QueryObserver } from '@tanstack/react-query';
import { expect, test, vi } from 'vitest';
import { addPage, PAGE_SIZE, type LoadedRows } from '../../renderer/queue/loaded-rows.ts';
import { listQuery } from '../../renderer/queue/use-message-list.ts';
import { answerQuery, createServerCache, prefetch, setAnswer } from '../../renderer/server-cache.ts';
import type { Bridge, Input, MethodName, Output } from '../../shared/ipc-contract.ts';
import { fail, type Result } from '../../shared/result.ts';
import { createMockBridge, type MockBridge } from './mock-bridge.ts';

/** A bridge whose calls of one name answer when they are let go, with what the engine knew when it was asked. */
function held(name: MethodName): { mock: MockBridge; bridge: Bridge; letGo: () => void } {
  const mock = createMockBridge();
  const waiting: (() => void)[] = [];
  const bridge: Bridge = {
    ...mock,
    call: async <M extends MethodName>(method: M, input: Input<M>): Promise<Result<Output<M>>> => {
      const answer = await mock.call(method, input);
      if (method === name) await new Promise<void>((resolve) => waiting.push(resolve));
      return answer;
    },
  };
  return { mock, bridge, letGo: () => waiting.splice(0).forEach((resolve) => resolve()) };
}

test('a status that is announced while an older one is under way stays', async () => {
  const { mock, bridge, letGo } = held('status.get');
  const cache = createServerCache(bridge);
  const query = answerQuery(bridge, 'status.get', {});
  const asked = prefetch(cache, query);
  await vi.waitFor(() => expect(mock.calls).toHaveLength(1));
  const status = await mock.call('status.get', {});
  if (!status.ok) throw new Error(status.error.message);
  mock.emit('status:changed', { ...status.value, paused: true });
  letGo();
  await asked;
  expect(cache.getQueryData(query.queryKey)?.paused).toBe(true);
});

test('a setting that is being saved is not replaced by an answer that was asked for before', async () => {
  const { mock, bridge, letGo } = held('settings.get');
  const cache = createServerCache(bridge);
  const query = answerQuery(bridge, 'settings.get', {});
  cache.setQueryData(query.queryKey, mock.settings());
  const stop = new QueryObserver(cache, query).subscribe(() => undefined);
  mock.emit('settings:changed', {});
  await vi.waitFor(() => expect(mock.calls).toHaveLength(1));
  setAnswer(cache, query.queryKey, (old) => old && { ...old, general: { ...old.general, theme: 'dark' as const } });
  letGo();
  await vi.waitFor(() => expect(cache.isFetching()).toBe(0));
  expect(cache.getQueryData(query.queryKey)?.general.theme).toBe('dark');
  stop();
});

test('after an event the list is read again around the rows that are to be seen, and keeps the rest of its answer', async () => {
  const mock = createMockBridge({ counts: { outbox: 5000 } });
  const cache = createServerCache(mock);
  const query = listQuery(cache, mock, { folder: 'outbox', search: '', sort: 'age', descending: true });
  const stop = new QueryObserver(cache, query).subscribe(() => undefined);
  const rows = () => cache.getQueryData(query.queryKey);
  await vi.waitFor(() => expect(rows()?.total).toBe(5000));
  cache.setQueryData(['queue.visible'], { first: 1000, last: 1030 });
  mock.arrive('outbox', 1);
  await vi.waitFor(() => expect(rows()?.total).toBe(5001));
  expect(Object.keys(rows()?.pages ?? {}).map(Number)).toEqual([9, 10, 11]);
  expect(rows()?.generation).toBe(2);
  mock.answer('queue.list', () => fail('disk', 'The disk is full.'));
  mock.arrive('outbox', 1);
  await vi.waitFor(() => expect(cache.getQueryState(query.queryKey)?.error?.failure.message).toBe('The disk is full.'));
  expect(rows()?.total).toBe(5001);
  stop();
});

test('a page leaves the generation of its list as it is', () => {
  const rows: LoadedRows = { total: PAGE_SIZE * 3, pages: {}, generation: 7 };
  expect(addPage(rows, 1, [], PAGE_SIZE * 3).generation).toBe(7);
});
