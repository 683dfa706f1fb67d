/** The message table: virtual rows over a list that lies in the database, keyboard and mouse as in a file manager. */
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import { useTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, type KeyboardEvent, type MouseEvent } from 'react';
import { SORT_KEYS, type SortKey } from '../../shared/ipc-contract.ts';
import { drop } from '../bridge.ts';
import { useSay } from '../i18n/i18n.ts';
import { useFormat, useNow } from '../i18n/locale.tsx';
import { Cell, columns, features, FLEXIBLE, isRightAligned, type Layout, type Slot } from './columns.tsx';
import { stepOf } from './keys.ts';
import type { Landmark } from './row-cache.ts';
import {
  isSelected,
  moveFocus,
  rangeOf,
  selectAll,
  selectOne,
  selectRange,
  toggleOne,
  type SelectionState,
} from './selection.ts';
import { TableHeader } from './table-header.tsx';
import type { MessageList } from './use-message-list.ts';

export const ROW_HEIGHT = 34;

const useStyles = makeStyles({
  frame: {
    position: 'relative',
    flexGrow: 1,
    minHeight: 0,
    overflow: 'auto',
    outlineStyle: 'none',
    scrollbarGutter: 'stable',
    backgroundColor: tokens.colorNeutralBackground1,
    '&:focus-visible .focused-row': {
      outline: `2px solid ${tokens.colorStrokeFocus2}`,
      outlineOffset: '-2px',
      borderRadius: tokens.borderRadiusMedium,
    },
  },
  body: { position: 'relative', minWidth: '100%' },
  row: {
    position: 'absolute',
    insetInlineStart: 0,
    display: 'flex',
    height: `${ROW_HEIGHT}px`,
    alignItems: 'center',
    boxSizing: 'border-box',
    fontSize: tokens.fontSizeBase300,
    color: tokens.colorNeutralForeground1,
    cursor: 'default',
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ':hover': { backgroundColor: tokens.colorSubtleBackgroundHover },
  },
  unseen: { fontWeight: tokens.fontWeightSemibold },
  selected: {
    backgroundColor: tokens.colorBrandBackground2,
    ':hover': { backgroundColor: tokens.colorBrandBackground2Hover },
    '@media (forced-colors: active)': {
      backgroundColor: 'Highlight',
      color: 'HighlightText',
      forcedColorAdjust: 'none',
    },
  },
  cell: {
    flexShrink: 0,
    boxSizing: 'border-box',
    paddingInline: '10px',
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
  },
  flexible: { flexGrow: 1, flexShrink: 1 },
  right: { textAlign: 'end', fontVariantNumeric: 'tabular-nums' },
});

interface Props {
  readonly list: MessageList;
  readonly layout: Layout;
  readonly onLayout: (next: Layout) => void;
  readonly selection: SelectionState;
  readonly onSelection: (change: (old: SelectionState) => SelectionState) => void;
  readonly onOpen: () => void;
  readonly onDelete: () => void;
  readonly onContextMenu: (place: { readonly x: number; readonly y: number }) => void;
  /** Filled by the table: which rows must not move, and how to move them. */
  readonly view: { current: TableView | null };
}

export interface TableView {
  /** Null while new rows may push the others down: scrolled to the top, pointer elsewhere. */
  readonly landmarks: () => readonly Landmark[] | null;
  readonly shift: (rows: number) => void;
  readonly toTop: () => void;
  /** Scrolls a row into view and takes the keyboard there. */
  readonly reveal: (index: number) => void;
  readonly focus: () => void;
}

export function MessageTable({
  list,
  layout,
  onLayout,
  selection,
  onSelection,
  onOpen,
  onDelete,
  onContextMenu,
  view,
}: Props) {
  const styles = useStyles();
  const say = useSay();
  const format = useFormat();
  const now = useNow(15_000);
  const frame = useRef<HTMLDivElement>(null);
  const pointer = useRef<number | null>(null);
  const pendingShift = useRef(0);
  const total = list.total ?? 0;

  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    paddingStart: 0,
    scrollPaddingStart: ROW_HEIGHT,
    initialRect: { width: 800, height: 480 },
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  const { setVisible, rowAt } = list;
  useEffect(() => {
    setVisible(first, last);
  }, [setVisible, first, last]);

  const slots = useMemo<Slot[]>(() => {
    const found: Slot[] = [];
    for (let index = first; index <= last && index < total; index++) found.push({ index, row: rowAt(index) });
    return found;
  }, [first, last, total, rowAt]);

  const table = useTable({
    features,
    columns,
    data: slots,
    columnResizeMode: 'onChange',
    initialState: {
      columnSizing: layout.sizes,
      columnVisibility: Object.fromEntries(layout.hidden.map((key) => [key, false])),
    },
  });
  const { columnSizing, columnVisibility } = table.state;
  useEffect(() => {
    const hidden = SORT_KEYS.filter((key) => columnVisibility[key] === false);
    if (JSON.stringify([columnSizing, hidden]) !== JSON.stringify([layout.sizes, layout.hidden])) {
      onLayout({ ...layout, sizes: columnSizing, hidden });
    }
  }, [columnSizing, columnVisibility, layout, onLayout]);

  const shown = table.getVisibleLeafColumns();
  const width = table.getTotalSize();

  // The rows moved and the scroll position moves with them, before anything is painted.
  useLayoutEffect(() => {
    if (pendingShift.current === 0 || frame.current === null) return;
    frame.current.scrollTop += pendingShift.current * ROW_HEIGHT;
    pendingShift.current = 0;
  });

  useEffect(() => {
    view.current = {
      landmarks: () => {
        const top = frame.current?.scrollTop ?? 0;
        if (top < ROW_HEIGHT / 2 && pointer.current === null) return null;
        const seen = slots.filter((slot) => slot.index * ROW_HEIGHT >= top);
        const under = slots.find((slot) => slot.index === pointer.current);
        const focused = seen.find((slot) => slot.index === selection.focus?.index);
        return [under, focused, ...seen].flatMap((slot) =>
          slot?.row === undefined ? [] : [{ id: slot.row.id, index: slot.index }],
        );
      },
      shift: (rows) => {
        pendingShift.current += rows;
      },
      toTop: () => {
        if (frame.current !== null) frame.current.scrollTop = 0;
      },
      reveal: (index) => {
        virtual.scrollToIndex(index, { align: 'center' });
        frame.current?.focus();
      },
      focus: () => frame.current?.focus(),
    };
  }, [view, slots, selection.focus, virtual]);

  const range = useCallback(
    (index: number, add: boolean) => {
      const { from, to } = rangeOf(selection, index);
      drop(
        list.idsOf(from, to).then((ids) => {
          const id = index >= from && index < to ? ids[0] : ids.at(-1);
          onSelection((old) => selectRange(old, index, id ?? null, ids, add));
        }),
      );
    },
    [list, selection, onSelection],
  );

  const click = (event: MouseEvent, slot: Slot) => {
    if (slot.row === undefined || event.button === 1) return;
    const { id } = slot.row;
    if (event.button === 2) {
      if (!isSelected(selection, id)) onSelection(() => selectOne(slot.index, id));
      return;
    }
    if (event.shiftKey) range(slot.index, event.ctrlKey || event.metaKey);
    else if (event.ctrlKey || event.metaKey) onSelection((old) => toggleOne(old, slot.index, id));
    else onSelection(() => selectOne(slot.index, id));
  };

  const press = (event: KeyboardEvent) => {
    // A column's head has the focus: its keys are a button's.
    if (event.target !== event.currentTarget) return;
    const command = event.ctrlKey || event.metaKey;
    const here = selection.focus?.index ?? -1;
    const page = Math.max(1, Math.floor(((frame.current?.clientHeight ?? 0) - ROW_HEIGHT) / ROW_HEIGHT) - 1);
    const target = stepOf(event.key, here, total, page);
    if (target !== null) {
      event.preventDefault();
      virtual.scrollToIndex(target);
      if (event.shiftKey) range(target, command);
      else if (command) onSelection((old) => moveFocus(old, target, rowAt(target)?.id ?? null));
      else {
        const id = rowAt(target)?.id;
        if (id !== undefined) onSelection(() => selectOne(target, id));
        else
          drop(
            list
              .idsOf(target, target)
              .then(([found]) => found !== undefined && onSelection(() => selectOne(target, found))),
          );
      }
      return;
    }
    const focusedId = here >= 0 ? rowAt(here)?.id : undefined;
    if (command && event.key.toLowerCase() === 'a') onSelection(selectAll);
    else if (event.key === ' ' && focusedId !== undefined) {
      onSelection((old) => (command ? toggleOne(old, here, focusedId) : selectOne(here, focusedId)));
    } else if (event.key === 'Enter') onOpen();
    else if (event.key === 'Delete') onDelete();
    else if (event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10')) {
      const box =
        frame.current?.querySelector(`#row-${here}`)?.getBoundingClientRect() ?? frame.current?.getBoundingClientRect();
      if (box !== undefined) onContextMenu({ x: box.left + 24, y: box.top + ROW_HEIGHT });
    } else return;
    event.preventDefault();
  };

  const focused = selection.focus?.index;
  return (
    <div
      ref={frame}
      className={styles.frame}
      role="grid"
      tabIndex={0}
      aria-label={say('queue.messages')}
      aria-multiselectable
      aria-rowcount={list.total === null ? -1 : total + 1}
      aria-colcount={shown.length}
      aria-activedescendant={
        focused !== undefined && focused >= first && focused <= last ? `row-${focused}` : undefined
      }
      onKeyDown={press}
      onPointerLeave={() => {
        pointer.current = null;
      }}
      onContextMenu={(event) => {
        event.preventDefault();
        onContextMenu({ x: event.clientX, y: event.clientY });
      }}
    >
      <TableHeader table={table} layout={layout} onLayout={onLayout} width={width} />
      <div className={styles.body} role="rowgroup" style={{ height: `${virtual.getTotalSize()}px` }}>
        {slots.map((slot) => {
          const chosen = slot.row !== undefined && isSelected(selection, slot.row.id);
          return (
            <div
              key={slot.row?.id ?? `place-${slot.index}`}
              id={`row-${slot.index}`}
              role="row"
              aria-rowindex={slot.index + 2}
              aria-selected={chosen}
              className={mergeClasses(
                styles.row,
                slot.row?.seen === false &&
                  (slot.row.folder === 'bad' || slot.row.folder === 'bounced') &&
                  styles.unseen,
                chosen && styles.selected,
                slot.index === focused && 'focused-row',
              )}
              style={{ transform: `translateY(${slot.index * ROW_HEIGHT}px)`, width: '100%', minWidth: `${width}px` }}
              onMouseDown={(event) => click(event, slot)}
              onDoubleClick={onOpen}
              onPointerEnter={() => {
                pointer.current = slot.index;
              }}
            >
              {shown.map((column) => (
                <div
                  key={column.id}
                  role="gridcell"
                  className={mergeClasses(
                    styles.cell,
                    column.id === FLEXIBLE && styles.flexible,
                    isRightAligned(column.id) && styles.right,
                  )}
                  style={{ width: `${column.getSize()}px` }}
                >
                  <Cell column={column.id as SortKey} row={slot.row} say={say} format={format} now={now} />
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
