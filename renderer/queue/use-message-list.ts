/** The message table's data: loads pages as they come into view, reads the window again when the queue changes. */
import { hashKey, useQuery, useQueryClient, type QueryClient, type QueryKey } from '@tanstack/react-query';
import { useCallback } from 'react';
import type { Bridge, ListQuery } from '../../shared/ipc-contract.ts';
import type { MessageRow, QueueId } from '../../shared/mail.ts';
import type { Failure } from '../../shared/result.ts';
import { fireAndForget, useBridge } from '../bridge.ts';
import { valueOf, type AnswerQuery } from '../server-cache.ts';
import {
  addPage,
  missingPages,
  PAGE_SIZE,
  refreshWindow,
  replaceWindow,
  rowAt,
  type LoadedRows,
  type RowRange,
} from './loaded-rows.ts';

export type ListView = Pick<ListQuery, 'folder' | 'search' | 'sort' | 'descending'>;

export interface MessageList {
  /** Which list this is: rows of another one have nothing to do with these. */
  readonly key: string;
  /** Null until the first answer. */
  readonly rows: LoadedRows | null;
  readonly total: number | null;
  readonly failure: Failure | null;
  readonly rowAt: (index: number) => MessageRow | undefined;
  /** Tells which rows are to be seen, after every change of the range and of the list. */
  readonly setVisible: (range: RowRange) => void;
  /** Ids of rows `from`..`to`, read from the database where they are not loaded. */
  readonly idsOf: (from: number, to: number) => Promise<readonly QueueId[]>;
  readonly reload: () => void;
}

const MAX_IDS_PER_CALL = 1000;

/** Where the cache has the rows that are to be seen: what is read again is read around them. */
const VISIBLE_KEY = ['queue.visible'];

/** The query for the rows of a list: its first page, and later all around the rows that are to be seen. */
export function listQuery(cache: QueryClient, bridge: Bridge, view: ListView): AnswerQuery<LoadedRows> {
  const queryKey = ['queue.list', view, 'live'] as QueryKey as AnswerQuery<LoadedRows>['queryKey'];
  const rowsOfNow = () => cache.getQueryData(queryKey);
  return {
    queryKey,
    queryFn: async () => {
      const visible = cache.getQueryData<RowRange>(VISIBLE_KEY);
      const isFirst = rowsOfNow() === undefined || visible === undefined;
      const { offset, limit } = isFirst ? { offset: 0, limit: PAGE_SIZE } : refreshWindow(visible);
      const { rows, total } = await valueOf(bridge, 'queue.list', { ...view, offset, limit });
      return replaceWindow(rowsOfNow(), offset, rows, total);
    },
  };
}

export function useMessageList({ folder, search, sort, descending }: ListView): MessageList {
  const bridge = useBridge();
  const cache = useQueryClient();
  const view = { folder, search, sort, descending };
  const query = listQuery(cache, bridge, view);
  const { data: rows, error, refetch } = useQuery(query);
  const key = hashKey(query.queryKey);

  const setVisible = useCallback(
    (range: RowRange) => {
      cache.setQueryData(VISIBLE_KEY, range);
      if (rows === undefined) return;
      const { queryKey } = listQuery(cache, bridge, { folder, search, sort, descending });
      for (const page of missingPages(rows, range)) {
        const offset = page * PAGE_SIZE;
        const input = { folder, search, sort, descending, offset, limit: PAGE_SIZE };
        fireAndForget(
          cache
            .query({
              queryKey: ['queue.list', input, rows.generation],
              queryFn: () => valueOf(bridge, 'queue.list', input),
            })
            .then(
              (answer) =>
                cache.setQueryData(queryKey, (now) =>
                  now?.generation === rows.generation ? addPage(now, page, answer.rows, answer.total) : now,
                ),
              // The list as a whole then says why it cannot be read.
              () => cache.invalidateQueries({ queryKey }),
            ),
        );
      }
    },
    [bridge, cache, rows, folder, search, sort, descending],
  );

  const idsOf = useCallback(
    async (from: number, to: number) => {
      const ids: QueueId[] = [];
      for (let index = from; index <= to; index = from + ids.length) {
        const loaded = rows === undefined ? undefined : rowAt(rows, index);
        if (loaded !== undefined) {
          ids.push(loaded.id);
          continue;
        }
        const limit = Math.min(MAX_IDS_PER_CALL, to - index + 1);
        const result = await bridge.call('queue.list', { folder, search, sort, descending, offset: index, limit });
        if (!result.ok || result.value.rows.length === 0) break;
        ids.push(...result.value.rows.map((row) => row.id));
      }
      return ids;
    },
    [bridge, rows, folder, search, sort, descending],
  );

  return {
    key,
    rows: rows ?? null,
    total: rows?.total ?? null,
    failure: error?.failure ?? null,
    rowAt: useCallback((index: number) => (rows === undefined ? undefined : rowAt(rows, index)), [rows]),
    setVisible,
    idsOf,
    reload: () => void refetch(),
  };
}
