import { useDeferredValue, useEffect, useRef, useState, type RefObject } from 'react';
import type { Folder } from '../../shared/mail.ts';
import { fireAndForget, useBridge } from '../bridge.ts';
import { useLocalStorage } from '../components/use-local-storage.ts';
import { DEFAULT_LAYOUT, parseLayout, type Layout } from './layout.ts';
import type { TableView } from './message-table.tsx';
import {
  NOTHING_SELECTED,
  selectedCount,
  selectOne,
  singleSelected,
  toSelection,
  type SelectionState,
} from './selection.ts';
import { useMessageActions, type MessageActions } from './use-message-actions.ts';
import { useMessageList, type MessageList } from './use-message-list.ts';
import { useShowMessage } from './use-show-message.ts';

/** A message that was looked at for so long is no longer new, ms. */
const SEEN_AFTER_MS = 1000;

/** What the main window shows and what is selected in it. */
export interface Queue {
  readonly folder: Folder;
  readonly openFolder: (folder: Folder) => void;
  /** The search as typed, and as the list has it. */
  readonly words: string;
  readonly searched: string;
  readonly search: (words: string) => void;
  /** Ends the search, the selection stays. */
  readonly clearSearch: () => void;
  readonly list: MessageList;
  readonly layout: Layout;
  readonly setLayout: (layout: Layout) => void;
  readonly tableRef: RefObject<TableView | null>;
  readonly selection: SelectionState;
  readonly setSelection: (change: (old: SelectionState) => SelectionState) => void;
  /** The focus stays where it is. */
  readonly clearSelection: () => void;
  /** Selected messages. */
  readonly count: number;
  /** The one selected message, if it is exactly one. */
  readonly single: string | null;
  readonly actions: MessageActions;
  /** Whether the user is being asked about deleting for good. */
  readonly confirming: boolean;
  readonly confirm: (agreed: boolean) => void;
}

/** @param onList the list is to be shown, whatever else the window shows */
export function useQueue(onList: () => void): Queue {
  const [folder, setFolder] = useState<Folder>('outbox');
  const [words, setWords] = useState('');
  const searched = useDeferredValue(words.trim());
  const [selection, setSelection] = useState<SelectionState>(NOTHING_SELECTED);
  const [layout, setLayout] = useLocalStorage('queue.layout', parseLayout, DEFAULT_LAYOUT);
  const [confirming, setConfirming] = useState(false);
  const tableRef = useRef<TableView | null>(null);
  const { sort, descending } = layout;
  const list = useMessageList({ folder, search: searched, sort, descending });
  const count = selectedCount(selection, list.total ?? 0);
  const single = singleSelected(selection);
  const clearSelection = () => setSelection((old) => ({ ...NOTHING_SELECTED, focus: old.focus }));
  const actions = useMessageActions(folder, toSelection(selection, folder, searched), count, clearSelection, () =>
    setConfirming(true),
  );
  const show = (next: { readonly folder?: Folder; readonly words?: string }, selected: SelectionState) => {
    onList();
    if (next.folder !== undefined) setFolder(next.folder);
    if (next.words !== undefined) setWords(next.words);
    setSelection(selected);
  };
  useMarkSeen(folder, single);
  useShowMessage({
    layout,
    folder,
    total: list.total ?? 0,
    tableRef,
    onShow: (home, index, id) => show({ folder: home, words: '' }, selectOne(index, id)),
  });
  return {
    folder,
    openFolder: (next) => {
      show({ folder: next }, NOTHING_SELECTED);
      tableRef.current?.toTop();
    },
    words,
    searched,
    search: (next) => {
      show({ words: next }, NOTHING_SELECTED);
      tableRef.current?.toTop();
    },
    clearSearch: () => setWords(''),
    list,
    layout,
    setLayout,
    tableRef,
    selection,
    setSelection,
    clearSelection,
    count,
    single,
    actions,
    confirming,
    confirm: (agreed) => {
      setConfirming(false);
      if (agreed) actions.removeForGood();
    },
  };
}

function useMarkSeen(folder: Folder, single: string | null): void {
  const bridge = useBridge();
  useEffect(() => {
    if (single === null || (folder !== 'bad' && folder !== 'bounced')) return;
    const mark = () => fireAndForget(bridge.call('queue.markSeen', { selection: { ids: [single] } }));
    const timer = setTimeout(mark, SEEN_AFTER_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [bridge, single, folder]);
}
