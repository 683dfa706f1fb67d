import type { KeyboardEvent, RefObject } from 'react';
import { targetRow } from './keys.ts';
import { ROW_HEIGHT } from './message-row.tsx';
import type { RowSelection } from './row-selection.ts';
import { moveFocus, selectAll, selectOne, toggleOne, type SelectionState } from './selection.ts';
import type { MessageList } from './use-message-list.ts';

interface Table {
  readonly frameRef: RefObject<HTMLElement | null>;
  readonly list: MessageList;
  readonly selection: SelectionState;
  readonly onSelection: (change: (old: SelectionState) => SelectionState) => void;
  readonly rows: RowSelection;
  readonly scrollTo: (index: number, align: 'nearest') => void;
  readonly onOpen: () => void;
  readonly onDelete: () => void;
  readonly onContextMenu: (place: { readonly x: number; readonly y: number }) => void;
}

/** What a key does in the message table, as in a file manager. */
export function pressTableKey(event: KeyboardEvent, table: Table): void {
  // A column's head has the focus: its keys are a button's.
  if (event.target !== event.currentTarget) return;
  if (moveByKey(event, table) || actByKey(event, table)) event.preventDefault();
}

/** Arrows, Home, End, PageUp and PageDown. @returns whether the key moves */
function moveByKey(event: KeyboardEvent, { frameRef, list, selection, onSelection, rows, scrollTo }: Table): boolean {
  const command = event.ctrlKey || event.metaKey;
  const current = selection.focus?.index ?? -1;
  const height = frameRef.current?.clientHeight ?? 0;
  const page = Math.max(1, Math.floor((height - ROW_HEIGHT) / ROW_HEIGHT) - 1);
  const before = selection.focus?.id ?? null;
  const isGone = before !== null && (list.rowAt(current)?.id ?? before) !== before;
  const target = targetRow(event.key, current, list.total ?? 0, page, isGone);
  if (target === null) return false;
  scrollTo(target, 'nearest');
  if (event.shiftKey) rows.selectTo(target, command);
  else if (command) onSelection((old) => moveFocus(old, target, list.rowAt(target)?.id ?? null));
  else rows.selectRow(target);
  return true;
}

/** @returns whether the key does something */
function actByKey(event: KeyboardEvent, table: Table): boolean {
  const { frameRef, list, selection, onSelection } = table;
  const command = event.ctrlKey || event.metaKey;
  const current = selection.focus?.index ?? -1;
  const id = current >= 0 ? list.rowAt(current)?.id : undefined;
  if (command && event.key.toLowerCase() === 'a') onSelection(selectAll);
  else if (event.key === ' ' && id !== undefined) {
    onSelection((old) => (command ? toggleOne(old, current, id) : selectOne(current, id)));
  } else if (event.key === 'Enter') table.onOpen();
  else if (event.key === 'Delete') table.onDelete();
  else if (event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10')) {
    const element = frameRef.current?.querySelector(`#row-${current}`) ?? frameRef.current;
    const box = element?.getBoundingClientRect();
    if (box !== undefined) table.onContextMenu({ x: box.left + 24, y: box.top + ROW_HEIGHT });
  } else return false;
  return true;
}
