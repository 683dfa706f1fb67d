import type { MouseEvent } from 'react';
import { fireAndForget } from '../bridge.ts';
import { isSelected, rangeOf, selectOne, selectRange, toggleOne, type SelectionState } from './selection.ts';
import type { MessageList } from './use-message-list.ts';

export interface RowSelection {
  /** Exactly this row, also one that is not loaded yet. */
  readonly selectRow: (index: number) => void;
  /** From the anchor to this row. `add`: keeps what is selected already */
  readonly selectTo: (index: number, add: boolean) => void;
  /** As in a file manager: plain, Ctrl and Shift click; the right button keeps a selection that it hits. */
  readonly onRowPress: (event: MouseEvent, index: number) => void;
}

/** How the rows of the message table are selected with mouse and keyboard. */
export function rowSelection(
  { idsOf, rowAt }: MessageList,
  selection: SelectionState,
  onSelection: (change: (old: SelectionState) => SelectionState) => void,
): RowSelection {
  const selectRow = (index: number) => {
    const id = rowAt(index)?.id;
    if (id !== undefined) onSelection(() => selectOne(index, id));
    else
      fireAndForget(
        idsOf(index, index).then(([found]) => {
          if (found !== undefined) onSelection(() => selectOne(index, found));
        }),
      );
  };
  const selectTo = (index: number, add: boolean) => {
    const { from, to } = rangeOf(selection, index);
    fireAndForget(
      idsOf(from, to).then((ids) => {
        const id = index >= from && index < to ? ids[0] : ids.at(-1);
        onSelection((old) => selectRange(old, index, id ?? null, ids, add));
      }),
    );
  };
  const onRowPress = (event: MouseEvent, index: number) => {
    const id = rowAt(index)?.id;
    if (id === undefined || event.button === 1) return;
    const command = event.ctrlKey || event.metaKey;
    if (event.button === 2) {
      if (!isSelected(selection, id)) onSelection(() => selectOne(index, id));
    } else if (event.shiftKey) selectTo(index, command);
    else if (command) onSelection((old) => toggleOne(old, index, id));
    else onSelection(() => selectOne(index, id));
  };
  return { selectRow, selectTo, onRowPress };
}
