/** The message table: virtual rows over a list in the database, keyboard and mouse as in a file manager. */
import { makeStyles, tokens } from '@fluentui/react-components';
import {
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  type MouseEvent,
  type Ref,
  type RefObject,
} from 'react';
import { useNow } from '../components/use-now.ts';
import { useLocale } from '../i18n/locale.tsx';
import { useStatus } from '../status.ts';
import { shownColumns, type ShownColumn, type TableRow } from './columns.tsx';
import type { Layout } from './layout.ts';
import { MessageRow, ROW_HEIGHT } from './message-row.tsx';
import { rowSelection } from './row-selection.ts';
import { followRows, isSelected, type SelectionState } from './selection.ts';
import { pressTableKey } from './table-keys.ts';
import { TableHeader } from './table-header.tsx';
import type { MessageList } from './use-message-list.ts';
import { useScrollAnchor } from './use-scroll-anchor.ts';
import { useVisibleRows } from './use-visible-rows.ts';

/** Before it is drawn: the list of a window of 800 px. */
const INITIAL_HEIGHT = 400;

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
  /** Filled by the table. */
  readonly view: Ref<TableView>;
}

export interface TableView {
  readonly toTop: () => void;
  /** Scrolls a row into view and focuses the table. */
  readonly reveal: (index: number) => void;
  readonly focus: () => void;
}

export function MessageTable(props: Props) {
  const { list, layout, onLayout, selection, onSelection, onContextMenu, view } = props;
  const styles = useStyles();
  const { t } = useLocale();
  const frameRef = useRef<HTMLDivElement>(null);
  const pointerRef = useRef<number | null>(null);
  const total = list.total ?? 0;
  const { first, last, update, scrollTo } = useVisibleRows(frameRef, total, ROW_HEIGHT, ROW_HEIGHT, INITIAL_HEIGHT);
  const { setVisible, rowAt } = list;
  useEffect(() => {
    setVisible({ first, last });
  }, [setVisible, first, last]);

  const tableRows = useMemo<TableRow[]>(() => {
    const found: TableRow[] = [];
    for (let index = first; index <= last && index < total; index++) found.push({ index, row: rowAt(index) });
    return found;
  }, [first, last, total, rowAt]);
  const columns = useMemo(() => shownColumns(layout), [layout]);
  const width = columns.reduce((sum, column) => sum + column.width, 0);
  const focused = selection.focus?.index;

  useScrollAnchor(frameRef, {
    key: list.key,
    rows: list.rows,
    tableRows,
    pointerRef,
    focused,
    onScrolled: update,
    onMoved: (shift, count) => onSelection((old) => followRows(old, shift, count)),
  });
  useTableView(view, frameRef, scrollTo);
  const rows = rowSelection(list, selection, onSelection);
  return (
    <div
      ref={frameRef}
      className={styles.frame}
      role="grid"
      tabIndex={0}
      aria-label={t('queue.messages')}
      aria-multiselectable
      aria-rowcount={list.total === null ? -1 : total + 1}
      aria-colcount={columns.length}
      aria-activedescendant={
        focused !== undefined && focused >= first && focused <= last ? `row-${focused}` : undefined
      }
      onKeyDown={(event) => pressTableKey(event, { ...props, frameRef, rows, scrollTo })}
      onPointerLeave={() => {
        pointerRef.current = null;
      }}
      onContextMenu={(event) => {
        event.preventDefault();
        onContextMenu({ x: event.clientX, y: event.clientY });
      }}
    >
      <TableHeader columns={columns} layout={layout} onLayout={onLayout} width={width} />
      <div className={styles.body} role="rowgroup" style={{ height: `${total * ROW_HEIGHT}px` }}>
        <Rows
          tableRows={tableRows}
          columns={columns}
          width={width}
          selection={selection}
          pointerRef={pointerRef}
          onPress={rows.onRowPress}
          onOpen={props.onOpen}
        />
      </div>
    </div>
  );
}

interface RowsProps {
  readonly tableRows: readonly TableRow[];
  readonly columns: readonly ShownColumn[];
  readonly width: number;
  readonly selection: SelectionState;
  /** Gets the index of the row under the pointer. */
  readonly pointerRef: RefObject<number | null>;
  readonly onPress: (event: MouseEvent, index: number) => void;
  readonly onOpen: () => void;
}

function Rows({ tableRows, columns, width, selection, pointerRef, onPress, onOpen }: RowsProps) {
  const { t, format } = useLocale();
  const now = useNow(15_000);
  const hold = useStatus()?.hold ?? null;
  // What the rows are given stays the same, so that they need not be drawn anew.
  const handlers = useRef({ onPress, onOpen });
  useLayoutEffect(() => {
    handlers.current = { onPress, onOpen };
  });
  const onRowPress = useCallback((event: MouseEvent, index: number) => handlers.current.onPress(event, index), []);
  const onRowOpen = useCallback(() => handlers.current.onOpen(), []);
  const onRowEnter = useCallback(
    (index: number) => {
      pointerRef.current = index;
    },
    [pointerRef],
  );
  return tableRows.map(({ index, row }) => (
    <MessageRow
      key={row?.id ?? `place-${index}`}
      index={index}
      row={row}
      chosen={row !== undefined && isSelected(selection, row.id)}
      focused={index === selection.focus?.index}
      shown={columns}
      width={width}
      t={t}
      format={format}
      now={now}
      hold={hold}
      onPress={onRowPress}
      onOpen={onRowOpen}
      onEnter={onRowEnter}
    />
  ));
}

/** What the window may do with the table. */
function useTableView(
  view: Ref<TableView>,
  frameRef: RefObject<HTMLElement | null>,
  scrollTo: (index: number, align: 'center') => void,
): void {
  useImperativeHandle(
    view,
    () => ({
      toTop: () => {
        if (frameRef.current !== null) frameRef.current.scrollTop = 0;
      },
      reveal: (index) => {
        scrollTo(index, 'center');
        frameRef.current?.focus();
      },
      focus: () => frameRef.current?.focus(),
    }),
    [frameRef, scrollTo],
  );
}
