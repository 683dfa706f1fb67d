/** The message table: virtual rows over a list that lies in the database, keyboard and mouse as in a file manager. */
import { makeStyles, tokens } from '@fluentui/react-components';
import { useTable } from '@tanstack/react-table';
import {
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  type KeyboardEvent,
  type MouseEvent,
  type Ref,
} from 'react';
import { SORT_KEYS, type SortKey } from '../../shared/mail.ts';
import { drop } from '../bridge.ts';
import { useLocale } from '../i18n/locale.tsx';
import { useNow } from '../components/use-now.ts';
import { useStatus } from '../status.tsx';
import { columns, features, type Slot } from './columns.tsx';
import { stepOf } from './keys.ts';
import type { Layout } from './layout.ts';
import { MessageRow, ROW_HEIGHT, type ShownColumn } from './message-row.tsx';
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
import { useVisibleRows } from './use-visible-rows.ts';

/** Before it is drawn: the list of a window of 800 px. */
const FIRST_HEIGHT = 400;

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
    '@media (forced-colors: active)': {
      '&:focus-visible .focused-row[aria-selected=true]': { outlineColor: 'HighlightText', outlineOffset: '-3px' },
    },
  },
  body: { position: 'relative', minWidth: '100%' },
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
  readonly view: Ref<TableView>;
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
  const { t, format } = useLocale();
  const now = useNow(15_000);
  const hold = useStatus()?.hold ?? null;
  const frame = useRef<HTMLDivElement>(null);
  const pointer = useRef<number | null>(null);
  const pendingShift = useRef(0);
  const total = list.total ?? 0;

  const visible = useVisibleRows(frame, total, ROW_HEIGHT, ROW_HEIGHT, FIRST_HEIGHT);
  const { first, last, look, scrollTo } = visible;
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

  const width = table.getTotalSize();
  const leaves = table
    .getVisibleLeafColumns()
    .map((column): ShownColumn => ({ key: column.id as SortKey, width: column.getSize() }));
  const shape = leaves.map((column) => `${column.key} ${column.width}`).join();
  // eslint-disable-next-line react-hooks/exhaustive-deps -- `shape` says all that is in them
  const shown = useMemo(() => leaves, [shape]);

  // The rows moved and the scroll position moves with them, before anything is painted.
  useLayoutEffect(() => {
    if (pendingShift.current === 0 || frame.current === null) return;
    frame.current.scrollTop += pendingShift.current * ROW_HEIGHT;
    pendingShift.current = 0;
    look();
  });

  useImperativeHandle(
    view,
    () => ({
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
        scrollTo(index, 'center');
        frame.current?.focus();
      },
      focus: () => frame.current?.focus(),
    }),
    [slots, selection.focus, scrollTo],
  );

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

  const click = (event: MouseEvent, index: number) => {
    const id = rowAt(index)?.id;
    if (id === undefined || event.button === 1) return;
    if (event.button === 2) {
      if (!isSelected(selection, id)) onSelection(() => selectOne(index, id));
      return;
    }
    if (event.shiftKey) range(index, event.ctrlKey || event.metaKey);
    else if (event.ctrlKey || event.metaKey) onSelection((old) => toggleOne(old, index, id));
    else onSelection(() => selectOne(index, id));
  };
  // What the rows are given stays the same, so that they need not be drawn anew.
  const hooks = useRef({ click, onOpen });
  useLayoutEffect(() => {
    hooks.current = { click, onOpen };
  });
  const onRowPress = useCallback((event: MouseEvent, index: number) => hooks.current.click(event, index), []);
  const onRowOpen = useCallback(() => hooks.current.onOpen(), []);
  const onRowEnter = useCallback((index: number) => {
    pointer.current = index;
  }, []);

  const press = (event: KeyboardEvent) => {
    // A column's head has the focus: its keys are a button's.
    if (event.target !== event.currentTarget) return;
    const command = event.ctrlKey || event.metaKey;
    const here = selection.focus?.index ?? -1;
    const page = Math.max(1, Math.floor(((frame.current?.clientHeight ?? 0) - ROW_HEIGHT) / ROW_HEIGHT) - 1);
    const before = selection.focus?.id ?? null;
    const gone = before !== null && (rowAt(here)?.id ?? before) !== before;
    const target = stepOf(event.key, here, total, page, gone);
    if (target !== null) {
      event.preventDefault();
      scrollTo(target, 'nearest');
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
      aria-label={t('queue.messages')}
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
      <div className={styles.body} role="rowgroup" style={{ height: `${total * ROW_HEIGHT}px` }}>
        {slots.map(({ index, row }) => (
          <MessageRow
            key={row?.id ?? `place-${index}`}
            index={index}
            row={row}
            chosen={row !== undefined && isSelected(selection, row.id)}
            focused={index === focused}
            shown={shown}
            width={width}
            t={t}
            format={format}
            now={now}
            hold={hold}
            onPress={onRowPress}
            onOpen={onRowOpen}
            onEnter={onRowEnter}
          />
        ))}
      </div>
    </div>
  );
}
