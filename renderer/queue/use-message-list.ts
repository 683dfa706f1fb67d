/** The message table's data: reads pages as they come into view, reads the view again when the queue changes. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { ListQuery } from '../../shared/ipc-contract.ts';
import type { MessageRow, QueueId } from '../../shared/mail.ts';
import type { Failure } from '../../shared/result.ts';
import { drop, useBridge } from '../bridge.ts';
import { useFirstAnswers } from '../first-answers.ts';
import {
  addPage,
  EMPTY_CACHE,
  missingPages,
  PAGE,
  refreshWindow,
  replaceWindow,
  rowAt,
  shiftOf,
  type Landmark,
  type RowCache,
} from './row-cache.ts';

export type ListView = Pick<ListQuery, 'folder' | 'search' | 'sort' | 'descending'>;

export interface MessageList {
  readonly total: number | null;
  readonly failure: Failure | null;
  readonly rowAt: (index: number) => MessageRow | undefined;
  /** Tells which rows are to be seen. */
  readonly setVisible: (first: number, last: number) => void;
  /** Ids of rows `from`..`to`, read from the database where they are not known. */
  readonly idsOf: (from: number, to: number) => Promise<readonly QueueId[]>;
  readonly reload: () => void;
}

/**
 * @param landmarks gives the rows whose place should not change, most precious first; null = let new rows come in
 * @param onShift told, in the same breath as the new rows, by how many rows the list moved
 */
export function useMessageList(
  view: ListView,
  landmarks: () => readonly Landmark[] | null,
  onShift: (shift: number, total: number) => void,
): MessageList {
  const bridge = useBridge();
  const first = useFirstAnswers();
  const { folder, search, sort, descending } = view;
  const key = JSON.stringify([folder, search, sort, descending]);
  const [shown, setShown] = useState<{ key: string; cache: RowCache; failure: Failure | null }>(() => {
    const page = first.get('queue.list', { folder, search, sort, descending, offset: 0, limit: PAGE });
    const cache = page === null ? EMPTY_CACHE : addPage(EMPTY_CACHE, 0, page.rows, page.total);
    return { key: page === null ? '' : key, cache, failure: null };
  });
  // What the callbacks below look at: always of the newest view.
  const live = useRef({
    key: shown.key,
    cache: shown.cache,
    visible: { first: 0, last: 0 },
    wanted: new Set<number>(),
    epoch: 0,
  });
  const hooks = useRef({ landmarks, onShift });
  useEffect(() => {
    hooks.current = { landmarks, onShift };
  });

  const show = useCallback((cache: RowCache, failure: Failure | null) => {
    live.current.cache = cache;
    setShown({ key: live.current.key, cache, failure });
  }, []);

  const fetchMissing = useCallback(() => {
    const state = live.current;
    const { epoch } = state;
    for (const page of missingPages(state.cache, state.visible.first, state.visible.last)) {
      if (state.wanted.has(page)) continue;
      state.wanted.add(page);
      drop(
        bridge
          .call('queue.list', { folder, search, sort, descending, offset: page * PAGE, limit: PAGE })
          .then((result) => {
            if (live.current.epoch !== epoch) return;
            state.wanted.delete(page);
            if (result.ok) show(addPage(live.current.cache, page, result.value.rows, result.value.total), null);
            else show(live.current.cache, result.error);
          }),
      );
    }
  }, [bridge, folder, search, sort, descending, show]);

  const refresh = useCallback(() => {
    const state = live.current;
    const epoch = ++state.epoch;
    state.wanted.clear();
    const { offset, limit } = refreshWindow(state.visible.first, state.visible.last);
    drop(
      bridge.call('queue.list', { folder, search, sort, descending, offset, limit }).then((result) => {
        if (live.current.epoch !== epoch) return;
        if (!result.ok) {
          show(live.current.cache, result.error);
          return;
        }
        const { rows, total } = result.value;
        const marks = hooks.current.landmarks();
        const shift = marks === null ? 0 : shiftOf(marks, offset, rows);
        show(replaceWindow(offset, rows, total), null);
        hooks.current.onShift(shift, total);
        fetchMissing();
      }),
    );
  }, [bridge, folder, search, sort, descending, show, fetchMissing]);

  useEffect(() => {
    const state = live.current;
    if (state.key === key) {
      // Read at the start of the window.
      if (!first.fresh()) refresh();
    } else {
      state.key = key;
      state.cache = EMPTY_CACHE;
      state.visible = { first: 0, last: PAGE - 1 };
      state.wanted.clear();
      state.epoch++;
      fetchMissing();
    }
    const stop = bridge.on('queue:changed', refresh);
    return () => {
      stop();
      // Answers still under way belong to a list that is no longer shown.
      state.epoch++;
    };
  }, [bridge, key, fetchMissing, refresh, first]);

  const setVisible = useCallback(
    (first: number, last: number) => {
      live.current.visible = { first: Math.max(0, first), last };
      fetchMissing();
    },
    [fetchMissing],
  );

  const idsOf = useCallback(
    async (from: number, to: number) => {
      const ids: QueueId[] = [];
      let index = from;
      while (index <= to) {
        const known = rowAt(live.current.cache, index);
        if (known !== undefined) {
          ids.push(known.id);
          index++;
          continue;
        }
        const limit = Math.min(1000, to - index + 1);
        const result = await bridge.call('queue.list', { folder, search, sort, descending, offset: index, limit });
        if (!result.ok || result.value.rows.length === 0) break;
        ids.push(...result.value.rows.map((row) => row.id));
        index += result.value.rows.length;
      }
      return ids;
    },
    [bridge, folder, search, sort, descending],
  );

  const current = shown.key === key;
  const cache = current ? shown.cache : EMPTY_CACHE;
  return {
    total: cache.total,
    failure: current ? shown.failure : null,
    rowAt: useCallback((index: number) => rowAt(cache, index), [cache]),
    setVisible,
    idsOf,
    reload: refresh,
  };
}
