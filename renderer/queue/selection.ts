/**
 * Which messages are selected. Pure. The whole of a folder is kept as "all but these", so that 100,000 messages are
 * selected without listing them.
 */
import type { Selection } from '../../shared/ipc-contract.ts';
import type { Folder, QueueId } from '../../shared/mail.ts';

export interface SelectionState {
  readonly kind: 'some' | 'all';
  /** kind 'some': the selected ones; kind 'all': the exceptions. */
  readonly ids: ReadonlySet<QueueId>;
  /** Where a shift-range starts: a row index of the present order. */
  readonly anchor: number | null;
  /** The focused row. */
  readonly focus: { readonly index: number; readonly id: QueueId | null } | null;
}

export const NOTHING_SELECTED: SelectionState = { kind: 'some', ids: new Set(), anchor: null, focus: null };

export function isSelected(state: SelectionState, id: QueueId): boolean {
  return (state.kind === 'all') !== state.ids.has(id);
}

/** @param total messages that the list has now */
export function selectedCount(state: SelectionState, total: number): number {
  return state.kind === 'some' ? state.ids.size : Math.max(0, total - state.ids.size);
}

/** Exactly one message, as a plain click or an arrow key does. */
export function selectOne(index: number, id: QueueId): SelectionState {
  return { kind: 'some', ids: new Set([id]), anchor: index, focus: { index, id } };
}

/** Adds or takes away one message (Ctrl+click, Ctrl+Space). */
export function toggleOne(state: SelectionState, index: number, id: QueueId): SelectionState {
  const ids = new Set(state.ids);
  if (!ids.delete(id)) ids.add(id);
  return { kind: state.kind, ids, anchor: index, focus: { index, id } };
}

/** Moves the focus without changing the selection (Ctrl+arrow). */
export function moveFocus(state: SelectionState, index: number, id: QueueId | null): SelectionState {
  return { ...state, focus: { index, id } };
}

/** The indexes from anchor to target, both included. */
export function rangeOf(state: SelectionState, target: number): { readonly from: number; readonly to: number } {
  const anchor = state.anchor ?? state.focus?.index ?? target;
  return { from: Math.min(anchor, target), to: Math.max(anchor, target) };
}

/**
 * Selects a range (Shift+click, Shift+arrow).
 * @param ids the messages of the range, in order
 * @param add keep what is selected already (Ctrl+Shift)
 */
export function selectRange(
  state: SelectionState,
  target: number,
  targetId: QueueId | null,
  ids: Iterable<QueueId>,
  add: boolean,
): SelectionState {
  const chosen = new Set(add && state.kind === 'some' ? state.ids : []);
  for (const id of ids) chosen.add(id);
  return { kind: 'some', ids: chosen, anchor: state.anchor ?? target, focus: { index: target, id: targetId } };
}

export function selectAll(state: SelectionState): SelectionState {
  return { ...state, kind: 'all', ids: new Set() };
}

/** As the calls of the contract want it; null when nothing is selected. */
export function toSelection(state: SelectionState, folder: Folder, search: string): Selection | null {
  if (state.kind === 'all') return { folder, search, except: [...state.ids] };
  return state.ids.size === 0 ? null : { ids: [...state.ids] };
}

/**
 * Follows the rows after an update: focus and anchor stay with their message, not with their index.
 * @param shift by how many rows the list has moved at the focused place
 * @param total rows that there are now
 */
export function followRows(state: SelectionState, shift: number, total: number): SelectionState {
  if ((state.focus === null && state.anchor === null) || (shift === 0 && (state.focus?.index ?? 0) < total))
    return state;
  const clamp = (index: number) => Math.max(0, Math.min(total - 1, index + shift));
  return {
    ...state,
    anchor: state.anchor === null || total === 0 ? null : clamp(state.anchor),
    focus: state.focus === null || total === 0 ? null : { ...state.focus, index: clamp(state.focus.index) },
  };
}

/** The one selected message, if it is exactly one. */
export function singleSelected(state: SelectionState): QueueId | null {
  if (state.kind !== 'some' || state.ids.size !== 1) return null;
  return state.ids.values().next().value ?? null;
}
